"""Delayed match to sample: were the two stimuli the same?"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np

from autapse_sim.checks import real, settle, whole
from autapse_sim.showing import showing
from autapse_sim.tasks.cued import Cued


@showing
@dataclass(frozen=True)
class DelayedMatch(Cued):
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
    def steps(self) -> int:
        """T, steps of a trajectory."""
        return self.fixation + 2 * self.cue + self.delay + self.decision

    def floors(self, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        """What who knows nothing reaches, and no more who knows one of the stimuli: cross-entropy in nats (R,)."""
        return {"chance": np.full(len(x), log(2))}

    def _window(self) -> int:
        return self.decision

    def _starts(self) -> tuple[int, int]:
        return self.fixation, self.fixation + self.cue + self.delay

    def _cues(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        shown = rng.integers(2, size=2)
        return shown, int(shown[0] != shown[1])
