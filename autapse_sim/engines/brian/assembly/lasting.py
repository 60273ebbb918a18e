"""What of a Brian2 network goes on from trajectory to trajectory beside its weights, and where it lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autapse_sim.engines.brian.dense.layout import Block, Layout

GROUPS = {"neurons": "neuron", "inputs": "input", "outputs": "coordinate", "unit": "unit"}
"""The axis of the neurons of a group."""


@dataclass(frozen=True)
class Lasting:
    """A variable that goes on.

    Parameters
    ----------
    variable : str
        Its 'object.variable' in Brian2.
    dims : tuple of str
        The axes of one network, as a result names them.
    size : int
        Neurons of one network in the group; 0 where it is a variable of synapses.
    block : Block, optional
        Of the synapses.
    truth : bool
        Whether it is true or false.
    """

    variable: str
    dims: tuple[str, ...]
    size: int = 0
    block: Block | None = None
    truth: bool = False

    def flat(self, values: np.ndarray, layout: Layout) -> np.ndarray:
        """Values (R, ...) in the order in which they lie."""
        return self.block.flat(values) if self.block else layout.flat(values)

    def unflat(self, rows: np.ndarray, layout: Layout) -> np.ndarray:
        """The reverse, of several: (S, R, ...)."""
        if self.block is None:
            return layout.unflat(rows, self.size)
        shape = (len(rows), layout.replicates, self.block.post, self.block.pre)
        return np.reshape([self.block.unflat(row) for row in rows], shape)


def axes(pre: str, post: str) -> tuple[str, str]:
    """The axes of synapses between two groups.

    Examples
    --------
    >>> axes("neurons", "neurons"), axes("inputs", "neurons"), axes("inputs", "inputs")
    (('post', 'pre'), ('neuron', 'input'), ('input_post', 'input_pre'))
    """
    if pre != post:
        return GROUPS[post], GROUPS[pre]
    return ("post", "pre") if pre == "neurons" else (f"{GROUPS[pre]}_post", f"{GROUPS[pre]}_pre")
