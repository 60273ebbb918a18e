"""The units of the claims: pilots over the learning rates, networks that are tested, and what is tested beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.experiments.paper.cases import Case, Networks, infinite, scores_of
from autapse_sim.results.result import Result
from autapse_sim.spec.protocol import Schedule
from autapse_sim.training.beside import task_controls
from autapse_sim.training.grid import Grid
from autapse_sim.training.reservoir import activity


@dataclass(frozen=True)
class Piloted:
    """A unit: the pilots of a case at every learning rate."""

    case: Case
    networks: Networks

    @property
    def work(self) -> int:
        """How many networks it trains."""
        return self.networks.count * len(self.case.etas(self.networks.setting))

    def parts(self) -> dict[str, Any]:
        """All that determines the result."""
        networks, case = self.networks, self.case
        etas = case.etas(networks.setting)
        return {**networks.told(), "case": case.told(), "etas": etas, "engine": networks.engine(case)}

    def run(self) -> Result:
        """Validation MSE (rate, replicate) before and after training."""
        networks, case = self.networks, self.case
        grid = Grid.of(case.etas(networks.setting), networks.count)
        outcome = networks.run(case, networks.drawn(case), grid.source, grid.each)
        before, after = map(infinite, grid.validation(networks.protocol, outcome))
        dims = ("rate", "replicate")
        return Result(xr.Dataset({"before": (dims, before), "after": (dims, after)}))


@dataclass(frozen=True)
class Tested:
    """A unit: networks of a case that are trained at a learning rate and tested."""

    case: Case
    networks: Networks
    eta: float

    @property
    def work(self) -> int:
        """How many networks it trains."""
        return self.networks.count

    def parts(self) -> dict[str, Any]:
        """All that determines the result."""
        networks, case = self.networks, self.case
        return {**networks.told(), "case": case.told(), "eta": self.eta, "engine": networks.engine(case)}

    def run(self) -> Result:
        """What `autapse_sim.experiments.paper.trials.Trained` holds."""
        networks, protocol = self.networks, self.networks.protocol
        drawn, grid = networks.drawn(self.case), Grid((self.eta,), networks.count)
        outcome = networks.run(self.case, drawn, grid.source, grid.each)
        before, after = (infinite(errors[0]) for errors in grid.validation(protocol, outcome))
        found = scores_of(outcome.prediction.transpose(1, 0, 2, 3), drawn, protocol.test)
        data = xr.Dataset({name: ("replicate", values) for name, values in found.items()})
        curve = infinite(outcome.mse[:, Schedule.of(protocol).learn])
        data["before"], data["after"] = ("replicate", before), ("replicate", after)
        data["learning_curve"] = ("replicate", "training_trajectory"), curve
        return Result(data)


@dataclass(frozen=True)
class Still:
    """A unit: networks of a case in which nothing learns, as they were drawn or with W = 0."""

    case: Case
    networks: Networks
    silent: bool

    @property
    def work(self) -> int:
        """How many networks it trains."""
        return self.networks.count

    def parts(self) -> dict[str, Any]:
        """All that determines the result."""
        return {**self.networks.told(), "case": self.case.told(), "silent": self.silent}

    def run(self) -> Result:
        """Their scores."""
        drawn, tested = self.networks.drawn(self.case), self.networks.protocol.test
        weights = drawn.weights
        if self.silent:
            weights = replace(weights, W=np.zeros_like(weights.W))
        tau_m = np.full(len(weights.W), float(self.case.tau_m))
        o = activity(weights, drawn.x[:, -tested:], self.case.circuit.activation, tau_m)
        found = scores_of(np.einsum("rktn,rcn->rktc", o, weights.V), drawn, tested)
        return Result(xr.Dataset({name: ("replicate", values) for name, values in found.items()}))


@dataclass(frozen=True)
class Beside:
    """A unit: the controls that need no network, on what networks of a case are shown."""

    case: Case
    networks: Networks

    @property
    def work(self) -> int:
        """How many networks it trains."""
        return self.networks.count

    def parts(self) -> dict[str, Any]:
        """All that determines the result."""
        return self.networks.told()

    def run(self) -> Result:
        """Test MSE (control, replicate)."""
        networks, protocol = self.networks, self.networks.protocol
        drawn, test = networks.drawn(self.case), slice(-protocol.test, None)
        shown = task_controls(networks.setting.task, drawn.x, drawn.y, slice(0, protocol.train), test)
        errors = [((prediction - drawn.y[:, test]) ** 2).mean(axis=(1, 2, 3)) for prediction in shown.values()]
        data = xr.Dataset({"control_mse": (("control", "replicate"), errors)})
        return Result(data.assign_coords(control=list(shown)))
