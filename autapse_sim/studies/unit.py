"""What a unit is: a pure function of itself, whoever runs it and whenever."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import numpy as np
import xarray as xr

from autapse_sim.contents import AXES
from autapse_sim.declared import resolve_parameters
from autapse_sim.experiment import draw_block, prepare, simulated
from autapse_sim.labels import WEIGHT_DIMS, scored
from autapse_sim.results import Result
from autapse_sim.studies.plan import Unit


def run_unit(unit: Unit) -> Result:
    """Train and test the networks of a unit.

    Returns
    -------
    Result
        Scores and learned weights, with the parameters that are crossed as the first axes and then the replicates.
    """
    setting, count = unit.setting, unit.count
    drawn = replace(
        draw_block(setting.circuit, setting.task, setting.protocol, unit.start, count), sources=unit.sources
    )
    protocol = replace(setting.protocol, replicates=count, record=0)
    points = list(product(*unit.grid.values()))
    values = resolve_parameters(setting.circuit, setting.parameters, count)
    every = {name: np.concatenate([value] * len(points)) for name, value in values.items()}
    for name, along in zip(unit.grid, zip(*points, strict=True), strict=True):
        every[name] = np.repeat([each.value for each in along], count)
    job = prepare(setting.circuit, drawn, protocol, every, np.tile(np.arange(count), len(points)))
    outcome = simulated(job, unit.engine, **({"processes": 1} if unit.engine == "standalone" else {}))
    still = WEIGHT_DIMS.keys() - set(setting.circuit.learn)
    parts = []
    for at in range(len(points)):  # a study keeps no records, and of weights those that learned
        data = scored(drawn, protocol, outcome, at * count + np.arange(count))
        parts.append(data.drop_dims("recorded").drop_vars(still & data.keys()))
    return Result(_folded(parts, unit))


def _folded(parts: list[xr.Dataset], unit: Unit) -> xr.Dataset:
    """One dataset of the points of a grid, which has an axis for each parameter."""
    shape = tuple(len(values) for values in unit.grid.values())
    first = parts[0]
    data = xr.Dataset(coords={name: first[name] for name in first.coords if name != "replicate"})
    for name, values in first.data_vars.items():
        stacked = np.stack([part[name].values for part in parts]).reshape(*shape, *values.shape)
        data[name] = ((*unit.grid, *values.dims), stacked, values.attrs)
    data.coords["replicate"] = unit.start + np.arange(unit.count)
    return data.assign_attrs({AXES: json.dumps(list(unit.grid))})
