"""Random-feedback local online learning (Murray 2019): the error fed back, times a trace that forgets as neurons do."""

from __future__ import annotations

import numpy as np

from autapse_sim.engines.discrete.layout import outer
from autapse_sim.engines.discrete.rule import Rule


class Rflo(Rule):
    """g(t) = (B err(t))_i p_ij(t), p_ij(t) = p_ij(t-1) + (f'(a_i(t)) o_j(t-1) - p_ij(t-1)) / tau_m, p(0) = 0.

    tau_m is the neurons' time constant; where it is 1, as in the paper's network, p_ij(t) = f'(a_i(t)) o_j(t-1). There
    is no 1/t in it.
    """

    def start(self) -> None:
        self.p: float | np.ndarray = 0.0

    def signal(self, t: int | slice) -> np.ndarray:
        """B err(t), what each neuron hears of the errors."""
        return self.network.feedback(t)

    def plain(self, t: int) -> np.ndarray:
        network = self.network
        keep = 0.0 if network.keep is None else network.keep[:, :, None]
        # the solution of the difference equation: p(t) = (1/tau_m) sum_l (1 - 1/tau_m)^(t-l) f'(a(l)) o(l-1)^T
        p = sum(keep ** (t - past) * outer(network.gain[past], self.z[past]) for past in range(t + 1))
        return self.signal(t)[:, :, None] * p

    def fast(self, t: int) -> np.ndarray:
        """The trace by its difference equation."""
        network = self.network
        kept = 0.0 if network.keep is None else network.keep[:, :, None] * self.p
        self.p = kept + outer(network.gain[t], self.z[t])
        return self.signal(t)[:, :, None] * self.p

    def delta(self) -> np.ndarray:
        """delta(l) = (f'(a(l)) / tau_m) * s(l), s(l) = B err(l) + (1 - 1/tau_m) s(l+1): a low-pass from the end."""
        signal, keep = self.signal(slice(None)), self.network.keep
        if keep is not None:
            for past in range(self.network.steps - 2, -1, -1):
                signal[past] += keep * signal[past + 1]
        signal *= self.network.gain
        return signal
