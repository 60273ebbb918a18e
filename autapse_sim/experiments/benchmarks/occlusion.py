"""A ball that has to be followed while it is hidden."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import BATCHES, Benchmark, plastic
from autapse_sim.tasks.ball import BouncingBall

benchmark = Benchmark(
    "follow a bouncing ball while it cannot be seen (10 steps in 20)",
    BouncingBall(horizon=0, speed=0.05, centred=True, occlusion=(10, 20)),
    plastic(32),
    BATCHES,
    blind=True,
)
