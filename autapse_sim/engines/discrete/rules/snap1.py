"""SnAp-1, the sparse one-step approximation of real-time recurrent learning (Menick et al. 2021).

"A practical sparse approximation for real time recurrent learning", doi:10.48550/arXiv.2006.07232.

When not to use it: where what a synapse did comes round by way of several neurons: it keeps the path through the
neuron that receives, and no other.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from autapse_sim.engines.discrete.layout import outer
from autapse_sim.engines.discrete.rules.rtrl import Rtrl
from autapse_sim.spec.audit import Audit


class Snap1(Rtrl):
    """g(t) = (1/t) (V^T err(t))_i M_ij(t), M_ij(t) = f'(a_i(t)) (W_ii(t) M_ij(t-1) + o_j(t-1)), M(0) = 0.

    Of the influence of weights on activities only the part is kept that a weight has within one step, on its own
    neuron; what reaches that neuron by way of others is left out. So it is `Rtrl` with the diagonal of W in place of W
    on the way back, at n^2 a step. Where tau_m is not 1, M_ij(t) = (1 - 1/tau_m) M_ij(t-1) + (...) / tau_m.
    """

    audit: ClassVar[Audit] = Audit(
        transpose=("V^T err(t)",),
        derivative=("f'(a_i(t)) in M_ij(t)",),
        others=("W_ii(t) in M_ij(t): the weight of the neuron's synapse on itself",),
        synapse=("M",),
        signals=("V^T err: to each neuron its own mix of all errors",),
    )

    def start(self) -> None:
        self.ways_back: list[np.ndarray] = []
        self.M = self.layout.zeros(*self.network.slope.shape[1:], self.z.shape[2])

    @property
    def back(self) -> np.ndarray:
        """Carries a signal one step back: the diagonal of W."""
        return super().back * np.eye(self.network.neurons)

    def fast(self, t: int) -> np.ndarray:
        """The influence by its recursion."""
        network = self.network
        own = np.diagonal(network.W[:, :, network.recurrent], axis1=1, axis2=2)
        carry = network.gain[t] * own
        if network.keep is not None:
            carry += network.keep
        self.M *= carry[:, :, None]
        self.M += outer(network.gain[t], self.z[t])
        return (self._entering(t) * self.share[t])[:, :, None] * self.M
