"""The paper's claims, each measured on the paper's case and answered by a rule that is written down in `decide`.

A claim may also hold and show nothing: what it says is true, and as true of a control.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from autapse_sim.checks import function, whole
from autapse_sim.experiments import claims as package
from autapse_sim.experiments.paper.cases import BLOCK
from autapse_sim.experiments.paper.setting import Claim, Setting
from autapse_sim.experiments.paper.trials import Trials
from autapse_sim.names import modules_in
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import Progress
from autapse_sim.studies.study import studying
from autapse_sim.studies.workers import Executor, Workers
from autapse_sim.training.sizes import check_sizes


def claims(
    replicates: int = 200,
    seed: int = 0,
    progress: Progress | None = None,
    setting: Setting | None = None,
    folder: str | Path | None = None,
    on: str | Executor | Workers = "local",
    retries: int = 1,
) -> list[Claim]:
    """Measure and answer the paper's claims: each module of the folder claims says one and measures it.

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
    folder : str or Path, optional
        Where all that is trained is kept: what is there is not trained again. Not kept where not given.
    on : str, Executor or Workers
        Where it runs: 'local', the address of a dask scheduler, 'slurm', or an executor of concurrent.futures. What is
        timed is timed here.
    retries : int
        How often what failed is tried again.

    Returns
    -------
    list of Claim
        In the order of their keys.
    """
    setting, replicates, seed = setting or Setting(), whole("replicates", replicates, least=2), whole("seed", seed)
    function("progress", progress)
    largest = Circuit(neurons=max(setting.sizes), readout="random")
    together = min(BLOCK, replicates)
    check_sizes(largest, setting.task, replace(setting.protocol, replicates=replicates), together=together)
    modules = sorted(modules_in(package).values(), key=lambda module: module.KEY)
    answered = []
    with studying(folder, on, retries) as study:
        trials = Trials(setting, replicates, seed, study)
        for module in modules:
            measured, answer = module.measure(trials)
            answered.append(Claim(module.KEY, module.SAYS, measured, answer))
            if progress:
                progress(len(answered) / len(modules))
    return answered


def claims_table(claims: Iterable[Claim], width: int = 120) -> str:
    """The claims as text: for each its answer, what the paper says, and what is measured."""
    lines = []
    for claim in claims:
        lines.append(f"({claim.key}) {claim.answer.upper()}: {claim.says}")
        lines += textwrap.wrap(claim.measured, width, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines)
