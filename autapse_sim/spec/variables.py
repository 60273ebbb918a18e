"""The variables of a circuit's models: where each one lives, in which unit, and what it is for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from brian2 import Equations, get_dimensions
from brian2.equations.equations import DIFFERENTIAL_EQUATION, SUBEXPRESSION
from brian2.units.fundamentalunits import DIMENSIONLESS, Dimension, get_unit_for_display

from autapse_sim.spec import vocabulary
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.dimensions import TIMES
from autapse_sim.spec.language import names, statements
from autapse_sim.spec.library import Models
from autapse_sim.spec.model import Neuron, Rule

NETWORK = {"loss", *vocabulary.TIME, "elapsed"}
"""What is the same for a whole network."""


@dataclass(frozen=True)
class Variable:
    """A variable of a circuit.

    Parameters
    ----------
    name : str
        As models write it, without _pre and _post.
    place : str
        'neuron', 'synapse' or 'replicate', whose one value all neurons of a network share.
    unit : str
        As Brian2 writes it; '1' for a mere number.
    role : str
        What it is for.
    """

    name: str
    place: str
    unit: str
    role: str


def variables(models: Models, circuit: Circuit) -> list[Variable]:
    """All variables of the neuron and of the rules that teach, and what these read of the circuit; each once.

    Examples
    --------
    >>> from autapse_sim import Circuit
    >>> circuit = Circuit(rule="autapse")
    >>> [each.name for each in variables(Models.of(circuit), circuit) if each.place == "synapse"]
    ['w']
    """
    rules = models.teaching(circuit.learn)
    found = [*_of_neuron(models.neuron), *(each for rule in rules for each in _of_rule(rule))]
    texts = [*models.neuron.texts, *(text for rule in rules for text in rule.texts)]
    if models.neuron.activations:
        chosen = models.neuron.activations[circuit.activation]
        texts += [chosen.f, chosen.f_prime]
    texts = [re.sub(r"\bd\w+/dt\b", "", text) for text in texts]
    read = {name.removesuffix("_pre").removesuffix("_post") for name in names(*texts)} | ({"w"} if rules else set())
    known = {each.name for each in found}
    provided = [*vocabulary.PLACES["taught neuron"].items(), *vocabulary.READOUT.items(), *vocabulary.SYNAPSE.items()]
    for name, meaning in dict(provided).items():
        if name in read - known:
            place = "synapse" if name in vocabulary.SYNAPSE else "neuron"
            place = "replicate" if name in NETWORK else place
            found.append(Variable(name, place, _shown(TIMES.get(name, DIMENSIONLESS)), f"of the circuit: {meaning}"))
    return list({each.name: each for each in reversed(found)}.values())[::-1]


def _of_neuron(neuron: Neuron) -> Iterator[Variable]:
    yield from _declared(neuron.equations, "neuron", neuron.initial)
    yield from (Variable(name, "neuron", "1", "sum over its recurrent synapses") for name in neuron.sums)
    yield from _parameters(neuron.parameters, "the neuron's")


def _of_rule(rule: Rule) -> Iterator[Variable]:
    yield from _declared(rule.trace, "neuron", rule.initial)
    yield from _declared(rule.postsynaptic, "neuron", rule.initial)
    yield from _declared(rule.eligibility, "synapse", rule.initial)
    known = {*Equations(rule.eligibility), "w"}
    for each in (each for text in rule.code for each in statements(text)):
        if each.name not in known:
            known.add(each.name)
            yield Variable(each.name, "synapse", "1", "temporary, within one step")
    for connection in rule.connections:
        yield from _declared(connection.equations, "synapse", {})
        over = f"all {connection.among} neurons" if connection.pairs == "all" else "the synapse of a neuron on itself"
        yield from (Variable(name, "neuron", "1", f"sum over {over}") for name in connection.sums)
    yield from _parameters(rule.parameters, "the rule's")


def _declared(text: str, place: str, initial: Mapping[str, str]) -> Iterator[Variable]:
    """What equations define."""
    equations = Equations(text)
    for name in equations:
        equation = equations[name]
        if "summed" in equation.flags:
            continue  # a variable of the neuron, which is declared there
        role = "expression"
        if equation.type != SUBEXPRESSION:
            moves = "by its equation" if equation.type == DIFFERENTIAL_EQUATION else "in statements"
            role = f"state, moves {moves}, starts at {initial.get(name, '0')}"
        yield Variable(name, place, _shown(equation.dim), role)


def _parameters(parameters: Mapping[str, object], whose: str) -> Iterator[Variable]:
    for name, value in parameters.items():
        yield Variable(name, "replicate", _shown(get_dimensions(value)), f"parameter, {whose}; default {value}")


def _shown(dimension: Dimension) -> str:
    return str(get_unit_for_display(dimension))
