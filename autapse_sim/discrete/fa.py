"""Feedback alignment (paper, eqs. 4 and 5): back-propagation through time along fixed random weights."""

from __future__ import annotations

import numpy as np

from autapse_sim.discrete.bptt import Bptt
from autapse_sim.discrete.layout import SMALL
from autapse_sim.errors import InputError


class Fa(Bptt):
    """As `Bptt`, with B in place of V^T and B_rec^T in place of W^T.

    B_rec never changes, so the sum over the past can be carried forward: g(t) = (1/t) sum_k P_k(t) (B err(t))_k with
    P_k,ij(t) = f'(a_k(t)) (1[k = i] o_j(t-1) + sum_m B_rec[k, m] P_m,ij(t-1)). That costs n^4 a step, whatever t.
    """

    def start(self) -> None:
        super().start()
        if self.network.B_rec is None:
            raise InputError("rule 'fa' needs the recurrent feedback B_rec among the weights")
        count, n, inputs = len(self.network.W), self.network.neurons, self.z.shape[2]
        self.forward = n <= SMALL
        if self.forward:
            self.P, self.old = (self.layout.zeros(count, n, n, inputs) for _ in range(2))

    @property
    def entry(self) -> np.ndarray:
        """Carries the error into the neurons: B."""
        return self.network.B

    @property
    def back(self) -> np.ndarray:
        """Carries it one step back: B_rec^T."""
        return self.network.B_rec.transpose(0, 2, 1)

    def fast(self, t: int) -> np.ndarray:
        """The sum over the past from P for few neurons, else the sweep."""
        if not self.forward:
            return super().fast(t)
        network, layout, n = self.network, self.layout, self.network.neurons
        self.P, self.old = self.old, self.P
        for i in range(n):
            layout.times(network.B_rec, self.old[:, :, i], out=self.P[:, :, i])
            self.P[:, i, i] += self.z[t]
        self.P *= network.slope[t][:, :, None, None]
        feedback = network.feedback(t)
        g = sum(self.P[:, k] * feedback[:, k, None, None] for k in range(n))
        return g / (t + 1)
