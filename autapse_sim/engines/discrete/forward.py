"""Sums over the past that are carried forward, for the rules whose way back through time is known as it happens."""

from __future__ import annotations

import numpy as np

from autapse_sim.engines.discrete.layout import Layout


class Sensitivities:
    """P_k,ij(t) = f'(a_k(t)) (1[k = i] z_j(t) + sum_m A_km(t) P_m,ij(t-1)), from P(0) = 0.

    Where tau_m is not 1, f' is divided by it, and (1 - 1/tau_m) P_k,ij(t-1) is added.

    With A = W it is the derivative of o_k(t) by W_ij (real-time recurrent learning; Williams & Zipser 1989). Any signal
    s(t) that enters at step t and is carried back along A^T then gives sum_k s_k(t) P_k(t), at n^4 a step whatever t.

    Parameters
    ----------
    layout : Layout
        Of the networks.
    count, neurons, columns : int
        N, n and the number of presynaptic columns that learn.
    """

    def __init__(self, layout: Layout, count: int, neurons: int, columns: int) -> None:
        self.layout, self.neurons = layout, neurons
        self.P, self.old = (layout.zeros(count, neurons, neurons, columns) for _ in range(2))

    def advance(self, A: np.ndarray, z: np.ndarray, gain: np.ndarray, keep: np.ndarray | None) -> None:
        """One step, with A (N, n, n), z (N, columns), f' / tau_m (N, n) and 1 - 1/tau_m (N, 1), None where it is 0."""
        self.P, self.old = self.old, self.P
        for i in range(self.neurons):
            self.layout.times(A, self.old[:, :, i], out=self.P[:, :, i])
            self.P[:, i, i] += z
        self.P *= gain[:, :, None, None]
        if keep is not None:
            self.P += keep[:, :, None, None] * self.old

    def gradient(self, signal: np.ndarray) -> np.ndarray:
        """sum_k signal_k P_k, with signal (N, n)."""
        return sum(self.P[:, k] * signal[:, k, None, None] for k in range(self.neurons))
