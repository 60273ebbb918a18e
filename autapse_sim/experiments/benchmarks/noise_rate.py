"""A ball that is seen badly, in continuous time."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import continuous
from autapse_sim.experiments.benchmarks import noise, noise_leaky

benchmark = continuous(noise.benchmark, noise_leaky.task, "rate")
