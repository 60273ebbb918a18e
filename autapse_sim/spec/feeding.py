"""States that nothing ever moves: a trace that nothing feeds, a jump that never happens."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from brian2 import Equations
from brian2.equations.equations import DIFFERENTIAL_EQUATION
from brian2.parsing.sympytools import str_to_sympy

from autapse_sim.errors import InputError
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.language import statements
from autapse_sim.spec.library import Models
from autapse_sim.spec.lines import line_of
from autapse_sim.spec.model import Neuron, Rule


def check_fed(models: Models, circuit: Circuit) -> None:
    """Refuse a circuit with a model that has a state which nothing ever moves, with file and line."""
    neuron = models.neuron
    _check(neuron, (neuron.equations,), (neuron.reset,))
    for rule in models.teaching(circuit.learn):
        texts = rule.trace, rule.postsynaptic, rule.eligibility
        _check(rule, texts, (*rule.code, rule.finish_postsynaptic))


def _check(model: Neuron | Rule, texts: tuple[str, ...], code: tuple[str, ...]) -> None:
    assigned = {each.name for text in code for each in statements(text)}
    for text in texts:
        for name in sorted(unfed(Equations(text), assigned, model.initial)):
            raise InputError(
                f"{line_of(model, name, text)}: nothing ever feeds {name!r}: it starts at 0, and its equation keeps it "
                "there; let it read what arrives, or let a statement add to it"
            )


def unfed(equations: Equations, assigned: Collection[str], initial: Mapping[str, str]) -> set[str]:
    """The states that start at 0 and whose equations keep them there, whatever else happens.

    Parameters
    ----------
    equations : Equations
        That define them.
    assigned : collection of str
        What statements set.
    initial : mapping of str to str
        Where states start that do not start at 0.

    Examples
    --------
    >>> sorted(unfed(Equations("dk/dt = -k/ms + q/ms : 1\\ndq/dt = -q/ms : 1\\ndr/dt = (u - r)/ms : 1"), (), {}))
    ['k', 'q']
    >>> unfed(Equations("dk/dt = -k/ms : 1"), ("k",), {})
    set()
    """
    differential = {name: equations[name] for name in equations if equations[name].type == DIFFERENTIAL_EQUATION}
    right = {name: str_to_sympy(each.expr.code) for name, each in differential.items()}
    still = right.keys() - {*assigned} - initial.keys()
    while True:
        resting = {
            name
            for name in still
            if right[name].subs({symbol: 0 for symbol in right[name].free_symbols if symbol.name in still}) == 0
        }
        if resting == still:
            return resting
        still = resting
