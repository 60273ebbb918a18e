"""The add task: a coin whose odds are a sum of what was shown two lags ago."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autapse_sim.checks import settle, whole
from autapse_sim.errors import InputError
from autapse_sim.showing import showing
from autapse_sim.tasks.entropy import entropy


@showing
@dataclass(frozen=True)
class AddTask:
    """Coins x(t) at even odds; y(t) is a coin of probability 0.5 + 0.5 x(t - t1) - 0.25 x(t - t2).

    After Pitis (2016), as in Marschall, Cho & Savin (2020, JMLR 21:135). Both come as (heads, tails), one of which is 1
    and the other 0. What can be predicted of y is known in closed form, so the cross-entropy tells which of the two
    lags a network has learned: see `floors`.

    Parameters
    ----------
    steps : int
        T, steps of a trajectory.
    t1, t2 : int
        The lags in steps, different from each other and less than `steps`. The first max(t1, t2) steps, in which a lag
        reaches back before the start, are not scored.

    Examples
    --------
    >>> task = AddTask(steps=20, t1=3, t2=5)
    >>> x, y = task.sample(np.random.default_rng(0), replicates=1, trajectories=2)
    >>> {name: value.round(4).tolist() for name, value in task.floors(x, y).items()}
    {'no memory': [0.6616], 'first lag': [0.5192], 'both lags': [0.4545]}
    """

    steps: int = 100
    t1: int = 6
    t2: int = 10

    def __post_init__(self) -> None:
        settle(self, whole, "steps", least=1)
        settle(self, whole, "t1", "t2")
        for name in ("t1", "t2"):
            if getattr(self, name) >= self.steps:
                raise InputError(
                    f"{name} is {getattr(self, name)}; it must be shorter than the trajectory ({self.steps} steps)"
                )
        if self.t1 == self.t2:
            raise InputError(f"t1 and t2 are both {self.t1}; the two lags must differ")

    @property
    def inputs(self) -> int:
        """m, heads and tails."""
        return 2

    @property
    def outputs(self) -> int:
        """c, heads and tails."""
        return 2

    @property
    def blanked(self) -> None:
        """The stimulus is never blanked."""
        return None

    @property
    def scored(self) -> np.ndarray:
        """The steps whose error counts, bool (T,): those at which both lags have been shown."""
        return np.arange(self.steps) >= max(self.t1, self.t2)

    def sample(self, rng: np.random.Generator, replicates: int, trajectories: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw `trajectories` for each of `replicates`.

        Returns
        -------
        x : array (R, K, T, 2)
            One-hot: heads, tails.
        y : array (R, K, T, 2)
            The same of the target.
        """
        before = max(self.t1, self.t2)
        heads = np.empty((2, replicates, trajectories, self.steps), dtype=bool)
        for r, child in enumerate(rng.spawn(replicates)):
            shown, drawn = child.spawn(2)
            coins = shown.random((trajectories, before + self.steps)) < 0.5  # from before the start, for the lags
            first, second = (coins[:, before - lag : before - lag + self.steps] for lag in (self.t1, self.t2))
            heads[0, r] = coins[:, before:]
            heads[1, r] = drawn.random(first.shape) < odds(first, second)
        x, y = np.stack([heads, ~heads], axis=-1).astype(float)
        return x, y

    def floors(self, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        """The expected cross-entropy in nats of who knows the odds and these lags, for each replicate of x (R, ...)."""
        p = np.array([[odds(first, second) for second in (0, 1)] for first in (0, 1)])
        nats = {
            "no memory": entropy(p.mean()),
            "first lag": entropy(p.mean(axis=1)).mean(),
            "both lags": entropy(p).mean(),
        }
        return {name: np.full(len(x), value) for name, value in nats.items()}


def odds(first: float | np.ndarray, second: float | np.ndarray) -> float | np.ndarray:
    """The probability of heads, given what was shown at the two lags (0 or 1)."""
    return 0.5 + 0.5 * first - 0.25 * second
