"""Other activations."""

from __future__ import annotations

from autapse_sim.experiments.paper.cases import paper_rules
from autapse_sim.experiments.paper.decide import decide_learning
from autapse_sim.experiments.paper.setting import ACTIVATIONS, STATIC
from autapse_sim.experiments.paper.trials import Trials
from autapse_sim.experiments.paper.words import as_number, families, listed, median_of, rates_told, told

KEY = "j"
SAYS = "(Not tried in the paper.) With tanh, relu or linear neurons all rules learn the dynamics."


def measure(trials: Trials) -> tuple[str, str]:
    """The numbers, and the answer."""
    parts, decisive = [], []
    for activation in ACTIVATIONS:
        cases = paper_rules(activation=activation)
        mse = {rule: one.test_mse for rule, one in trials.trained(cases).items()}
        controls = trials.controls(activation)
        compared = families({name: (mse, controls[name]) for name in STATIC})
        decisive += compared.values()
        shown = {name: median_of(controls[name]) for name in ("untrained W", "W = 0", "bias only", "affine of x(t)")}
        parts.append(
            f"{activation}: {listed({rule: median_of(one) for rule, one in mse.items()}, as_number)} "
            f"({rates_told(trials, cases)}); controls: "
            f"{listed(shown, as_number)}; lower than these: {told(compared)}"
        )
    measured = "Test MSE. " + ". ".join(parts) + "."
    return measured, decide_learning(decisive)
