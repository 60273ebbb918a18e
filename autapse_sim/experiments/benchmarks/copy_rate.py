"""What has to be told later, in continuous time."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import continuous
from autapse_sim.experiments.benchmarks import copy
from autapse_sim.tasks.memory import DelayedCopy
from autapse_sim.tasks.stretched import Stretched

benchmark = continuous(copy.benchmark, Stretched(DelayedCopy(steps=30, delay=2)), "rate")
