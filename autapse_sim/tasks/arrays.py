"""The user's own stimulus and target trajectories as a task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autapse_sim.errors import InputError


@dataclass(frozen=True, eq=False)
class ArrayTask:
    """Trajectories given as arrays, handed out in order: training first, then validation, then test.

    Parameters
    ----------
    x : array (R, K, T, m)
        Stimulus of K trajectories of T steps for each of R replicates; R = 1 is shared by all replicates.
    y : array (R, K, T, c)
        Target.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(1, 5, 20, 3))
    >>> task = ArrayTask(x, y=x[..., :1])
    >>> task.inputs, task.outputs, task.steps
    (3, 1, 20)
    >>> [array.shape for array in task.sample(np.random.default_rng(0), replicates=2, trajectories=4)]
    [(2, 4, 20, 3), (2, 4, 20, 1)]
    """

    x: np.ndarray
    y: np.ndarray

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            object.__setattr__(self, name, _checked(name, getattr(self, name)))
        if self.x.shape[:3] != self.y.shape[:3]:
            raise InputError(
                f"array task: y has (replicates, trajectories, steps) = {self.y.shape[:3]}, "
                f"expected {self.x.shape[:3]} as x has"
            )

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


def _checked(name: str, values: object) -> np.ndarray:
    try:
        array = np.array(values, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"array task: {name} is not an array of numbers") from None
    if array.ndim != 4:
        raise InputError(
            f"array task: {name} has shape {array.shape}, "
            "expected 4 axes (replicates, trajectories, steps, coordinates)"
        )
    if not array.size:
        raise InputError(f"array task: {name} has shape {array.shape}; every axis must be at least 1 long")
    if not np.isfinite(array).all():
        first = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
        raise InputError(f"array task: {name}{list(first)} is {array[first]}; every number must be finite")
    return array
