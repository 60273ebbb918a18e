"""Pilots: on seeds of their own, which are not judged, learning rates and the scales of the reservoir are chosen."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.experiments.benchmark import Benchmark
from autapse_sim.experiments.verdict.methods import FIXED, STILL, Method
from autapse_sim.experiments.verdict.points import Chosen, Point, Space, at_edge, beyond
from autapse_sim.experiments.verdict.trial import (
    BLOCK,
    FITTED,
    FLOORS,
    Trial,
    activity_of,
    drawn,
    protocol_of,
    refit_error,
    refit_penalties,
    score,
    train_method,
)
from autapse_sim.results.result import Result
from autapse_sim.results.statistics import reductions, replicates_needed
from autapse_sim.results.table import refitted
from autapse_sim.studies.study import Study
from autapse_sim.training.grid import ALIKE, Grid
from autapse_sim.training.reservoir import Reservoir, tune_reservoir

PILOT = 16
"""Seeds on which learning rates and the reservoir are chosen; none of them is judged."""
FIRST = 10**6
"""The number of the pilots' first block of seeds."""
ROUGH = "single"
"""The precision of what pilots sweep: they only choose, which 7 digits suffice for, in half the time."""
GROWTH = 3
"""How often a grid grows beyond the edge at which the best of it lies."""


@dataclass(frozen=True)
class Pilot:
    """A unit: a method on a block of the pilots' seeds, at some points.

    The read-out learns at the rate `readout`, or at those of the points where that is None.
    """

    trial: Trial
    points: tuple[Point, ...]
    readout: float | None
    seeds: tuple[int, int]

    @property
    def work(self) -> int:
        """How many networks it trains."""
        return BLOCK * len(self.points)

    def parts(self) -> dict[str, Any]:
        """All that determines the result."""
        asked = {"points": self.points, "readout": self.readout, "seeds": self.seeds, "precision": ROUGH}
        return {**self.trial.told(), **asked}

    def run(self) -> Result:
        """Errors at the end, (score, point, pilot).

        The scores are the validation error of the read-out as trained, and the error of the refitted one, which the
        validation trajectories have helped to fit, on other trajectories of the same seeds.
        """
        setting, method = self.trial.setting, self.trial.method
        given, whole = drawn(setting, method, self.seeds), protocol_of(setting, method, self.seeds)
        protocol = protocol_of(setting, Method(None, protocol={**method.protocol, "test": 0}), self.seeds)
        outcome = train_method(self.trial, given, protocol, self.points, self.readout, precision=ROUGH)
        last = score(setting, given, protocol, outcome, refit=False).curve[:, -1]
        # what no rule teaches is the same network at every rate of its read-out
        count = BLOCK if method.rule is None else len(last)
        found = refit_error(setting, given, whole, outcome.weights.take(np.arange(count)), FLOORS[:1])[:, 0]
        tried = np.reshape([last, np.resize(found, len(last))], (2, len(self.points), BLOCK))
        return Result(xr.Dataset({"tried": (("score", "point", "pilot"), tried)}))


@dataclass(frozen=True)
class Tuning:
    """A unit: the scales at which a random network does best on the pilots' seeds, for each least penalty."""

    trial: Trial
    seeds: tuple[int, int]
    work = BLOCK

    def parts(self) -> dict[str, Any]:
        """All that determines the result."""
        return {**self.trial.told(), "seeds": self.seeds}

    def run(self) -> Result:
        """Gain and input scale, (floor,): judged by the read-outs that the network will be read with."""
        setting, method = self.trial.setting, self.trial.method
        given, protocol = drawn(setting, method, self.seeds), protocol_of(setting, method, self.seeds)
        shown = slice(max(0, protocol.train - FITTED), protocol.train + protocol.validate)
        parts = slice(0, -protocol.validate), slice(-protocol.validate, None)
        run = partial(activity_of, setting, given, shown)
        penalties = list(map(refit_penalties, FLOORS))
        found = tune_reservoir(
            given.weights, given.y[:, shown], *parts, run, penalties=penalties, loss=setting.circuit.loss
        )
        gains, scales = [each.gain for each in found], [each.input_scale for each in found]
        return Result(xr.Dataset({"gain": ("floor", gains), "input_scale": ("floor", scales)}))


def tuned_reservoirs(setting: Benchmark, study: Study, seed: int) -> dict[float, Reservoir]:
    """The scaled reservoir that does best on the pilots' seeds, for each least penalty of its read-out."""
    (found,) = study.results([Tuning(Trial.of(setting, Method(None)), (seed, FIRST))])
    scales = zip(found.data.gain.values.tolist(), found.data.input_scale.values.tolist(), strict=True)
    return {floor: Reservoir(*both, np.array([])) for floor, both in zip(FLOORS, scales, strict=True)}


@dataclass(frozen=True)
class Tried:
    """What the pilots of a method gave.

    Parameters
    ----------
    points : tuple of Point
        The P points.
    errors : array (score, P, R)
        Error at each of them.
    """

    points: tuple[Point, ...]
    errors: np.ndarray

    @property
    def grid(self) -> Grid:
        """The learning rates of the points."""
        return Grid.of([point.eta for point in self.points], self.errors.shape[2])

    def at(self, score: int, point: Point) -> np.ndarray:
        """The errors (R,) at one of the points; infinite where a network diverged."""
        errors = self.errors[score, self.points.index(point)]
        return np.where(np.isnan(errors), np.inf, errors)

    def best(self, score: int, otherwise: Point | None = None) -> Point:
        """The point of the least median error; where all diverged another one, by default the least learning rate."""
        index = self.grid.best(self.errors[score])
        if index is not None:
            return self.points[index]
        return otherwise or min(self.points, key=lambda point: point.eta)

    @property
    def least(self) -> float:
        """The least median error of the read-out as trained."""
        return float(np.median(self.at(0, self.best(0))))

    def gentle(self) -> Point:
        """The point of the smallest learning rate whose error is as good as the least."""
        return self.points[self.grid.rates.index(self.grid.gentle(self.errors[0]))]

    def settled(self, score: int, best: Point) -> bool:
        """Whether the best point is good as far down as was tried: there a rule comes to be what does not learn.

        It is where the smallest learning rate is the best, and the next one is as good, by `ALIKE`; not where networks
        diverge at both.
        """
        medians = {point: float(np.median(self.at(score, point))) for point in self.points}
        etas = sorted({point.eta for point in self.points})
        if len(etas) == 1 or best.eta != etas[0] or np.isinf(medians[best]):
            return False
        return medians.get(Point(etas[1], best.values), np.inf) <= (1 + ALIKE) * medians[best]

    @property
    def ends(self) -> tuple[Point, Point]:
        """The best points for the two scores, the same where no refitted read-out is finite."""
        online = self.best(0)
        return online, self.best(1, online)

    @property
    def beyond(self) -> tuple[Point, ...]:
        """Points beyond the edges at which the best ones lie, where they are not settled there."""
        loose = [best for score, best in self._judged() if not self.settled(score, best)]
        return tuple(dict.fromkeys(point for best in loose for point in beyond(self.points, best)))

    @property
    def edges(self) -> list[str]:
        """What of the best points lies at an edge of what was tried, by name; that of the second score as refitted."""
        return [
            name if score == 0 else refitted(name)
            for score, best in self._judged()
            for name in at_edge(self.points, best)
            if name != "eta" or not self.settled(score, best)
        ]

    def _judged(self) -> list[tuple[int, Point]]:
        """The best point of each score; the refitted one's is that of the other where all are lost."""
        lost = self.grid.best(self.errors[1]) is None
        return list(enumerate(self.ends))[: 1 if lost else 2]

    def first(self, count: int) -> Tried:
        """What the first points gave."""
        return Tried(self.points[:count], self.errors[:, :count])

    def joined(self, other: Tried) -> Tried:
        """With what more points gave."""
        return Tried(self.points + other.points, np.concatenate([self.errors, other.errors], axis=1))


@dataclass(frozen=True)
class Planned:
    """How many seeds are judged, fixed by the pilots before any is.

    Seeds that were added until the interval is narrow enough would stop where it happens to be so: it would hold the
    truth less often than it says.

    Parameters
    ----------
    wished : float
        Width of the interval of the rule's reduction.
    asked : int, optional
        The seeds that it takes by the pilots; None where so many of them diverged that they do not tell.
    most : int
        The seeds that there may be.
    """

    wished: float
    asked: int | None
    most: int

    @classmethod
    def of(cls, errors: np.ndarray, reference: np.ndarray, wished: float, most: int) -> Planned:
        """By the errors (R,) of a rule on the pilots' seeds, and of what it is compared with.

        Examples
        --------
        >>> reference = np.linspace(1, 2, 16)
        >>> Planned.of(reference * np.linspace(0.8, 1, 16), reference, 0.05, 200).seeds
        64
        """
        needed = replicates_needed(reductions(errors, reference), wished)
        return cls(wished, needed and max(PILOT, needed), most)

    @property
    def seeds(self) -> int:
        """How many are judged: never fewer than there are pilots, if there may be as many."""
        return self.most if self.asked is None else min(self.asked, self.most)

    def told(self, reached: float) -> dict[str, float | None]:
        """The same as JSON holds it, with the width that the interval has in the end."""
        return {**asdict(self), "reached": reached if np.isfinite(reached) else None}

    def said(self, reached: float) -> str:
        """The same in words."""
        wish = f"an interval of the reduction {self.wished:g} wide"
        if self.asked is None:
            how = f"too many pilots diverged to say how many seeds give {wish}"
        else:
            how = f"by the pilots {self.asked} seeds give {wish}"
            how += f", and {self.most} is the most" if self.asked > self.most else ""
        return f"{how}; it is {reached:.2g} wide"


def points_for(setting: Benchmark, methods: Mapping[str, Method]) -> dict[str, tuple[Point, ...]]:
    """The points at which each method is tried first: as many for each as for the one with most to choose."""
    spaces = {name: Space.of(method, setting) for name, method in methods.items()}
    most = max(space.size for space in spaces.values())
    return {name: space.points(most) for name, space in spaces.items()}


def chosen_points(
    setting: Benchmark, methods: Mapping[str, Method], study: Study, seed: int
) -> tuple[dict[str, Tried], dict[str, Chosen]]:
    """What the pilots of each method gave, and the points at which it is judged.

    Where the best point of a method, reservoirs among them, lies at an edge of the learning rates, more are tried
    beyond it, up to `GROWTH` times. The read-out of a method learns at the rate that suits the fixed reservoir, so that
    with eta towards 0 every rule becomes that; where a method starts from W = 0 or changes the protocol, at the one
    that suits a reservoir which does so too. Of rates that are as good for a reservoir it is the smallest
    (`Grid.gentle`): a restless read-out teaches W its own noise. So where a rate beyond those of the benchmark suits
    the reservoir better, a method is tuned with the best of the benchmark's, its best points are tried with that
    beyond, too, and it is judged with the one that is better for it.
    """
    blocks = [(seed, FIRST + k) for k in range(PILOT // BLOCK)]

    def tried(some: Mapping[str, tuple[Point, ...]], readout: Mapping[str, float]) -> dict[str, Tried]:
        if not some:
            return {}
        trials = {name: Trial.of(setting, known[name]) for name in some}
        asked = [(name, seeds) for seeds in blocks for name in some]
        units = [Pilot(trials[name], some[name], readout.get(name), seeds) for name, seeds in asked]
        errors = [result.data.tried.values for result in study.results(units)]
        joined = {name: np.concatenate(errors[k :: len(some)], axis=2) for k, name in enumerate(some)}
        return {name: Tried(points, joined[name]) for name, points in some.items()}

    def grown(names: Iterable[str], readout: Mapping[str, float]) -> dict[str, Tried]:
        found: dict[str, Tried] = {}
        more = {name: first[name] for name in names}
        for _ in range(GROWTH + 1):
            for name, one in tried(more, readout).items():
                found[name] = found[name].joined(one) if name in found else one
            more = {name: points for name, one in found.items() if (points := one.beyond)}
        return found

    learning = {name: method for name, method in methods.items() if method.rule is not None}
    like = {name: STILL if method.reservoir else FIXED for name, method in learning.items()}
    like |= {name: json.dumps(method.protocol) for name, method in learning.items() if method.protocol}
    alone = {how: Method(None, protocol=json.loads(how)) for how in like.values() if how not in methods}
    known = {**methods, **alone}
    first = points_for(setting, known)
    still = grown([name for name, method in known.items() if method.rule is None], {})
    within = {name: one.first(len(first[name])).gentle() for name, one in still.items()}
    gentle = {name: one.gentle() for name, one in still.items()}
    near, far = ({name: each[how].eta for name, how in like.items()} for each in (within, gentle))
    taught = grown(learning, near)
    again = {name: tuple(dict.fromkeys(one.ends)) for name, one in taught.items() if far[name] != near[name]}
    better = {name: one for name, one in tried(again, far).items() if one.least < taught[name].least}
    found = still | taught
    chosen = {name: Chosen(point, point, point.eta) for name, point in gentle.items()}
    chosen |= {name: Chosen(*one.ends, near[name]) for name, one in taught.items()}
    chosen |= {name: Chosen(*one.ends, far[name]) for name, one in better.items()}
    return {name: found[name] for name in methods}, {name: chosen[name] for name in methods}
