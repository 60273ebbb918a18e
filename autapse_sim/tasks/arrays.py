"""The user's own stimulus and target trajectories as a task."""

from __future__ import annotations

from dataclasses import InitVar, dataclass
from typing import Any

import numpy as np

from autapse_sim.checks import numbers
from autapse_sim.errors import InputError
from autapse_sim.showing import showing
from autapse_sim.tasks.shown import check_finite, masked


@showing
@dataclass(frozen=True, eq=False)
class ArrayTask:
    """Trajectories given as arrays, handed out in order: training first, then validation, then test.

    Parameters
    ----------
    x : array (R, K, T, m)
        Stimulus of K trajectories of T steps for each of R replicates; R = 1 is shared by all replicates.
    y : array (R, K, T, c)
        Target; where it is NaN it does not count: there is no error there, neither in learning nor in any score.
    scored : bool array-like (T,), (K, T), (R, K, T) or (R, K, T, c), optional
        Which targets count, for trajectories of different lengths for example; it goes into `y` as NaN.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(1, 5, 20, 3))
    >>> task = ArrayTask(x, y=x[..., :1])
    >>> task.inputs, task.outputs, task.steps
    (3, 1, 20)
    >>> lengths = np.array([20, 20, 15, 12, 18])
    >>> int(np.isnan(ArrayTask(x, x[..., :1], np.arange(20) < lengths[:, None]).y).sum())
    15
    >>> [array.shape for array in task.sample(np.random.default_rng(0), replicates=2, trajectories=4)]
    [(2, 4, 20, 3), (2, 4, 20, 1)]
    """

    x: np.ndarray
    y: np.ndarray
    scored: InitVar[Any] = None

    def __post_init__(self, scored: Any) -> None:
        for name in ("x", "y"):
            object.__setattr__(self, name, _checked(name, getattr(self, name)))
        if self.x.shape[:3] != self.y.shape[:3]:
            raise InputError(
                f"array task: y has (replicates, trajectories, steps) = {self.y.shape[:3]}, "
                f"expected {self.x.shape[:3]} as x has"
            )
        object.__setattr__(self, "y", masked(self.y, scored, "array task"))

    @property
    def inputs(self) -> int:
        """m, coordinates of the stimulus."""
        return self.x.shape[3]

    @property
    def outputs(self) -> int:
        """c, coordinates of the target."""
        return self.y.shape[3]

    @property
    def steps(self) -> int:
        """T, steps of a trajectory."""
        return self.x.shape[2]

    @property
    def blanked(self) -> None:
        """Nothing is known about blanks in the user's own stimulus."""
        return None

    def sample(self, rng: np.random.Generator, replicates: int, trajectories: int) -> tuple[np.ndarray, np.ndarray]:
        """Hand out the first `trajectories` of the first `replicates`; `rng` is not used.

        Returns
        -------
        x : array (R, K, T, m)
            Stimulus, read-only.
        y : array (R, K, T, c)
            Target, read-only.
        """
        R, K = self.x.shape[:2]
        if trajectories > K:
            raise InputError(
                f"array task: {trajectories} trajectories are asked for (train + validate + test), but x and y hold {K}"
            )
        if replicates > R > 1:
            raise InputError(
                f"array task: {replicates} replicates are asked for, but x and y hold {R}; "
                "give as many, or 1 that all share"
            )
        shared = (np.broadcast_to(a, (max(R, replicates), *a.shape[1:])) for a in (self.x, self.y))
        x, y = (array[:replicates, :trajectories] for array in shared)
        return x, y


def _checked(name: str, values: Any) -> np.ndarray:
    array = numbers(f"array task: {name}", values).copy()
    if array.ndim != 4:
        raise InputError(
            f"array task: {name} has shape {array.shape}, "
            "expected 4 axes (replicates, trajectories, steps, coordinates)"
        )
    if not array.size:
        raise InputError(f"array task: {name} has shape {array.shape}; every axis must be at least 1 long")
    check_finite("array task", name, array)
    return array
