"""The weights of R networks: one frozen value, drawn replicate by replicate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from autapse_sim.checks import LARGEST, numbers
from autapse_sim.errors import InputError

EIGENVALUES: dict[str, Callable[[np.ndarray], bool]] = {
    "conditioned": lambda roots: bool(np.isreal(roots).all() and (roots.real > 0).all()),
    "mixed": lambda roots: bool(np.isreal(roots).all() and (roots.real > 0).any() and (roots.real < 0).any()),
    "negative": lambda roots: bool(np.isreal(roots).all() and (roots.real < 0).all()),
}
"""Kinds of feedback by the eigenvalues of V B: real, and positive, of both signs, or negative."""


@dataclass(frozen=True)
class Weights:
    """Weights of R networks of n neurons, m inputs and c outputs.

    Parameters
    ----------
    W : array (R, n, n)
        Recurrent weights, ``W[r, post, pre]``.
    U : array (R, n, m)
        Input weights.
    V : array (R, c, n)
        Read-out weights.
    B : array (R, n, c)
        Feedback, error to neurons.
    B_rec : array (R, n, n), optional
        Recurrent feedback of FA, in place of ``W^T`` (its transpose carries the error back). None for rules without it.
    b : array (R, n), optional
        Biases of the neurons; None is none (zeros).
    c : array (R, c), optional
        Biases of the read-out; None is none (zeros).
    F : array (R, n, c), optional
        Weights by which the prediction comes back to the neurons, in circuits with `returned`.
    """

    if TYPE_CHECKING:
        W: np.ndarray
        U: np.ndarray
        V: np.ndarray
        B: np.ndarray
    else:  # without a default Python, not `checked`, would say which are missing
        W: np.ndarray = None
        U: np.ndarray = None
        V: np.ndarray = None
        B: np.ndarray = None
    B_rec: np.ndarray | None = None
    b: np.ndarray | None = None
    c: np.ndarray | None = None
    F: np.ndarray | None = None

    @property
    def replicates(self) -> int:
        """R, the number of networks."""
        return len(self.W)

    def items(self) -> list[tuple[str, np.ndarray]]:
        """The names and arrays that are given."""
        return [(f.name, getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) is not None]

    def take(self, index: np.ndarray) -> Weights:
        """The weights of the networks named by `index` (a copy)."""
        return replace(self, **{name: value[index] for name, value in self.items()})

    def checked(self, replicates: int, neurons: int, inputs: int, outputs: int) -> Weights:
        """The same weights as finite float64 arrays of the expected shapes, or an `InputError`."""
        n, m, c = neurons, inputs, outputs
        shapes = {
            "W": (n, n),
            "U": (n, m),
            "V": (c, n),
            "B": (n, c),
            "B_rec": (n, n),
            "b": (n,),
            "c": (c,),
            "F": (n, c),
        }
        checked = {}
        for name in ("W", "U", "V", "B"):
            if getattr(self, name) is None:
                raise InputError(f"weights: {name} is missing; expected shape {(replicates, *shapes[name])}")
        for name, value in self.items():
            array = numbers(f"weights: {name}", value).copy()
            expected = (replicates, *shapes[name])
            if array.shape != expected:
                raise InputError(f"weights: {name} has shape {array.shape}, expected {expected}")
            if not (np.abs(array) <= LARGEST).all():
                raise InputError(
                    f"weights: {name} holds NaN or what is beyond {LARGEST:g}; every weight must be finite"
                )
            checked[name] = array
        return replace(self, **checked)


def draw_weights(
    rng: np.random.Generator,
    replicates: int,
    neurons: int,
    inputs: int,
    outputs: int,
    readout: str,
    feedback: str,
    returned: bool = False,
) -> Weights:
    """Draw the weights of `replicates` networks; a replicate's draw does not depend on how many stand beside it.

    W ~ N(0, 1/n); U = V = I for readout 'identity', else U ~ N(0, 1) and V ~ N(0, 1/n). Feedback B is 'random'
    (N(0, 1)), 'symmetric' (V^T) or of a kind of `EIGENVALUES`: N(0, 1), drawn again until the eigenvalues of V B are
    real and positive ('conditioned': for U = V = I the condition that the paper names), of both signs ('mixed', for at
    least two outputs) or negative ('negative'). B_rec = B where B is square and the read-out is the identity, else
    N(0, 1/n). F, where the prediction is `returned`, is uniform in [-1, 1].

    Returns
    -------
    Weights
        Arrays with a leading axis of length `replicates`.
    """
    if feedback == "mixed" and outputs < 2:
        raise InputError("feedback 'mixed' needs at least 2 outputs: with one there is only one eigenvalue")
    sizes = (neurons, inputs, outputs)
    one = [_draw_one(child, *sizes, readout, feedback, returned) for child in rng.spawn(replicates)]
    return Weights(**{name: np.stack([drawn[name] for drawn in one]) for name in one[0]})


def _draw_one(
    rng: np.random.Generator, n: int, m: int, c: int, readout: str, feedback: str, returned: bool
) -> dict[str, np.ndarray]:
    W = rng.normal(0, n**-0.5, (n, n))
    if readout == "identity":
        U, V = np.eye(n), np.eye(n)
    else:
        U, V = rng.normal(0, 1, (n, m)), rng.normal(0, n**-0.5, (c, n))
    B = V.T.copy() if feedback == "symmetric" else rng.normal(0, 1, (n, c))
    while feedback in EIGENVALUES and not EIGENVALUES[feedback](np.linalg.eigvals(V @ B)):
        B = rng.normal(0, 1, (n, c))
    B_rec = B.copy() if readout == "identity" else rng.normal(0, n**-0.5, (n, n))
    drawn = {"W": W, "U": U, "V": V, "B": B, "B_rec": B_rec}
    return drawn | ({"F": rng.uniform(-1, 1, (n, c))} if returned else {})
