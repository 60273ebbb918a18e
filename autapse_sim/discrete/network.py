"""The discrete network (paper, section IV): N of them, side by side, and what they remember of one trajectory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from autapse_sim.discrete.layout import Layout
from autapse_sim.weights import Weights


def _sigmoid(a: np.ndarray) -> None:
    np.negative(a, out=a)
    np.exp(a, out=a)
    a += 1
    np.reciprocal(a, out=a)


def _tanh(a: np.ndarray) -> None:
    np.tanh(a, out=a)


def _relu(a: np.ndarray) -> None:
    np.maximum(a, 0, out=a)


def _linear(a: np.ndarray) -> None:
    pass


def _sigmoid_slope(o: np.ndarray, out: np.ndarray) -> None:
    np.subtract(1, o, out=out)
    out *= o


def _tanh_slope(o: np.ndarray, out: np.ndarray) -> None:
    np.multiply(o, o, out=out)
    np.subtract(1, out, out=out)


def _relu_slope(o: np.ndarray, out: np.ndarray) -> None:
    np.greater(o, 0, out=out)


def _linear_slope(o: np.ndarray, out: np.ndarray) -> None:
    out[...] = 1


ACTIVATIONS: dict[str, tuple[Callable[[np.ndarray], None], Callable[[np.ndarray, np.ndarray], None]]] = {
    "sigmoid": (_sigmoid, _sigmoid_slope),
    "tanh": (_tanh, _tanh_slope),
    "relu": (_relu, _relu_slope),
    "linear": (_linear, _linear_slope),
}
"""f, in place, and its slope f'(a), written in terms of o = f(a) into a second array."""


class Network:
    """N networks: a(t) = W o(t-1) + U x(t) + b, o = f(a), o(0) = 0; yhat = V o + c; err = yhat - y.

    Each is shown one trajectory, or several side by side (see `Layout`).
    Steps count from 0 here, so that row t of an array is the paper's step t + 1. Biases are weights from a unit whose
    activity is always 1: with them, W stands for [W b], V for [V c] and the activity for [o 1].

    Parameters
    ----------
    weights : Weights
        The weights at the start; they are copied.
    activation : str
        Name of f.
    learn : tuple of str
        What learns; a bias that is not given starts from 0 if it learns.
    steps : int
        T, the length of a trajectory.
    scored : bool array (T,), optional
        The steps whose error counts; None is all of them.

    Attributes
    ----------
    W, V, U, B, B_rec : arrays (N, ...)
        The weights as they are now, with the biases in the last column of W and V.
    z : array (T + 1, L, n or n + 1)
        [o 1], from o(0) on: row t is presynaptic to step t. L is K N, with K trajectories.
    slope : array (T, L, n)
        f'(a).
    prediction, err : arrays (T, L, c)
        yhat, and yhat - y where it counts (else 0).
    """

    def __init__(
        self,
        weights: Weights,
        activation: str,
        learn: tuple[str, ...],
        steps: int,
        scored: np.ndarray | None = None,
    ) -> None:
        count, n, _ = weights.W.shape
        self.given, self.learn, self.layout, self.neurons = weights, learn, Layout(n, count), n
        self.steps = steps
        self.scored = None if scored is None or scored.all() else scored.astype(float)[:, None, None]
        self.activate, self.derive = ACTIVATIONS[activation]
        self.W, self.V = self._with_bias("W", "b"), self._with_bias("V", "c")
        self.U, self.B = self.layout.copy(weights.U), self.layout.copy(weights.B)
        self.B_rec = None if weights.B_rec is None else self.layout.copy(weights.B_rec)
        self._make_room(count)

    def _make_room(self, lanes: int) -> None:
        """Room for the trajectories of `lanes`."""
        c, n = self.V.shape[1], self.neurons
        self.z = self.layout.zeros(self.steps + 1, lanes, max(self.W.shape[2], self.V.shape[2]), axis=1)
        self.z[:, :, n:] = 1
        self.o, self.pre, self.post = (
            self.z[1:, :, :n],
            self.z[:, :, : self.W.shape[2]],
            self.z[1:, :, : self.V.shape[2]],
        )
        self.drive, self.slope, self.prediction, self.err, self.y = (
            self.layout.zeros(self.steps, lanes, size, axis=1) for size in (n, n, c, c, c)
        )

    def _with_bias(self, weight: str, bias: str) -> np.ndarray:
        matrix, column = getattr(self.given, weight), getattr(self.given, bias)
        if column is None and bias in self.learn:
            column = np.zeros(matrix.shape[:2])
        return self.layout.copy(matrix if column is None else np.concatenate([matrix, column[:, :, None]], axis=2))

    def learning(self, weight: str, bias: str) -> slice:
        """The columns of [weight bias] that learn."""
        n, both = self.neurons, (weight in self.learn, bias in self.learn)
        return {(True, True): slice(0, n + 1), (True, False): slice(0, n), (False, True): slice(n, n + 1)}.get(
            both, slice(0, 0)
        )

    def show(self, x: np.ndarray, y: np.ndarray) -> None:
        """Start K trajectories: x (N, K, T, m), y (N, K, T, c)."""
        if x.shape[0] * x.shape[1] != self.y.shape[1]:
            self._make_room(x.shape[0] * x.shape[1])
        stimulus = self.layout.zeros(self.steps, self.y.shape[1], x.shape[3], axis=1)
        self.layout.split(stimulus, 1)[...] = x.transpose(2, 1, 0, 3)
        self.layout.apply(self.U, stimulus, out=self.drive)
        self.layout.split(self.y, 1)[...] = y.transpose(2, 1, 0, 3)

    def step(self, t: int) -> None:
        """The activity of step t."""
        a = self.layout.apply(self.W, self.pre[t], out=self.o[t])
        a += self.drive[t]
        self.activate(a)

    def run(self) -> None:
        """The activity of all steps."""
        for t in range(self.steps):
            self.step(t)

    def differentiate(self, t: int | slice) -> None:
        """The slope of step t, or of all."""
        self.derive(self.o[t], self.slope[t])

    def read(self, t: int | slice) -> None:
        """Prediction and error of step t, or of all."""
        self.layout.apply(self.V, self.post[t], out=self.prediction[t])
        np.subtract(self.prediction[t], self.y[t], out=self.err[t])
        if self.scored is not None:
            self.err[t] *= self.scored[t]

    def feedback(self, t: int | slice) -> np.ndarray:
        """(B err) of step t, or of all."""
        return self.layout.apply(self.B, self.err[t], out=np.empty_like(self.slope[t]))

    def weights(self) -> Weights:
        """The weights as they are now, as arrays of their own."""
        n, now = self.neurons, {}
        for weight, bias, matrix in (("W", "b", self.W), ("V", "c", self.V)):
            now[weight] = matrix[:, :, :n].copy(order="C")
            if matrix.shape[2] > n:
                now[bias] = matrix[:, :, n].copy(order="C")
        rest = {name: value.copy() for name, value in self.given.items() if name not in now}
        return replace(self.given, **rest, **now)
