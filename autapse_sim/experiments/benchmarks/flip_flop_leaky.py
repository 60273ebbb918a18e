"""A sign that has to be remembered, in continuous time."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import continuous
from autapse_sim.experiments.benchmarks import flip_flop
from autapse_sim.tasks.memory import FlipFlop
from autapse_sim.tasks.stretched import Stretched

task = Stretched(FlipFlop(steps=30, probability=0.1))
benchmark = continuous(flip_flop.benchmark, task, "leaky")
