"""The paper's own case."""

from __future__ import annotations

from autapse_sim.experiments.benchmark import Benchmark
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.tasks.ball import BouncingBall

benchmark = Benchmark(
    "foresee a bouncing ball 5 steps ahead in the paper's network (n = 2, U = V = I, only W learns)",
    BouncingBall(horizon=5, speed=0.05),
    Circuit(),
    Protocol(train=200, validate=20, test=50, validate_every=20),
    etas=(0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
    unscored=0,
)
