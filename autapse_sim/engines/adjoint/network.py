"""Circuits side by side: a forward sweep that keeps the states of a trajectory, and a backward sweep over them.

Arrays are (N, K, n): N networks, with K trajectories of each beside each other, of n neurons. Integration steps count
from 0; state k is that before integration step k, so that state 0 is where the trajectory starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from autapse_sim.engines.adjoint import check_feedback
from autapse_sim.engines.adjoint.numeric import function, real, unknown
from autapse_sim.engines.adjoint.projections import Projections
from autapse_sim.engines.adjoint.step import TOLD, Step
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.weights import Weights

Arrays = dict[str, Any]


class Network:
    """N networks and what they remember of the trajectories that they are shown.

    Parameters
    ----------
    job : Job
        Its weights are copied.
    step : Step
        The programs of its neurons.
    along : {'bptt', 'fa'}
        What carries the error back: the weights themselves, or B and B_rec in place of V^T and W^T.

    Attributes
    ----------
    weights : dict of str to array (N, ...)
        The weights as they are now; biases are there, too.
    states : list of dict of str to array (N, K, n)
        From before the first integration step to after the last.
    arrived : list of dict of str to array (N, K, n)
        Drive, input and bias of each integration step.
    prediction, err : list of array (N, K, c)
        After each integration step.
    """

    def __init__(self, job: Job, step: Step, along: str = "bptt"):
        self.job, self.step, self.along = job, step, along
        check_feedback(job.circuit, job.weights)
        self.n, self.substeps = job.circuit.neurons, job.circuit.substeps
        self.softmax = job.circuit.loss == "cross-entropy"
        networks, outputs = len(job.source), job.y.shape[-1]
        self.weights = {name: value.copy() for name, value in job.weights.items()}
        self.weights.setdefault("b", np.zeros((networks, self.n)))
        self.weights.setdefault("c", np.zeros((networks, outputs)))
        dt = STEP / self.substeps
        self.given: Arrays = {"dt": np.float64(dt), "step": np.float64(STEP), "N": np.float64(self.n)}
        self.given["i"] = np.arange(float(self.n))
        self.given |= {name: _beside(values) for name, values in job.parameters.items()}
        self.projections = Projections(step, self.given, job.circuit.delay, self.n)
        self._compile()

    def _compile(self) -> None:
        """The programs as functions."""
        start, program = self.step.start, self.step.step
        self.asked = (*self.step.states, *(("spiked",) if "spiked" in program.last else ()))
        ends = tuple(program.last.get(name, name) for name in self.asked)
        self.reads = tuple(unknown(program.forward))
        self.forward = function(program.forward, self.reads, ends)
        self.out = tuple(program.out_of(name) for name in self.step.moving)
        asked = tuple(program.into(name) for name in (*self.step.moving, *self.step.arriving))
        self.slopes = tuple(name for name in unknown(program.backward) if name not in self.out)
        self.local = function((*program.forward, *program.slopes), self.reads, self.slopes)
        self.back = function(program.backward, (*self.out, *self.slopes), asked)
        self.start_reads = tuple(unknown(start.forward))
        self.start = function(
            start.forward, self.start_reads, tuple(start.last.get(name, name) for name in self.step.states)
        )
        outs = tuple(start.out_of(name) for name in self.step.moving)
        lines = (*start.forward, *start.slopes, *start.backward)
        self.start_back = function(lines, (*self.start_reads, *outs), (start.into("bias"),))

    # -- forward ------------------------------------------------------------------------------------------------------

    def show(self, x: np.ndarray, y: np.ndarray) -> None:
        """Start K trajectories: x (N, K, T, m), y (N, K, T, c)."""
        self.x, self.y, self.counts = x, y, ~np.isnan(y)
        self.shape = (*x.shape[:2], self.n)
        self.given |= {"t": np.float64(0), "steps": np.float64(1)}
        self.begun = {"bias": self._bias()}
        values = self.start(*self._values(self.start_reads, self.begun))
        self.states = [self._full(self.step.states, values)]
        self.arrived: list[Arrays] = []
        self.slopes_kept: list[tuple | None] = []
        self.spikes: list[np.ndarray] = []
        self.prediction: list[np.ndarray] = []
        self.err: list[np.ndarray] = []

    def _values(self, wanted: tuple[str, ...], *known: Mapping[str, Any]) -> list[Any]:
        """The values of names, from what is known or given."""
        found: Arrays = dict(self.given)
        for each in known:
            found |= each
        return [found[name] for name in wanted]

    def _full(self, wanted: tuple[str, ...], values: tuple) -> Arrays:
        """Values for each neuron of each network and trajectory, by name."""
        return {
            name: value if np.shape(value) == self.shape else np.broadcast_to(real(value), self.shape)
            for name, value in zip(wanted, values, strict=True)
        }

    def at(self, k: int) -> None:
        """Set the time to that of integration step k."""
        self.given |= {"t": np.float64(k * self.given["dt"]), "steps": np.float64(k // self.substeps + 1)}

    def advance(self, k: int) -> None:
        """Integration step k."""
        self.at(k)
        arriving = self.projections.forward(self.weights["W"], self.states)
        arriving |= {"input": self._input(k), "bias": self._bias()} | self._told(k)
        self.arrived.append(arriving)
        self.slopes_kept.append(None)
        after = self._full(self.asked, self.forward(*self._values(self.reads, self.states[-1], arriving)))
        if "spiked" in after:
            self.spikes.append(after["spiked"])
        self.states.append(after)
        self._read(k // self.substeps)

    def _bias(self) -> np.ndarray:
        return np.broadcast_to(self.weights["b"][:, None], self.shape)

    def _told(self, k: int) -> Arrays:
        """The feedback and the loss of the integration step before, where neurons read them."""
        wanted = {*self.step.arriving} & {*TOLD}
        if not wanted:
            return {}
        feedback, cost = np.zeros(self.shape), np.zeros(self.shape)
        if k:
            feedback = self.err[-1] @ self.weights["B"].transpose(0, 2, 1)
            cost = np.broadcast_to(self._cost(k - 1).sum(axis=-1, keepdims=True), self.shape)
        return {name: {"feedback": feedback, "loss": cost}[name] for name in wanted}

    def _cost(self, k: int) -> np.ndarray:
        """The loss after integration step k, by outputs."""
        if not self.softmax:
            return self.err[k] ** 2 / 2
        t = k // self.substeps
        surprise = -self.y[:, :, t] * np.log(np.maximum(self.prediction[k], 1e-300))
        return np.where(self.counts[:, :, t], surprise, 0)

    def _input(self, k: int) -> np.ndarray:
        """U x, and what is returned of the prediction."""
        shown = self.x[:, :, k // self.substeps] @ self.weights["U"].transpose(0, 2, 1)
        if self.job.circuit.returned and k:
            shown = shown + self.prediction[-1] @ self.weights["F"].transpose(0, 2, 1)
        return shown

    def _read(self, t: int) -> None:
        """Prediction and error."""
        score = self.states[-1]["activity"] @ self.weights["V"].transpose(0, 2, 1) + self.weights["c"][:, None]
        if self.softmax:
            odds = np.exp(score - score.max(axis=-1, keepdims=True))
            score = odds / odds.sum(axis=-1, keepdims=True)
        self.prediction.append(score)
        self.err.append(np.where(self.counts[:, :, t], score - self.y[:, :, t], 0))

    def run(self) -> None:
        """All steps."""
        for k in range(self.x.shape[2] * self.substeps):
            self.advance(k)

    # -- backward -----------------------------------------------------------------------------------------------------

    def shares(self, averaging: bool) -> np.ndarray:
        """What the loss of each integration step counts (T substeps,): dt/step, with eq. 1's 1/t by what is elapsed."""
        count = self.x.shape[2] * self.substeps
        elapsed = np.arange(1, count + 1) / self.substeps if averaging else np.ones(count)
        return 1 / self.substeps / elapsed

    def pull(self) -> np.ndarray | None:
        """The slope (N, K, n) of the penalty on what was sent by what is sent in an integration step; None without."""
        c_reg = self.given.get("c_reg")
        if c_reg is None or not c_reg.any():
            return None
        steps, share = self.x.shape[2], 1 / self.substeps
        mean = np.sum([each["sent"] for each in self.states[1:]], axis=0) * share / steps
        return c_reg * (mean - self.given["f_target"] * STEP) / steps * share

    def sweep(
        self, entering: Mapping[int, np.ndarray], keep: bool = False, pull: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """The gradients (N, ...) of a loss by all weights, with its slopes by V o + c after some integration steps.

        Parameters
        ----------
        entering : mapping of int to array (N, K, c)
            By integration step; the sweep goes back from the last of them.
        keep : bool
            Whether local slopes are kept for further sweeps over the same trajectory.
        pull : array (N, K, n), optional
            What the loss has as slope by what is sent after each integration step, beside.
        """
        entry = self.weights["B"] if self.along == "fa" else self.weights["V"].transpose(0, 2, 1)
        recurrent = self.weights["B_rec"] if self.along == "fa" else self.weights["W"]
        last = max(entering)
        bars: Arrays = dict.fromkeys(self.step.moving, 0.0)
        pending: dict[int, Arrays] = {}
        returned: Any = 0.0
        tracks: list[Arrays] = []
        total: Arrays = {name: 0.0 for name in ("V", "c", "b")}
        for k in range(last, -1, -1):
            score = entering.get(k, 0.0) + self._before_softmax(k, returned)
            if np.ndim(score):
                bars["activity"] = bars["activity"] + score @ entry.transpose(0, 2, 1)
                total["V"] = total["V"] + score.transpose(0, 2, 1) @ self.states[k + 1]["activity"]
                total["c"] = total["c"] + score.sum(axis=1)
            for name, value in pending.pop(k + 1, {}).items():
                bars[name] = bars[name] + value
            if pull is not None:
                bars["sent"] = bars["sent"] + pull
            found = self.back(*(bars[name] for name in self.step.moving), *self._local(k, keep))
            moving = len(self.step.moving)
            bars = dict(zip(self.step.moving, found[:moving], strict=True))
            arriving = self._full(self.step.arriving, found[moving:])
            tracks.append(arriving)
            total["b"] = total["b"] + arriving["bias"].sum(axis=1)
            self.at(k)
            self.projections.backward(recurrent, self.states, k, arriving, pending)
            returned = self._returned(k - 1, arriving) if k else 0.0
        for name, value in pending.pop(0, {}).items():
            bars[name] = bars[name] + value
        self.at(0)
        outs = [np.broadcast_to(bars[name], self.shape) for name in self.step.moving]
        (begun,) = self.start_back(*self._values(self.start_reads, self.begun), *outs)
        total["b"] = total["b"] + np.broadcast_to(begun, self.shape).sum(axis=1)
        tracks.reverse()
        return total | self._by_arrival(tracks)

    def _returned(self, k: int, slopes: Arrays) -> Any:
        """The slope of the loss by the prediction after integration step k, from those by what arrives in the next."""
        found: Any = slopes["input"] @ self.weights["F"] if self.job.circuit.returned else 0.0
        counts = self.counts[:, :, k // self.substeps]
        if "feedback" in slopes:
            found = found + counts * (slopes["feedback"] @ self.weights["B"])
        if "loss" in slopes:
            by_cost = slopes["loss"].sum(axis=-1, keepdims=True)
            y = self.y[:, :, k // self.substeps]
            by_prediction = -y / np.maximum(self.prediction[k], 1e-300) if self.softmax else self.err[k]
            found = found + by_cost * np.where(counts, by_prediction, 0)
        return found

    def _before_softmax(self, k: int, slope: Any) -> Any:
        """The slope of the loss by V o + c from that by the prediction."""
        if not (self.softmax and np.ndim(slope)):
            return slope
        p = self.prediction[k]
        return p * (slope - (p * slope).sum(axis=-1, keepdims=True))

    def _local(self, k: int, keep: bool) -> tuple:
        """The local slopes of integration step k."""
        if (kept := self.slopes_kept[k]) is not None:
            return kept
        self.at(k)
        found = self.local(*self._values(self.reads, self.states[k], self.arrived[k]))
        if keep:
            self.slopes_kept[k] = found
        return found

    def _by_arrival(self, tracks: list[Arrays]) -> Arrays:
        """The gradients by W and U, from the slopes by what arrived in each integration step."""
        steps = len(tracks)
        of_input = np.stack([each["input"] for each in tracks], axis=2)
        shown = self.x[:, :, np.arange(steps) // self.substeps]
        found = {"U": _over_time(of_input, shown)}
        found["W"] = self.projections.gradient(self.weights["W"], self.states, tracks, self.at)
        return found

    def now(self) -> Weights:
        """The weights as they are now."""
        given = {name for name, _ in self.job.weights.items()} | {*self.job.circuit.learn}
        return replace(self.job.weights, **{name: self.weights[name].copy() for name in given})


def _beside(values: np.ndarray) -> np.ndarray:
    """A parameter, (N,) or (N, n), for each trajectory."""
    return np.asarray(values, dtype=float).reshape(len(values), 1, -1)


def _over_time(slopes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """sum over trajectories and time of slope times value, (N, K, T, i) and (N, K, T, j) to (N, i, j)."""
    slopes, values = (array.reshape(len(array), -1, array.shape[-1]) for array in (slopes, values))
    return slopes.transpose(0, 2, 1) @ values
