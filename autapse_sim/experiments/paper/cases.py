"""The networks that are trained to measure the claims: what is drawn, what is run, and how it is scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autapse_sim.experiments.compare import RULES
from autapse_sim.experiments.paper.setting import SPECTRA, Setting
from autapse_sim.results.scores import affine_r2
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP, Outcome
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.units import Amount
from autapse_sim.spec.weights import Weights
from autapse_sim.studies.unit import told_circuit, told_task
from autapse_sim.training.declared import declared, resolve_parameters
from autapse_sim.training.draws import Drawn, draw_block
from autapse_sim.training.train import choose_engine, engine_for, run

PAPER = Circuit()
BLOCK = 100
"""Networks that are trained as one unit."""


def _as_drawn(weights: Weights, generators: list[np.random.Generator]) -> Weights:
    return weights


def _wide(weights: Weights, generators: list[np.random.Generator]) -> Weights:
    """V ~ N(0, 1)."""
    return replace(weights, V=weights.V * np.sqrt(weights.V.shape[2]))


def _silent(weights: Weights, generators: list[np.random.Generator]) -> Weights:
    """W = 0, and feedback that makes FA's gradient of the biases exact."""
    nothing = np.zeros_like(weights.W)
    return replace(weights, W=nothing, B=weights.V.transpose(0, 2, 1).copy(), B_rec=nothing.copy())


def _spectral(kind: str) -> Callable[[Weights, list[np.random.Generator]], Weights]:
    """Weights with B = B_rec ~ N(0, 1), drawn again until its eigenvalues are of a kind."""

    def start(weights: Weights, generators: list[np.random.Generator]) -> Weights:
        B = np.empty_like(weights.B)
        for matrix, rng in zip(B, generators, strict=True):
            matrix[...] = rng.normal(size=matrix.shape)
            while not SPECTRA[kind](np.linalg.eigvals(matrix)):
                matrix[...] = rng.normal(size=matrix.shape)
        return replace(weights, B=B, B_rec=B.copy())

    return start


STARTS = {"as drawn": _as_drawn, "wide": _wide, "silent": _silent, **{kind: _spectral(kind) for kind in SPECTRA}}
"""What becomes of the weights as they were drawn, by name; each network has a generator for it."""


@dataclass(frozen=True)
class Case:
    """What is trained.

    Parameters
    ----------
    circuit : Circuit
        With the rule.
    tau : int, optional
        In steps, where not the rule's own.
    eta_out : float, optional
        Of the read-out; None lets it be chosen with eta.
    start : str
        One of `STARTS`.
    tau_m : int
        In steps, of the neurons.
    """

    circuit: Circuit
    tau: int | None = None
    eta_out: float | None = None
    start: str = "as drawn"
    tau_m: int = 1

    def told(self) -> list[Any]:
        """What determines it, see `autapse_sim.studies.unit`."""
        return [told_circuit(self.circuit), self.tau, self.eta_out, self.start, self.tau_m]

    def etas(self, setting: Setting) -> tuple[float, ...]:
        """The learning rates to choose from."""
        plain = self.circuit.activation == "sigmoid" and self.tau_m == 1
        return (() if plain else setting.gentle) + setting.etas


@dataclass(frozen=True)
class Networks:
    """Some of the networks of a setting.

    Parameters
    ----------
    setting : Setting
        What is run.
    seed : int
        All draws follow from it.
    tested : bool
        Whether there are test trajectories; those on which learning rates are chosen have none.
    start, count : int
        The first one and how many.
    """

    setting: Setting
    seed: int
    tested: bool
    start: int
    count: int

    @property
    def protocol(self) -> Protocol:
        """Their protocol: they are looked at before and after training."""
        given = self.setting.protocol
        few = replace(given, replicates=self.count, seed=self.seed, validate_every=max(1, given.train), record=0)
        return few if self.tested else replace(few, test=0)

    def told(self) -> dict[str, Any]:
        """What determines what they are shown."""
        protocol = self.protocol
        task = told_task(self.setting.task, protocol.trajectories)
        return {"task": task, "protocol": replace(protocol, replicates=1), "block": [self.start, self.count]}

    def drawn(self, case: Case) -> Drawn:
        """Trajectories and initial weights; the trajectories do not depend on the case."""
        whole = replace(self.protocol, replicates=self.start + self.count)
        found = draw_block(case.circuit, self.setting.task, whole, self.start, self.count)
        numbers = range(self.start, self.start + self.count)
        generators = [np.random.default_rng([self.seed, 2, number]) for number in numbers]
        return replace(found, weights=STARTS[case.start](found.weights, generators))

    def engine(self, case: Case) -> str:
        """Who runs a case."""
        return choose_engine(case.circuit, engine_for(case.circuit, self.setting.engine))

    def run(self, case: Case, drawn: Drawn, source: np.ndarray, etas: np.ndarray) -> Outcome:
        """Train the networks `source` of these, at a learning rate each."""
        given: dict[str, Any] = dict.fromkeys(declared(case.circuit).etas, etas)
        if case.eta_out is not None:
            given["eta_out"] = case.eta_out
        for name, steps in (("tau", case.tau), ("tau_m", case.tau_m)):
            if steps is not None:
                given[name] = Amount(steps * STEP, "second", f"{steps} ms")
        values = resolve_parameters(case.circuit, given, len(source))
        return run(case.circuit, drawn, self.protocol, values, source, self.engine(case), room=places(self.setting))


def places(setting: Setting) -> int:
    """The number of networks that programs are built for, whatever the number of replicates is."""
    return max(BLOCK, setting.pilots * len(setting.gentle + setting.etas))


def scores_of(prediction: np.ndarray, drawn: Drawn, tested: int) -> dict[str, np.ndarray]:
    """Scores (R,) of predictions (R, K, T, c) of the test trajectories: those of `Trained`."""
    x, y = (array[:, -tested:] for array in (drawn.x, drawn.y))
    with np.errstate(all="ignore"):
        mse = ((prediction - y) ** 2).mean(axis=(1, 2, 3))
    unexplained = 1 - affine_r2(prediction, y).mean(axis=1)
    outside = ~((prediction >= -0.5) & (prediction <= 1.5))
    return {
        "test_mse": infinite(mse),
        "unexplained": infinite(unexplained),
        "with_x": _correlation(prediction, x),
        "with_y": _correlation(prediction, y),
        "outside": outside.mean(axis=(1, 2, 3)),
    }


def infinite(errors: np.ndarray) -> np.ndarray:
    """Errors with infinity for those of networks that diverged."""
    return np.where(np.isnan(errors), np.inf, errors)


def _correlation(prediction: np.ndarray, signal: np.ndarray) -> np.ndarray:
    """Pearson's correlation over all samples of a network, mean over coordinates, (R,); 0 where it is not defined."""
    with np.errstate(all="ignore"):
        p, s = (array - array.mean(axis=(1, 2), keepdims=True) for array in (prediction, signal))
        product = (p * s).sum(axis=(1, 2)) / np.sqrt((p**2).sum(axis=(1, 2)) * (s**2).sum(axis=(1, 2)))
    return np.where(np.isfinite(product), product, 0).mean(axis=1)


def paper_rules(tau_m: int = 1, **changes: Any) -> dict[str, Case]:
    """The paper's circuit, or one that differs in something, with each of its rules."""
    return {rule: Case(replace(PAPER, rule=rule, **changes), tau_m=tau_m) for rule in RULES}
