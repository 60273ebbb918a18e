"""What a built program takes and gives: enough to run it again without Brian2."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from autapse_sim.engines.brian.assembly.lasting import Lasting
from autapse_sim.engines.brian.dense.layout import Block, Layout
from autapse_sim.engines.brian.tape import Tape
from autapse_sim.errors import InputError
from autapse_sim.spec.job import Job, Outcome, State
from autapse_sim.spec.weights import Weights


@dataclass(frozen=True)
class Parameter:
    """A variable of a group that holds one parameter per network.

    Parameters
    ----------
    name : str
        Of the parameter.
    size : int
        Neurons of one network in the group.
    each : bool
        Whether these are the neurons of the circuit, for each of which a parameter may be given.
    """

    name: str
    size: int
    each: bool

    def values(self, job: Job, layout: Layout) -> np.ndarray:
        """The parameter of every neuron, in the order of the group."""
        given = job.parameters[self.name]
        if given.ndim == 2 and not self.each:
            raise InputError(
                f"parameter {self.name} is given per neuron, but inputs or outputs have it too: give one per replicate"
            )
        return layout.flat(np.repeat(given[:, None], self.size, axis=1) if given.ndim == 1 else given)


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
        return self.flat(job.weights)

    def flat(self, weights: Weights) -> np.ndarray:
        """These weights in the order of the synapses."""
        block, given = self.block, getattr(weights, self.name)
        shape = (block.layout.replicates, block.post, block.pre)
        return block.flat(np.zeros(shape) if given is None else given.reshape(shape))

    def weights(self, flat: np.ndarray) -> np.ndarray:
        """The reverse: weights (R, post, pre), or (R, post) for a bias."""
        found = self.block.unflat(flat)
        return found[:, :, 0] if self.name in ("b", "c") else found


@dataclass(frozen=True)
class Sign(Projection):
    """The signs of the weights of a projection before anything was learned."""

    def values(self, job: Job, layout: Layout) -> np.ndarray:
        """The signs in the order of the synapses."""
        return np.sign(self.flat(job.origin or job.weights))


@dataclass(frozen=True)
class Identity:
    """A variable of synapses that is 1 from each neuron to itself, and else 0."""

    block: Block

    def values(self, job: Job, layout: Layout) -> np.ndarray:
        """The numbers in the order of the synapses."""
        block = self.block
        if block.innermost == "self":
            return np.ones(block.size)
        return block.flat(np.broadcast_to(np.eye(block.post, block.pre), (layout.replicates, block.post, block.pre)))


@dataclass(frozen=True)
class Index:
    """A variable of a group that holds the number of each neuron within its network; `size` as in `Parameter`."""

    size: int

    def values(self, job: Job, layout: Layout) -> np.ndarray:
        """The numbers in the order of the group."""
        return layout.flat(np.tile(np.arange(float(self.size)), (layout.replicates, 1)))


@dataclass(frozen=True)
class Delay:
    """The delays of a circuit in integration steps: of each neuron of the group, or of each synapse of the block."""

    block: Block | None = None

    def values(self, job: Job, layout: Layout) -> np.ndarray:
        """The numbers in the order of the group or of the synapses."""
        given = np.array(job.circuit.delay, dtype=float)
        every = np.broadcast_to(given, (layout.replicates, *given.shape)).copy()
        return self.block.flat(every) if self.block else layout.flat(every)


Input = Parameter | Bias | Projection | Identity | Index | Delay
KINDS = {kind.__name__: kind for kind in (Parameter, Bias, Projection, Sign, Identity, Index, Delay)}


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
    inputs : dict of str to Input
        What its variables are set to before a run, by 'object.variable'.
    learned : dict of str to str
        The variables that hold the learned weights, by the weights' names; each is one of `inputs`.
    tables : dict of str to str
        The units of the records that its tape keeps by their names, 'error' first; 'spikes' where neurons spike.
    lasting : dict of str to Lasting
        What goes on from trajectory to trajectory beside the weights that learn.
    """

    key: str
    layout: Layout
    precision: str
    inputs: dict[str, Input]
    learned: dict[str, str]
    tables: dict[str, str]
    lasting: dict[str, Lasting]

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
        """From text; ValueError, LookupError, TypeError or AttributeError where it is no such text."""
        found = json.loads(text)
        layout = Layout(**found.pop("layout"))

        def made(kind: Callable, fields: dict) -> Any:
            if fields.get("block"):
                fields["block"] = Block(layout, **{k: v for k, v in fields["block"].items() if k != "layout"})
            return kind(**fields)

        inputs = {name: made(KINDS[kind], fields) for name, (kind, fields) in found.pop("inputs").items()}
        lasting = {name: made(Lasting, fields) for name, fields in found.pop("lasting").items()}
        program = cls(layout=layout, inputs=inputs, lasting=lasting, **found)
        texts = [program.key, program.precision, *program.learned, *program.tables, *program.tables.values()]
        texts += [text for each in lasting.values() for text in (each.variable, *each.dims)]
        if not all(isinstance(one, str) for one in texts) or not set(program.learned.values()) <= inputs.keys():
            raise ValueError("it is not the description of a program")
        return program


def projections(inputs: Mapping[str, Input], learned: Mapping[str, str]) -> dict[str, Projection]:
    """The projections, among all inputs, whose weights learn, by the names of the weights."""
    found: dict[str, Projection] = {}
    for name, key in learned.items():
        each = inputs[key]
        if not isinstance(each, Projection):
            raise TypeError(f"{key} holds no weights")
        found[name] = each
    return found


Rows = Callable[[str], np.ndarray]
"""Gives a variable of Brian2 as it was at the end of some presentations: (kept, all networks in their order)."""


def telemetry(
    inputs: Mapping[str, Input], learned: Mapping[str, str], lasting: Mapping[str, Lasting], layout: Layout, rows: Rows
) -> dict[str, dict]:
    """The weights at checkpoints and the states that go on, as `Outcome` has them, from the rows that were kept."""
    weights = {
        name: [each.weights(row.astype(float)) for row in rows(learned[name])]
        for name, each in projections(inputs, learned).items()
    }
    states = {
        name: State(tuple(each.dims), each.unflat(rows(each.variable).astype(float), layout))
        for name, each in lasting.items()
    }
    return {"checkpoints": {name: np.array(kept) for name, kept in weights.items() if kept}, "states": states}


def outcome(
    job: Job,
    tape: Tape,
    learned: Mapping[str, np.ndarray],
    total: np.ndarray | None,
    engine: str,
    kept: Mapping[str, dict],
) -> Outcome:
    """What a run gave: its tape, the weights with those that it learned, each neuron's spikes, and its `telemetry`."""
    return Outcome(
        tape.mse(),
        replace(job.weights, **learned),
        tape.predictions(),
        tape.traced_arrays(),
        engine,
        tape.seconds,
        tape.memory,
        tape.units,
        tape.cross_entropy(),
        None if total is None else tape.layout.unflat(np.asarray(total, dtype=float), job.circuit.neurons),
        **kept,
    )
