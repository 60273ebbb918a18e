"""All rules learn the dynamics."""

from __future__ import annotations

from autapse_sim.experiments.paper.cases import PAPER, paper_rules
from autapse_sim.experiments.paper.decide import decide_learning
from autapse_sim.experiments.paper.setting import MOVING, STATIC
from autapse_sim.experiments.paper.trials import Trials
from autapse_sim.experiments.paper.words import as_number, families, listed, median_of, rates_told, told

KEY = "b"
SAYS = "All rules learn the dynamics of the ball."


def measure(trials: Trials) -> tuple[str, str]:
    """The numbers, and the answer."""
    said, answer = beside_controls(trials)
    return f"Test {said}", answer


def beside_controls(trials: Trials, tau_m: int = 1) -> tuple[str, str]:
    """The test MSE of the paper's rules, with neurons of a time constant in steps, beside that of the controls."""
    cases = paper_rules(tau_m=tau_m)
    mse = {rule: one.test_mse for rule, one in trials.trained(cases).items()}
    controls = trials.controls(PAPER.activation, tau_m)
    compared = families({name: (mse, controls[name]) for name in (*STATIC, *MOVING)})
    shown = {name: median_of(controls[name]) for name in (*STATIC, *MOVING)}
    measured = (
        f"MSE: {listed({rule: median_of(one) for rule, one in mse.items()}, as_number)} "
        f"({rates_told(trials, cases)}); "
        f"controls: {listed(shown, as_number)}. Lower than these, paired and corrected: {told(compared)}."
    )
    decisive = [one for (name, _), one in compared.items() if name in STATIC]
    return measured, decide_learning(decisive)
