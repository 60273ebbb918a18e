"""What is simulated: neuron, rule, sizes and what learns, as one frozen description (no Brian2 here)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autapse_sim.errors import InputError
from autapse_sim.names import one_of

ACTIVATIONS = ("sigmoid", "tanh", "relu", "linear")
READOUTS = ("identity", "random")
PRECISIONS = ("double", "single")
FEEDBACKS = ("conditioned", "mixed", "negative", "random", "symmetric")
LEARNABLE = ("W", "U", "b", "V", "c")
LOSSES = ("mse", "cross-entropy")


@dataclass(frozen=True)
class Circuit:
    """A recurrent circuit and its learning rule.

    Parameters
    ----------
    neuron : str
        Name of a neuron in models/neurons, or the path of a file that defines ``neuron = Neuron(...)``.
    rule : str
        Name of a rule, or the path of a file that defines ``rule = Rule(...)``.
    neurons : int
        n, the number of neurons.
    readout : {'identity', 'random'}
        'identity' is the paper's U = V = I (n inputs and n outputs), 'random' draws U and V.
    activation : {'sigmoid', 'tanh', 'relu', 'linear'}
        The function f of the neuron.
    learn : tuple of {'W', 'U', 'b', 'V', 'c'}
        What learns: W, U and b by the rule, V and c by the delta rule.
    feedback : {'conditioned', 'mixed', 'negative', 'random', 'symmetric'}
        How B is drawn, see `autapse_sim.weights.draw_weights`.
    substeps : int
        Integration steps in one step of the stimulus, dt = step / substeps; 1 is the paper's discrete network.
    method : str
        Any integrator of Brian2 ('euler' is the discrete network for substeps = 1).
    precision : {'double', 'single'}
        Of all numbers in Brian2; single halves memory and time, and is exact to about 1e-6.
    loss : {'mse', 'cross-entropy'}
        What is to fall. With 'cross-entropy' the prediction is the softmax over outputs of V o + c, and the targets are
        probabilities; the error is prediction - target for both.

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
    method: str = "euler"
    precision: str = "double"
    loss: str = "mse"

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", str(self.rule) if isinstance(self.rule, Path) else self.rule)
        object.__setattr__(self, "neuron", str(self.neuron) if isinstance(self.neuron, Path) else self.neuron)
        object.__setattr__(self, "learn", (self.learn,) if isinstance(self.learn, str) else tuple(self.learn))
        for name in ("neurons", "substeps"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise InputError(f"{name} is {value!r}; it must be a whole number of at least 1")
        one_of("activation", self.activation, ACTIVATIONS)
        one_of("readout", self.readout, READOUTS)
        one_of("feedback", self.feedback, FEEDBACKS)
        one_of("precision", self.precision, PRECISIONS)
        one_of("loss", self.loss, LOSSES)
        for name in self.learn:
            one_of("learn", name, LEARNABLE)
