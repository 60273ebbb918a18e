"""A learning signal that diffuses, beside e-prop: how often a network tells whether two stimuli were the same.

The networks, their training and where the published seeds come from are those of diffusion-cues, which says what is
left out; the task is delayed match to sample, with smaller initial weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import xarray as xr

from autapse_sim.experiments.reproduction import Answer, Call, Reproduction
from autapse_sim.experiments.reproductions.diffusion_cues import QUICK, SOURCE, Setting, answer_of, units_of
from autapse_sim.tasks.match import DelayedMatch

MATCH = Setting(DelayedMatch(), 1400, (0.5, 0.1, 0.5), {"e-prop": 0.1, "diffusion": 0.01}, "delayed_match")


def units(seed: int, quick: bool) -> dict[tuple[str, int], Call]:
    """A network each."""
    return units_of(MATCH, seed, quick)


def answer(found: Mapping[tuple[str, int], xr.Dataset], quick: bool) -> Answer:
    """Whether accuracies are those that were published."""
    return answer_of(MATCH, found)


reproduction = Reproduction(
    title="e-prop with and without a signal that diffuses, 100 spiking neurons, delayed match to sample",
    source=SOURCE,
    published="accuracy, median of 20 seeds: e-prop 73.2%, diffusion 96.0%",
    minutes=(420, 0.5),
    quick=QUICK,
    units=units,
    answer=answer,
)
