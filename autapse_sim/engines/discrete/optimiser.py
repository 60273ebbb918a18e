"""How a gradient becomes a change of the weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Protocol

import numpy as np

from autapse_sim.names import one_of
from autapse_sim.spec.job import Job
from autapse_sim.spec.protocol import LEAST


class Optimiser(Protocol):
    """What makes a change of a gradient.

    Attributes
    ----------
    memory : dict of str to str
        What goes on from update to update: the names of attributes by those of a result.
    updates : int
        How many there were.
    """

    memory: ClassVar[dict[str, str]]
    updates: int

    def __call__(self, g: np.ndarray) -> np.ndarray:
        """What is multiplied by -eta to give the change, with g (N, i, j)."""
        ...


class Sgd:
    """Gradient descent: the change is -eta g."""

    memory: ClassVar[dict[str, str]] = {}
    updates = 0

    def __call__(self, g: np.ndarray) -> np.ndarray:
        """What is multiplied by -eta to give the change, with g (N, i, j)."""
        return g


class Momentum:
    """Heavy ball (Polyak 1964): v <- 0.9 v + g, and the change is -eta v."""

    memory: ClassVar[dict[str, str]] = {"velocity": "v"}
    decay = 0.9
    updates = 0

    def __init__(self) -> None:
        self.v: np.ndarray | float = 0.0

    def __call__(self, g: np.ndarray) -> np.ndarray:
        """What is multiplied by -eta to give the change, with g (N, i, j)."""
        self.v = self.decay * self.v + g
        return self.v


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1): the change is -eta m / (sqrt(v) + eps), with both means bias-corrected.

    m is the running mean of g (0.9), v that of g^2 (0.999): eta is about the size of a single change.
    """

    memory: ClassVar[dict[str, str]] = {"moment": "m", "square": "v"}
    first, second = 0.9, 0.999

    def __init__(self, epsilon: float = 1e-8) -> None:
        self.epsilon = epsilon
        self.m: np.ndarray | float = 0.0
        self.v: np.ndarray | float = 0.0
        self.updates = 0

    def __call__(self, g: np.ndarray) -> np.ndarray:
        """What is multiplied by -eta to give the change, with g (N, i, j)."""
        self.updates += 1
        self.m = self.first * self.m + (1 - self.first) * g
        self.v = self.second * self.v + (1 - self.second) * g * g
        return self.change(1 - self.first**self.updates, 1 - self.second**self.updates)

    def change(self, first: float, second: float) -> np.ndarray:
        """The quotient of the two means, given what corrects them."""
        return self.m / first / (np.sqrt(self.v / second) + self.epsilon)


class AdamHat(Adam):
    """Adam in the order at the end of section 2 there: eps is added before v is corrected."""

    def change(self, first: float, second: float) -> np.ndarray:
        """The quotient of the two means, given what corrects them."""
        return np.sqrt(second) / first * self.m / (np.sqrt(self.v) + self.epsilon)


OPTIMISERS: dict[str, Callable[..., Optimiser]] = {
    "sgd": Sgd,
    "momentum": Momentum,
    "adam": Adam,
    "adam-hat": AdamHat,
}
"""The optimisers by name; each weight matrix has one of its own."""


class Optimisers:
    """An optimiser for each of the weights of a job that learn, which goes on from where the networks were.

    Parameters
    ----------
    job : Job
        Says which optimiser, and what there was before.
    names : iterable of str
        The weights.
    """

    def __init__(self, job: Job, names: Iterable[str]) -> None:
        kind = OPTIMISERS[one_of("optimiser", job.optimiser, OPTIMISERS)]
        options = {"epsilon": job.epsilon + LEAST["double"]} if job.optimiser.startswith("adam") else {}
        self.each = {name: kind(**options) for name in names}
        given = job.started(f"{name}_{key}" for name, one in self.each.items() for key in one.memory)
        for name, one in self.each.items():
            one.updates = job.done * (job.x.shape[2] if job.update == "step" else 1) // job.batch
            for key, attribute in one.memory.items() if job.done else ():
                setattr(one, attribute, given[f"{name}_{key}"])

    def __getitem__(self, name: str) -> Optimiser:
        return self.each[name]

    def memory(self, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
        """What goes on from update to update, in the shapes of the weights."""
        return {
            f"{name}_{key}": np.array(np.broadcast_to(getattr(one, attribute), shapes[name]))
            for name, one in self.each.items()
            for key, attribute in one.memory.items()
        }
