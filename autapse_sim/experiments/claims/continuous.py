"""In continuous time."""

from __future__ import annotations

from autapse_sim.experiments.claims.learning import beside_controls
from autapse_sim.experiments.paper.trials import Trials

KEY = "k"
SAYS = (
    "(Eq. 7 is of continuous time; the paper's networks have no leak.) In continuous time all rules learn the dynamics."
)
TAU_M = 10
"""The time constant of neurons in steps; the ball is as many times slower."""


def measure(trials: Trials) -> tuple[str, str]:
    """The numbers, and the answer."""
    said, answer = beside_controls(trials.slower(TAU_M), TAU_M)
    how = f"neurons that filter their input over {TAU_M} steps, and a ball that takes {TAU_M} times as long"
    return f"With {how}, test {said}", answer
