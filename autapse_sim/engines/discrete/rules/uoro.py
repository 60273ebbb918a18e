"""Unbiased online recurrent optimisation (Tallec & Ollivier 2018): real-time recurrent learning in rank one.

"Unbiased online recurrent optimization", doi:10.48550/arXiv.1702.05043.

When not to use it: for a single network or few trajectories: its gradient is right on average only, and its noise
grows with the number of neurons.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from autapse_sim.engines.discrete.layout import outer
from autapse_sim.engines.discrete.rules.bptt import Bptt
from autapse_sim.spec.audit import Audit


class Uoro(Bptt):
    """g(t) = (1/t) (V^T err(t) . s(t)) q(t), where s(t) q(t)^T has the mean P(t) of `Rtrl` over random signs nu.

    s(t) = r0 J s(t-1) + r1 nu(t) and q(t) = q(t-1) / r0 + (nu_i(t) f'(a_i(t)) o_j(t-1)) / r1, with
    J s = f'(a(t)) * (W s), and with r0 = sqrt(|q| / |J s|) and r1 = sqrt(|nu f' o| / |nu|), which keep the variance
    small. J and f' are the network's derivatives by o(t-1) and a(t), so tau_m enters as in `Rtrl`.
    """

    audit: ClassVar[Audit] = Audit(
        transpose=("V^T err(t)",),
        derivative=("f'(a(t)) in J s and in q(t)",),
        others=("W s(t-1): the weights of all synapses of the neuron",),
        synapse=("q",),
        neuron=("s", "nu: a random sign"),
        signals=("(V^T err) . s: a sum over all neurons", "r0, r1: norms over all neurons and synapses"),
    )

    random: ClassVar[bool] = True

    def start(self) -> None:
        steps, lanes, n = self.network.slope.shape
        self.signs = self.layout.zeros(steps, lanes, n, axis=1)
        by_network = self.layout.split(self.signs, 1)
        for r, rng in enumerate(self.rngs):
            draws = rng.random((lanes // self.layout.networks, steps, n))
            by_network[:, :, r] = np.where(draws < 0.5, -1.0, 1.0).transpose(1, 0, 2)
        self.s = self.layout.zeros(lanes, n)
        self.q, self.fresh = (self.layout.zeros(lanes, n, self.z.shape[2]) for _ in range(2))

    def plain(self, t: int) -> np.ndarray:
        """The two factors by their recursions."""
        nu, gain, carried = self.signs[t], self.network.gain[t], self._carried(t)
        fresh = outer(nu * gain, self.z[t])
        r0 = _balance(np.square(self.q).sum(axis=(1, 2)), np.square(carried).sum(axis=1))
        r1 = _balance(np.square(fresh).sum(axis=(1, 2)), np.square(nu).sum(axis=1))
        self.s = r0[:, None] * carried + r1[:, None] * nu
        self.q = self.q / r0[:, None, None] + fresh / r1[:, None, None]
        return self._along(t)[:, None, None] * self.q

    def fast(self, t: int) -> np.ndarray:
        """The same in place; the norm of an outer product is that of its factors."""
        return self._advanced(t)[:, None, None] * self.q

    def total(self) -> np.ndarray:
        total = np.zeros(())
        for t in range(self.network.steps):
            along = self._advanced(t)
            total = total + np.einsum("kn,knij->nij", self.layout.split(along, 0), self.layout.split(self.q, 0))
        return total

    def _advanced(self, t: int) -> np.ndarray:
        """(V^T err(t) . s(t)) / t, once s and q are those of step t."""
        nu, carried, z = self.signs[t], self._carried(t), self.z[t]
        u = nu * self.network.gain[t]
        r0 = _balance(np.einsum("lij,lij->l", self.q, self.q), np.square(carried).sum(axis=1))
        r1 = _balance(np.square(u).sum(axis=1) * np.square(z).sum(axis=1), np.square(nu).sum(axis=1))
        self.s = r0[:, None] * carried + r1[:, None] * nu
        self.q *= (1 / r0)[:, None, None]
        self.q += np.multiply((u / r1[:, None])[:, :, None], z[:, None, :], out=self.fresh)
        return self._along(t)

    def _carried(self, t: int) -> np.ndarray:
        """J s(t-1)."""
        network = self.network
        W = network.W[:, :, network.recurrent]
        carried = self.layout.apply(W, self.s, out=np.empty_like(self.s)) * network.gain[t]
        return carried if network.keep is None else carried + network.keep * self.s

    def _along(self, t: int) -> np.ndarray:
        return (self._entering(t) * self.s).sum(axis=1) * self.share[t]


def _balance(matrix: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """sqrt(|matrix| / |vector|) of every network, of the squares of their norms; 1 where one of them is 0."""
    balance = (matrix / vector) ** 0.25
    return np.where((matrix > 0) & (vector > 0), balance, 1.0)
