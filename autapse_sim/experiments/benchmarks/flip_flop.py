"""A sign that has to be remembered."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import BATCHES, Benchmark, plastic
from autapse_sim.tasks.memory import FlipFlop

benchmark = Benchmark("remember the sign of the last pulse", FlipFlop(), plastic(8), BATCHES, unscored=0)
