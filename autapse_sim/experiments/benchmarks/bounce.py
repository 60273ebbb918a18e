"""A ball whose walls have to be foreseen."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import BATCHES, Benchmark, plastic
from autapse_sim.tasks.ball import BouncingBall

benchmark = Benchmark(
    "foresee a bouncing ball 10 steps ahead",
    BouncingBall(horizon=10, speed=0.1, centred=True),
    plastic(32),
    BATCHES,
)
