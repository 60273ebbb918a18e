"""Neurons and synapses of one network for the reference: their variables, and what is computed of them."""

from __future__ import annotations

import ast
from collections import ChainMap, deque
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from brian2.equations.equations import DIFFERENTIAL_EQUATION, PARAMETER

from autapse_sim.engines.reference.code import (
    CONSTANTS,
    Code,
    Look,
    degree,
    equations,
    evaluate,
    held,
    integrated,
    tree,
)
from autapse_sim.errors import InputError
from autapse_sim.spec.job import STEP
from autapse_sim.spec.lines import line_of
from autapse_sim.spec.model import Neuron, Rule


@dataclass
class World:
    """What all parts of a network share: parameters, time, and the models that are to blame for unknown names."""

    models: tuple[Neuron | Rule, ...]
    parameters: Mapping[str, np.ndarray]
    dt: float
    method: str
    ticks: int = 0
    shared: dict[str, float] = field(default_factory=dict)

    @property
    def t(self) -> float:
        """Time since the states last began anew."""
        return self.ticks * self.dt

    def look(self, name: str) -> Any:
        """The value of a name that no part has."""
        for known in (self.shared, {"t": self.t, "dt": self.dt, "step": STEP}, CONSTANTS):
            if name in known:
                return np.float64(known[name])
        raise self.blame(name, f"unknown name {name!r}")

    def blame(self, word: str, said: str) -> InputError:
        """An error with the file and the line in which a word stands."""
        places = [line_of(model, word + side) for side in ("", "_post", "_pre") for model in self.models]
        return InputError(f"{next((place for place in places if ', line ' in place), places[0])}: {said}")


class Part:
    """Elements of one kind: variables by name, differential equations, and expressions that are computed when read."""

    def __init__(self, world: World, shape: tuple[int, ...]):
        self.world, self.shape = world, shape
        self.values: dict[str, Any] = {}
        self.expressions: dict[str, ast.expr] = {}
        self.rates: dict[str, ast.expr] = {}
        self.exact: dict[str, ast.expr] = {}
        self.summed: dict[str, ast.expr] = {}
        self.initial: dict[str, ast.expr] = {}
        self.moving: set[str] = set()
        self.left: dict[str, Any] = {}
        self.lasting: set[str] = set()

    def declare(self, *variables: str) -> None:
        """Variables that are 0 where a trajectory starts."""
        for name in variables:
            if name in self.values or name in self.expressions:
                raise self.world.blame(name, f"{name!r} is defined twice")
            self.values[name] = np.zeros(self.shape)
            self.moving.add(name)

    def add(self, text: str, initial: Mapping[str, str] | None = None, lasting: Iterable[str] = ()) -> None:
        """Equations, with what their variables start from."""
        found = equations(text)
        for name, equation in found.items():
            if equation.type in (PARAMETER, DIFFERENTIAL_EQUATION):
                self.declare(name)
                if "constant" in equation.flags:
                    self.moving.remove(name)
            if equation.type == PARAMETER:
                continue
            node = tree(equation.expr.code)
            if "summed" in equation.flags:
                self.summed[name.removesuffix("_post")] = node
            elif equation.type == DIFFERENTIAL_EQUATION:
                if "unless refractory" in equation.flags and "not_refractory" in self.values:
                    node = ast.BinOp(ast.Name("not_refractory", ast.Load()), ast.Mult(), node)
                (self.exact if "event-driven" in equation.flags else self.rates)[name] = node
            elif name in self.values or name in self.expressions or "constant over dt" in equation.flags:
                raise self.world.blame(name, f"{name!r} is defined twice, or constant over dt")
            else:
                self.expressions[name] = node
        self.begin({name: value for name, value in (initial or {}).items() if name in found})
        self.lasting |= set(lasting) & found.keys()

    def begin(self, initial: Mapping[str, str]) -> None:
        """Starting values, evaluated in the order in which they were given."""
        for name in initial.keys() - self.values.keys():
            raise self.world.blame(name, f"there is no variable {name!r} that could start anew")
        self.initial |= {name: tree(value) for name, value in initial.items()}

    def outside(self, name: str) -> Any:
        """The value of a name that is none of the part's own."""
        raise NotImplementedError

    def seen(self, values: Mapping[str, Any] | None = None, t: float | None = None) -> Look:
        """What looks up names here; by default among the variables of now."""
        values = self.values if values is None else values

        def look(name: str) -> Any:
            if name in values:
                return values[name]
            if name in self.expressions:
                return evaluate(self.expressions[name], look)
            return np.float64(t) if name == "t" and t is not None else self.outside(name)

        return look

    def full(self, value: Any) -> np.ndarray:
        """A value for each element."""
        return np.broadcast_to(np.asarray(value, dtype=float), self.shape)

    def value(self, node: ast.expr) -> np.ndarray:
        """The value of an expression for each element."""
        return self.full(evaluate(node, self.seen()))

    def restart(self, first: bool) -> None:
        """Start a trajectory anew; what lasts goes on from where the last training trajectory left it."""
        self.values |= dict.fromkeys(self.moving, np.zeros(self.shape)) | self.left
        for name, node in self.initial.items():
            if first or name not in self.lasting:
                self.values[name] = self.value(node)
        if first:
            self.leave()

    def leave(self) -> None:
        """Remember what lasts."""
        self.left = {name: self.values[name] for name in self.lasting}

    def integrate(self) -> None:
        """One integration step."""
        new: dict[str, Any] = {}
        world = self.world
        for method, rates in ((world.method, self.rates), ("exponential_euler", self.exact)):
            for name, rate in rates.items() if method == "exponential_euler" and not world.ticks else ():
                rates[name] = held(rate, name, self.expressions)
                if degree(rates[name], name) > 1:
                    raise world.blame(name, f"{name!r} is not linear in itself, as method exponential_euler needs it")
            if rates:
                new |= integrated(method, rates, self.values, self.seen, world.t, world.dt)
        self.values |= {name: self.full(value) for name, value in new.items()}

    def check_own(self, name: str) -> None:
        """Refuse an assignment to what is no variable of the part and no temporary."""
        if name in self.expressions or name.endswith(("_pre", "_post")):
            raise self.world.blame(name, f"{name!r} cannot be set here")

    def assign(self, code: Code, states: Container[str], where: np.ndarray | None = None) -> None:
        """Assignments to `states`, at some elements only; other names are temporaries, whoever else has them here."""
        temporaries: dict[str, Any] = {}
        look = self.seen(ChainMap(temporaries, self.values))
        for name, node in code:
            value = evaluate(node, look)
            if name in states:
                self.values[name] = self.full(value if where is None else np.where(where, value, self.values[name]))
            else:
                self.check_own(name)
                temporaries[name] = value


class Group(Part):
    """Neurons, inputs, outputs, or the unit of the biases; `each` where parameters may differ between elements."""

    def __init__(self, world: World, size: int, each: bool = False):
        super().__init__(world, (size,))
        self.size, self.each = size, each

    def steady(self, name: str, given: np.ndarray | None, number: int) -> None:
        """A variable that is given, for the network `number`; else 0 until it is summed."""
        self.declare(name)
        if given is not None:
            self.values[name] = given[number]
            self.moving.remove(name)

    def outside(self, name: str) -> Any:
        if name in self.world.parameters:
            value = self.world.parameters[name]
            if np.ndim(value) and not self.each:
                raise InputError(
                    f"parameter {name} is given per neuron, but inputs or outputs have it too: give one per replicate"
                )
            return value
        places = {"i": np.arange(self.size, dtype=float), "N": np.float64(self.size)}
        return places[name] if name in places else self.world.look(name)


class Synapses(Part):
    """Synapses from all of one group to all of another, or from each to itself: arrays (post, pre)."""

    def __init__(self, pre: Group, post: Group, text: str = "", rule: Rule | None = None, pairs: str = "all"):
        super().__init__(pre.world, (post.size, pre.size))
        self.pre, self.post, self.itself = pre, post, pairs == "self"
        self.delay: np.ndarray | None = None
        self.past: dict[str, deque] = {}
        self.moment = ""
        self.add(text, rule.initial if rule else None, rule.lasting if rule else ())
        incoming, outgoing = (1, 1) if self.itself else (pre.size, post.size)
        counts = {"N_pre": pre.size, "N_post": post.size, "N_incoming": incoming, "N_outgoing": outgoing}
        self.places: dict[str, Any] = {name: np.float64(count) for name, count in counts.items()}
        self.places |= {"i": np.arange(float(pre.size)), "j": np.arange(float(post.size))[:, None]}

    def outside(self, name: str) -> Any:
        if name in self.places:
            return self.places[name]
        if name in self.world.shared:
            return self.world.shared[name]
        if name.endswith("_pre"):
            return self.before(name.removesuffix("_pre"))
        value = self.post.seen()(name.removesuffix("_post"))
        return value[:, None] if np.ndim(value) else value

    def arrive_late(self, delay: int | tuple) -> None:
        """Read the presynaptic neurons as they were `delay` integration steps ago."""
        if np.any(delay):
            self.delay = np.broadcast_to(np.array(delay), self.shape)

    def before(self, name: str) -> Any:
        """A variable of the presynaptic neurons, as it arrives."""
        if self.delay is None:
            return self.pre.seen()(name)
        arriving = [self.pre.seen(values)(name) for values in self.past[self.moment]]
        stacked = np.stack([np.broadcast_to(value, (self.pre.size,)) for value in arriving])
        return stacked[self.delay, np.arange(self.pre.size)]

    def look_back(self, moment: str) -> None:
        """Remember the presynaptic neurons of now, at one of the moments of a step at which they are read."""
        if self.delay is not None:
            self.moment = moment
            self.past[moment].appendleft(dict(self.pre.values))

    def forget(self) -> None:
        """Start from presynaptic neurons that have always been as they are now."""
        if self.delay is not None:
            length = int(self.delay.max()) + 1
            moments = ("drive", "eligibility", "spikes", "update")
            self.past = {moment: deque([dict(self.pre.values)] * length, length) for moment in moments}
            self.moment = "update"

    def restart(self, first: bool) -> None:
        self.forget()
        super().restart(first)

    def total(self, node: ast.expr) -> np.ndarray:
        """The sum of an expression over the synapses of each postsynaptic element."""
        value = self.value(node)
        return np.diagonal(value) if self.itself else value.sum(axis=1)

    def check_own(self, name: str) -> None:
        super().check_own(name)
        if name in self.post.values or name in self.post.expressions:
            raise self.world.blame(name, f"{name!r} is a variable of the neuron, which no synapse sets")


@dataclass(frozen=True)
class Sum:
    """A variable of a group that is a sum over synapses."""

    group: Group
    variable: str
    synapses: Synapses
    value: ast.expr

    def total(self) -> np.ndarray:
        """The sum for each element of the group."""
        return self.synapses.total(self.value)
