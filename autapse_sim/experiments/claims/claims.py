"""The paper's claims, each measured on the paper's case and answered by a rule that is written down in `decide`.

A claim may also hold and show nothing: what it says is true, and as true of a control.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import replace

from autapse_sim.checks import function, whole
from autapse_sim.experiments.claims.measures import MEASURES
from autapse_sim.experiments.claims.setting import Claim, Setting
from autapse_sim.experiments.claims.trials import Trials
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import Progress
from autapse_sim.training.sizes import check_sizes


def claims(
    replicates: int = 200, seed: int = 0, progress: Progress | None = None, setting: Setting | None = None
) -> list[Claim]:
    """Measure and answer the paper's claims.

    Parameters
    ----------
    replicates : int
        Networks per rule, each with its own weights and trajectories, the same for every rule.
    seed : int
        All draws follow from it.
    progress : callable, optional
        Called with the completed share, 0 to 1.
    setting : Setting, optional
        The paper's case where not given.

    Returns
    -------
    list of Claim
        In the order of their keys.
    """
    setting, replicates, seed = setting or Setting(), whole("replicates", replicates, least=2), whole("seed", seed)
    function("progress", progress)
    largest = Circuit(neurons=max(setting.sizes), readout="random")
    check_sizes(largest, setting.task, replace(setting.protocol, replicates=replicates), together=replicates)
    trials = Trials(setting, replicates, seed)
    found = []
    for measure in MEASURES:
        found.append(measure(trials))
        if progress:
            progress(len(found) / len(MEASURES))
    return found


def claims_table(claims: Iterable[Claim], width: int = 120) -> str:
    """The claims as text: for each its answer, what the paper says, and what is measured."""
    lines = []
    for claim in claims:
        lines.append(f"({claim.key}) {claim.answer.upper()}: {claim.says}")
        lines += textwrap.wrap(claim.measured, width, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines)
