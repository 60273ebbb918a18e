"""What tasks have in common in which cues of spikes are followed by the call for a decision."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


class Cued:
    """A task of four populations of Poisson spikes: of cues of either kind, of the call for a decision, and noise.

    Cues of `cue` steps come first, then a window of steps at the end in which the decision is called for and told. The
    noise population fires all the time at a quarter of the others' probability.
    """

    cue: int
    population: int
    probability: float

    @property
    def steps(self) -> int:
        """T, steps of a trajectory."""
        raise NotImplementedError

    @property
    def inputs(self) -> int:
        """m, channels of the four populations."""
        return 4 * self.population

    @property
    def outputs(self) -> int:
        """c, the two decisions."""
        return 2

    @property
    def blanked(self) -> None:
        """The stimulus is never blanked."""
        return None

    @property
    def scored(self) -> np.ndarray:
        """The steps whose error counts, bool (T,): the window of the decision."""
        return np.arange(self.steps) >= self.steps - self._window()

    def sample(self, rng: np.random.Generator, replicates: int, trajectories: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw `trajectories` for each of `replicates`.

        Returns
        -------
        x : array (R, K, T, m)
            Spikes, 0 or 1.
        y : array (R, K, T, 2)
            One-hot in the window of the decision, else 0.
        """
        x = np.empty((replicates, trajectories, self.steps, self.inputs))
        y = np.zeros((replicates, trajectories, self.steps, 2))
        for r, child in enumerate(rng.spawn(replicates)):
            cues, spikes = child.spawn(2)
            for k in range(trajectories):
                shown, decision = self._cues(cues)
                x[r, k] = spikes.random(x.shape[2:]) < self._rates(shown)
                y[r, k, self.scored, decision] = 1
        return x, y

    def _window(self) -> int:
        """Steps of the window in which the decision is told."""
        raise NotImplementedError

    def _starts(self) -> Iterable[int]:
        """The steps at which cues start."""
        raise NotImplementedError

    def _cues(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """The kind of each cue of a trajectory, 0 or 1, and the right decision."""
        raise NotImplementedError

    def _rates(self, shown: np.ndarray) -> np.ndarray:
        """Probabilities (T, m) of a spike, given the kind of each cue."""
        rates = np.zeros((self.steps, 4, self.population))
        for start, kind in zip(self._starts(), shown, strict=True):
            rates[start : start + self.cue, int(kind)] = self.probability
        rates[self.steps - self._window() :, 2] = self.probability
        rates[:, 3] = self.probability / 4
        return rates.reshape(self.steps, -1)
