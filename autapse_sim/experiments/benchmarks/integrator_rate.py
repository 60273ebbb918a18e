"""Pulses that have to be summed, in continuous time."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import continuous
from autapse_sim.experiments.benchmarks import integrator, integrator_leaky

benchmark = continuous(integrator.benchmark, integrator_leaky.task, "rate")
