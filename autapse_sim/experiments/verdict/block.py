"""A block of seeds that is judged: every method, what needs no network, and how updates lie to the exact gradient."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.experiments.alignment import blind, cosine, exact_gradient
from autapse_sim.experiments.benchmark import Benchmark
from autapse_sim.experiments.verdict.methods import CEILING, Method, parameters_of
from autapse_sim.experiments.verdict.points import Chosen
from autapse_sim.experiments.verdict.trial import (
    BLOCK,
    FITTED,
    FLOORS,
    Trial,
    drawn,
    protocol_of,
    refit_error,
    score,
    told_setting,
    train_method,
)
from autapse_sim.results.result import Result
from autapse_sim.results.scores import accuracy, error_of
from autapse_sim.spec.job import STEP, Job, Outcome
from autapse_sim.spec.protocol import Protocol, Schedule
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.shown import foreseen, observed
from autapse_sim.training.beside import task_controls
from autapse_sim.training.draws import Drawn
from autapse_sim.training.labels import alive
from autapse_sim.training.reservoir import Reservoir
from autapse_sim.training.train import prepare

AGES = (0.0, 0.1, 0.3, 1.0)
"""Shares of the training after which updates are held against the exact gradient."""
PROBED = 1e-3
"""The learning rate of the one update that is held against the exact gradient."""


@dataclass(frozen=True)
class Judged:
    """A unit: a method on a block of seeds, at its points.

    Parameters
    ----------
    trial : Trial
        The method on the benchmark.
    chosen : Chosen
        Where, by the pilots.
    seeds : (int, int)
        The seed, and the number of the block.
    reservoirs : tuple of Reservoir
        Of the tuned reservoir: that of each least penalty of the refitted read-out.
    """

    trial: Trial
    chosen: Chosen
    seeds: tuple[int, int]
    reservoirs: tuple[Reservoir, ...] = ()

    @property
    def work(self) -> int:
        """How many networks it trains."""
        return BLOCK * len(self.chosen.own)

    def parts(self) -> dict[str, Any]:
        """All that determines the result."""
        scales = [[one.gain, one.input_scale] for one in self.reservoirs]
        return {**self.trial.told(), "chosen": self.chosen, "seeds": self.seeds, "reservoirs": scales}

    def run(self) -> Result:
        """Test error, online (R,) and refit (R, F), the validation error (R, P), and of the first block an example."""
        setting, method = self.trial.setting, self.trial.method
        given, protocol = drawn(setting, method, self.seeds), protocol_of(setting, method, self.seeds)
        outcome = train_method(self.trial, given, protocol, self.chosen.own, self.chosen.readout)
        scores = score(setting, given, protocol, outcome, refit=not self.reservoirs)
        refit = scores.refit[-BLOCK:]
        if self.reservoirs:
            scaled = zip(FLOORS, self.reservoirs, strict=True)
            tuned = [refit_error(setting, given, protocol, one.of(given.weights), [floor]) for floor, one in scaled]
            refit = np.concatenate(tuned, axis=1)
        data = xr.Dataset(
            {
                **_spiking_and_right(setting, given, protocol, outcome),
                "moved": (("replicate", "direction"), _singular(self.trial.method, given, outcome)),
                "online": ("replicate", scores.online[:BLOCK]),
                "refit": (("replicate", "floor"), refit),
                "looks": (("replicate", "look"), scores.curve[:BLOCK]),
            },
            attrs={"engine": outcome.engine},
        )
        if self.seeds[1] == 0:
            data["example"] = (("step", "coordinate"), outcome.prediction[0, 0])
            data["modes"] = (("mode", "real_or_imaginary"), _eigenvalues(outcome.weights.W[0]))
        return Result(data)


@dataclass(frozen=True)
class Beside:
    """A unit: the controls of a block of seeds that need no network, and of the first block what is shown."""

    setting: Benchmark
    seeds: tuple[int, int]
    work = BLOCK

    def parts(self) -> dict[str, Any]:
        """All that determines the result."""
        return {**told_setting(self.setting), "seeds": self.seeds}

    def run(self) -> Result:
        """Test error (control, R), and of the first block a target and its stimulus, NaN where that is blanked."""
        setting = self.setting
        given = drawn(setting, Method(None), self.seeds)
        errors = _controls(setting, given)
        data = xr.Dataset({"control_mse": (("control", "replicate"), list(errors.values()))})
        data = data.assign_coords(control=list(errors))
        if self.seeds[1] == 0:
            test = -setting.protocol.test
            data["example_target"] = (("step", "coordinate"), given.y[0, test])
            data["example_stimulus"] = (("step", "input"), _seen(setting.task, given.x)[0, test])
        return Result(data)


@dataclass(frozen=True)
class Aligned:
    """A unit: the updates of W by a rule beside the exact gradient, at some ages of its networks."""

    trial: Trial
    chosen: Chosen
    seeds: tuple[int, int]

    @property
    def work(self) -> int:
        """How many networks it trains."""
        return BLOCK * (len(AGES) - 1)

    def parts(self) -> dict[str, Any]:
        """All that determines the result."""
        return {**self.trial.told(), "chosen": self.chosen, "seeds": self.seeds}

    def run(self) -> Result:
        """Cosine of a trajectory's update of W with the exact gradient, (age, R); of the exact gradient also a control.

        The update is the change of W that the run itself makes, with the weights as the method has left them at that
        age; the control is a rule that is blind to activity, (B err) 1^T.
        """
        setting, method = self.trial.setting, self.trial.method
        given, protocol = drawn(setting, method, self.seeds), protocol_of(setting, method, self.seeds)
        found: dict[str, list[np.ndarray]] = {}
        for age in AGES:
            train = int(age * protocol.train) // protocol.batch * protocol.batch
            now = given
            if train:
                shown = replace(protocol, train=train, validate=0, test=0, validate_every=1)
                outcome = train_method(self.trial, given, shown, [self.chosen.online], self.chosen.readout)
                now = replace(given, weights=outcome.weights)
            found.setdefault("aligned", []).append(self._cosine(now, protocol))
            if method.rule == CEILING:
                found.setdefault("blind", []).append(blind(_probe(setting, now, _once(protocol)), protocol.train))
        return Result(xr.Dataset({name: (("age", "replicate"), np.stack(each)) for name, each in found.items()}))

    def _cosine(self, now: Drawn, protocol: Protocol) -> np.ndarray:
        """The cosine (R,) for the first validation trajectory, which is shown alone."""
        setting = self.trial.setting
        index = np.array([protocol.train])
        alone = Schedule(index, np.array([True]), np.array([False]), np.array([False]))
        only = replace(self.trial, setting=replace(setting, circuit=replace(setting.circuit, learn=("W",))))
        outcome = train_method(only, now, _once(protocol), [replace(self.chosen.online, eta=PROBED)], schedule=alone)
        update = (now.weights.W - outcome.weights.W) / PROBED
        return cosine(update, exact_gradient(_probe(setting, now, _once(protocol)), protocol.train))


def _spiking_and_right(setting: Benchmark, given: Drawn, protocol: Protocol, outcome: Outcome) -> dict[str, Any]:
    """Whether networks are neither silent nor saturated, and the share of scored steps that they classify right."""
    found: dict[str, Any] = {}
    if outcome.spikes is not None:
        duration = outcome.mse.shape[1] * given.x.shape[2] * STEP
        found["alive"] = "replicate", alive(outcome.spikes[:BLOCK] / duration)
    if setting.circuit.loss == "cross-entropy":
        predicted = outcome.prediction[:, :BLOCK].transpose(1, 0, 2, 3)
        found["accuracy"] = "replicate", accuracy(predicted, given.y[:, -protocol.test :]).mean(axis=1)
    return found


def _singular(method: Method, given: Drawn, outcome: Outcome) -> np.ndarray:
    """Singular values (R, n) of what learning changed in W; NaN where a network diverged."""
    before = method.reservoir.of(given.weights) if method.reservoir else given.weights
    change = outcome.weights.W[:BLOCK] - before.W
    finite = np.isfinite(change).all(axis=(1, 2))
    values = np.linalg.svd(np.where(finite[:, None, None], change, 0), compute_uv=False)
    return np.where(finite[:, None], values, np.nan)


def _eigenvalues(W: np.ndarray) -> np.ndarray:
    """Real and imaginary parts (n, 2) of the eigenvalues, the largest first; NaN where the network diverged."""
    if not np.isfinite(W).all():
        return np.full((len(W), 2), np.nan)
    values = np.linalg.eigvals(W)
    values = values[np.lexsort((-values.imag, -np.abs(values).round(9)))]
    return np.stack([values.real, values.imag], axis=1)


def _once(protocol: Protocol) -> Protocol:
    """The protocol of one plain update at the end of a trajectory."""
    return replace(protocol, update="trajectory", batch=1, optimiser="sgd")


def _probe(setting: Benchmark, given: Drawn, protocol: Protocol) -> Job:
    """The job of a block in which one trajectory teaches W along the exact gradient."""
    circuit = replace(setting.circuit, rule=CEILING, learn=("W",))
    values = parameters_of(setting, circuit, protocol.replicates)
    return prepare(circuit, given, protocol, values, np.arange(protocol.replicates))


def _controls(setting: Benchmark, given: Drawn) -> dict[str, np.ndarray]:
    """Test error of every control that needs no network, (R,), and of what the task's own physics allow for."""
    protocol, task = setting.protocol, setting.task
    # as many trajectories as a refitted read-out gets
    train, test = slice(max(0, protocol.train - FITTED), protocol.train), slice(-protocol.test, None)
    select = slice(protocol.train, protocol.train + protocol.validate)
    loss = setting.circuit.loss
    predictions = task_controls(task, given.x, given.y, train, test, select=select, loss=loss)
    predictions |= foreseen(task, given.x[:, test])
    error = error_of(loss)
    return {name: error(prediction, given.y[:, test]).mean(axis=1) for name, prediction in predictions.items()}


def _seen(task: Task, x: np.ndarray) -> np.ndarray:
    """The same, with NaN where the stimulus is blanked."""
    seen = observed(task, x).copy()
    if task.blanked is not None:
        seen[..., task.blanked, :] = np.nan
    return seen
