"""Sums of a step are all made of what stood before it: none reads another, or what follows another at once."""

from __future__ import annotations

from collections.abc import Iterator

from brian2 import Equations

from autapse_sim.errors import InputError
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.language import names
from autapse_sim.spec.library import Models
from autapse_sim.spec.lines import line_of
from autapse_sim.spec.making import closed, made_in, read_by, standing
from autapse_sim.spec.model import Neuron, Rule


def check_sums(models: Models, circuit: Circuit) -> None:
    """Refuse a sum of the drive's moment that reads what is summed then, with file and line.

    Which of the two comes first would be a matter of their names.
    """
    sums = list(_sums(models, circuit))
    late = {"drive", "input", *(name for _, name, _ in sums)} | ({"bias"} if "b" in circuit.learn else set())
    made = made_in(models.neuron, circuit)
    for rule in models.teaching(circuit.learn):
        made |= read_by(rule.trace) | read_by(rule.postsynaptic) | read_by(rule.eligibility)
    late = closed(late, {name: {*map(_bare, read)} for name, read in standing(made).items()})
    for model, name, text in sums:
        wrong = sorted(word for word in names(text) if _bare(word) in late)
        if wrong:
            raise InputError(
                f"{line_of(model, wrong[0], text)}: the sum {name!r} reads {wrong[0]!r}, which is summed at the same "
                "moment, or follows what is; let it read what was sent (activity_pre, sent_pre) or a state"
            )


def _bare(word: str) -> str:
    return word.removesuffix("_pre").removesuffix("_post")


def _sums(models: Models, circuit: Circuit) -> Iterator[tuple[Neuron | Rule, str, str]]:
    """What models sum when the drive is summed: whose it is, its name, its text."""
    yield from ((models.neuron, name, text) for name, text in models.neuron.sums.items())
    for rule in models.teaching(circuit.learn):
        for each in rule.connections:
            if each.when == "drive":
                yield from ((rule, name, text) for name, text in each.sums.items())
        equations = Equations(rule.eligibility)
        for name in equations:
            if "summed" in equations[name].flags:
                yield rule, _bare(name), equations[name].expr.code
