"""The autapse rule (paper, eqs. 7 to 11): the error re-weighted by the presynaptic low-pass trace."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from autapse_sim.engines.discrete.layout import outer
from autapse_sim.engines.discrete.network import Network
from autapse_sim.engines.discrete.rule import Rule


class Autapse(Rule):
    """g(t) = (B err(t)) k(t)^T with k(t) = k(t-1) + (o(t-1) - k(t-1)) / tau, k(0) = 0; for U, x(t) in place of o(t-1).

    Eq. 11 prints the exponent of the filter as (t' - t) / tau under a minus sign, which would grow into the past; eq. 8
    has the sign right, and it is eq. 8 that is computed here.
    """

    parameters: ClassVar[dict[str, float | None]] = {"eta": None, "tau": None}

    def start(self) -> None:
        self.k = np.zeros_like(self.z[0])

    def plain(self, t: int) -> np.ndarray:
        tau = self.values["tau"][:, None]
        # eq. 8 in steps: k(t) = (1/tau) sum_l (1 - 1/tau)^(t-l) o(l-1)
        k = sum((1 - 1 / tau) ** (t - past) * self.z[past] for past in range(t + 1)) / tau
        return outer(self.network.feedback(t), k)  # eqs. 9 and 10

    def fast(self, t: int) -> np.ndarray:
        """The trace by its difference equation."""
        self.k += (self.z[t] - self.k) / self.values["tau"][:, None]  # eq. 7
        return outer(self.network.feedback(t), self.k)

    def total(self) -> np.ndarray:
        return self.layout.over_time(self.network.feedback(slice(None)), low_pass(self.z[:-1], self.values["tau"]))

    @staticmethod
    def traces(network: Network, values: dict[str, np.ndarray], which: np.ndarray) -> dict[str, np.ndarray]:
        return {"k": low_pass(network.pre[:-1, which, network.recurrent], values["tau"][which])}


def low_pass(z: np.ndarray, tau: np.ndarray) -> np.ndarray:
    """The trace k (T, N, j) of the presynaptic activity z, after its update in each step (eq. 7)."""
    k = np.empty_like(z)
    last = np.zeros_like(z[0])
    for t in range(len(z)):
        np.add(last, (z[t] - last) / tau[:, None], out=k[t])
        last = k[t]
    return k
