"""DFA sometimes diverges."""

from __future__ import annotations

from autapse_sim.experiments.paper.cases import paper_rules
from autapse_sim.experiments.paper.decide import decide_divergence
from autapse_sim.experiments.paper.trials import Trials
from autapse_sim.experiments.paper.words import as_percent, listed, mean_of, share_of

KEY = "d"
SAYS = "DFA sometimes diverges."


def measure(trials: Trials) -> tuple[str, str]:
    """The numbers, and the answer."""
    grids = trials.grids(paper_rules())
    worse = {rule: ~(after < before) for rule, (before, after) in grids.items()}
    share = {rule: mean_of(one.mean(axis=0)) for rule, one in worse.items()}
    more = {rule: mean_of((worse["dfa"] * 1.0 - one).mean(axis=0)) for rule, one in worse.items() if rule != "dfa"}
    over = {rule: "/".join(f"{100 * one:.0f}" for one in found.mean(axis=1)) for rule, found in worse.items()}
    own = {rule: share_of(~(one.after < one.before)) for rule, one in trials.trained(paper_rules()).items()}
    measured = (
        "Networks that end with a higher validation MSE than they began with (NaN included), over all etas: "
        f"{listed(share, as_percent)}; in % at eta {'/'.join(f'{eta:g}' for eta in trials.setting.etas)}: "
        + ", ".join(f"{rule} {text}" for rule, text in over.items())
        + f"; at each rule's best eta: {listed(own, as_percent)}. DFA more than others by: {listed(more, as_percent)}."
    )
    return measured, decide_divergence(share["dfa"], more.values())
