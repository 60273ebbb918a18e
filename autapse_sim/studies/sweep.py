"""Sweeps: everything that crosses rules, circuits, tasks, parameters and seeds, as one dataset."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.checks import mapping, whole
from autapse_sim.checks import path as checked_path
from autapse_sim.circuit import Circuit
from autapse_sim.protocol import Protocol
from autapse_sim.results import provenance
from autapse_sim.studies.axes import Setting, axes_of
from autapse_sim.studies.execute import State, execute, workers
from autapse_sim.studies.plan import Plan, planned
from autapse_sim.studies.store import Store
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.library import task_called
from autapse_sim.units import amount


def plan_sweep(
    grid: Mapping[str, Iterable[Any]],
    circuit: Circuit | None = None,
    task: Task | str | None = None,
    protocol: Protocol | None = None,
    parameters: Mapping[str, Any] | None = None,
    engine: str = "auto",
) -> Plan:
    """What `sweep` would run."""
    given = {name: amount(value, name) for name, value in mapping("parameters", parameters, '{"eta": 0.03}').items()}
    base = Setting(circuit or Circuit(), task_called(task or "bouncing-ball"), protocol or Protocol(), given)
    return planned(axes_of(mapping("grid", grid, '{"tau": [5*ms, 10*ms]}'), base), base, engine)


def sweep(
    grid: Mapping[str, Iterable[Any]],
    folder: str | Path | None = None,
    circuit: Circuit | None = None,
    task: Task | str | None = None,
    protocol: Protocol | None = None,
    parameters: Mapping[str, Any] | None = None,
    engine: str = "auto",
    on: str = "local",
    retries: int = 1,
    progress: Callable[[State], None] | None = None,
) -> xr.Dataset:
    """Train all combinations of some values.

    Parameters
    ----------
    grid : mapping of str to iterable
        What is crossed, by name: a field of `Circuit`, of `Protocol` or of the task ('rule', 'neurons', 'train',
        'horizon'), 'task' itself, or a parameter of the models ('tau'). 'task.delay' says which where two have a name.
    folder : str or Path, optional
        Where the study is kept. The same call with the same folder goes on where it was; results that are there are not
        computed again. Not kept where not given.
    circuit, task, protocol, parameters, engine
        As in `train`: what all combinations share. A task may be given by name.
    on : str
        Where it runs: 'local', the address of a dask scheduler, or 'slurm'.
    retries : int
        How often what failed is tried again.
    progress : callable, optional
        Called with a `autapse_sim.studies.execute.State` after each unit.

    Returns
    -------
    xarray.Dataset
        Scores and weights with a dimension for each axis, and `replicate`; NaN where a unit failed, with the reasons in
        the attribute `failures`.

    Examples
    --------
    >>> import autapse_sim as ap
    >>> few = ap.Protocol(replicates=2, train=4, validate=0, test=2)
    >>> data = ap.sweep({"rule": ["dfa", "fa"], "eta": [0.01, 0.1]}, protocol=few, engine="numpy")
    >>> dict(data.mse.sizes)
    {'rule': 2, 'eta': 2, 'replicate': 2, 'trajectory': 2}
    """
    plan = plan_sweep(grid, circuit, task, protocol, parameters, engine)
    retries = whole("retries", retries)
    with ExitStack() as stack:
        kept = stack.enter_context(tempfile.TemporaryDirectory(prefix="autapse_")) if folder is None else folder
        store = Store(checked_path("folder", kept))
        run_plan(plan, store, on, retries=retries, progress=progress)
        return open_study(store.folder)


def run_plan(
    plan: Plan,
    store: Store,
    on: str = "local",
    settings: Mapping[str, Any] | None = None,
    retries: int = 1,
    progress: Callable[[State], None] | None = None,
    command: str = "interactive",
) -> None:
    """Run what of a plan is not there yet."""
    store.keep_plan(plan, _about(plan, command))
    missing = [unit for unit in plan.units if not store.has(unit.name)]
    if not missing:
        return
    with workers(on, settings) as (executor, width):
        execute(plan.units, store, executor, width, retries, progress)


def _about(plan: Plan, command: str) -> dict[str, Any]:
    """What the attributes of a study say: what all units share, and where it comes from."""
    first = plan.units[0]
    crossed = {axis.field for axis in plan.axes}
    shared = {
        name: {key: value for key, value in asdict(part).items() if key not in crossed}
        for name, part in (("circuit", first.setting.circuit), ("protocol", first.setting.protocol))
    }
    return {
        **{name: json.dumps(part) for name, part in shared.items()},
        "task": "crossed" if "task" in crossed else type(first.setting.task).__name__,
        "parameters": json.dumps({name: value.text for name, value in first.setting.parameters.items()}),
        "provenance": json.dumps(provenance(command)),
    }


def open_study(folder: str | Path) -> xr.Dataset:
    """The results of a study, finished or not.

    Parameters
    ----------
    folder : str or Path
        The folder that it is kept in.

    Returns
    -------
    xarray.Dataset
        As of `sweep`; NaN where a unit is not there. The attribute `missing` tells how many are not.
    """
    store = Store(checked_path("folder", folder))
    written = store.read_plan()
    axes, replicates = written["axes"], written["replicates"]
    arrays: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, Any]]] = {}
    coordinates: dict[str, Any] = {}
    uneven, missing = set(), 0
    for unit in written["units"]:
        result = store.read(unit["name"])
        if result is None:
            missing += 1
            continue
        part = result.data
        for name, values in part.data_vars.items():
            inner = tuple(dim for dim in values.dims if dim not in unit["grid"] and dim != "replicate")
            if name not in arrays:
                arrays[name] = _empty(axes, replicates, inner, values)
            dims, whole_array, _ = arrays[name]
            if dims[len(axes) + 1 :] != inner or whole_array.shape[len(axes) + 1 :] != tuple(
                part.sizes[d] for d in inner
            ):
                uneven.add(name)
                continue
            _fill(whole_array, axes, unit, values.transpose(*unit["grid"], "replicate", *inner).values)
        for name, values in part.coords.items():
            if name != "replicate" and values.dims:
                coordinates.setdefault(name, values)
    data = xr.Dataset({name: held for name, held in arrays.items() if name not in uneven})
    for axis in axes:
        about = {"units": axis["unit"]} if axis["unit"] != "1" else {}
        data.coords[axis["name"]] = (axis["name"], np.array(axis["labels"]), about)
    data.coords["replicate"] = np.arange(replicates)
    fitting = {name: each for name, each in coordinates.items() if set(each.dims) <= set(data.dims)}
    data = data.assign_coords(
        {n: each for n, each in fitting.items() if all(each.sizes[d] == data.sizes[d] for d in each.dims)}
    )
    names = {unit["name"] for unit in written["units"]}
    failures = {name: reason for name, reason in store.failures().items() if name in names}
    about = {"missing": missing, "failures": json.dumps(failures), "left_out": json.dumps(sorted(uneven))}
    return data.assign_attrs({**written["about"], **about})


def _empty(
    axes: list[dict[str, Any]], replicates: int, inner: tuple[str, ...], values: xr.DataArray
) -> tuple[tuple[str, ...], np.ndarray, dict[str, Any]]:
    """An array of a whole study, with nothing in it yet."""
    outer = [len(axis["labels"]) for axis in axes]
    shape = (*outer, replicates, *(values.sizes[dim] for dim in inner))
    return (*(axis["name"] for axis in axes), "replicate", *inner), np.full(shape, np.nan), dict(values.attrs)


def _fill(whole_array: np.ndarray, axes: list[dict[str, Any]], unit: dict[str, Any], values: np.ndarray) -> None:
    """Put a unit's values to their place; along a parameter that it does not have they are the same everywhere."""
    place: list[Any] = [unit["place"].get(axis["name"], slice(None)) for axis in axes]
    present = [axis["name"] for axis in axes if axis["name"] not in unit["place"]]
    order = [unit["grid"].index(name) for name in present if name in unit["grid"]]
    values = values.transpose(*order, *range(len(order), values.ndim))
    for at, name in enumerate(present):
        if name not in unit["grid"]:
            values = np.expand_dims(values, at)
    whole_array[(*place, slice(unit["start"], unit["start"] + unit["count"]))] = values
