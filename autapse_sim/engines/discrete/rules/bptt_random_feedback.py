"""An ablation of BPTT (Murray 2019, fig. 2d): errors come back at random, and then go back through time exactly.

"Local online learning in recurrent networks with random feedback", doi:10.7554/eLife.43299.

When not to use it: as a model of a brain: it stores a trajectory and goes back through it along W^T. It tells what
random feedback costs alone.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from autapse_sim.engines.discrete.rules.bptt import Bptt
from autapse_sim.spec.audit import Audit


class BpttRandomFeedback(Bptt):
    """As `Bptt`, with B in place of V^T; W^T stays."""

    audit: ClassVar[Audit] = Audit(
        transpose=("W^T d(l+1)",),
        derivative=("f'(a(l)) in d(l)",),
        others=("W^T d(l+1): the weights of all synapses that the neuron has on others",),
        history=("o(l-1) and f'(a(l)) of all steps l up to t, swept from the last to the first",),
        neuron=("2 T numbers: o and f' of each step",),
        signals=("B err: to each neuron its own mix of all errors",),
    )

    @property
    def entry(self) -> np.ndarray:
        """Carries the error into the neurons: B."""
        return self.network.B
