"""What has to be told later."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import BATCHES, Benchmark, plastic
from autapse_sim.tasks.memory import DelayedCopy

benchmark = Benchmark("tell what was shown 5 steps ago", DelayedCopy(), plastic(8), BATCHES, unscored=5)
