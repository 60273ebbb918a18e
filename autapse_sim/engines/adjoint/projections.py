"""What recurrent synapses bring, with delays and with the neuron's own sums, and the way back through them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from autapse_sim.engines.adjoint.numeric import function, unknown
from autapse_sim.engines.adjoint.program import Program
from autapse_sim.engines.adjoint.step import Step

Arrays = dict[str, Any]
States = list[Arrays]
"""The states before the first integration step and after each, arrays (N, K, n) by name."""


class Projections:
    """The recurrent synapses of N networks.

    Parameters
    ----------
    step : Step
        Of the neurons.
    given : mapping of str to array
        Parameters and what else is given, as it is at the time.
    delay : int or tuple
        That of the circuit.
    neurons : int
        n.
    """

    def __init__(self, step: Step, given: Mapping[str, Any], delay: int | tuple, neurons: int):
        self.step, self.given = step, given
        late = np.broadcast_to(np.array(delay), (neurons, neurons))
        self.late = {int(d): 1.0 * (late == d) for d in np.unique(late)}
        numbers = np.arange(float(neurons))
        counts = dict.fromkeys(("N_pre", "N_post", "N_incoming", "N_outgoing"), np.float64(neurons))
        self.places = {**counts, "i": numbers, "j": numbers[:, None]}
        self.sums = {name: Sum(program, step.moving) for name, program in step.sums.items()}

    def _masked(self, W: np.ndarray, d: int) -> np.ndarray:
        """The weights of the synapses with a delay of d integration steps."""
        return W if len(self.late) == 1 else W * self.late[d]

    def forward(self, W: np.ndarray, states: States) -> Arrays:
        """What arrives in the next integration step, from the states so far."""
        k = len(states) - 1
        drive = 0.0
        for d in self.late:
            drive = drive + states[max(k - d, 0)]["sent"] @ self._masked(W, d).transpose(0, 2, 1)
        found = {"drive": drive}
        for name, each in self.sums.items():
            found[name] = sum(
                (each.brought(self._seen(W, states, k, d)) * mask).sum(axis=-1) for d, mask in self.late.items()
            )
        return found

    def _seen(self, W: np.ndarray, states: States, k: int, d: int) -> Arrays:
        """What synapses with a delay of d read at integration step k: arrays that stretch to (N, K, post, pre)."""
        seen: Arrays = {name: value for name, value in self.given.items() if name in ("t", "dt", "step", "steps")}
        seen |= {**self.places, "w": W[:, None]}
        sides = (("pre", states[max(k - d, 0)], -2), ("post", states[k], -1))
        for side, values, axis in sides:
            for name, value in {**self.given, **values}.items():
                value = np.asarray(value)
                seen[f"{name}_{side}"] = np.expand_dims(value, axis) if value.ndim else value
        return seen

    def backward(self, W: np.ndarray, states: States, k: int, slopes: Arrays, pending: dict[int, Arrays]) -> None:
        """Hand the slopes by what arrived in integration step k on to the states that it came from.

        Parameters
        ----------
        W : array (N, n, n)
            What carries them back.
        slopes : dict of str to array (N, K, n)
            Of the loss by what arrived.
        pending : dict of int to dict of str to array
            By the numbers of states and their names; what is found is added.
        """
        for d, mask in self.late.items():
            _add(pending, max(k - d, 0), "sent", slopes["drive"] @ self._masked(W, d))
            for name, each in self.sums.items():
                found = each.back(self._seen(W, states, k, d), slopes[name][..., None] * mask)
                for (variable, side), slope in found.items():
                    if side == "pre":
                        _add(pending, max(k - d, 0), variable, slope.sum(axis=-2))
                    elif side == "post":
                        _add(pending, k, variable, slope.sum(axis=-1))

    def gradient(self, W: np.ndarray, states: States, tracks: list[Arrays], at: Callable[[int], None]) -> np.ndarray:
        """The gradient by W, from the slopes by what arrived in each integration step."""
        total: Any = 0.0
        for d, mask in self.late.items():
            drives = np.concatenate([each["drive"] for each in tracks], axis=1)
            sent = np.concatenate([states[max(k - d, 0)]["sent"] for k in range(len(tracks))], axis=1)
            total = total + (drives.transpose(0, 2, 1) @ sent) * mask
            for k, track in enumerate(tracks if self.sums else ()):
                at(k)
                for name, each in self.sums.items():
                    found = each.back(self._seen(W, states, k, d), track[name][..., None] * mask)
                    total = total + found["w", ""].sum(axis=1)
        return total


class Sum:
    """A sum over synapses: what each brings, and the slopes by what it is made of."""

    def __init__(self, program: Program, moving: tuple[str, ...]):
        self.reads = tuple(unknown(program.forward))
        self.forward = function(program.forward, self.reads, (program.last["total"],))
        pairs = {f"{name}_{side}": (name, side) for name in moving for side in ("pre", "post")}
        self.by = {name: pair for name, pair in {"w": ("w", ""), **pairs}.items() if name in {*self.reads, "w"}}
        lines = (*program.forward, *program.slopes, *program.backward)
        out = program.out_of("total")
        self.way_back = function(lines, (*self.reads, out), tuple(map(program.into, self.by)))

    def brought(self, seen: Arrays) -> np.ndarray:
        """What each synapse brings."""
        return self.forward(*(seen[name] for name in self.reads))[0]

    def back(self, seen: Arrays, slope: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
        """The slopes (N, K, post, pre) by the weight, ('w', ''), and by the variables of both sides."""
        found = self.way_back(*(seen[name] for name in self.reads), slope)
        shape = slope.shape
        return {pair: np.broadcast_to(value, shape) for pair, value in zip(self.by.values(), found, strict=True)}


def _add(pending: dict[int, Arrays], k: int, name: str, value: np.ndarray) -> None:
    there = pending.setdefault(k, {})
    there[name] = there[name] + value if name in there else value
