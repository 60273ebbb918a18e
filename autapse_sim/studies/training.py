"""Some replicates of one combination of a study, for all values of the parameters that ride with them."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.results.contents import AXES
from autapse_sim.results.result import Result
from autapse_sim.spec.job import Job
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.units import Amount
from autapse_sim.studies.axes import Setting, axis_name
from autapse_sim.studies.unit import told_circuit, told_task
from autapse_sim.tasks.base import Task
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import Drawn, draw_block
from autapse_sim.training.labels import WEIGHT_DIMS, scored
from autapse_sim.training.train import check_job, prepare, simulated


@dataclass(frozen=True)
class Training:
    """A unit that is one run of one program.

    Parameters
    ----------
    setting : Setting
        What is run; its protocol has all replicates of the study.
    engine : str
        Who runs it.
    start, count : int
        The first of its replicates, and how many.
    grid : mapping of str to tuple of Amount
        The parameters that are crossed within it.
    """

    setting: Setting
    engine: str
    start: int
    count: int
    grid: Mapping[str, tuple[Amount, ...]]

    @property
    def work(self) -> int:
        """How many networks it trains."""
        return self.count * prod(map(len, self.grid.values()))

    @property
    def axes(self) -> list[str]:
        """What the parameters that are crossed within it are called in results."""
        return [axis_name("parameter", name) for name in self.grid]

    def parts(self) -> dict[str, Any]:
        """All that determines the result; how many replicates there are beside its own does not."""
        setting = self.setting
        return {
            "circuit": told_circuit(setting.circuit),
            "task": told_task(setting.task, setting.protocol.trajectories),
            "protocol": replace(setting.protocol, replicates=1, record=0),
            "parameters": setting.parameters,
            "engine": self.engine,
            "block": [self.start, self.count],
            "grid": self.grid,
        }

    def run(self) -> Result:
        """Train and test the networks.

        Returns
        -------
        Result
            Scores and learned weights, with the parameters that are crossed as the first axes and then the replicates.
        """
        drawn, protocol, job = self._job(self.setting.task)
        outcome = simulated(job, self.engine, processes=1 if self.engine == "standalone" else None)
        data = scored(drawn, protocol, outcome, np.arange(self.work)).drop_dims("recorded")
        still = WEIGHT_DIMS.keys() - set(self.setting.circuit.learn)  # of weights a study keeps those that learned
        return Result(_folded(data.drop_vars(still & data.keys()), self))

    def check(self) -> None:
        """Refuse, without running it, what would be refused, as far as its first two networks show."""
        grid = {name: values[:1] for name, values in self.grid.items()}
        few = replace(self, count=min(self.count, 2), grid=grid)
        # a copy, since who writes a task may count what it hands out
        *_, job = few._job(copy.deepcopy(self.setting.task))
        check_job(job, self.engine)

    def _job(self, task: Task) -> tuple[Drawn, Protocol, Job]:
        """What is drawn for its networks, their protocol and their job."""
        setting, count = self.setting, self.count
        drawn = draw_block(setting.circuit, task, setting.protocol, self.start, count)
        protocol = replace(setting.protocol, replicates=count, record=0)
        points = list(product(*self.grid.values()))
        values = resolve_parameters(setting.circuit, setting.parameters, count)
        every = {name: np.concatenate([value] * len(points)) for name, value in values.items()}
        for name, along in zip(self.grid, zip(*points, strict=True), strict=True):
            every[name] = np.repeat([each.value for each in along], count)
        return drawn, protocol, prepare(setting.circuit, drawn, protocol, every, np.tile(np.arange(count), len(points)))


def _folded(data: xr.Dataset, unit: Training) -> xr.Dataset:
    """The same with an axis for each parameter, before that of the replicates."""
    shape = tuple(len(values) for values in unit.grid.values())
    folded = xr.Dataset(coords={name: data[name] for name in data.coords if name != "replicate"})
    for name, values in data.data_vars.items():
        array = values.values.reshape(*shape, unit.count, *values.shape[1:])
        folded[name] = (*unit.axes, *values.dims), array, values.attrs
    folded.coords["replicate"] = unit.start + np.arange(unit.count)
    return folded.assign_attrs({AXES: json.dumps(unit.axes)})
