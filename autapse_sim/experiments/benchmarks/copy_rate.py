"""What has to be told later, in continuous time."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import continuous
from autapse_sim.experiments.benchmarks import copy_leaky

benchmark = continuous(copy_leaky.sooner, copy_leaky.task, "rate")
