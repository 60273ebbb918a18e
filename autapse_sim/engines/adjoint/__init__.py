"""Exact gradients of any circuit, derived from its neuron's equations; no rule and no neuron is known here by name."""

from collections.abc import Mapping

import numpy as np

from autapse_sim.spec.circuit import Circuit

RULES = ("bptt", "fa")
"""What carries the error back: the weights themselves, or B and B_rec in place of V^T and W^T."""
PENALTY = {"c_reg": 0.0, "f_target": "10 Hz"}
"""The parameters of these rules beside the learning rate, as e-prop has them: the loss of a trajectory has a penalty
c_reg/2 sum_i (r_i - f_target)^2 on what neuron i sent in it, r_i a step (Bellec et al. 2020, Methods,
doi:10.1038/s41467-020-17236-y)."""
DIMS = {"W": ("post", "pre"), "U": ("neuron", "input"), "b": ("neuron",), "V": ("coordinate", "neuron")}
DIMS |= {"c": ("coordinate",)}
"""The axes of what an optimiser keeps of each weight."""


def penalised(circuit: Circuit, parameters: Mapping[str, np.ndarray]) -> bool:
    """Whether the loss that a circuit descends has the penalty."""
    return circuit.rule in RULES and bool(np.any(parameters.get("c_reg", 0)))
