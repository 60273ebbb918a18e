"""Delayed match to sample: were the two stimuli the same?"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from autapse_sim.checks import real, settle, whole


@dataclass(frozen=True)
class DelayedMatch:
    """A stimulus, a long delay, a second stimulus, and the call to tell whether the two were the same.

    The stimulus is Poisson spikes (0 or 1 per step) of four populations: those of stimuli A and B, one that calls for
    the decision, and noise. Each of the two stimuli is A or B at even odds; the noise population fires all the time at
    a quarter of the others' probability. The target is one-hot, (match, non-match), in the decision window, which alone
    is scored, and 0 before it. The lengths that are the defaults are those of Barretto-Bittar et al. (2026,
    arXiv:2603.08949).

    Parameters
    ----------
    fixation, cue, delay, decision : int
        Steps before the first stimulus, of each stimulus, between them, and of the decision window after the second.
    population : int
        Channels of each of the four populations.
    probability : float
        Of a spike, per step and channel, where a population fires.

    Examples
    --------
    >>> task = DelayedMatch(fixation=5, cue=10, delay=20, decision=15)
    >>> task.steps, task.inputs, int(task.scored.sum())
    (60, 80, 15)
    >>> x, y = task.sample(np.random.default_rng(0), replicates=2, trajectories=4)
    >>> x.shape, y.shape, y.sum(axis=3)[0, 0, -2:].tolist()
    ((2, 4, 60, 80), (2, 4, 60, 2), [1.0, 1.0])
    """

    fixation: int = 50
    cue: int = 150
    delay: int = 700
    decision: int = 50
    population: int = 20
    probability: float = 0.04

    def __post_init__(self) -> None:
        settle(self, whole, "cue", "decision", "population", least=1)
        settle(self, whole, "fixation", "delay")
        settle(self, real, "probability", least=0, most=1)

    @property
    def inputs(self) -> int:
        """m, channels of the four populations."""
        return 4 * self.population

    @property
    def outputs(self) -> int:
        """c, match and non-match."""
        return 2

    @property
    def steps(self) -> int:
        """T, steps of a trajectory."""
        return self.fixation + 2 * self.cue + self.delay + self.decision

    @property
    def blanked(self) -> None:
        """The stimulus is never blanked."""
        return None

    @property
    def scored(self) -> np.ndarray:
        """The steps whose error counts, bool (T,): the decision window."""
        return np.arange(self.steps) >= self.steps - self.decision

    def sample(self, rng: np.random.Generator, replicates: int, trajectories: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw `trajectories` for each of `replicates`.

        Returns
        -------
        x : array (R, K, T, m)
            Spikes, 0 or 1.
        y : array (R, K, T, 2)
            One-hot in the decision window, else 0.
        """
        x = np.empty((replicates, trajectories, self.steps, self.inputs))
        y = np.zeros((replicates, trajectories, self.steps, 2))
        for r, child in enumerate(rng.spawn(replicates)):
            stimuli, spikes = child.spawn(2)
            for k in range(trajectories):
                first, second = stimuli.integers(2, size=2)
                x[r, k] = spikes.random(x.shape[2:]) < self._rates(first, second)
                y[r, k, self.scored, int(first != second)] = 1
        return x, y

    def floors(self, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        """What who knows nothing reaches, and no more who knows one of the stimuli: cross-entropy in nats (R,)."""
        return {"chance": np.full(len(x), log(2))}

    def _rates(self, first: int, second: int) -> np.ndarray:
        """Probabilities (T, m) of a spike, given which stimuli are shown."""
        rates = np.zeros((self.steps, 4, self.population))
        later = self.fixation + self.cue + self.delay
        for start, shown in ((self.fixation, first), (later, second)):
            rates[start : start + self.cue, int(shown)] = self.probability
        rates[self.scored, 2] = self.probability
        rates[:, 3] = self.probability / 4
        return rates.reshape(self.steps, -1)
