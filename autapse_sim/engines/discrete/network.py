"""The discrete network (paper, section IV): N of them, side by side, and what they remember of one trajectory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from autapse_sim.engines.discrete.layout import Layout
from autapse_sim.spec.weights import Weights


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
    """N networks: a(t) = W o(t-1) + U x(t) + b, o(t) = o(t-1) + (f(a(t)) - o(t-1)) / tau_m, o(0) = 0.

    The paper's network is the one of tau_m = 1. With the loss 'mse' yhat = V o + c, with 'cross-entropy' yhat is the
    softmax of V o + c over outputs; err = yhat - y for both, the slope of half the squared error, or of the
    cross-entropy, by V o + c.

    Each is shown one trajectory, or several side by side (see `Layout`).
    Steps count from 0 here, so that row t of an array is the paper's step t + 1. Biases are weights from a unit whose
    activity is always 1: with them, W stands for [W b], V for [V c] and the activity for [o 1]. Where U learns, the
    stimulus is presynaptic activity too, of the same step: W stands for [U W b], and what is presynaptic for [x o 1].

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
    loss : {'mse', 'cross-entropy'}
        What is to fall.
    tau_m : array (N,), optional
        The time constant of the neurons in steps; None is 1.

    Attributes
    ----------
    W, V, U, B, B_rec : arrays (N, ...)
        The weights as they are now, with the biases in the last column of W and V, and with U in the first columns of W
        where it learns (U itself is then None).
    z : array (T + 1, L, m + n + 1 at most)
        [o 1] or [x o 1], from o(0) and x(1) on: row t is presynaptic to step t. L is K N, with K trajectories.
    slope : array (T, L, n)
        f'(a).
    gain : array (T, L, n)
        The derivative of o(t) by a(t), f'(a) / tau_m.
    keep : array (L, 1) or None
        The derivative of o(t) by o(t-1) where W = 0, 1 - 1/tau_m; None where tau_m is 1 for all.
    recurrent : slice
        The columns of W and z that belong to o.
    prediction, err : arrays (T, L, c)
        yhat, and yhat - y where it counts, else 0.
    unknown : bool array (T, L, c) or None
        Where y is NaN and does not count; None where all of it does.
    """

    def __init__(
        self,
        weights: Weights,
        activation: str,
        learn: tuple[str, ...],
        steps: int,
        loss: str = "mse",
        tau_m: np.ndarray | None = None,
    ) -> None:
        count, n, _ = weights.W.shape
        self.given, self.learn, self.layout, self.neurons = weights, learn, Layout(n, count), n
        self.steps = steps
        self.softmax = loss == "cross-entropy"
        self.tau_m = None if tau_m is None or (tau_m == 1).all() else tau_m
        self.activate, self.derive = ACTIVATIONS[activation]
        self.inputs = weights.U.shape[2] if "U" in learn else 0
        self.recurrent = slice(self.inputs, self.inputs + n)
        matrix, self.V = self._with_bias("W", "b"), self._with_bias("V", "c")
        self.W = self.layout.copy(np.concatenate([weights.U, matrix], axis=2)) if self.inputs else matrix
        self.U = None if self.inputs else self.layout.copy(weights.U)
        self.B = self.layout.copy(weights.B)
        self.B_rec = None if weights.B_rec is None else self.layout.copy(weights.B_rec)
        self._make_room(count)

    def _make_room(self, lanes: int) -> None:
        """Room for the trajectories of `lanes`."""
        c, first, last = self.V.shape[1], self.recurrent.start, self.recurrent.stop
        width = max(self.W.shape[2], first + self.V.shape[2])
        self.z = self.layout.zeros(self.steps + 1, lanes, width, axis=1)
        self.z[:, :, last:] = 1
        self.x, self.o, self.pre, self.post = (
            self.z[: self.steps, :, :first],
            self.z[1:, :, first:last],
            self.z[:, :, : self.W.shape[2]],
            self.z[1:, :, first : first + self.V.shape[2]],
        )
        n = self.neurons
        self.drive, self.slope, self.prediction, self.err, self.y = (
            self.layout.zeros(self.steps, lanes, size, axis=1) for size in (n, n, c, c, c)
        )
        self.f, self.gain, self.keep = self.o, self.slope, None
        if self.tau_m is not None:
            self.f, self.gain = (self.layout.zeros(self.steps, lanes, n, axis=1) for _ in range(2))
            self.share = np.tile(1 / self.tau_m, lanes // self.layout.networks)[:, None]
            self.keep = 1 - self.share
        self.log_prediction = np.empty_like(self.prediction) if self.softmax else None

    def _with_bias(self, weight: str, bias: str) -> np.ndarray:
        matrix, column = getattr(self.given, weight), getattr(self.given, bias)
        if column is None and bias in self.learn:
            column = np.zeros(matrix.shape[:2])
        return self.layout.copy(matrix if column is None else np.concatenate([matrix, column[:, :, None]], axis=2))

    def places(self, weight: str) -> dict[str, slice]:
        """The columns of [U W b] or [V c] by the names of what they hold."""
        first, last = (self.inputs, self.recurrent.stop) if weight == "W" else (0, self.neurons)
        bias = {"W": "b", "V": "c"}[weight]
        places = {weight: slice(first, last), bias: slice(last, last + 1)}
        return {"U": slice(0, first), **places} if weight == "W" else places

    def learning(self, weight: str) -> slice:
        """The columns of [U W b] or [V c] from the first to the last that learns."""
        learning = [place for name, place in self.places(weight).items() if name in self.learn]
        return slice(learning[0].start, learning[-1].stop) if learning else slice(0, 0)

    def moving(self, weight: str) -> np.ndarray:
        """Which of these columns learn, bool (columns,): W may stand still between U and b."""
        moves = np.zeros(getattr(self, weight).shape[2], dtype=bool)
        for name, place in self.places(weight).items():
            moves[place] = name in self.learn
        return moves[self.learning(weight)]

    def show(self, x: np.ndarray, y: np.ndarray) -> None:
        """Start K trajectories: x (N, K, T, m), y (N, K, T, c)."""
        if x.shape[0] * x.shape[1] != self.y.shape[1]:
            self._make_room(x.shape[0] * x.shape[1])
        if self.U is None:
            self.layout.split(self.x, 1)[...] = x.transpose(2, 1, 0, 3)
        else:
            stimulus = self.layout.zeros(self.steps, self.y.shape[1], x.shape[3], axis=1)
            self.layout.split(stimulus, 1)[...] = x.transpose(2, 1, 0, 3)
            self.layout.apply(self.U, stimulus, out=self.drive)
        self.layout.split(self.y, 1)[...] = y.transpose(2, 1, 0, 3)
        unknown = np.isnan(self.y)
        self.unknown = unknown if unknown.any() else None

    def step(self, t: int) -> None:
        """The activity of step t."""
        a = self.layout.apply(self.W, self.pre[t], out=self.f[t])
        if not self.inputs:
            a += self.drive[t]
        self.activate(a)
        if self.keep is not None:
            np.multiply(self.z[t, :, self.recurrent], self.keep, out=self.o[t])
            self.o[t] += self.share * self.f[t]

    def run(self) -> None:
        """The activity of all steps."""
        for t in range(self.steps):
            self.step(t)

    def differentiate(self, t: int | slice) -> None:
        """The slope of step t, or of all."""
        self.derive(self.f[t], self.slope[t])
        if self.keep is not None:
            np.multiply(self.slope[t], self.share, out=self.gain[t])

    def read(self, t: int | slice) -> None:
        """Prediction and error of step t, or of all."""
        prediction = self.layout.apply(self.V, self.post[t], out=self.prediction[t])
        if self.log_prediction is not None:
            log = self.log_prediction[t]
            np.subtract(prediction, prediction.max(axis=-1, keepdims=True), out=log)
            log -= np.log(np.exp(log).sum(axis=-1, keepdims=True))
            np.exp(log, out=prediction)
        np.subtract(prediction, self.y[t], out=self.err[t])
        if self.unknown is not None:
            self.err[t][self.unknown[t]] = 0

    def cross_entropy(self) -> np.ndarray:
        """-sum_c y log(yhat) in nats, summed over the steps that count (L,)."""
        if self.log_prediction is None:
            raise ValueError("there is no cross-entropy with the loss 'mse'")
        y = self.y if self.unknown is None else np.where(self.unknown, 0, self.y)
        return -np.einsum("tlq,tlq->l", y, self.log_prediction)

    def feedback(self, t: int | slice) -> np.ndarray:
        """(B err) of step t, or of all."""
        return self.layout.apply(self.B, self.err[t], out=np.empty_like(self.slope[t]))

    def weights(self) -> Weights:
        """The weights as they are now, as arrays of their own."""
        now = {}
        for weight in ("W", "V"):
            matrix = getattr(self, weight)
            for name, place in self.places(weight).items():
                part = matrix[:, :, place].copy(order="C")
                if part.shape[2]:
                    now[name] = part[:, :, 0] if name in ("b", "c") else part
        rest = {name: value.copy() for name, value in self.given.items() if name not in now}
        return replace(self.given, **rest, **now)
