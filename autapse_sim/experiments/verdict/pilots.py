"""Pilots: on seeds of their own, which are not judged, learning rates and the scales of the reservoir are chosen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.experiments.benchmark import Benchmark
from autapse_sim.experiments.verdict.methods import FIXED, STILL, Method, Rates
from autapse_sim.experiments.verdict.trial import (
    BLOCK,
    FITTED,
    FLOORS,
    Trial,
    drawn,
    protocol_of,
    refit_mse,
    refit_penalties,
    score,
    train_method,
)
from autapse_sim.results.result import Result
from autapse_sim.studies.study import Study
from autapse_sim.training.grid import Grid
from autapse_sim.training.reservoir import Reservoir, tune_reservoir

PILOT = 16
"""Seeds on which learning rates and the reservoir are chosen; none of them is judged."""
FIRST = 10**6
"""The number of the pilots' first block of seeds."""


@dataclass(frozen=True)
class Pilot:
    """A unit: a method on a block of the pilots' seeds, at every learning rate of the benchmark.

    The read-out learns at the rate `readout`, or at those of the grid where that is None.
    """

    trial: Trial
    readout: float | None
    seeds: tuple[int, int]

    @property
    def work(self) -> int:
        """How many networks it trains."""
        return BLOCK * len(self.trial.setting.etas)

    def parts(self) -> dict[str, Any]:
        """All that determines the result."""
        return {**self.trial.told(), "etas": self.trial.setting.etas, "readout": self.readout, "seeds": self.seeds}

    def run(self) -> Result:
        """MSE at the end, (score, eta_grid, pilot).

        The scores are the validation MSE of the read-out as trained, and the MSE of the refitted one, which the
        validation trajectories have helped to fit, on other trajectories of the same seeds.
        """
        setting, method = self.trial.setting, self.trial.method
        given, whole = drawn(setting, method, self.seeds), protocol_of(setting, method, self.seeds)
        protocol = protocol_of(setting, Method(None, protocol={**method.protocol, "test": 0}), self.seeds)
        outcome = train_method(self.trial, given, protocol, np.array(setting.etas), self.readout)
        last = score(setting, given, protocol, outcome, refit=False).curve[:, -1]
        refit = np.full_like(last, np.nan)
        if setting.circuit.neuron == "rate":
            refit = refit_mse(setting, given, whole, outcome.weights, FLOORS[:1])[:, 0]
        found = np.reshape([last, refit], (2, len(setting.etas), BLOCK))
        return Result(xr.Dataset({"pilot_mse": (("score", "rate", "pilot"), found)}))


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
        x, y = given.x[:, shown], given.y[:, shown]
        parts = slice(0, -protocol.validate), slice(-protocol.validate, None)
        tune = partial(tune_reservoir, given.weights, x, y, *parts, setting.circuit.activation)
        found = [tune(penalties=refit_penalties(floor)) for floor in FLOORS]
        gains, scales = [each.gain for each in found], [each.input_scale for each in found]
        return Result(xr.Dataset({"gain": ("floor", gains), "input_scale": ("floor", scales)}))


def tuned_reservoirs(setting: Benchmark, study: Study, seed: int) -> dict[float, Reservoir]:
    """The scaled reservoir that does best on the pilots' seeds, for each least penalty of its read-out."""
    (found,) = study.results([Tuning(Trial.of(setting, Method(None)), (seed, FIRST))])
    scales = zip(found.data.gain.values.tolist(), found.data.input_scale.values.tolist(), strict=True)
    return {floor: Reservoir(*both, np.array([])) for floor, both in zip(FLOORS, scales, strict=True)}


def chosen_rates(
    setting: Benchmark, methods: Mapping[str, Method], study: Study, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, Rates]]:
    """MSE of the pilots over the grid of learning rates, (score, E, R), and the rates at which each method is judged.

    The read-out of all methods learns at the rate that suits the fixed reservoir, so that with eta towards 0 every
    rule becomes that; where a method starts from W = 0 or changes the protocol, at the one that suits a reservoir which
    does so too. Of rates that are as good for a reservoir it is the smallest (`Grid.gentle`): a restless read-out
    teaches W its own noise.
    """
    blocks = [(seed, FIRST + k) for k in range(PILOT // BLOCK)]

    def tried(some: Mapping[str, Method], readout: Mapping[str, float]) -> dict[str, np.ndarray]:
        trials = {name: Trial.of(setting, method) for name, method in some.items()}
        units = [Pilot(trial, readout.get(name), seeds) for seeds in blocks for name, trial in trials.items()]
        found = [result.data.pilot_mse.values for result in study.results(units)]
        return {name: np.concatenate(found[k :: len(some)], axis=2) for k, name in enumerate(some)}

    resting = {name: method for name, method in methods.items() if method.rule is None}
    learning = {name: method for name, method in methods.items() if method.rule is not None}
    like = {name: STILL if method.reservoir else FIXED for name, method in learning.items()}
    like |= {name: json.dumps(method.protocol) for name, method in learning.items() if method.protocol}
    alone = {how: Method(None, protocol=json.loads(how)) for how in like.values() if how not in resting}
    grid = tried(resting | alone, {})
    rates = Grid.of(setting.etas, PILOT)
    best = {name: rates.gentle(values[0]) for name, values in grid.items()}
    chosen = {name: Rates(best[name], best[name], best[name]) for name in resting}
    readout = {name: best[how] for name, how in like.items()}
    grid |= tried(learning, readout)
    for name in learning:
        online, refit = grid[name]
        best[name] = rates.choose(online)
        chosen[name] = Rates(best[name], rates.choose(refit, best[name]), readout[name])
    return {name: grid[name] for name in methods}, chosen
