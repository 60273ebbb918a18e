"""The learning rate of a rule, which an optimiser asks for by name."""

from __future__ import annotations

from autapse_sim.errors import InputError
from autapse_sim.spec.lines import line_of
from autapse_sim.spec.model import Rule


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
