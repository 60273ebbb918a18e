"""A ball whose walls have to be foreseen, in continuous time."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import continuous
from autapse_sim.experiments.benchmarks import bounce
from autapse_sim.tasks.ball import BouncingBall

task = BouncingBall(steps=300, horizon=100, speed=0.01, centred=True)
benchmark = continuous(bounce.benchmark, task, "leaky")
