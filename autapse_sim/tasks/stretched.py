"""Any task, slower: for networks with a time constant of several steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from autapse_sim.checks import settle, whole
from autapse_sim.showing import showing
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.shown import observed


@showing
@dataclass(frozen=True)
class Stretched:
    """A task of which every step lasts several: stimulus and target stand still meanwhile.

    Parameters
    ----------
    task : Task
        What is stretched; of its controls those remain that need no more than the stimulus.
    times : int
        Steps that a step of it lasts.

    Examples
    --------
    >>> from autapse_sim import FlipFlop
    >>> slow = Stretched(FlipFlop(steps=3, probability=0.9), times=2)
    >>> x, y = slow.sample(np.random.default_rng(1), replicates=1, trajectories=1)
    >>> slow.steps, x.ravel().astype(int).tolist()
    (6, [1, 1, -1, -1, 1, 1])
    """

    task: Task
    times: int = 10

    def __post_init__(self) -> None:
        settle(self, whole, "times", least=1)

    @property
    def inputs(self) -> int:
        """m, channels of the stimulus."""
        return self.task.inputs

    @property
    def outputs(self) -> int:
        """c, channels of the target."""
        return self.task.outputs

    @property
    def steps(self) -> int:
        """T, steps of a trajectory."""
        return self.task.steps * self.times

    @property
    def units(self) -> str:
        """What the target is measured in."""
        return getattr(self.task, "units", "1")

    @property
    def blanked(self) -> np.ndarray | None:
        """The steps at which the stimulus is blanked, bool (T,)."""
        return None if self.task.blanked is None else np.repeat(self.task.blanked, self.times)

    @property
    def scored(self) -> Any:
        """Which targets count, as of the task that is stretched."""
        scored = getattr(self.task, "scored", None)
        return scored if scored is None else np.repeat(scored, self.times, axis=min(np.ndim(scored) - 1, 2))

    @property
    def observed(self) -> Callable[[np.ndarray], np.ndarray] | None:
        """What a stimulus shows in the units of the target, as of the task that is stretched."""
        return None if getattr(self.task, "observed", None) is None else self._observed

    def sample(self, rng: np.random.Generator, replicates: int, trajectories: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw `trajectories` for each of `replicates`: stimulus x (R, K, T, m) and target y (R, K, T, c)."""
        x, y = self.task.sample(rng, replicates, trajectories)
        return np.repeat(x, self.times, axis=2), np.repeat(y, self.times, axis=2)

    def _observed(self, x: np.ndarray) -> np.ndarray:
        once = x[:, :, :: self.times]
        seen = observed(self.task, once)
        return x if seen is once else np.repeat(seen, self.times, axis=2)
