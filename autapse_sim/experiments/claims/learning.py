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
    mse = {rule: one.test_mse for rule, one in trials.trained(paper_rules()).items()}
    controls = trials.controls(PAPER.activation)
    compared = families({name: (mse, controls[name]) for name in (*STATIC, *MOVING)})
    shown = {name: median_of(controls[name]) for name in (*STATIC, *MOVING)}
    measured = (
        f"Test MSE: {listed({rule: median_of(one) for rule, one in mse.items()}, as_number)} "
        f"({rates_told(trials, paper_rules())}); "
        f"controls: {listed(shown, as_number)}. Lower than these, paired and corrected: {told(compared)}."
    )
    decisive = [one for (name, _), one in compared.items() if name in STATIC]
    return measured, decide_learning(decisive)
