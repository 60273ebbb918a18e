"""The time constant of the trace."""

from __future__ import annotations

from autapse_sim.experiments.paper.cases import PAPER, Case
from autapse_sim.experiments.paper.decide import decide_effect
from autapse_sim.experiments.paper.setting import TAUS
from autapse_sim.experiments.paper.trials import Trials
from autapse_sim.experiments.paper.words import as_number, as_percent, listed, median_of, negated
from autapse_sim.results.statistics import compare_all

KEY = "f"
SAYS = "tau = 5, 10, 15 matters."


def measure(trials: Trials) -> tuple[str, str]:
    """The numbers, and the answer."""
    trained = trials.trained({tau: Case(PAPER, tau=tau) for tau in (1, *TAUS)})
    mse = {tau: one.test_mse for tau, one in trained.items()}
    compared = compare_all({str(tau): mse[tau] for tau in mse if tau != 10}, mse[10])
    changes = {f"tau {tau}": negated(one.reduction) for tau, one in compared.items()}
    measured = (
        f"Test MSE: {listed({f'tau {tau}': median_of(one) for tau, one in mse.items()}, as_number)} (each at its best "
        f"eta). Paired change against tau 10: {listed(changes, lambda one: as_percent(one, 1))}."
    )
    answered = decide_effect(changes[f"tau {tau}"] for tau in TAUS if tau != 10)
    return measured, answered
