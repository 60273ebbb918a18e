"""The exact discrete-time references, in NumPy, many networks at once."""

from autapse_sim.engines.discrete.simulate import RULES, simulate

__all__ = ["RULES", "simulate"]
