"""How a gradient becomes a change of the weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


class Sgd:
    """Gradient descent: the change is -eta g."""

    def __call__(self, g: np.ndarray) -> np.ndarray:
        """What is multiplied by -eta to give the change, with g (N, i, j)."""
        return g


class Momentum:
    """Heavy ball (Polyak 1964): v <- 0.9 v + g, and the change is -eta v."""

    decay = 0.9

    def __init__(self) -> None:
        self.v: np.ndarray | float = 0.0

    def __call__(self, g: np.ndarray) -> np.ndarray:
        """What is multiplied by -eta to give the change, with g (N, i, j)."""
        self.v = self.decay * self.v + g
        return self.v


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1): the change is -eta m / (sqrt(v) + eps), with both means bias-corrected.

    m is the running mean of g (0.9), v that of g^2 (0.999), eps 1e-8: eta is about the size of a single change.
    """

    first, second, epsilon = 0.9, 0.999, 1e-8

    def __init__(self) -> None:
        self.m: np.ndarray | float = 0.0
        self.v: np.ndarray | float = 0.0
        self.updates = 0

    def __call__(self, g: np.ndarray) -> np.ndarray:
        """What is multiplied by -eta to give the change, with g (N, i, j)."""
        self.updates += 1
        self.m = self.first * self.m + (1 - self.first) * g
        self.v = self.second * self.v + (1 - self.second) * g * g
        m, v = self.m / (1 - self.first**self.updates), self.v / (1 - self.second**self.updates)
        return m / (np.sqrt(v) + self.epsilon)


OPTIMISERS: dict[str, Callable[[], Callable[[np.ndarray], np.ndarray]]] = {
    "sgd": Sgd,
    "momentum": Momentum,
    "adam": Adam,
}
"""The optimisers by name; each weight matrix has one of its own."""
