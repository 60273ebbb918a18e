"""Direct feedback alignment (paper, eq. 6): the error of now meets every past step directly."""

from __future__ import annotations

import numpy as np

from autapse_sim.engines.discrete.layout import outer
from autapse_sim.engines.discrete.rule import Rule


class Dfa(Rule):
    """g(t) = (1/t) sum_{l=1..t} [(B err(t)) * f'(a(l))] o(l-1)^T.

    The error stands outside the sum, so the sum is carried along: S_ij(t) = S_ij(t-1) + f'(a_i(t)) o_j(t-1).
    """

    def start(self) -> None:
        self.S = self.layout.zeros(*self.network.slope.shape[1:], self.z.shape[2])

    def plain(self, t: int) -> np.ndarray:
        feedback = self.network.feedback(t)
        g = sum(outer(feedback * self.network.slope[past], self.z[past]) for past in range(t + 1))  # eq. 6
        return g * self.share[t]  # eq. 1

    def fast(self, t: int) -> np.ndarray:
        """The feedback times the running mean of f'(a_i) o_j."""
        self.S += outer(self.network.slope[t], self.z[t])
        return (self.network.feedback(t) * self.share[t])[:, :, None] * self.S

    def delta(self) -> np.ndarray:
        """delta(l) = f'(a(l)) * sum_{t>=l} (B err(t)) / t."""
        signal = self.weighted(self.network.feedback(slice(None)))
        for past in range(self.network.steps - 2, -1, -1):
            signal[past] += signal[past + 1]
        signal *= self.network.slope
        return signal
