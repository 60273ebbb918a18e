"""Pulses that have to be summed, in continuous time."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import continuous
from autapse_sim.experiments.benchmarks import integrator
from autapse_sim.tasks.memory import Integrator
from autapse_sim.tasks.stretched import Stretched

task = Stretched(Integrator(steps=30))
benchmark = continuous(integrator.benchmark, task, "leaky")
