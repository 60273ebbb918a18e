"""Two stimuli that have to be compared, with neurons that spike."""

from __future__ import annotations

from dataclasses import replace

from autapse_sim.experiments.benchmark import TRIALS, spiking
from autapse_sim.tasks.match import DelayedMatch

benchmark = spiking(
    "tell whether two stimuli were the same, 20 ms apart, with 50 LIF and 50 ALIF neurons",
    DelayedMatch(fixation=10, cue=30, delay=20, decision=20, population=10, probability=0.15),
    replace(TRIALS, train=2400, validate_every=480),
    "alif",
    100,
    tau_a="200 ms",
    beta=[[0.0] * 50 + [0.01] * 50],
)
