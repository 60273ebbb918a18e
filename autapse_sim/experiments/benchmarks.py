"""Named settings in which a rule is judged: tasks where recurrence matters, and the paper's own case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.tasks.ball import BouncingBall
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.memory import DelayedCopy, FlipFlop, Integrator


@dataclass(frozen=True)
class Benchmark:
    """A setting.

    Parameters
    ----------
    title : str
        What a network has to do, in words.
    task : Task
        What is shown.
    circuit : Circuit
        The networks; the rule is put in.
    protocol : Protocol
        How they are trained; the number of replicates and the seed are put in.
    etas : tuple of float
        Learning rates to choose from, the same for W and for the read-out.
    unscored : int
        First steps of a trajectory whose error does not count.
    blind : bool
        Whether only steps with a blanked stimulus count.
    """

    title: str
    task: Task
    circuit: Circuit
    protocol: Protocol
    etas: tuple[float, ...] = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1)
    unscored: int = 10
    blind: bool = False

    @property
    def scored(self) -> np.ndarray:
        """The steps whose error counts, in training and in test, bool (T,)."""
        counts = np.arange(self.task.steps) >= self.unscored
        return counts & self.task.blanked if self.blind else counts


def _trained(neurons: int) -> Circuit:
    """Everything that a rule may teach: W and b by the rule, read-out V and c by the delta rule."""
    learn = ("W", "b", "V", "c")
    return Circuit(neurons=neurons, readout="random", activation="tanh", learn=learn, feedback="symmetric")


_BATCHES = Protocol(
    train=4800, validate=20, test=50, update="batch", batch=16, optimiser="adam", averaging=False, validate_every=480
)

BENCHMARKS = {
    "bounce": Benchmark(
        "foresee a bouncing ball 10 steps ahead",
        BouncingBall(horizon=10, speed=0.1, centred=True),
        _trained(32),
        _BATCHES,
    ),
    "occlusion": Benchmark(
        "follow a bouncing ball while it cannot be seen (10 steps in 20)",
        BouncingBall(horizon=0, speed=0.05, centred=True, occlusion=(10, 20)),
        _trained(32),
        _BATCHES,
        blind=True,
    ),
    "noise": Benchmark(
        "foresee a bouncing ball 5 steps ahead from noisy observations",
        BouncingBall(horizon=5, speed=0.1, noise=0.05, centred=True),
        _trained(32),
        _BATCHES,
    ),
    "paper": Benchmark(
        "foresee a bouncing ball 5 steps ahead in the paper's network (n = 2, U = V = I, only W learns)",
        BouncingBall(horizon=5, speed=0.05),
        Circuit(),
        Protocol(train=200, validate=20, test=50, validate_every=20),
        etas=(0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
        unscored=0,
    ),
    "flip-flop": Benchmark("remember the sign of the last pulse", FlipFlop(), _trained(8), _BATCHES, unscored=0),
    "integrator": Benchmark("sum pulses, reflected at -1 and 1", Integrator(), _trained(16), _BATCHES, unscored=0),
    "copy": Benchmark("tell what was shown 5 steps ago", DelayedCopy(), _trained(8), _BATCHES, unscored=5),
}
"""The benchmark set, by name."""
