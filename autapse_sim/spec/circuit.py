"""What is simulated: neuron, rule, sizes and what learns, as one frozen description (no Brian2 here)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autapse_sim.checks import settle, some_of, text, truth, whole
from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.showing import showing
from autapse_sim.spec.units import STEP, amount
from autapse_sim.spec.written import model_name

if TYPE_CHECKING:
    from brian2 import Quantity

    from autapse_sim import PlainNetwork
    from autapse_sim.spec.model import Neuron, Rule
    from autapse_sim.spec.protocol import Protocol
    from autapse_sim.spec.weights import Weights

READOUTS = ("identity", "random")
PRECISIONS = ("double", "single")
FEEDBACKS = ("conditioned", "mixed", "negative", "random", "symmetric")
TAUGHT_BY = {
    "W": "rule",
    "U": "rule",
    "b": "rule",
    "V": "readout_rule",
    "c": "readout_rule",
    "B": "feedback_rule",
}
"""Which rule of a circuit teaches which weights."""
LEARNABLE = tuple(TAUGHT_BY)
LOSSES = ("mse", "cross-entropy")
CHOICES = {"readout": READOUTS, "feedback": FEEDBACKS, "precision": PRECISIONS, "loss": LOSSES}
"""What some fields of a circuit may be."""


@showing
@dataclass(frozen=True)
class Circuit:
    """A recurrent circuit and its learning rule.

    Parameters
    ----------
    neuron : str, path or Neuron
        Name of a neuron in models/neurons, the path of a file that defines ``neuron = Neuron(...)``, or a `Neuron`.
    rule : str, path or Rule
        Name of a rule, the path of a file that defines ``rule = Rule(...)``, or a `Rule`.
    neurons : int
        n, the number of neurons.
    readout : {'identity', 'random'}
        'identity' is the paper's U = V = I (n inputs and n outputs), 'random' draws U and V.
    activation : str
        The function f, one of those that the neuron has (rate: 'sigmoid', 'tanh', 'relu', 'linear').
    learn : tuple of {'W', 'U', 'b', 'V', 'c', 'B'}
        What learns: W, U and b by the rule, V and c by the read-out's rule, B by that of the feedback.
    feedback : {'conditioned', 'mixed', 'negative', 'random', 'symmetric'}
        How B is drawn, see `autapse_sim.spec.weights.draw_weights`.
    substeps : int
        Integration steps in one step of the stimulus, dt = step / substeps; 1 is the paper's discrete network.
    method : str, optional
        Any integrator of Brian2 ('euler' is the discrete network for substeps = 1); by default the neuron's own.
    precision : {'double', 'single'}
        Of all numbers in Brian2, and in compiled programs of exact gradients (there not of weights); single halves
        memory and time, and is exact to about 1e-6.
    loss : {'mse', 'cross-entropy'}
        What is to fall. With 'cross-entropy' the prediction is the softmax over outputs of V o + c, and the targets are
        probabilities; the error is prediction - target for both.
    readout_rule, feedback_rule : str, path or Rule
        The rules of V and c, and of B, as `rule`.
    returned : bool
        Whether the prediction comes back to the neurons one step later, through fixed weights F.
    delay : int, time, or array (n,) or (n, n) of either
        By how much later than one integration step after it was sent arrives what neurons send to each other: in
        integration steps or as a time (``2*ms``), for all, for each presynaptic neuron, or for each synapse
        ([i, j] from neuron j to neuron i).
    through_reset : bool
        Whether exact gradients (bptt, fa) go through the reset of spiking neurons, as automatic differentiation does,
        or take it for a constant, as in the derivation of e-prop: the reset of what the threshold reads and the drive
        reaches, a membrane potential. What else a spike changes (a filter, an adaptation) always counts.

    Examples
    --------
    >>> Circuit(rule="dfa", neurons=2).learn
    ('W',)
    """

    neuron: str = "rate"
    rule: str = "autapse"
    neurons: int = 2
    readout: str = "identity"
    activation: str = "sigmoid"
    learn: tuple[str, ...] = ("W",)
    feedback: str = "conditioned"
    substeps: int = 1
    method: str | None = None
    precision: str = "double"
    loss: str = "mse"
    readout_rule: str = "delta"
    feedback_rule: str = "kolen_pollack"
    returned: bool = False
    delay: int | tuple = 0
    through_reset: bool = True

    if TYPE_CHECKING:  # what may be given; each field holds what `__post_init__` makes of it

        def __init__(
            self,
            neuron: str | Path | Neuron = "rate",
            rule: str | Path | Rule = "autapse",
            neurons: int = 2,
            readout: str = "identity",
            activation: str = "sigmoid",
            learn: str | Iterable[str] = ("W",),
            feedback: str = "conditioned",
            substeps: int = 1,
            method: str | None = None,
            precision: str = "double",
            loss: str = "mse",
            readout_rule: str | Path | Rule = "delta",
            feedback_rule: str | Path | Rule = "kolen_pollack",
            returned: bool = False,
            delay: int | str | Sequence | np.ndarray | Quantity = 0,
            through_reset: bool = True,
        ) -> None: ...

    def __post_init__(self) -> None:
        settle(self, model_name, "neuron", kind="Neuron")
        settle(self, model_name, "rule", "readout_rule", "feedback_rule", kind="Rule")
        settle(self, whole, "neurons", least=1)
        settle(self, whole, "substeps", least=1, most=MOST_SUBSTEPS)
        settle(self, text, "activation", right="the name of an activation, such as 'tanh'")
        if self.method is not None:
            settle(self, text, "method", right="the name of an integrator, such as 'euler', or None")
        settle(self, some_of, "learn", known=LEARNABLE)
        for name, known in CHOICES.items():
            settle(self, one_of, name, known=known)
        settle(self, truth, "returned", "through_reset")
        object.__setattr__(self, "delay", _delays(self.delay, self.neurons, STEP / self.substeps))

    def brian2(
        self,
        task: Any = "bouncing-ball",
        protocol: Protocol | None = None,
        weights: Weights | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> PlainNetwork:
        """The plain Brian2 network of this circuit, for monitors of your own; it gives the numbers of `train`.

        Parameters
        ----------
        task, weights, parameters
            As `train` takes them.
        protocol : Protocol, optional
            What is shown, in its order; one replicate where nothing is said.

        Returns
        -------
        PlainNetwork
            With `network`, `neurons`, `inputs`, `outputs`, `synapses["W"]`, `clock`, `duration`, `run()` and, at any
            time, `weights`, `mse` and `prediction`.

        Examples
        --------
        >>> from brian2 import StateMonitor
        >>> from autapse_sim import Protocol
        >>> circuit = Circuit(rule="autapse").brian2(protocol=Protocol(replicates=1, train=2, validate=0, test=0))
        >>> monitor = StateMonitor(circuit.neurons, ["activity", "k"], record=True)
        >>> circuit.network.add(monitor)
        >>> circuit.run()
        >>> monitor.k.shape
        (2, 200)
        """
        # found by its name: what runs circuits imports this module, and not the other way
        made: PlainNetwork = import_module("autapse_sim.training.plain").plain(
            self, task, protocol, weights, parameters
        )
        return made


MOST_SUBSTEPS = 10**6
"""The most integration steps in a step of the stimulus: each is 1 ns then."""
MOST_DELAYED = 256
"""The longest delay in integration steps."""


def _delays(given: object, neurons: int, dt: float) -> int | tuple:
    """Delays in integration steps: one, one a presynaptic neuron, or one a synapse; one where all are the same."""
    found = amount(given)
    steps = np.asarray(found.value) / (dt if found.unit == "second" else 1)
    nearest, finite = np.round(steps), np.isfinite(steps).all()
    if found.unit not in ("1", "second") or not finite or not (np.abs(steps - nearest) < 1e-6).all():
        raise InputError(
            f"delay is {found.text}; it must be whole integration steps of {dt:g} s, or times of that many"
        )
    if steps.shape not in ((), (neurons,), (neurons, neurons)):
        raise InputError(
            f"delay has shape {steps.shape}; it must be one, one a presynaptic neuron ({neurons},), or one a synapse "
            f"({neurons}, {neurons})"
        )
    if not ((nearest >= 0) & (nearest <= MOST_DELAYED)).all():
        raise InputError(f"delay is {found.text}; it must be from 0 to {MOST_DELAYED} integration steps of {dt:g} s")
    if (nearest == nearest.flat[0]).all():
        return int(nearest.flat[0])
    return tuple(map(int, nearest)) if nearest.ndim == 1 else tuple(tuple(map(int, row)) for row in nearest)
