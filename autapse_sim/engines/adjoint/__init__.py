"""Exact gradients of any circuit, derived from its neuron's equations; no rule and no neuron is known here by name."""

RULES = ("bptt", "fa")
"""What carries the error back: the weights themselves, or B and B_rec in place of V^T and W^T."""
DIMS = {"W": ("post", "pre"), "U": ("neuron", "input"), "b": ("neuron",), "V": ("coordinate", "neuron")}
DIMS |= {"c": ("coordinate",)}
"""The axes of what an optimiser keeps of each weight."""
