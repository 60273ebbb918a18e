"""Back-propagation through time (paper, eqs. 1 to 3)."""

from __future__ import annotations

import numpy as np

from autapse_sim.discrete.layout import outer
from autapse_sim.discrete.rule import Rule, per_step


class Bptt(Rule):
    """g(t) = (1/t) sum_{l=1..t} d(l) o(l-1)^T, d(t) = (V^T err(t)) * f'(a(t)), d(l) = (W^T d(l+1)) * f'(a(l)).

    At every step the past is unrolled with the weights of now, over the activities as they were.
    """

    def start(self) -> None:
        self.d = np.empty_like(self.network.slope)
        self.rows, self.slopes = list(self.d), list(self.network.slope)
        self.lifted = [self.layout.lift(row) for row in self.rows]

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
        return g / (t + 1)  # eq. 1

    def fast(self, t: int) -> np.ndarray:
        """One sweep back that keeps every d(l), and one contraction over time."""
        rows, lifted, slopes = self.rows, self.lifted, self.slopes
        carry, multiply = self.layout.operator(self.back), np.multiply
        multiply(self._entering(t), slopes[t], rows[t])
        for past in range(t - 1, -1, -1):
            carry(lifted[past + 1], rows[past])
            multiply(rows[past], slopes[past], rows[past])
        return self.layout.over_time(self.d[: t + 1], self.z[: t + 1]) / (t + 1)

    def delta(self) -> np.ndarray:
        """delta(l) = (V^T err(l) / l + W^T delta(l+1)) * f'(a(l)): the sweeps of all steps in one."""
        entering = self._entering(slice(None))
        entering *= per_step(self.network)
        carry = self.layout.operator(self.back)
        rows, slopes = self.rows, self.slopes
        np.multiply(entering[-1], slopes[-1], out=rows[-1])
        for past in range(self.network.steps - 2, -1, -1):
            carry(self.lifted[past + 1], rows[past])
            rows[past] += entering[past]
            rows[past] *= slopes[past]
        return self.d
