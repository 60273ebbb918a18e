"""Rankings from run to run."""

from __future__ import annotations

from collections import Counter

import numpy as np

from autapse_sim.experiments.paper.cases import paper_rules
from autapse_sim.experiments.paper.decide import decide_ranking
from autapse_sim.experiments.paper.trials import Trials
from autapse_sim.experiments.paper.words import as_percent, order_of, orders_of, share_of

KEY = "c"
SAYS = "MSE curves rank the rules differently from run to run."


def measure(trials: Trials) -> tuple[str, str]:
    """The numbers, and the answer."""
    mse = np.stack([one.test_mse for one in trials.trained(paper_rules()).values()])
    agreeing = share_of(np.array(orders_of(mse)) == order_of(np.median(mse, axis=1)))
    grids = np.stack([after for _, after in trials.grids(paper_rules()).values()])
    common = []
    for k, eta in enumerate(trials.setting.etas):
        order, count = Counter(orders_of(grids[:, k])).most_common(1)[0]
        common.append(f"{order} at {eta:g} ({count / grids.shape[2]:.0%})")
    measured = (
        f"Each rule at its best eta, {as_percent(agreeing)} of networks rank the rules as the medians do "
        f"({order_of(np.median(mse, axis=1))}). At one eta for all, the commonest order is "
        f"{'; '.join(common[::2])}."
    )
    return measured, decide_ranking(agreeing)
