"""Random-feedback local online learning (Murray 2019): the autapse rule with f' put back, inside the trace."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from autapse_sim.discrete.layout import outer
from autapse_sim.discrete.rule import Rule


class Rflo(Rule):
    """g(t) = (B err(t))_i p_ij(t), p_ij(t) = p_ij(t-1) + (f'(a_i(t)) o_j(t-1) - p_ij(t-1)) / tau, p(0) = 0.

    Without f' the trace p_ij is the autapse's k_j, for every i. There is no 1/t in it.
    """

    parameters: ClassVar[dict[str, float | None]] = {"eta": None, "tau": None}

    def start(self) -> None:
        self.p = self.layout.zeros(*self.network.slope.shape[1:], self.z.shape[2])

    def plain(self, t: int) -> np.ndarray:
        tau = self.values["tau"][:, None, None]
        # the solution of the difference equation: p(t) = (1/tau) sum_l (1 - 1/tau)^(t-l) f'(a(l)) o(l-1)^T
        p = sum((1 - 1 / tau) ** (t - l) * outer(self.network.slope[l], self.z[l]) for l in range(t + 1)) / tau  # noqa: E741
        return self.network.feedback(t)[:, :, None] * p

    def fast(self, t: int) -> np.ndarray:
        """The trace by its difference equation."""
        self.p += (outer(self.network.slope[t], self.z[t]) - self.p) / self.values["tau"][:, None, None]
        return self.network.feedback(t)[:, :, None] * self.p

    def delta(self) -> np.ndarray:
        """delta(l) = f'(a(l)) * s(l), s(l) = sum_{t>=l} (1/tau) (1 - 1/tau)^(t-l) B err(t): a low-pass from the end."""
        signal, tau = self.network.feedback(slice(None)), self.values["tau"][:, None]
        signal /= tau
        keep = 1 - 1 / tau
        for past in range(self.network.steps - 2, -1, -1):
            signal[past] += keep * signal[past + 1]
        signal *= self.network.slope
        return signal
