"""Up to scale and shift."""

from __future__ import annotations

import numpy as np

from autapse_sim.experiments.paper.cases import PAPER, Case, paper_rules
from autapse_sim.experiments.paper.decide import decide_following
from autapse_sim.experiments.paper.trials import Trials
from autapse_sim.experiments.paper.words import as_number, as_percent, families, listed, median_of, share_of, told

KEY = "a"
SAYS = "Predictions follow the trajectory up to scale and shift."


def measure(trials: Trials) -> tuple[str, str]:
    """The numbers, and the answer."""
    drawn = {"": Case(PAPER)}
    trained = trials.trained(paper_rules())
    still = {"untrained W": trials.still(drawn)[""], "W = 0": trials.still(drawn, silent=True)[""]}
    r2 = {rule: median_of(1 - one.unexplained) for rule, one in trained.items()}
    errors = {rule: one.unexplained for rule, one in trained.items()}
    against = families({name: (errors, one["unexplained"]) for name, one in still.items()})
    controls = {name: median_of(1 - one["unexplained"]) for name, one in still.items()}
    nearer = {rule: share_of(one.with_x > one.with_y) for rule, one in trained.items()}
    measured = (
        f"R2 after the best affine map of each test trajectory: {listed(r2, as_number)}; without any learning: "
        f"{listed(controls, as_number)}. Better than these: {told(against)}. Correlation of predictions with x(t) / "
        "with the target: "
        + ", ".join(f"{rule} {np.median(t.with_x):.2f} / {np.median(t.with_y):.2f}" for rule, t in trained.items())
        + f"; networks in which it is higher with x(t): {listed(nearer, as_percent)}."
    )
    return measured, decide_following(r2.values(), against.values())
