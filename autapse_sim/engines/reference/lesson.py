"""How the weights of one projection of one network learn, for `autapse_sim.engines.reference`."""

from __future__ import annotations

import ast
from collections import ChainMap
from collections.abc import Mapping
from typing import Any

import numpy as np

from autapse_sim.engines.reference.code import (
    Code,
    Look,
    assignments,
    clipped,
    evaluate,
    is_name,
    names,
    put_in,
    summands,
    tree,
)
from autapse_sim.engines.reference.parts import Synapses
from autapse_sim.errors import InputError
from autapse_sim.spec.job import Job
from autapse_sim.spec.language import mixes
from autapse_sim.spec.lines import line_of
from autapse_sim.spec.model import Rule
from autapse_sim.spec.rates import learning_rate

EVENTS = frozenset({"spiked", "spiked_pre", "spiked_post", "dt"})
"""What makes a term of a change of w happen as it is written."""
RATES = frozenset({"sent", "activity", "f", "f_prime"})
"""What is sent and shown is a rate, whatever it is made of."""
Term = tuple[Any, bool]
"""A term of a change: its value, and whether it is an event."""


class Lesson:
    """How the weights `name` learn by their rule."""

    def __init__(self, job: Job, name: str, synapses: Synapses, rule: Rule, number: int):
        self.job, self.name, self.synapses, self.rule = job, name, synapses, rule
        self.gathers = job.update != "step" or job.optimiser != "sgd"
        self.share = 1 / job.circuit.substeps
        first = getattr(job.origin or job.weights, name)
        self.start = np.zeros(synapses.shape) if first is None else first[number].reshape(synapses.shape)
        self.gathered = np.zeros(synapses.shape)
        kept = {"sgd": (), "momentum": ("velocity",)}.get(job.optimiser, ("moment", "square"))
        self.memory = dict.fromkeys(kept, np.zeros(synapses.shape))
        self.bounds: list[tuple[Any, Any]] = []
        self.rate = learning_rate(rule) if job.optimiser.startswith("adam") else ""

    @property
    def w(self) -> np.ndarray:
        """The weights, (post, pre)."""
        return self.synapses.values["w"]

    @w.setter
    def w(self, value: Any) -> None:
        self.synapses.values["w"] = self.synapses.full(value)

    def happen(self, learns: bool) -> None:
        """What `on_pre` and `on_post` say, as it is written, at the synapses whose neuron spikes."""
        self.bounds = []
        for side, text in self.rule.events.items():
            where, values = self.synapses.value(tree(f"spiked_{side}")) != 0, self.synapses.values
            before = dict(values)
            moved = np.where(where, self.run(assignments(text), 1.0), 0.0)
            values |= {name: np.where(where, values[name], old) for name, old in before.items()}
            self.settle(before["w"], moved if learns else None, where)

    def change(self, learns: bool) -> None:
        """What `update` says; where nothing is learned, w stands still."""
        before = self.w
        moved = self.run(assignments(self.rule.update), self.share)
        self.settle(before, moved if learns else None)

    def finish(self) -> None:
        """What `finish` says, as it is written."""
        before = self.w
        if self.rule.finish.strip():
            self.settle(before, self.run(assignments(self.rule.finish), 1.0))

    def settle(self, before: np.ndarray, moved: Any | None, where: Any = True) -> None:
        """Keep a change for an update to come, or within limits, or not at all."""
        if moved is None or self.gathers:
            self.w = before
            self.gathered = self.gathered + (0.0 if moved is None else moved)
        else:
            free = self.w
            self.limit()
            self.w = np.where(where, self.w, free)

    def update(self, updates: int) -> None:
        """Add what was gathered, as the `updates`-th change."""
        if not self.gathers:
            return
        self.w = self.w + self.optimised(self.gathered / self.job.batch, updates)
        self.gathered = np.zeros(self.synapses.shape)
        for low, high in self.bounds:
            self.w = np.clip(self.w, low, high)
        self.limit()

    def optimised(self, mean: np.ndarray, updates: int) -> np.ndarray:
        """The change that an optimiser makes of a mean of changes."""
        memory, optimiser = self.memory, self.job.optimiser
        if optimiser == "sgd":
            return mean
        if optimiser == "momentum":
            memory["velocity"] = 0.9 * memory["velocity"] + mean
            return memory["velocity"]
        # Kingma & Ba 2015 with gradients times -eta: what is small beside their roots is eta times as large
        eta = self.synapses.seen()(self.rate)
        memory["moment"] = 0.9 * memory["moment"] + 0.1 * mean
        memory["square"] = 0.999 * memory["square"] + 0.001 * mean**2
        small, first, second = self.job.epsilon * eta + 1e-300, 1 - 0.9**updates, 1 - 0.999**updates
        if optimiser == "adam":
            return eta * memory["moment"] / first / (np.sqrt(memory["square"] / second) + small)
        return eta * np.sqrt(second) / first * memory["moment"] / (np.sqrt(memory["square"]) + small)

    def limit(self) -> None:
        """Keep the weights within the constraints of the protocol."""
        if limits := self.job.limits(self.name):
            self.w = limits.kept(self.w, self.start)

    # -- what a change of w is worth ----------------------------------------------------------------------------------

    def run(self, code: Code, share: float) -> Any:
        """Assignments to w and other variables of the synapse; returns the sum of the changes of w.

        A term of a change of w counts `share`, unless it is an event.
        """
        temporaries: dict[str, Any] = {}
        parts: dict[str, list[Term]] = {}
        values = self.synapses.values
        look = self.synapses.seen(ChainMap(temporaries, values))
        moved: Any = 0.0
        for name, node in self.unfolded(code) if self.gathers or share != 1 else code:
            if name == "w":
                moved = moved + self.move(node, look, parts, share)
            elif name in values:
                values[name] = self.synapses.full(evaluate(node, look))
            else:
                self.synapses.check_own(name)
                summed = [each for sign, term in summands(node) for each in self.terms(sign, term, look, parts, share)]
                temporaries[name], parts[name] = evaluate(node, look), summed
        return moved

    def unfolded(self, code: Code) -> Code:
        """The assignments, where w is set to temporaries that are w and terms with these in their place."""
        found, held, late = [], dict[str, ast.expr](), set[str]()
        for name, node in code:
            inner = [each.id for _, each in summands(clipped(node)[0]) if isinstance(each, ast.Name)]
            whole = node if "w" in inner else put_in(node, held)
            old = late & set(inner)
            if name == "w" and old and "w" not in names(whole):
                said = f"w = {ast.unparse(node)} sets w to {min(old)!r}, which holds a w of before"
                remedy = "write w = w + ... or w = clip(w + ..., low, high) at once"
                raise InputError(f"{line_of(self.rule, min(old), self.rule.update)}: {said}; {remedy}")
            found.append((name, whole if name == "w" else node))
            late |= {each for each, made in held.items() if name in names(made)}
            if name != "w" and name not in self.synapses.values:
                late = late - {name} | ({name} if old else set())
                held.pop(name, None)
                if sum(is_name(each, "w") for sign, each in summands(clipped(whole)[0]) if sign > 0) == 1:
                    held[name] = whole
            held = {each: made for each, made in held.items() if each not in late}
        return found

    def move(self, node: ast.expr, look: Look, parts: Mapping[str, list[Term]], share: float) -> Any:
        """Set w; returns by how much that changes it."""
        inner, bounds = clipped(node)
        terms = list(summands(inner))
        others = [(sign, term) for sign, term in terms if sign < 0 or not is_name(term, "w")]
        set_by_w = self.gathers and any("w" in names(bound) for pair in bounds for bound in pair)
        if set_by_w or (self.gathers and len(others) != len(terms) - 1):
            said = f"w = {ast.unparse(node)} sets w, but here its changes are gathered for an update to come"
            raise self.synapses.world.blame("w", f"{said}; write w += ... or w -= ..., or use update='step' and 'sgd'")
        if len(others) != len(terms) - 1:  # a normalisation, say
            self.w = evaluate(node, look)
            return 0.0
        kept = [(evaluate(low, look), evaluate(high, look)) for low, high in bounds]
        moved: Any = 0.0
        for value, event in (each for sign, term in others for each in self.terms(sign, term, look, parts, share)):
            moved = moved + value * (1.0 if event else share)
        self.w = self.w + moved
        self.bounds += kept
        for low, high in () if self.gathers else kept:
            self.w = np.clip(self.w, low, high)
        return moved

    def terms(
        self, sign: float, term: ast.expr, look: Look, parts: Mapping[str, list[Term]], share: float
    ) -> list[Term]:
        """A term with its sign; those of which a temporary is the sum, where it is a temporary."""
        if isinstance(term, ast.Name) and term.id in parts:
            return [(sign * value, event) for value, event in parts[term.id]]
        if share != 1:
            mixed = [name for name in names(term) & parts.keys() if len({event for _, event in parts[name]}) > 1]
            if mixed or mixes(ast.unparse(term), lambda one: self.is_event(tree(one), parts)):
                said = f"{ast.unparse(term)} mixes what happens at spikes with what happens at a rate"
                where = line_of(self.rule, min(mixed or names(term)), self.rule.update)
                raise InputError(f"{where}: {said}; write the two as terms of their own")
        return [(sign * evaluate(term, look), self.is_event(term, parts))]

    def is_event(self, node: ast.expr, parts: Mapping[str, list[Term]]) -> bool:
        """Whether an expression reads what happens at once, through temporaries and other expressions too."""
        for name in names(node):
            if name in parts and any(event for _, event in parts[name]):
                return True
            if name not in parts and (name in EVENTS or any(self.is_event(each, {}) for each in self.made_of(name))):
                return True
        return False

    def made_of(self, name: str) -> list[ast.expr]:
        """What a name stands for: an expression or a sum of the synapse, or a neuron's expression that is no rate."""
        synapses, bare = self.synapses, name.removesuffix("_pre").removesuffix("_post")
        if name in synapses.expressions:
            return [synapses.expressions[name]]
        if name.endswith("_post") and bare in synapses.summed:
            return [synapses.summed[bare]]
        side = synapses.pre if name.endswith("_pre") else synapses.post
        return [side.expressions[bare]] if bare in side.expressions and bare not in RATES else []
