"""Where neurons and weights of R replicates lie in memory; no Brian2 here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LANES = 8
"""Largest n whose replicates lie innermost."""
UNROLLED = 8
"""Most presynaptic neurons that are written out one by one in an inner loop over something else."""
TILE = {"lanes": 22 * 2**10, "rows": 2**15}
"""Bytes of the replicates that go through all steps before the next ones do: few enough for the nearest cache."""
REGISTER = 8
"""Numbers that fill a vector register."""


@dataclass(frozen=True)
class Layout:
    """The order of R replicates of a group in memory.

    Parameters
    ----------
    replicates : int
        R, a multiple of `tile`.
    tile : int
        Replicates that are run together, through all steps, before the next ones are.
    lanes : bool
        Whether the replicates of a tile lie innermost, and fill vector registers side by side; else their neurons do.

    Examples
    --------
    >>> Layout(4, tile=2, lanes=True).flat(np.array([[1, 2], [3, 4], [5, 6], [7, 8]]))
    array([1, 3, 2, 4, 5, 7, 6, 8])
    """

    replicates: int
    tile: int
    lanes: bool

    @classmethod
    def plain(cls, replicates: int) -> Layout:
        """One network after the other, all of them together."""
        return cls(replicates, replicates, lanes=False)

    @classmethod
    def choose(cls, replicates: int, neurons: int, others: int) -> Layout:
        """The fastest layout, by measurement, for at least R networks of n neurons and `others` inputs or outputs."""
        lanes = neurons <= LANES and others <= UNROLLED
        numbers = neurons * neurons + neurons * (4 * others + 12) + 6 * others
        most = max(1, TILE["lanes" if lanes else "rows"] // (8 * numbers))
        if lanes:  # whole registers, and at least one
            most = max(REGISTER, most // REGISTER * REGISTER)
        tile = -(-replicates // -(-replicates // most))
        if lanes and tile > REGISTER // 2:
            tile = -(-tile // REGISTER) * REGISTER
        return cls(-(-replicates // tile) * tile, tile, lanes)

    def flat(self, values: np.ndarray) -> np.ndarray:
        """Values (R, size) in the order of the group."""
        if self.lanes:
            values = values.reshape(-1, self.tile, values.shape[-1]).swapaxes(1, 2)
        return np.ascontiguousarray(values).ravel()

    def unflat(self, flat: np.ndarray, size: int) -> np.ndarray:
        """The reverse of `flat`; leading axes are kept: (..., R * size) to (..., R, size)."""
        before = flat.shape[:-1]
        if self.lanes:
            flat = flat.reshape(*before, self.replicates // self.tile, size, self.tile).swapaxes(-1, -2)
        return flat.reshape(*before, self.replicates, size)

    def block(self, pre: int, post: int, pairs: str = "all") -> Block:
        """The order of the weights of a projection in this layout, by measurement; `pairs` 'self' is each to itself."""
        if pairs == "self":
            return Block(self, pre, post, "self")
        if self.lanes:
            return Block(self, pre, post, "replicate")
        return Block(self, pre, post, "post" if pre <= UNROLLED and pre < post else "pre")


@dataclass(frozen=True)
class Block:
    """The order of the weights of R projections, all-to-all or from each neuron to itself.

    Parameters
    ----------
    layout : Layout
        Of the groups on both sides.
    pre, post : int
        The neurons of one replicate on both sides.
    innermost : {'replicate', 'pre', 'post', 'self'}
        Memory order (tiles, post, pre, tile), (R, post, pre) or (R, pre, post); that of the neurons for 'self'.
    """

    layout: Layout
    pre: int
    post: int
    innermost: str

    @property
    def size(self) -> int:
        """The number of synapses."""
        return self.layout.replicates * self.pre * (1 if self.innermost == "self" else self.post)

    def flat(self, weights: np.ndarray) -> np.ndarray:
        """Weights (R, post, pre) in the order of the synapses."""
        if self.innermost == "replicate":
            weights = weights.reshape(-1, self.layout.tile, self.post, self.pre).transpose(0, 2, 3, 1)
        elif self.innermost == "post":
            weights = weights.transpose(0, 2, 1)
        return np.ascontiguousarray(weights).ravel()

    def unflat(self, flat: np.ndarray) -> np.ndarray:
        """The reverse of `flat`: (R, post, pre)."""
        pre, post = self.pre, self.post
        if self.innermost == "replicate":
            flat = flat.reshape(-1, post, pre, self.layout.tile).transpose(0, 3, 1, 2)
        elif self.innermost == "post":
            flat = flat.reshape(-1, pre, post).transpose(0, 2, 1)
        return np.ascontiguousarray(flat).reshape(-1, post, pre)
