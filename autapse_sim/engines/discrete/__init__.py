"""The exact discrete-time references, in NumPy, many networks at once."""

from autapse_sim.engines.discrete.rule import references
from autapse_sim.engines.discrete.simulate import simulate

__all__ = ["references", "simulate"]
