"""A ball that is seen badly."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import BATCHES, Benchmark, plastic
from autapse_sim.tasks.ball import BouncingBall

benchmark = Benchmark(
    "foresee a bouncing ball 5 steps ahead from noisy observations",
    BouncingBall(horizon=5, speed=0.1, noise=0.05, centred=True),
    plastic(32),
    BATCHES,
)
