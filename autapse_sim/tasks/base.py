"""What a task is: something that hands out stimulus and target trajectories."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

FOLLOWS: Any = None
"""The default of a field that follows from another one: once a task is made, there is a value in its place."""


class Task(Protocol):
    """A source of trajectories; any object with these attributes is one.

    The draws of a replicate do not depend on how many replicates run beside it, and the draws of a trajectory not on
    how many follow: `sample` gives each replicate a generator of its own (``rng.spawn``).

    Attributes
    ----------
    inputs : int
        m, coordinates of the stimulus x.
    outputs : int
        c, coordinates of the target y.
    steps : int
        T, steps of a trajectory.
    blanked : bool array (T,) or None
        The steps at which the stimulus is blanked; None where it never is.
    scored : bool array-like (T,), (K, T), (R, K, T) or (R, K, T, c), or None, optional
        Which targets count; None, or no such attribute, is all of them. NaN in a target says the same. Where a target
        does not count its error is 0, in learning as in every score, of rules and of controls. Of each trajectory
        something must count. It is read after each `sample`, and is of all replicates and all trajectories of the
        protocol: those of training, then of validation, then of the test.
    units : str, optional
        What targets are measured in ('box lengths'); '1', or no such attribute, is nothing.
    horizon : int, optional
        Where the target is the stimulus that many steps later: controls extrapolate by so much.
    observed : callable, optional
        ``observed(x)`` gives what a stimulus shows in the units of the target, where x does not.
    physics : callable, optional
        ``physics(x)`` gives, by name, what who knows the task predicts from x, (R, K, T, c): what is possible, no
        control to beat. A name that does not begin with 'physics' gets that in front.
    floors : callable, optional
        ``floors(x, y)`` gives, by name, the scores (R,) that honest controls without the skill reach on trajectories x
        and y: MSE, or cross-entropy in nats where targets are probabilities.
    """

    @property
    def inputs(self) -> int: ...

    @property
    def outputs(self) -> int: ...

    @property
    def steps(self) -> int: ...

    @property
    def blanked(self) -> np.ndarray | None: ...

    def sample(self, rng: np.random.Generator, replicates: int, trajectories: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw stimulus x (R, K, T, m) and target y (R, K, T, c) for R replicates of K trajectories.

        Real numbers, all of them finite but for NaN in y where it does not count.
        """
        ...
