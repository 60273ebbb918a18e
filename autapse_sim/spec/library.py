"""The neuron and the rules of a circuit, read once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.spec.circuit import TAUGHT_BY, Circuit
from autapse_sim.spec.lines import line_of
from autapse_sim.spec.model import Connection, Neuron, Rule, read_neuron, read_rule


@dataclass(frozen=True)
class Models:
    """The neuron and the rules of a circuit, read and checked."""

    neuron: Neuron
    rule: Rule
    readout_rule: Rule
    feedback_rule: Rule

    @classmethod
    def of(cls, circuit: Circuit, sources: Mapping[str, str] = MappingProxyType({})) -> Models:
        """Read the model files that a circuit names; from `sources` (texts by path) where they are among them."""
        rules = (read_rule(name, sources) for name in (circuit.rule, circuit.readout_rule, circuit.feedback_rule))
        return cls(read_neuron(circuit.neuron, sources), *rules)

    def teacher(self, learned: str) -> Rule:
        """The rule by which a weight learns."""
        return getattr(self, TAUGHT_BY[learned])

    def teaching(self, learned: Iterable[str]) -> list[Rule]:
        """The rules by which these weights learn."""
        teaching = {TAUGHT_BY[name] for name in learned}
        return [getattr(self, name) for name in dict.fromkeys(TAUGHT_BY.values()) if name in teaching]

    def method(self, circuit: Circuit) -> str:
        """The integrator of the circuit, else the neuron's: one of Brian2's own, or an `InputError`."""
        from brian2 import StateUpdateMethod

        known = [name for name in StateUpdateMethod.stateupdaters if not name.startswith("gsl")]
        if circuit.method:
            return one_of("method", circuit.method, known)
        try:
            return one_of("method", self.neuron.method, known)
        except InputError as error:
            raise InputError(f"{line_of(self.neuron, 'method')}: {error}") from None

    def parameters(self, circuit: Circuit) -> dict[str, object]:
        """Every parameter of the circuit with its default value (a Brian2 quantity where it has a unit)."""
        merged = dict(self.neuron.parameters)
        for rule in self.teaching(circuit.learn):
            twice = sorted(set(merged) & set(rule.parameters))
            if twice:
                raise InputError(f"{line_of(rule, twice[0])}: {twice[0]!r} is a parameter of the neuron too; rename it")
            merged |= rule.parameters
        return merged


def connected(rule: Rule, group: str) -> list[tuple[int, Connection]]:
    """The connections of a rule within a group of neurons ('neurons', or what only sends), with numbers from 1.

    Examples
    --------
    >>> rule = Rule("w -= shared_post", connections=(Connection({"shared": "feedback_pre"}, among="taught"),))
    >>> [len(connected(rule, group)) for group in ("neurons", "inputs")]
    [1, 0]
    """
    every = enumerate(rule.connections, 1)
    return [(number, one) for number, one in every if group == "neurons" or one.among == "presynaptic"]
