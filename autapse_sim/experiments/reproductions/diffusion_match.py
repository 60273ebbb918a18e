"""A learning signal that diffuses, beside e-prop and the gradient: how often a network tells equal stimuli from others.

The networks, their training and where the published seeds come from are those of diffusion-cues. The task is delayed
match to sample as their code has it: a stimulus is there or not, each of the two has a population of inputs of its own,
and initial weights are smaller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from autapse_sim.experiments.reproduction import Answer, Call, Reproduction
from autapse_sim.experiments.reproductions.diffusion_cues import QUICK, SOURCE, Setting, answer_of, units_of
from autapse_sim.tasks.match import DelayedMatch


@dataclass(frozen=True)
class ThereOrNot(DelayedMatch):
    """A first stimulus, there or not, and a second one, there or not: was it the same?"""

    def _rates(self, shown: np.ndarray) -> np.ndarray:
        rates = np.zeros((self.steps, 4, self.population))
        for number, start in enumerate(self._starts()):
            rates[start : start + self.cue, number] = self.probability * shown[number]
        rates[self.scored, 2] = self.probability
        rates[:, 3] = self.probability / 4
        return rates.reshape(self.steps, -1)


MATCH = Setting(
    ThereOrNot(), 1400, (0.5, 0.1, 0.5), {"gradient": 0.1, "e-prop": 0.1, "diffusion": 0.01}, "delayed_match"
)


def units(seed: int, quick: bool) -> dict[tuple[str, int], Call]:
    """A network each."""
    return units_of(MATCH, seed, quick)


def answer(found: Mapping[tuple[str, int], xr.Dataset], quick: bool) -> Answer:
    """Whether accuracies are those that were published."""
    return answer_of(MATCH, found)


reproduction = Reproduction(
    title="the gradient, and e-prop with and without a signal that diffuses, 100 spiking neurons, delayed match",
    source=SOURCE,
    published="accuracy, median of 20 seeds: gradient 99.8%, e-prop 73.2%, diffusion 96.0%",
    minutes=(290, 0.5),
    quick=QUICK,
    units=units,
    answer=answer,
)
