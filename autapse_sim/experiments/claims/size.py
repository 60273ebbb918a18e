"""Larger networks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autapse_sim.experiments.paper.cases import PAPER, Case
from autapse_sim.experiments.paper.decide import decide_size
from autapse_sim.experiments.paper.trials import Trials
from autapse_sim.experiments.paper.words import as_percent, listed, mean_of

KEY = "g"
SAYS = "Larger n gives predictions far outside [0, 1]."


def measure(trials: Trials) -> tuple[str, str]:
    """The numbers, and the answer."""
    parts, growth = [], []
    for name, start in (("V ~ N(0, 1)", "wide"), ("V ~ N(0, 1/n)", "as drawn")):
        cases = {n: Case(replace(PAPER, neurons=n, readout="random"), start=start) for n in trials.setting.sizes}
        trained = {n: one.outside for n, one in trials.trained(cases).items()}
        drawn = trials.still(cases)
        growth.append(mean_of(trained[trials.setting.sizes[-1]] - trained[trials.setting.sizes[0]]))
        parts.append(
            f"with {name} {listed({f'n = {n}': mean_of(one) for n, one in trained.items()}, as_percent)} (untrained "
            + ", ".join(f"{one['outside'].mean():.0%}" for one in drawn.values())
            + "; untrained test MSE "
            + ", ".join(f"{np.median(one['test_mse']):.2g}" for one in drawn.values())
            + f"), from the smallest to the largest {as_percent(growth[-1])} more"
        )
    measured = f"Predictions outside [-0.5, 1.5] after training with the autapse rule: {'; '.join(parts)}."
    return measured, decide_size(*growth)
