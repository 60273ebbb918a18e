"""How long forms of a rule take, in turns in one process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from time import perf_counter

import numpy as np

from autapse_sim.engines import discrete
from autapse_sim.experiments.paper.cases import PAPER, places
from autapse_sim.experiments.paper.trials import Trials
from autapse_sim.spec.job import Job
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import draw
from autapse_sim.training.train import prepare

FORMS = (("step", "plain"), ("step", "fast"), ("trajectory", "fast"))
"""When the weights change, and the form in which the gradient is computed."""


def _job(trials: Trials, rule: str, update: str, networks: int, trajectories: int) -> Job:
    circuit = replace(PAPER, rule=rule)
    protocol = replace(trials.pilots.protocol, replicates=networks, train=trajectories, validate=0, update=update)
    values = resolve_parameters(circuit, {"eta": 0.001}, networks)
    return prepare(circuit, draw(circuit, trials.setting.task, protocol), protocol, values, np.arange(networks))


def timed_run(trials: Trials, rule: str, update: str, form: str) -> Callable[[], float]:
    """What runs a rule on the discrete network and gives the seconds."""
    job = _job(trials, rule, update, networks=places(trials.setting), trajectories=2 if form == "plain" else 4)

    def timed() -> float:
        start = perf_counter()
        discrete.simulate(job, form)
        return (perf_counter() - start) / len(job.schedule.trajectory)

    return timed


def compiled_run(trials: Trials, rule: str) -> Callable[[], float]:
    """What runs a compiled rule and gives the seconds that its program took."""
    from autapse_sim.engines.choose import simulate

    job = _job(trials, rule, "step", networks=places(trials.setting), trajectories=200)
    return lambda: simulate(job, "standalone", processes=1).seconds


def in_turns(functions: Mapping, turns: int) -> dict:
    """The seconds (turns,) that each function gives, all called in every turn, after a turn to warm up."""
    found = [{key: function() for key, function in functions.items()} for _ in range(turns + 1)]
    return {key: np.array([turn[key] for turn in found[1:]]) for key in functions}
