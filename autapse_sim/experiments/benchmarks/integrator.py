"""Pulses that have to be summed."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import BATCHES, Benchmark, plastic
from autapse_sim.tasks.memory import Integrator

benchmark = Benchmark("sum pulses, reflected at -1 and 1", Integrator(), plastic(16), BATCHES, unscored=0)
