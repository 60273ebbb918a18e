"""A signal that has to be told, with neurons that spike."""

from __future__ import annotations

from dataclasses import replace

from autapse_sim.experiments.benchmark import spiking
from autapse_sim.spec.protocol import Protocol
from autapse_sim.tasks.pattern import PatternGeneration

benchmark = replace(
    spiking(
        "generate a pattern of 300 ms with 50 spiking neurons that hear 5 noisy channels",
        # of many more channels a map of their last 20 steps would be exact: 300 steps are few
        PatternGeneration("nest", steps=300, channels=5),
        Protocol(
            train=200, validate=1, test=1, optimiser="adam", averaging=False, update="trajectory", validate_every=20
        ),
        "lif",
        50,
    ),
    etas=(0.003, 0.01, 0.03),
)
