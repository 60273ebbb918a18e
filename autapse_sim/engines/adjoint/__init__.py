"""Exact gradients of any circuit, derived from its neuron's equations; no rule and no neuron is known here by name."""

from collections.abc import Iterable, Mapping

import numpy as np

from autapse_sim.errors import InputError
from autapse_sim.spec.circuit import TAUGHT_BY, Circuit
from autapse_sim.spec.weights import Weights

RULES = ("bptt", "fa")
"""What carries the error back: the weights themselves, or B and B_rec in place of V^T and W^T."""
PENALTY = {"c_reg": 0.0, "f_target": "10 Hz"}
"""The parameters of these rules beside the learning rate, as e-prop has them: the loss of a trajectory has a penalty
c_reg/2 sum_i (r_i - f_target)^2 on what neuron i sent in it, r_i a step (Bellec et al. 2020, Methods,
doi:10.1038/s41467-020-17236-y)."""
DIMS = {"W": ("post", "pre"), "U": ("neuron", "input"), "b": ("neuron",), "V": ("coordinate", "neuron")}
DIMS |= {"c": ("coordinate",)}
"""The axes of what an optimiser keeps of each weight."""


def teaches(circuit: Circuit) -> bool:
    """Whether the rule of a circuit teaches something: only then does anything go back."""
    return any(TAUGHT_BY[name] == "rule" for name in circuit.learn)


def penalised(circuit: Circuit, parameters: Mapping[str, np.ndarray]) -> bool:
    """Whether the loss that a circuit descends has the penalty."""
    return circuit.rule in RULES and teaches(circuit) and bool(np.any(parameters.get("c_reg", 0)))


def check_feedback(circuit: Circuit, weights: Weights) -> None:
    """Refuse weights without those along which fa goes back."""
    if circuit.rule == "fa" and teaches(circuit) and weights.B_rec is None:
        raise InputError("rule 'fa' needs the recurrent feedback B_rec among the weights")


def check_alike(names: Iterable[str], parameters: Mapping[str, np.ndarray], what: str) -> None:
    """Refuse a value per neuron of parameters that these programs have one of per network."""
    for name in names:
        if name in parameters and parameters[name].ndim > 1:
            raise InputError(f"parameter {name} has one value per neuron; {what} takes one per replicate")
