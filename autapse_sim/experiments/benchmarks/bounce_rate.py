"""A ball whose walls have to be foreseen, in continuous time."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import continuous
from autapse_sim.experiments.benchmarks import bounce, bounce_leaky

benchmark = continuous(bounce.benchmark, bounce_leaky.task, "rate")
