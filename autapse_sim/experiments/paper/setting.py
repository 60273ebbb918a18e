"""What a claim of the paper is, and what is run to measure it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from autapse_sim.experiments.compare import ETAS
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.weights import EIGENVALUES
from autapse_sim.tasks.ball import BouncingBall

HOLDS, EMPTY, FAILS, OPEN = ANSWERS = ("holds", "holds, but shows nothing", "does not hold", "undecided")
ACTIVATIONS = ("tanh", "relu", "linear")
TAUS = (5, 10, 15)
STATIC = ("untrained W", "W = 0", "training mean", "bias only", "persistence", "affine of x(t)")
"""Controls that know of no motion: who has learned the dynamics beats them all."""
MOVING = ("affine of 2 lags", "linear extrapolation")
SPECTRA: dict[str, Callable[[np.ndarray], bool]] = {
    "real and positive": EIGENVALUES["conditioned"],
    "complex with positive real part": lambda roots: bool(np.iscomplex(roots).any() and (roots.real > 0).all()),
    "one of each sign": EIGENVALUES["mixed"],
    "real and negative": EIGENVALUES["negative"],
}
"""Kinds of eigenvalues of B. The paper speaks of the first, third and fourth."""


@dataclass(frozen=True)
class Claim:
    """What the paper says, and what is measured.

    Parameters
    ----------
    key : str
        A letter.
    says : str
        What the paper says.
    measured : str
        The numbers, with 95% intervals.
    answer : str
        One of `ANSWERS`.
    """

    key: str
    says: str
    measured: str
    answer: str


@dataclass(frozen=True)
class Setting:
    """What is run for the table.

    Parameters
    ----------
    task : BouncingBall
        The ball.
    protocol : Protocol
        Its numbers of trajectories; replicates and seed are set by `claims`.
    etas : tuple of float
        The learning rates that every rule may choose from.
    gentle : tuple of float
        More of them for neurons whose slope may reach 1, with which errors that are fed back may grow, and for those
        that filter: they are taught at more steps.
    pilots : int
        Networks on which they are chosen; none of them is tested.
    sizes : tuple of int
        n, from small to large, where it varies.
    engine : str
        For rules that have equations, see `train`.
    turns : int
        Times that each form of a rule is timed.
    """

    task: BouncingBall = field(default_factory=lambda: BouncingBall(horizon=5))
    protocol: Protocol = field(default_factory=lambda: Protocol(train=200, validate=20, test=50))
    etas: tuple[float, ...] = ETAS
    gentle: tuple[float, ...] = (1e-5, 1e-4, 1e-3)
    pilots: int = 50
    sizes: tuple[int, ...] = (2, 10, 50)
    engine: str = "auto"
    turns: int = 7

    def slower(self, times: int) -> Setting:
        """The same with a ball that takes so many times as long for everything."""
        ball = self.task
        slow = replace(
            ball,
            steps=times * ball.steps,
            horizon=times * ball.horizon,
            speed=ball.speed / times,
            gravity=ball.gravity / times**2,
        )
        return replace(self, task=slow)
