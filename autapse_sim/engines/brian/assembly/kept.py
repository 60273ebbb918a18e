"""Traces that all synapses of a neuron share: kept once by the neuron, to the same numbers, and not by each synapse."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from brian2 import Equations
from brian2.core.namespace import DEFAULT_UNITS
from brian2.equations.equations import DIFFERENTIAL_EQUATION, SingleEquation

from autapse_sim.spec.job import Job
from autapse_sim.spec.language import Statement, names, statements
from autapse_sim.spec.model import Rule


@dataclass(frozen=True)
class Kept:
    """A trace of the synapses of some weights that one of their neurons keeps.

    Parameters
    ----------
    state : str
        Its name in the rule.
    weights : str
        W or U.
    side : {'pre', 'post'}
        Which neuron keeps it: that at whose spikes it jumps.
    equation : SingleEquation
        How it goes on between spikes.
    jumps : tuple of Statement
        What it does at a spike.
    initial : str
        Where it starts.
    first : bool
        Whether the trace jumps before the synapses read it, or after that.
    """

    state: str
    weights: str
    side: str
    equation: SingleEquation
    jumps: tuple[Statement, ...]
    initial: str
    first: bool

    @property
    def variable(self) -> str:
        """Of the neuron."""
        return f"autapse_kept_{self.weights}_{self.state}"

    @property
    def slot(self) -> str:
        """When it jumps."""
        return f"{'before' if self.first else 'after'}_on_{self.side}"


def kept_by_neurons(job: Job, rule: Rule, weights: str, late: bool) -> dict[str, Kept]:
    """The traces of the synapses of `weights` that their neurons can keep, by name.

    A trace that reads itself and constants, and jumps at the spikes of one side, has the same value in all synapses of
    that neuron. One that lasts from trajectory to trajectory stays with the synapses, as results tell it. `late` is
    whether each synapse has a delay of its own.
    """
    eligibility = Equations(rule.eligibility)
    if not job.reset or any("summed" in eligibility[name].flags for name in eligibility):
        return {}
    # a synapse reads the parameters of the neuron that it ends in
    own = {parameter for parameter, value in job.parameters.items() if value.ndim == 2}
    found = {}
    for each in filter(None, (_shared(rule, eligibility, name, weights) for name in eligibility)):
        read = names(each.equation.expr.code, each.initial, *(jump.value for jump in each.jumps))
        if each.side == "post" or not (late or read & own):
            found[each.state] = each
    return found


def _shared(rule: Rule, eligibility: Equations, name: str, weights: str) -> Kept | None:
    """The trace of a name, where it reads itself and constants alone and jumps at the spikes of one side."""
    if eligibility[name].type != DIFFERENTIAL_EQUATION or name in rule.lasting:
        return None
    sides = [side for side, text in rule.events.items() if _sets(text, name)]
    beside = [
        eligibility[each].expr.code for each in eligibility if each != name and eligibility[each].expr is not None
    ]
    beside += rule.initial.values()
    if len(sides) != 1 or _sets(f"{rule.update}\n{rule.finish}", name) or name in names(*beside):
        return None
    code = statements(rule.events[sides[0]])
    jumps = tuple(each for each in code if each.name == name)
    initial = rule.initial.get(name, "0")
    constants = {*rule.parameters, *DEFAULT_UNITS}
    if names(eligibility[name].expr.code, *(each.value for each in jumps)) - constants - {name}:
        return None
    places = [number for number, each in enumerate(code) if each.name == name]
    readers = [number for number, each in enumerate(code) if each.name != name and name in names(each.value)]
    first = all(reader > places[-1] for reader in readers)
    if names(initial) - constants or not (first or all(reader < places[0] for reader in readers)):
        return None
    return Kept(name, weights, sides[0], eligibility[name], jumps, initial, first)


def _sets(text: str, name: str) -> bool:
    return any(each.name == name for each in statements(text))


def without_kept(text: str, kept: Collection[str]) -> str:
    """The statements of a text but for those that set what neurons keep."""
    found = [each for each in statements(text) if each.name not in kept]
    return text if len(found) == len(statements(text)) else "\n".join(map(str, found))


def words_of_kept(kept: Mapping[str, Kept]) -> dict[str, str]:
    """What the names of traces that neurons keep stand for in the synapses."""
    return {name: f"{each.variable}_{each.side}" for name, each in kept.items()}
