"""In continuous time."""

from __future__ import annotations

from autapse_sim.experiments.paper.cases import PAPER, paper_rules
from autapse_sim.experiments.paper.decide import decide_learning
from autapse_sim.experiments.paper.setting import MOVING, STATIC
from autapse_sim.experiments.paper.trials import Trials
from autapse_sim.experiments.paper.words import as_number, families, listed, median_of, rates_told, told

KEY = "k"
SAYS = (
    "(Eq. 7 is of continuous time; the paper's networks have no leak.) In continuous time all rules learn the dynamics."
)
TAU_M = 10
"""The time constant of neurons in steps; the ball is as many times slower."""


def measure(trials: Trials) -> tuple[str, str]:
    """The numbers, and the answer."""
    slow, cases = trials.slower(TAU_M), paper_rules(tau_m=TAU_M)
    mse = {rule: one.test_mse for rule, one in slow.trained(cases).items()}
    controls = slow.controls(PAPER.activation, TAU_M)
    compared = families({name: (mse, controls[name]) for name in (*STATIC, *MOVING)})
    shown = {name: median_of(controls[name]) for name in (*STATIC, *MOVING)}
    measured = (
        f"With neurons that filter their input over {TAU_M} steps, and a ball that takes {TAU_M} times as long, test "
        f"MSE: {listed({rule: median_of(one) for rule, one in mse.items()}, as_number)} ({rates_told(slow, cases)}); "
        f"controls: {listed(shown, as_number)}. Lower than these, paired and corrected: {told(compared)}."
    )
    return measured, decide_learning([one for (name, _), one in compared.items() if name in STATIC])
