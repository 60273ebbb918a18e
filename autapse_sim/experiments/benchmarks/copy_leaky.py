"""What has to be told later, in continuous time."""

from __future__ import annotations

from dataclasses import replace

from autapse_sim.experiments.benchmark import continuous
from autapse_sim.experiments.benchmarks import copy
from autapse_sim.tasks.memory import DelayedCopy
from autapse_sim.tasks.stretched import Stretched

sooner = replace(copy.benchmark, title="tell what was shown 2 steps ago", unscored=2)
task = Stretched(DelayedCopy(steps=30, delay=2))
benchmark = continuous(sooner, task, "leaky")
