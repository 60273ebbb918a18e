"""Sweeps: everything that crosses rules, circuits, tasks, parameters and seeds, as one dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from autapse_sim.checks import function, mapping, whole
from autapse_sim.checks import path as checked_path
from autapse_sim.errors import InputError, in_a_line
from autapse_sim.machine.bars import shows_progress
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.units import amount
from autapse_sim.studies.about import about
from autapse_sim.studies.axes import Setting, axes_of
from autapse_sim.studies.execute import State, execute
from autapse_sim.studies.gather import gathered
from autapse_sim.studies.plan import Plan, planned
from autapse_sim.studies.store import AGAIN, PLAN, Store, store_in
from autapse_sim.studies.workers import Executor, Workers, place, workers
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.library import task_called


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
    for name, value in given.items():
        if isinstance(value.value, list) and not any(isinstance(each, list) for each in value.value):
            raise InputError(
                f"parameter {name} has several values, {value.text}; a study takes one for all, or crosses them: "
                f"name {name} in the grid"
            )
    grid = mapping("grid", grid, '{"tau": [5*ms, 10*ms]}')
    for name in given:
        if {name, f"parameter.{name}"} & grid.keys():
            raise InputError(f"{name} is crossed, and parameter {name} is given one value; leave one of them out")
    base = Setting(circuit or Circuit(), task_called(task or "bouncing-ball"), protocol or Protocol(), given)
    return planned(axes_of(grid, base), base, engine)


@shows_progress("sweep")
def sweep(
    grid: Mapping[str, Iterable[Any]],
    folder: str | Path | None = None,
    circuit: Circuit | None = None,
    task: Task | str | None = None,
    protocol: Protocol | None = None,
    parameters: Mapping[str, Any] | None = None,
    engine: str = "auto",
    on: str | Executor | Workers = "local",
    retries: int = 1,
    progress: Callable[[State], None] | bool | None = None,
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
        As in `train`: what all combinations share. A task may be given by name. What is crossed is taken from the grid.
    on : str, Executor or Workers
        Where it runs: 'local', the address of a dask scheduler, 'slurm', or an executor of concurrent.futures.
    retries : int
        How often what failed is tried again.
    progress : callable or bool, optional
        True shows a bar, which notebooks do unless it is False; a function is called with a
        `autapse_sim.studies.execute.State` after each unit.

    Returns
    -------
    xarray.Dataset
        Scores and weights with a dimension for each axis, and `replicate`; NaN where a unit failed, with the reasons in
        the attribute `failures`. Where combinations have more or less of something (trajectories, neurons), what they
        lack is NaN, and `trajectory_there`, `post_there`, ... tell what each has. What cannot be put together, or would
        be larger than half a gigabyte so, is named in `left_out`.

    Examples
    --------
    >>> import autapse_sim as ap
    >>> few = ap.Protocol(replicates=2, train=4, validate=0, test=2)
    >>> data = ap.sweep({"rule": ["dfa", "fa"], "eta": [0.01, 0.1]}, protocol=few, engine="numpy")
    >>> dict(data.mse.sizes)
    {'rule': 2, 'eta': 2, 'replicate': 2, 'trajectory': 2}
    """
    plan = plan_sweep(grid, circuit, task, protocol, parameters, engine)
    retries, tell = whole("retries", retries), function("progress", progress)
    with store_in(folder) as store:
        return run_plan(plan, store, on, retries=retries, progress=tell)


def run_plan(
    plan: Plan,
    store: Store,
    on: str | Executor | Workers = "local",
    settings: Mapping[str, Any] | None = None,
    retries: int = 1,
    progress: Callable[[State], None] | None = None,
    command: str = "interactive",
) -> xr.Dataset:
    """Run what of a plan is not there yet; its results, whatever other plan was written to the folder meanwhile."""
    on = place(on)
    written = store.keep_plan(plan, about(plan, command))
    with workers(on, settings) as some:
        execute(plan.units, store, some, retries, progress)
    return gathered(written, store)


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
    try:
        return gathered(written, store)
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # where the plan is not as it was written
        raise InputError(f"{store.folder / PLAN} is damaged ({in_a_line(error)}); {AGAIN}") from error
