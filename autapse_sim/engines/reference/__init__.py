"""The reference: what a model file means, in plain NumPy, for the fast engines to be held against."""

from autapse_sim.engines.reference.network import ORDER, simulate

__all__ = ["ORDER", "simulate"]
