"""Feedback alignment (paper, eqs. 4 and 5): back-propagation through time along fixed random weights.

When not to use it: as a model of learning in time: it still stores a trajectory and goes back through it. What it
drops is only that weights have to be the transposed ones.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from autapse_sim.engines.discrete.forward import Sensitivities
from autapse_sim.engines.discrete.layout import SMALL
from autapse_sim.engines.discrete.rules.bptt import Bptt
from autapse_sim.errors import InputError
from autapse_sim.spec.audit import Audit


class Fa(Bptt):
    """As `Bptt`, with B in place of V^T and B_rec^T in place of W^T.

    B_rec never changes, so the sum over the past can be carried forward: `Sensitivities` with A = B_rec.
    """

    audit: ClassVar[Audit] = Audit(
        derivative=("f'(a(l)) in d(l)",),
        history=("o(l-1) and f'(a(l)) of all steps l up to t, swept from the last to the first",),
        neuron=("2 T numbers: o and f' of each step",),
        signals=("B err: to each neuron its own mix of all errors", "B_rec^T d: of what all neurons sweep back"),
    )

    def start(self) -> None:
        super().start()
        if self.network.B_rec is None:
            raise InputError("rule 'fa' needs the recurrent feedback B_rec among the weights")
        self.B_rec = self.network.B_rec
        n, (_, count, columns) = self.network.neurons, self.z.shape
        self.carried = Sensitivities(self.layout, count, n, columns) if n <= SMALL else None

    @property
    def entry(self) -> np.ndarray:
        """Carries the error into the neurons: B."""
        return self.network.B

    @property
    def back(self) -> np.ndarray:
        """Carries it one step back: B_rec^T."""
        return self.B_rec.transpose(0, 2, 1)

    def fast(self, t: int) -> np.ndarray:
        """The sum over the past carried forward for few neurons, else the sweep."""
        if self.carried is None:
            return super().fast(t)
        network = self.network
        self.carried.advance(self.B_rec, self.z[t], network.gain[t], network.keep)
        return self.carried.gradient(network.feedback(t) * self.share[t])
