"""Where neurons and weights of R replicates lie in memory; no Brian2 here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LANES = 4
"""Largest n whose replicates lie innermost."""
UNROLLED = 8
"""Most presynaptic neurons that are written out one by one in an inner loop over something else."""


@dataclass(frozen=True)
class Layout:
    """The order of R replicates of a group in memory.

    Parameters
    ----------
    replicates : int
        R.
    lanes : bool
        Whether the replicate index is innermost: small networks fill vector registers side by side.

    Examples
    --------
    >>> Layout(3, lanes=True).flat(np.array([[1, 2], [3, 4], [5, 6]]))
    array([1, 3, 5, 2, 4, 6])
    """

    replicates: int
    lanes: bool

    @classmethod
    def choose(cls, replicates: int, neurons: int, others: int) -> Layout:
        """The faster layout for R networks of n neurons and at most `others` inputs or outputs, by measurement."""
        return cls(replicates, lanes=neurons <= LANES and others <= UNROLLED)

    def flat(self, values: np.ndarray) -> np.ndarray:
        """Values (R, size) in the order of the group."""
        return np.ascontiguousarray(values.T if self.lanes else values).ravel()

    def unflat(self, flat: np.ndarray, size: int) -> np.ndarray:
        """The reverse of `flat`; leading axes are kept: (..., R * size) to (..., R, size)."""
        if self.lanes:
            return flat.reshape(*flat.shape[:-1], size, self.replicates).swapaxes(-1, -2)
        return flat.reshape(*flat.shape[:-1], self.replicates, size)

    def block(self, pre: int, post: int) -> Block:
        """The order of the weights of a projection in this layout, by measurement."""
        if self.lanes:
            return Block(self.replicates, pre, post, "replicate")
        return Block(self.replicates, pre, post, "post" if pre <= UNROLLED and pre < post else "pre")


@dataclass(frozen=True)
class Block:
    """The order of the weights of R all-to-all projections.

    Parameters
    ----------
    replicates, pre, post : int
        R, and the neurons of one replicate on both sides.
    innermost : {'replicate', 'pre', 'post'}
        Memory order (post, pre, R), (R, post, pre) or (R, pre, post).
    """

    replicates: int
    pre: int
    post: int
    innermost: str

    def flat(self, weights: np.ndarray) -> np.ndarray:
        """Weights (R, post, pre) in the order of the synapses."""
        axes = {"replicate": (1, 2, 0), "pre": (0, 1, 2), "post": (0, 2, 1)}[self.innermost]
        return np.ascontiguousarray(weights.transpose(axes)).ravel()

    def unflat(self, flat: np.ndarray) -> np.ndarray:
        """The reverse of `flat`: (R, post, pre)."""
        R, pre, post = self.replicates, self.pre, self.post
        if self.innermost == "replicate":
            return np.ascontiguousarray(flat.reshape(post, pre, R).transpose(2, 0, 1))
        if self.innermost == "pre":
            return flat.reshape(R, post, pre)
        return np.ascontiguousarray(flat.reshape(R, pre, post).transpose(0, 2, 1))
