"""Evidence accumulation: on which side were there more cues?"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, log

import numpy as np

from autapse_sim.checks import real, settle, whole
from autapse_sim.errors import InputError
from autapse_sim.showing import showing
from autapse_sim.tasks.cued import Cued
from autapse_sim.tasks.entropy import entropy


@showing
@dataclass(frozen=True)
class EvidenceAccumulation(Cued):
    """Cues from the left and the right, a long delay, then the call to tell which side had more of them.

    The task of Bellec et al. (2020, Nature Communications 11:3625) as in NEST's example
    eprop_supervised_classification_evidence-accumulation_bsshslm_2020, whose values are the defaults. The stimulus is
    Poisson spikes (0 or 1 per step) of four populations: left, right, recall and noise. In each trajectory one side,
    at even odds, is the more likely one for every cue. Each cue is a burst of its side's population after a pause; the
    recall population fires through the recall window, the noise population all the time at a quarter of the others'
    probability. The target is one-hot, (left, right), in the recall window, which alone is scored, and 0 before it.

    Parameters
    ----------
    cues : int
        An odd number, so that there is a majority.
    cue, pause, delay, recall : int
        Steps of a cue, of the pause before each cue, of the delay after the last one, and of the recall window.
    population : int
        Channels of each of the four populations.
    probability : float
        Of a spike, per step and channel, where a population fires.
    minority : float
        Probability of a cue from the less likely side.

    Examples
    --------
    >>> task = EvidenceAccumulation(cues=3, cue=10, pause=5, delay=20, recall=15)
    >>> task.steps, task.inputs, int(task.scored.sum())
    (80, 40, 15)
    >>> x, y = task.sample(np.random.default_rng(0), replicates=2, trajectories=4)
    >>> x.shape, y.shape, sorted(set(x.ravel()))
    ((2, 4, 80, 40), (2, 4, 80, 2), [np.float64(0.0), np.float64(1.0)])
    """

    cues: int = 7
    cue: int = 100
    pause: int = 50
    delay: int = 1050
    recall: int = 150
    population: int = 10
    probability: float = 0.04
    minority: float = 0.3

    def __post_init__(self) -> None:
        settle(self, whole, "cues", "cue", "recall", "population", least=1)
        settle(self, whole, "pause", "delay")
        if self.cues % 2 == 0:
            raise InputError(f"cues is {self.cues}; it must be odd, or neither side may have more")
        settle(self, real, "probability", least=0, most=1)
        settle(self, real, "minority", least=0, most=0.5)

    @property
    def steps(self) -> int:
        """T, steps of a trajectory."""
        return self.cues * (self.cue + self.pause) + self.delay + self.recall

    def floors(self, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        """What who counts no cues reaches, as the expected cross-entropy in nats, for each replicate of x (R, ...).

        'chance' knows nothing; 'last cue' knows the side of one cue and the odds of the task.
        """
        nats = {"chance": log(2), "last cue": float(entropy(self._agreement()))}
        return {name: np.full(len(x), value) for name, value in nats.items()}

    def _window(self) -> int:
        return self.recall

    def _starts(self) -> range:
        return range(self.pause, self.cues * (self.cue + self.pause), self.cue + self.pause)

    def _cues(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        likely, right = rng.random(), rng.random(self.cues)
        shown = right < (self.minority if likely < 0.5 else 1 - self.minority)
        return shown, int(2 * shown.sum() > self.cues)

    def _agreement(self) -> float:
        """The probability that any one cue is from the side that has more of them."""
        others, needed = self.cues - 1, self.cues // 2
        agreement = 0.0
        for p in (self.minority, 1 - self.minority):  # of this cue's side, over which of the sides is the likely one
            most = sum(comb(others, k) * p**k * (1 - p) ** (others - k) for k in range(needed, others + 1))
            agreement += p * most
        return agreement
