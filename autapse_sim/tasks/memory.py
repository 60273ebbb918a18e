"""Memory tasks: hold a sign, keep a sum, repeat what was shown some steps ago."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autapse_sim.checks import real, settle, whole
from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.showing import showing


@dataclass(frozen=True)
class _Memory:
    """One channel in, one out: x is drawn per trajectory, y(t) follows from x up to and including step t.

    Parameters
    ----------
    steps : int
        T, steps of a trajectory.
    """

    steps: int = 100

    def __post_init__(self) -> None:
        settle(self, whole, "steps", least=1)

    @property
    def inputs(self) -> int:
        """m, channels of the stimulus."""
        return 1

    @property
    def outputs(self) -> int:
        """c, channels of the target."""
        return 1

    @property
    def blanked(self) -> None:
        """The stimulus is never blanked."""
        return None

    def sample(self, rng: np.random.Generator, replicates: int, trajectories: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw `trajectories` for each of `replicates`.

        Returns
        -------
        x : array (R, K, T, 1)
            Stimulus.
        y : array (R, K, T, 1)
            Target.
        """
        shape = (trajectories, self.steps)
        x = np.array([self._stimulus(child, shape) for child in rng.spawn(replicates)])
        return x[..., None], self._target(x)[..., None]

    def _stimulus(self, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        """The stimulus (K, T) of one replicate."""
        raise NotImplementedError

    def _target(self, x: np.ndarray) -> np.ndarray:
        """The target of stimuli (..., T)."""
        raise NotImplementedError


@showing
@dataclass(frozen=True)
class FlipFlop(_Memory):
    """The sign of the last pulse (one bit; Sussillo & Barak 2013): 0 before the first one.

    Parameters
    ----------
    steps : int
        T, steps of a trajectory.
    probability : float
        Of a pulse, per step; its sign is even odds. Pulses are +1 or -1, and 0 lies between.

    Examples
    --------
    >>> x, y = FlipFlop(steps=8, probability=0.4).sample(np.random.default_rng(0), replicates=1, trajectories=1)
    >>> x.ravel().astype(int)
    array([ 0,  1,  0, -1,  0,  0, -1,  0])
    >>> y.ravel().astype(int)
    array([ 0,  1,  1, -1, -1, -1, -1, -1])
    """

    probability: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(self, real, "probability", least=0, most=1)

    def _stimulus(self, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        return _pulses(rng, shape, self.probability)

    def _target(self, x: np.ndarray) -> np.ndarray:
        last = np.maximum.accumulate(np.where(x != 0, np.arange(x.shape[-1]), 0), axis=-1)
        return np.take_along_axis(x, last, axis=-1)


@showing
@dataclass(frozen=True)
class Integrator(_Memory):
    """The running sum of sparse pulses, reflected at -1 and 1.

    Parameters
    ----------
    steps : int
        T, steps of a trajectory.
    probability : float
        Of a pulse, per step; its sign is even odds.
    pulse : float
        Height of a pulse, at most 1.

    Examples
    --------
    >>> task = Integrator(steps=6, probability=0.8, pulse=0.75)
    >>> x, y = task.sample(np.random.default_rng(7), replicates=1, trajectories=1)
    >>> x.ravel()
    array([ 0.75, -0.75,  0.75,  0.  ,  0.75, -0.75])
    >>> y.ravel()
    array([ 0.75,  0.  ,  0.75,  0.75,  0.5 , -0.25])
    """

    probability: float = 0.1
    pulse: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(self, real, "probability", "pulse", least=0, most=1)

    def _stimulus(self, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        return self.pulse * _pulses(rng, shape, self.probability)

    def _target(self, x: np.ndarray) -> np.ndarray:
        y = np.empty_like(x)
        total = np.zeros(x.shape[:-1])
        for t in range(x.shape[-1]):
            total = total + x[..., t]
            total = np.where(np.abs(total) > 1, np.copysign(2, total) - total, total)
            y[..., t] = total
        return y


@showing
@dataclass(frozen=True)
class DelayedCopy(_Memory):
    """What was shown `delay` steps ago, of a sequence of independent numbers; 0 before the first one comes round.

    Parameters
    ----------
    steps : int
        T, steps of a trajectory.
    delay : int
        In steps, at least 0 and less than `steps`.
    values : {'uniform', 'signs'}
        Numbers from -1 to 1, or -1 and 1 at even odds.

    Examples
    --------
    >>> x, y = DelayedCopy(steps=6, delay=2).sample(np.random.default_rng(0), replicates=1, trajectories=3)
    >>> bool((y[:, :, 2:] == x[:, :, :-2]).all()), y[0, 0, :2, 0]
    (True, array([0., 0.]))
    """

    delay: int = 5
    values: str = "uniform"

    def __post_init__(self) -> None:
        super().__post_init__()
        settle(self, whole, "delay")
        if self.delay >= self.steps:
            raise InputError(f"delay is {self.delay}; it must be shorter than the trajectory ({self.steps} steps)")
        settle(self, one_of, "values", known=("uniform", "signs"))

    def _stimulus(self, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        return rng.uniform(-1, 1, shape) if self.values == "uniform" else _pulses(rng, shape, probability=1)

    def _target(self, x: np.ndarray) -> np.ndarray:
        y = np.zeros_like(x)
        y[..., self.delay :] = x[..., : x.shape[-1] - self.delay]
        return y


def _pulses(rng: np.random.Generator, shape: tuple[int, int], probability: float) -> np.ndarray:
    """-1 and 1 at even odds, where there is a pulse, else 0."""
    draws = rng.random(shape)
    return np.where(draws < probability, np.where(draws < probability / 2, -1.0, 1.0), 0.0)
