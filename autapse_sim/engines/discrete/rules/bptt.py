"""Back-propagation through time (paper, eqs. 1 to 3).

When not to use it: as a model of a brain: it stores all that happened and goes back through it with transposed
weights. It is the gradient, so what it does not learn in a setting is no ground to blame a rule there.

With `c_reg` (0 by default) the loss of a trajectory has a penalty on rates beside, c_reg/2 sum_i (r_i - f_target)^2 in
spikes a step, as that of e-prop; `f_target` is 10 Hz by default.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from autapse_sim.engines.discrete.layout import Sweep, outer
from autapse_sim.engines.discrete.rule import Rule
from autapse_sim.spec.audit import Audit


class Bptt(Rule):
    """g(t) = (1/t) sum_{l=1..t} d(l) o(l-1)^T, d(t) = (V^T err(t)) * f'(a(t)), d(l) = (W^T d(l+1)) * f'(a(l)).

    At every step the past is unrolled with the weights of now, over the activities as they were. Where tau_m is not 1,
    d(l) = s(l) * f'(a(l)) / tau_m with s(l) = W^T d(l+1) + (1 - 1/tau_m) s(l+1).
    """

    audit: ClassVar[Audit] = Audit(
        transpose=("W^T d(l+1)", "V^T err(t)"),
        derivative=("f'(a(l)) in d(l)",),
        others=("W^T d(l+1): the weights of all synapses that the neuron has on others",),
        history=("o(l-1) and f'(a(l)) of all steps l up to t, swept from the last to the first",),
        neuron=("2 T numbers: o and f' of each step",),
        signals=("V^T err: to each neuron its own mix of all errors",),
    )

    def start(self) -> None:
        self.sweep = Sweep(self.layout, self.network.gain, self.network.keep)

    @property
    def entry(self) -> np.ndarray:
        """Carries the error into the neurons: V^T."""
        return self.network.V[:, :, : self.network.neurons].transpose(0, 2, 1)

    @property
    def back(self) -> np.ndarray:
        """Carries it one step back: W^T."""
        return self.network.W[:, :, self.network.recurrent].transpose(0, 2, 1)

    def _entering(self, t: int | slice) -> np.ndarray:
        return self.layout.apply(self.entry, self.network.err[t], out=np.empty_like(self.network.slope[t]))

    def plain(self, t: int) -> np.ndarray:
        return self.unrolled(t, lambda past: self.back)

    def unrolled(self, t: int, back: Callable[[int], np.ndarray]) -> np.ndarray:
        """g(t) as it is defined, where `back` carries a signal from the step it is given to the one before."""
        gain, keep, z = self.network.gain, self.network.keep, self.z
        s = self._entering(t)
        d = s * gain[t]  # delta^(t) of eq. 3
        g = outer(d, z[t])  # eq. 2
        for past in range(t - 1, -1, -1):
            kept = 0 if keep is None else keep * s
            s = self.layout.apply(back(past + 1), d, out=np.empty_like(d)) + kept
            d = s * gain[past]  # eq. 3
            g += outer(d, z[past])
        return g * self.share[t]  # eq. 1

    def fast(self, t: int) -> np.ndarray:
        """One sweep back that keeps every d(l), and one contraction over time."""
        self.sweep.back(self.back, t, self._entering(t))
        return self.layout.over_time(self.sweep.d[: t + 1], self.z[: t + 1]) * self.share[t]

    def delta(self) -> np.ndarray:
        """delta(l) = (V^T err(l) / l + W^T delta(l+1)) * f'(a(l)): the sweeps of all steps in one."""
        d, gain, keep, back = (
            self.weighted(self._entering(slice(None))),
            self.network.gain,
            self.network.keep,
            self.back,
        )
        carried = np.empty_like(d[0])
        s = None if keep is None else d[-1].copy()
        d[-1] *= gain[-1]
        for past in range(self.network.steps - 2, -1, -1):
            d[past] += self.layout.apply(back, d[past + 1], out=carried)
            if s is not None:
                s *= keep
                s += d[past]
                d[past] = s
            d[past] *= gain[past]
        return d
