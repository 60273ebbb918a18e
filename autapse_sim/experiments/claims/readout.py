"""A trained read-out."""

from __future__ import annotations

from dataclasses import replace

from autapse_sim.experiments.compare import RULES
from autapse_sim.experiments.paper.cases import PAPER, Case, paper_rules
from autapse_sim.experiments.paper.decide import decide_readout
from autapse_sim.experiments.paper.trials import Trials
from autapse_sim.experiments.paper.words import as_number, as_percent, families, listed, median_of, told

KEY = "i"
SAYS = "A trained V would mend scale and shift."


def measure(trials: Trials) -> tuple[str, str]:
    """The numbers, and the answer."""
    only = {rule: one.test_mse for rule, one in trials.trained(paper_rules()).items()}
    reservoir = trials.trained({"": Case(replace(PAPER, rule="fa", learn=("V", "c")))})[""]
    learning = paper_rules(learn=("W", "V", "c"))
    cases = {rule: replace(case, eta_out=reservoir.eta) for rule, case in learning.items()}
    whole = {rule: one.test_mse for rule, one in trials.trained(cases).items()}
    mended = families({f"{rule}, W only": ({rule: whole[rule]}, only[rule]) for rule in RULES})
    fixed = families({"W fixed": (whole, reservoir.test_mse)})
    against = {rule: one.reduction for (_, rule), one in fixed.items()}
    measured = (
        f"Test MSE with W, V, c learning: {listed({rule: median_of(one) for rule, one in whole.items()}, as_number)}; "
        f"with W only: {listed({rule: median_of(one) for rule, one in only.items()}, as_number)}; with W fixed, V and "
        f"c learning: {as_number(median_of(reservoir.test_mse))}. Lower than with W only by "
        f"{listed({rule: one.reduction for (_, rule), one in mended.items()}, as_percent)}; lower than with W fixed by "
        f"{listed(against, lambda one: as_percent(one, 1))} ({told(fixed)})."
    )
    return measured, decide_readout(mended.values(), fixed.values())
