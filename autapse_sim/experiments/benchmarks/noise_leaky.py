"""A ball that is seen badly, in continuous time."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import continuous
from autapse_sim.experiments.benchmarks import noise
from autapse_sim.tasks.ball import BouncingBall

task = BouncingBall(steps=300, horizon=50, speed=0.01, noise=0.16, centred=True)
"""Noise of the same power in a unit of time: its standard deviation in a step grows as the root of the steps."""
benchmark = continuous(noise.benchmark, task, "leaky")
