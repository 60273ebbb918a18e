"""Where a method is tried and judged: learning rates, and values of what else its rule's file lets be tuned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from autapse_sim.experiments.benchmark import Benchmark
from autapse_sim.experiments.verdict.methods import Method
from autapse_sim.spec.units import Amount
from autapse_sim.training.declared import declared

BEYOND = 10**0.5
"""How far beyond its edge a grid of learning rates grows at a time."""

Values = tuple[tuple[str, Amount], ...]
"""Parameters by name."""


@dataclass(frozen=True)
class Point:
    """Where a method is tried.

    Parameters
    ----------
    eta : float
        The learning rate of the rule; where no rule learns, of the read-out.
    values : tuple of (str, Amount)
        What else is tuned.

    Examples
    --------
    >>> str(Point(0.01, (("tau", Amount(0.003, "second", "3 ms")),)))
    'eta = 0.01, tau = 3 ms'
    """

    eta: float
    values: Values = ()

    def __str__(self) -> str:
        return ", ".join(filter(None, [f"eta = {self.eta:g}", told(self.values)]))


def told(values: Values) -> str:
    """Values in words."""
    return ", ".join(f"{name} = {value.text.replace('. ', ' ')}" for name, value in values)


@dataclass(frozen=True)
class Chosen:
    """Where a method is judged, chosen on the pilots.

    Parameters
    ----------
    online, refit : Point
        For the score of the read-out as trained, and for that of the refitted one.
    readout : float
        The learning rate of the read-out.
    """

    online: Point
    refit: Point
    readout: float

    @property
    def own(self) -> tuple[Point, ...]:
        """Those at which the method is trained, each once."""
        return tuple(dict.fromkeys([self.online, self.refit]))


@dataclass(frozen=True)
class Space:
    """What may be chosen of a method.

    Parameters
    ----------
    etas : tuple of float
        Learning rates.
    values : tuple of Values
        Every combination of what else may be tuned, at least the one of nothing.

    Examples
    --------
    >>> [point.eta for point in Space((0.01, 0.1), ((),)).points(3)]
    [0.01, 0.0316, 0.1]
    """

    etas: tuple[float, ...]
    values: tuple[Values, ...] = ((),)

    @classmethod
    def of(cls, method: Method, setting: Benchmark) -> Space:
        """By the rule's file, but for what the method fixes; the learning rates are the benchmark's, if not there."""
        tune = {name: each for name, each in declared(method.circuit_of(setting)).tune.items()}
        etas = tuple(float(np.ravel(one.value)[0]) for one in tune.pop("eta", ())) or setting.etas
        free = [[(name, one) for one in each] for name, each in tune.items() if name not in method.parameters]
        return cls(tuple(sorted(etas)), tuple(product(*free)))

    @property
    def size(self) -> int:
        """How many points there are."""
        return len(self.etas) * len(self.values)

    def points(self, count: int) -> tuple[Point, ...]:
        """As many as `count`, or nearly: where there is less to choose from, at more learning rates of the range."""
        etas = self.etas
        if len(etas) > 1 and count // len(self.values) > len(etas):
            between = np.geomspace(etas[0], etas[-1], count // len(self.values))
            etas = tuple(float(f"{eta:.3g}") for eta in between)
        return tuple(Point(eta, values) for values in self.values for eta in etas)


def beyond(points: Sequence[Point], best: Point) -> list[Point]:
    """Points beyond the edge of the learning rates, where the best of those that were tried lies at it.

    Examples
    --------
    >>> points = [Point(0.01), Point(0.1)]
    >>> [f"{point.eta:.2g}" for point in beyond(points, points[1])]
    ['0.32']
    """
    etas = {point.eta for point in points}
    if len(etas) == 1 or min(etas) < best.eta < max(etas):
        return []
    eta = best.eta * BEYOND if best.eta == max(etas) else best.eta / BEYOND
    return [Point(float(f"{eta:.3g}"), values) for values in dict.fromkeys(point.values for point in points)]


def at_edge(points: Sequence[Point], best: Point) -> list[str]:
    """What of the best point lies at an edge of what was tried, by name.

    Examples
    --------
    >>> at_edge([Point(0.01), Point(0.1), Point(1.0)], Point(1.0))
    ['eta']
    """
    found = ["eta"] if beyond(points, best) else []
    for name, value in best.values:
        tried = {float(np.ravel(dict(point.values)[name].value)[0]) for point in points}
        if len(tried) > 1 and float(np.ravel(value.value)[0]) in (min(tried), max(tried)):
            found.append(name)
    return found
