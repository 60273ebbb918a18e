"""What a built program takes and gives: enough to run it again without Brian2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

import numpy as np

from autapse_sim.dense.layout import Block, Layout
from autapse_sim.job import Job, Outcome
from autapse_sim.tape import Tape


@dataclass(frozen=True)
class Parameter:
    """A variable of a group that holds one parameter per network.

    Parameters
    ----------
    name : str
        Of the parameter.
    size : int
        Neurons of one network in the group.
    """

    name: str
    size: int

    def values(self, job: Job, layout: Layout) -> np.ndarray:
        """The parameter of every neuron, in the order of the group."""
        return layout.flat(np.repeat(job.parameters[self.name][:, None], self.size, axis=1))


@dataclass(frozen=True)
class Bias:
    """A variable of a group that holds a bias that is not learned ('b' or 'c'); `size` as in `Parameter`."""

    name: str
    size: int

    def values(self, job: Job, layout: Layout) -> np.ndarray:
        """The bias of every neuron, in the order of the group."""
        given = getattr(job.weights, self.name)
        return layout.flat(np.zeros((len(job.source), self.size)) if given is None else given)


@dataclass(frozen=True)
class Projection:
    """The weights of a projection, in the order of its synapses.

    Parameters
    ----------
    name : str
        Of the weights: W, U, V, B, or a learned bias b, c.
    block : Block
        Sizes and order.
    """

    name: str
    block: Block

    def values(self, job: Job, layout: Layout) -> np.ndarray:
        """The weights in the order of the synapses."""
        block, given = self.block, getattr(job.weights, self.name)
        shape = (block.replicates, block.post, block.pre)
        return block.flat(np.zeros(shape) if given is None else given.reshape(shape))

    def weights(self, flat: np.ndarray) -> np.ndarray:
        """The reverse: weights (R, post, pre), or (R, post) for a bias."""
        found = self.block.unflat(flat)
        return found[:, :, 0] if self.name in ("b", "c") else found


KINDS = {kind.__name__: kind for kind in (Parameter, Bias, Projection)}


@dataclass(frozen=True)
class Program:
    """A program that runs networks of one shape.

    Parameters
    ----------
    key : str
        Of the compiled program in the cache.
    layout : Layout
        How its networks lie in memory.
    precision : {'double', 'single'}
        Of all its variables.
    inputs : dict of str to Parameter, Bias or Projection
        What its variables are set to before a run, by 'object.variable'.
    learned : dict of str to str
        The variables that hold the learned weights, by the weights' names; each is one of `inputs`.
    tables : list of str
        The names of the records that its tape keeps, 'error' first.
    """

    key: str
    layout: Layout
    precision: str
    inputs: dict[str, Parameter | Bias | Projection]
    learned: dict[str, str]
    tables: list[str]

    @property
    def dtype(self) -> type:
        """Of the variables."""
        return {"double": np.float64, "single": np.float32}[self.precision]

    def to_json(self) -> str:
        """As text."""
        inputs = {name: [type(value).__name__, asdict(value)] for name, value in self.inputs.items()}
        return json.dumps({**asdict(self), "inputs": inputs})

    @classmethod
    def from_json(cls, text: str) -> Program:
        """From text; ValueError, KeyError or TypeError where it is no such text."""
        found = json.loads(text)
        inputs = {}
        for name, (kind, fields) in found.pop("inputs").items():
            if "block" in fields:
                fields["block"] = Block(**fields["block"])
            inputs[name] = KINDS[kind](**fields)
        return cls(layout=Layout(**found.pop("layout")), inputs=inputs, **found)


def outcome(job: Job, tape: Tape, learned: Mapping[str, np.ndarray], engine: str) -> Outcome:
    """What a run gave: what its tape kept, and the weights with those that it learned."""
    weights = replace(job.weights, **learned)
    return Outcome(tape.mse(), weights, tape.predictions(), tape.traced_arrays(), engine, tape.seconds, tape.memory)
