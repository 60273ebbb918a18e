"""Back-propagation through time (paper, eqs. 1 to 3)."""

from __future__ import annotations

import numpy as np

from autapse_sim.discrete.layout import Sweep, outer
from autapse_sim.discrete.rule import Rule


class Bptt(Rule):
    """g(t) = (1/t) sum_{l=1..t} d(l) o(l-1)^T, d(t) = (V^T err(t)) * f'(a(t)), d(l) = (W^T d(l+1)) * f'(a(l)).

    At every step the past is unrolled with the weights of now, over the activities as they were.
    """

    def start(self) -> None:
        self.sweep = Sweep(self.layout, self.network.slope)

    @property
    def entry(self) -> np.ndarray:
        """Carries the error into the neurons: V^T."""
        return self.network.V[:, :, : self.network.neurons].transpose(0, 2, 1)

    @property
    def back(self) -> np.ndarray:
        """Carries it one step back: W^T."""
        return self.network.W[:, :, : self.network.neurons].transpose(0, 2, 1)

    def _entering(self, t: int | slice) -> np.ndarray:
        return self.layout.apply(self.entry, self.network.err[t], out=np.empty_like(self.network.slope[t]))

    def plain(self, t: int) -> np.ndarray:
        slope, z = self.network.slope, self.z
        d = self._entering(t) * slope[t]  # delta^(t) of eq. 3
        g = outer(d, z[t])  # eq. 2
        for past in range(t - 1, -1, -1):
            d = self.layout.apply(self.back, d, out=np.empty_like(d)) * slope[past]  # eq. 3
            g += outer(d, z[past])
        return g * self.share[t]  # eq. 1

    def fast(self, t: int) -> np.ndarray:
        """One sweep back that keeps every d(l), and one contraction over time."""
        sweep = self.sweep
        np.multiply(self._entering(t), self.network.slope[t], out=sweep.d[t])
        sweep.back(self.back, t)
        return self.layout.over_time(sweep.d[: t + 1], self.z[: t + 1]) * self.share[t]

    def delta(self) -> np.ndarray:
        """delta(l) = (V^T err(l) / l + W^T delta(l+1)) * f'(a(l)): the sweeps of all steps in one."""
        d, slope, back = self.weighted(self._entering(slice(None))), self.network.slope, self.back
        carried = np.empty_like(d[0])
        d[-1] *= slope[-1]
        for past in range(self.network.steps - 2, -1, -1):
            d[past] += self.layout.apply(back, d[past + 1], out=carried)
            d[past] *= slope[past]
        return d
