"""The eigenvalues of B."""

from __future__ import annotations

from dataclasses import replace

from autapse_sim.experiments.paper.cases import PAPER, Case
from autapse_sim.experiments.paper.decide import decide_spectrum
from autapse_sim.experiments.paper.setting import SPECTRA
from autapse_sim.experiments.paper.trials import Trials
from autapse_sim.experiments.paper.words import as_percent, listed, median_of, share_of

KEY = "e"
SAYS = "With B's eigenvalues positive the MSE falls, with negative ones it rises."


def measure(trials: Trials) -> tuple[str, str]:
    """The numbers, and the answer."""
    eta = trials.best({"": Case(PAPER)})[""]
    circuit = replace(PAPER, feedback="random")
    fell, change = {}, {}
    cases = {kind: Case(circuit, start=kind) for kind in SPECTRA}
    for kind, trained in trials.trained(cases, eta).items():
        tenth = max(1, trained.learning_curve.shape[1] // 10)
        first, last = trained.learning_curve[:, :tenth].mean(axis=1), trained.learning_curve[:, -tenth:].mean(axis=1)
        fell[kind] = share_of(trained.after < trained.before)
        change[kind] = median_of(last / first - 1)
    measured = (
        f"The autapse rule at eta {eta:g}; networks whose validation MSE falls in training, by B's eigenvalues: "
        f"{listed(fell, as_percent)}; change of the training MSE from the first to the last tenth: "
        f"{listed(change, as_percent)}."
    )
    named = {kind: one for kind, one in fell.items() if not kind.startswith("complex")}
    return measured, decide_spectrum(named)
