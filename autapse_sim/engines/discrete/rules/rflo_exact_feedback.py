"""An ablation of RFLO (Murray 2019, fig. 2d): locality is enforced, and errors come back by V^T as they are now.

"Local online learning in recurrent networks with random feedback", doi:10.7554/eLife.43299.

When not to use it: as a model of a brain: weights are carried back. It tells what the trace of `rflo` costs alone.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from autapse_sim.engines.discrete.rules.rflo import Rflo
from autapse_sim.spec.audit import Audit


class RfloExactFeedback(Rflo):
    """As `Rflo`, with V^T in place of B."""

    audit: ClassVar[Audit] = Audit(
        transpose=("V^T err(t)",),
        derivative=("f'(a_i(t)) in p_ij(t)",),
        synapse=("p_ij",),
        signals=("V^T err: to each neuron its own mix of all errors",),
    )

    def signal(self, t: int | slice) -> np.ndarray:
        """V^T err(t)."""
        entry = self.network.V[:, :, : self.network.neurons].transpose(0, 2, 1)
        return self.layout.apply(entry, self.network.err[t], out=np.empty_like(self.network.slope[t]))
