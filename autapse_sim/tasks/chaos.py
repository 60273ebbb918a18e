"""Chaotic series: where will one coordinate of a chaotic system be in `horizon` steps?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from autapse_sim.checks import real, settle, whole
from autapse_sim.names import one_of
from autapse_sim.showing import showing
from autapse_sim.tasks.base import FOLLOWS

INTERVALS = {"lorenz": 0.05, "mackey-glass": 1.0}
FINEST = {"lorenz": 0.01, "mackey-glass": 0.1}
"""The longest integration step of each system."""
SETTLE = {"lorenz": 10.0, "mackey-glass": 300.0}
"""How long a system runs before the first step, to reach its attractor."""
MOST_SUBSTEPS, MOST_SETTLING = 1000, 10_000
"""The most integration steps in a step, and the most steps that a system runs before the first."""
DELAY = 17.0
"""Of the Mackey-Glass equation."""
FARTHEST = 10**6
"""Steps that may lie between stimulus and target: all of them are integrated, for every trajectory."""
PIECE = 1000
"""Trajectories that are integrated together, which bounds the memory that their past takes."""


@showing
@dataclass(frozen=True)
class ChaoticSeries:
    """One coordinate of a chaotic system, and the same `horizon` steps later, in standard deviations from its mean.

    'lorenz' is x of Lorenz (1963): dx/dt = 10 (y - x), dy/dt = x (28 - z) - y, dz/dt = x y - 8/3 z; 'mackey-glass' is
    x of Mackey & Glass (1977): dx/dt = 0.2 x(t - 17) / (1 + x(t - 17)^10) - 0.1 x. Both are integrated by the classical
    Runge-Kutta method; what Mackey-Glass was 17 ago is interpolated linearly inside an integration step. Mean and
    deviation are those of a long run, the same for all trajectories.

    Parameters
    ----------
    system : {'lorenz', 'mackey-glass'}
        Which one.
    steps : int
        T, steps of a trajectory.
    horizon : int
        h, steps between stimulus and target.
    interval : float, optional
        Time of the system in a step: 0.05 or 1.

    Examples
    --------
    >>> x, y = ChaoticSeries(horizon=3).sample(np.random.default_rng(0), replicates=2, trajectories=4)
    >>> x.shape, bool((y[:, :, :-3] == x[:, :, 3:]).all())
    ((2, 4, 100, 1), True)
    """

    system: str = "lorenz"
    steps: int = 100
    horizon: int = 5
    interval: float = FOLLOWS

    def __post_init__(self) -> None:
        settle(self, one_of, "system", known=INTERVALS)
        settle(self, whole, "steps", least=2)
        settle(self, whole, "horizon", most=FARTHEST)
        if self.interval is None:
            object.__setattr__(self, "interval", INTERVALS[self.system])
        longest = MOST_SUBSTEPS * FINEST[self.system]
        settle(self, real, "interval", least=SETTLE[self.system] / MOST_SETTLING, most=longest)

    @property
    def inputs(self) -> int:
        """m, coordinates of the stimulus."""
        return 1

    @property
    def outputs(self) -> int:
        """c, coordinates of the target."""
        return 1

    @property
    def blanked(self) -> None:
        """The stimulus is never blanked."""
        return None

    @property
    def scored(self) -> None:
        """Every step counts."""
        return None

    def sample(self, rng: np.random.Generator, replicates: int, trajectories: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw `trajectories` for each of `replicates`, from starts near the attractor that it has forgotten.

        Returns
        -------
        x : array (R, K, T, 1)
            Stimulus.
        y : array (R, K, T, 1)
            Target: the stimulus `horizon` steps later.
        """
        starts = np.stack([child.random((trajectories, 3)) for child in rng.spawn(replicates)])
        mean, deviation = moments(self.system)
        series = run(self.system, starts.reshape(-1, 3), self.steps + self.horizon, self.interval)
        series = (series.reshape(replicates, trajectories, -1, 1) - mean) / deviation
        return series[:, :, : self.steps], series[:, :, self.horizon :]

    def floors(self, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        """The MSE (R,) of who follows no dynamics, on trajectories x and y (R, K, T, 1).

        'mean' of the series, 'persistence' (what is seen now) and 'extrapolation' along the last two steps.
        """
        slope = np.diff(x, axis=2, prepend=x[:, :, :1])
        guesses = {"mean": np.zeros(1), "persistence": x, "extrapolation": x + self.horizon * slope}
        return {name: np.square(guess - y).mean(axis=(1, 2, 3)) for name, guess in guesses.items()}


@cache
def moments(system: str) -> tuple[float, float]:
    """Mean and standard deviation of a system over a long run (its stationary ones to about 1 per cent)."""
    starts = np.random.default_rng(0).random((500, 3))
    series = run(system, starts, 500, INTERVALS[system])
    return float(series.mean()), float(series.std())


def run(system: str, starts: np.ndarray, steps: int, interval: float) -> np.ndarray:
    """The observed coordinate (L, steps) of a system, once it has settled, from uniform draws (L, 3)."""
    substeps = int(np.ceil(interval / FINEST[system]))
    settle = int(np.ceil(SETTLE[system] / interval))
    simulate = {"lorenz": _lorenz, "mackey-glass": _mackey_glass}[system]
    out = np.empty((len(starts), steps))
    for first in range(0, len(starts), PIECE):
        piece = slice(first, first + PIECE)
        out[piece] = simulate(starts[piece], settle + steps, substeps, interval / substeps)[:, settle:]
    return out


def _lorenz(starts: np.ndarray, steps: int, substeps: int, dt: float) -> np.ndarray:
    """x (L, steps) after each step of `substeps` times dt."""
    state = 20 * (starts.T - 0.5) + np.array([[0.0], [0.0], [25.0]])
    out = np.empty((len(starts), steps))

    def flow(state: np.ndarray) -> np.ndarray:
        x, y, z = state
        return np.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z])

    for step in range(steps):
        for _ in range(substeps):
            first = flow(state)
            second = flow(state + dt / 2 * first)
            third = flow(state + dt / 2 * second)
            fourth = flow(state + dt * third)
            state = state + dt / 6 * (first + 2 * second + 2 * third + fourth)
        out[:, step] = state[0]
    return out


def _mackey_glass(starts: np.ndarray, steps: int, substeps: int, dt: float) -> np.ndarray:
    """x (L, steps) after each step of `substeps` times dt."""
    lag = max(1, round(DELAY / dt))
    history = np.empty((lag + steps * substeps + 1, len(starts)))
    # the past before the start: a level with a slow wave on it, so that trajectories part soon
    level, height, phase = starts.T
    past = np.arange(lag + 1)[:, None] / lag
    history[: lag + 1] = 0.6 + 0.6 * level + 0.2 * height * np.sin(2 * np.pi * (past + phase))

    def flow(x: np.ndarray, then: np.ndarray) -> np.ndarray:
        square = then * then
        fourth = square * square
        return 0.2 * then / (1 + fourth * fourth * square) - 0.1 * x

    for now in range(lag, lag + steps * substeps):
        x, then, next_then = history[now], history[now - lag], history[now - lag + 1]
        between = (then + next_then) / 2
        first = flow(x, then)
        second = flow(x + dt / 2 * first, between)
        third = flow(x + dt / 2 * second, between)
        fourth = flow(x + dt * third, next_then)
        history[now + 1] = x + dt / 6 * (first + 2 * second + 2 * third + fourth)
    return history[lag + substeps :: substeps].T
