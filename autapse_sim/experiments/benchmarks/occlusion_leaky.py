"""A ball that has to be followed while it is hidden, in continuous time."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import continuous
from autapse_sim.experiments.benchmarks import occlusion
from autapse_sim.tasks.ball import BouncingBall

task = BouncingBall(steps=400, horizon=0, speed=0.005, centred=True, occlusion=(100, 200))
benchmark = continuous(occlusion.benchmark, task, "leaky")
