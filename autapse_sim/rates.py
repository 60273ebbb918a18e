"""The learning rate of a rule, which an optimiser asks for by name."""

from __future__ import annotations

from autapse_sim.circuit import TAUGHT_BY, Circuit
from autapse_sim.description import without_equations
from autapse_sim.errors import InputError
from autapse_sim.model import Rule, is_file, library, line_of, words_of
from autapse_sim.protocol import Protocol


def learning_rate(rule: Rule) -> str:
    """The only parameter of a rule whose name begins with eta; an `InputError` where there is none, or another one.

    Examples
    --------
    >>> learning_rate(Rule("w -= eta_w*k", parameters={"eta_w": 0.1}))
    'eta_w'
    """
    rates = [name for name in rule.parameters if name.startswith("eta")]
    if len(rates) != 1:
        has = f"has {' and '.join(rates)}" if rates else "has none"
        raise InputError(
            f"{line_of(rule, 'parameters')}: Adam needs the learning rate of the rule, which {has}; name one parameter "
            "eta, or eta_..., or use optimiser 'sgd'"
        )
    return rates[0]


def check_optimiser(circuit: Circuit, protocol: Protocol) -> None:
    """Refuse Adam, before any work, where a rule that teaches has no learning rate of its own."""
    rules = [getattr(circuit, role) for role in {TAUGHT_BY[name] for name in circuit.learn}]
    if protocol.optimiser.startswith("adam") and not without_equations(circuit) and not all(map(_has_one, rules)):
        from autapse_sim.circuit_models import Models

        for rule in Models.of(circuit).teaching(circuit.learn):
            learning_rate(rule)


def _has_one(rule: str) -> bool:
    """Whether a rule that comes with the package has a learning rate, without running its file."""
    return not is_file(rule) and any(word.startswith("eta") for word in words_of(library("rules")[rule]))
