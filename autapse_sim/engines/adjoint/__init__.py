"""Exact gradients of any circuit, derived from its neuron's equations; no rule and no neuron is known here by name."""
