"""A sign that has to be remembered, in continuous time."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import continuous
from autapse_sim.experiments.benchmarks import flip_flop, flip_flop_leaky

benchmark = continuous(flip_flop.benchmark, flip_flop_leaky.task, "rate")
