"""Learning rates that the same networks try beside each other, as one run, and the one that is chosen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from autapse_sim.spec.job import Outcome
from autapse_sim.spec.protocol import Protocol, Schedule

ALIKE = 0.02
"""Excess of an error over the least one of a grid up to which its learning rate is as good for a read-out."""


@dataclass(frozen=True)
class Grid:
    """The learning rates of a run in which every replicate occurs once for each, one rate after the other.

    Parameters
    ----------
    rates : tuple of float
        The E learning rates.
    replicates : int
        R, the networks that try each of them.

    Examples
    --------
    >>> grid = Grid((0.1, 1.0), replicates=2)
    >>> grid.source.tolist(), grid.each.tolist()
    ([0, 1, 0, 1], [0.1, 0.1, 1.0, 1.0])
    """

    rates: tuple[float, ...]
    replicates: int

    @classmethod
    def of(cls, rates: Iterable[float], replicates: int) -> Grid:
        """The grid of any learning rates."""
        return cls(tuple(float(rate) for rate in rates), replicates)

    @property
    def source(self) -> np.ndarray:
        """Which replicate each network of the run is, (E R,)."""
        return np.tile(np.arange(self.replicates), len(self.rates))

    @property
    def each(self) -> np.ndarray:
        """The learning rate of each network of the run, (E R,)."""
        return np.repeat(self.rates, self.replicates)

    def at(self, index: int) -> np.ndarray:
        """The networks of the run that have the learning rate of this index, (R,)."""
        return index * self.replicates + np.arange(self.replicates)

    def folded(self, values: np.ndarray) -> np.ndarray:
        """Values of each network, (E R, ...), by learning rate and replicate: (E, R, ...)."""
        return values.reshape(len(self.rates), self.replicates, *values.shape[1:])

    def best(self, errors: np.ndarray) -> int | None:
        """Index of the learning rate with the least median error (E, R); None where half diverged at each of them.

        Examples
        --------
        >>> grid = Grid((0.1, 0.3, 1.0), replicates=3)
        >>> grid.best(np.array([[0.3, 0.4, 0.3], [0.1, 0.2, 0.3], [0.0, np.nan, np.nan]]))
        1
        """
        if len(self.rates) == 1:
            return 0
        medians = _medians(errors)
        return int(np.argmin(medians)) if np.isfinite(medians).any() else None

    def choose(self, errors: np.ndarray, otherwise: float | None = None) -> float:
        """The learning rate that is best; where there is none, another one, by default the smallest."""
        index = self.best(errors)
        if index is not None:
            return self.rates[index]
        return min(self.rates) if otherwise is None else otherwise

    def gentle(self, errors: np.ndarray) -> float:
        """The smallest learning rate whose median error (E, R) is as good as the least, by `ALIKE`."""
        medians = _medians(errors)
        near = medians <= (1 + ALIKE) * medians.min()
        return min(rate for rate, good in zip(self.rates, near, strict=True) if good)

    def validation(self, protocol: Protocol, outcome: Outcome) -> tuple[np.ndarray, np.ndarray]:
        """Validation MSE (E, R) at the first and at the last look, NaN where there is none."""
        if not protocol.validate:
            none = np.full((len(self.rates), self.replicates), np.nan)
            return none, none
        looks = outcome.mse[:, Schedule.of(protocol).look]
        looks = self.folded(looks.reshape(len(looks), -1, protocol.validate)).mean(axis=-1)
        return looks[..., 0], looks[..., -1]


def _medians(errors: np.ndarray) -> np.ndarray:
    """The median error at each learning rate (E,); a replicate that diverged counts as infinite."""
    return np.median(np.where(np.isnan(errors), np.inf, errors), axis=-1)
