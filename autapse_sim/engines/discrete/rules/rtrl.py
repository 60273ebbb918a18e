"""Real-time recurrent learning (Williams & Zipser 1989): the exact gradient, carried forward in time.

"A learning algorithm for continually running fully recurrent neural networks", doi:10.1162/neco.1989.1.2.270.

When not to use it: in networks of more than some tens of neurons: each step costs n^4. `bptt` gives the same gradient
where weights change after a trajectory.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from autapse_sim.engines.discrete.forward import Sensitivities
from autapse_sim.engines.discrete.layout import SMALL
from autapse_sim.engines.discrete.rules.bptt import Bptt
from autapse_sim.spec.audit import Audit


class Rtrl(Bptt):
    """g(t) = (1/t) sum_k (V^T err(t))_k P_k(t), with the `Sensitivities` P of A = W.

    While W stands still it is `Bptt`. While W moves, every step of the past counts with the weights that it ran with,
    where `Bptt` unrolls it with the weights of now.
    """

    audit: ClassVar[Audit] = Audit(
        transpose=("V^T err(t)",),
        derivative=("f'(a(t)) in P(t)",),
        others=("W P(t-1): the weights of all synapses, and what these carry",),
        synapse=("n numbers: what each neuron owes to the weight",),
        signals=("V^T err: to each synapse the errors of all neurons",),
    )

    def start(self) -> None:
        n, (_, count, columns) = self.network.neurons, self.z.shape
        self.carried = Sensitivities(self.layout, count, n, columns) if n <= SMALL else None
        self.ways_back: list[np.ndarray] = []

    def plain(self, t: int) -> np.ndarray:
        """Unrolled with the weights of then."""
        self.ways_back.append(self.back.copy())
        return self.unrolled(t, self.ways_back.__getitem__)

    def fast(self, t: int) -> np.ndarray:
        """The sensitivities carried forward for few neurons, else the definition."""
        if self.carried is None:
            return self.plain(t)
        network = self.network
        self.carried.advance(network.W[:, :, network.recurrent], self.z[t], network.gain[t], network.keep)
        return self.carried.gradient(self._entering(t) * self.share[t])
