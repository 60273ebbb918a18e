"""A ball that has to be followed while it is hidden, in continuous time."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import continuous
from autapse_sim.experiments.benchmarks import occlusion, occlusion_leaky

benchmark = continuous(occlusion.benchmark, occlusion_leaky.task, "rate")
