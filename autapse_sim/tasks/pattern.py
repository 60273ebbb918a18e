"""Pattern generation: a frozen sum of sines, to be told from little or no input."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autapse_sim.checks import real, settle, whole
from autapse_sim.names import one_of
from autapse_sim.showing import showing
from autapse_sim.tasks.base import FOLLOWS

FORMS = {
    "murray": {"steps": 100, "channels": 1, "stimulus": "pulse"},
    "nest": {"steps": 1000, "channels": 100, "stimulus": "spikes"},
}
STIMULI = ("none", "pulse", "constant", "spikes")
CYCLES = {"murray": np.array([1, 2, 4]), "nest": np.array([1, 2, 3, 5])}
"""Of the sines, in a trajectory."""


@showing
@dataclass(frozen=True)
class PatternGeneration:
    """One target signal that is the same in every trajectory, out of an input that tells nothing but the time.

    Form 'murray' is the target of the RFLO paper (Murray 2019, eLife 8:e43299, and its example code):
    sin(w t) + sin(2 w t) / 2 + sin(4 w t) / 4, where w is one cycle a trajectory. Form 'nest' is that of NEST's example
    eprop_supervised_regression_sine-waves_bsshslm_2020 (after Bellec et al. 2020): four sines of 1, 2, 3 and 5 cycles a
    trajectory with amplitudes from 0.5 to 2 and any phases, drawn once for each replicate, shifted to start at 0 and
    scaled to a largest value of 1.

    Parameters
    ----------
    form : {'murray', 'nest'}
        Which target; it also says what the others are where they are None.
    steps : int, optional
        T, steps of a trajectory: 100 or 1000.
    stimulus : {'none', 'pulse', 'constant', 'spikes'}, optional
        All 0; 1 at the first step and 0 from then on, for 'murray'; 1 at every step; or Poisson spikes (0 or 1), frozen
        for each replicate as its target is, for 'nest'.
    channels : int, optional
        m, channels of the stimulus: 1 or 100.
    probability : float
        Of a spike, per step and channel.

    Examples
    --------
    >>> x, y = PatternGeneration().sample(np.random.default_rng(0), replicates=2, trajectories=5)
    >>> x.shape, y.shape, bool((y == y[0, 0]).all())
    ((2, 5, 100, 1), (2, 5, 100, 1), True)
    >>> PatternGeneration("nest").sample(np.random.default_rng(0), replicates=1, trajectories=2)[0].mean().round(2)
    np.float64(0.05)
    """

    form: str = "murray"
    steps: int = FOLLOWS
    stimulus: str = FOLLOWS
    channels: int = FOLLOWS
    probability: float = 0.05

    def __post_init__(self) -> None:
        settle(self, one_of, "form", known=FORMS)
        for name, value in FORMS[self.form].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        # every sine of 'nest' is at the last step where it is at the first
        settle(self, whole, "steps", least=3 if self.form == "nest" else 2)
        settle(self, whole, "channels", least=1)
        settle(self, one_of, "stimulus", known=STIMULI)
        settle(self, real, "probability", least=0, most=1)

    @property
    def inputs(self) -> int:
        """m, channels of the stimulus."""
        return self.channels

    @property
    def outputs(self) -> int:
        """c, channels of the target."""
        return 1

    @property
    def blanked(self) -> None:
        """The stimulus is never blanked."""
        return None

    @property
    def scored(self) -> np.ndarray | None:
        """The steps whose error counts, bool (T,): all but the one that a pulse starts the network with."""
        return np.arange(self.steps) > 0 if self.stimulus == "pulse" else None

    def sample(self, rng: np.random.Generator, replicates: int, trajectories: int) -> tuple[np.ndarray, np.ndarray]:
        """Give each of `replicates` its pattern, `trajectories` times.

        Returns
        -------
        x : array (R, K, T, m)
            Stimulus, read-only: all trajectories of a replicate are the same memory.
        y : array (R, K, T, 1)
            Target, read-only.
        """
        T = self.steps
        x, y = np.zeros((replicates, 1, T, self.channels)), np.empty((replicates, 1, T, 1))
        for r, child in enumerate(rng.spawn(replicates)):
            waves, spikes = child.spawn(2)
            y[r, 0, :, 0] = self._target(waves)
            if self.stimulus == "spikes":
                x[r, 0] = spikes.random((T, self.channels)) < self.probability
        if self.stimulus in ("pulse", "constant"):
            x[:, :, : 1 if self.stimulus == "pulse" else T] = 1
        x, y = (np.broadcast_to(array, (replicates, trajectories, *array.shape[2:])) for array in (x, y))
        return x, y

    def floors(self, x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        """What who knows no time reaches on targets y (R, K, T, 1): the MSE (R,) of the best constant."""
        counted = y if self.scored is None else y[:, :, self.scored]
        return {"constant": counted.var(axis=(1, 2)).mean(axis=-1)}

    def _target(self, rng: np.random.Generator) -> np.ndarray:
        """The target (T,) of one replicate."""
        cycles, T = CYCLES[self.form], self.steps
        if self.form == "murray":
            return np.sin(2 * np.pi * np.outer(np.arange(T) / T, cycles)) @ (1 / cycles)
        amplitudes, phases = rng.uniform(0.5, 2, len(cycles)), rng.uniform(0, 2 * np.pi, len(cycles))
        signal = np.sin(phases + 2 * np.pi * np.outer(np.linspace(0, 1, T), cycles)) @ amplitudes
        signal -= signal[0]
        return signal / np.abs(signal).max()
