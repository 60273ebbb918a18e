"""Train all combinations of rules, neurons, tasks, sizes and parameters; the same command goes on where it was."""

from __future__ import annotations

import json
import math
import shlex
import sys
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from autapse_sim.checks import whole
from autapse_sim.commands.options import readout_of
from autapse_sim.commands.study_file import RUN, Tables, tables
from autapse_sim.errors import InputError


@click.command(help=__doc__)
@click.argument("study", required=False, type=Path)
@click.option("--grid", multiple=True, metavar="NAME=V1,V2", help="What is crossed: tau=5ms,10ms or neurons=2,8,32.")
@click.option(
    "--set", "-s", "fixed", multiple=True, metavar="NAME=VALUE", help="One value for all: train=50, learn=W+V."
)
@click.option("--rule", multiple=True, help="Rules, by name or file; more than one are crossed.")
@click.option("--neuron", multiple=True, help="Neurons, the same way.")
@click.option(
    "--task", multiple=True, help="Tasks, the same way: a name, my_task.py or arrays.npz; see `autapse tasks`."
)
@click.option(
    "-t", "--task-option", multiple=True, metavar="NAME=VALUE", help="An option of the task: probability=0.1."
)
@click.option("--parameter", "-p", multiple=True, metavar="NAME=VALUE", help="A parameter for all: -p tau_m=20ms.")
@click.option("--replicates", type=int, help="Networks of each combination.")
@click.option("--seed", type=int, help="All draws follow from it.")
@click.option("--engine", help="As of train.")
@click.option("--on", help="Where it runs: local, tcp://HOST:PORT (a dask scheduler) or slurm. [default: local]")
@click.option("--retries", type=int, help="How often what failed is tried again. [default: 1]")
@click.option("--dry-run", is_flag=True, help="Show the plan, and stop.")
@click.option("--out", type=Path, default=Path("results/sweep"), show_default=True, help="Folder of the study.")
@click.option("--json", "as_json", is_flag=True, help="Print the table as JSON.")
def sweep(study: Path | None, **options: Any) -> None:
    """Run, or go on with, a study."""
    from autapse_sim.studies.store import Store
    from autapse_sim.studies.sweep import plan_sweep, run_plan
    from autapse_sim.studies.workers import place

    written = tables(study, options)
    run = {**RUN, **written["run"]}
    retries, on = whole("retries", run["retries"]), place(run["on"])
    shared = _shared(written)
    plan = plan_sweep(written["grid"], **shared, engine=run["engine"])
    store = Store(options["out"])
    done = sum(map(store.has, plan.units))
    click.echo(
        f"{plan.trainings} networks in {_units(len(plan.units))}, {plan.programs} of circuits to compile, "
        f"{done} finished; axes {' x '.join(f'{axis.name} ({len(axis.values)})' for axis in plan.axes) or 'none'}",
        err=True,
    )
    if options["dry_run"]:
        return
    command = shlex.join(sys.argv)
    data = run_plan(plan, store, on, written["slurm"], retries, partial(_say, said=[]), command)
    _table(data, options["as_json"])
    failures = json.loads(data.attrs["failures"])
    for reason in sorted(set(failures.values())):
        many = sum(each == reason for each in failures.values())
        click.echo(f"failed: {_units(many)}: {reason}", err=True)
    click.echo(f"written to {store.folder}; open it with autapse_sim.open_study({str(store.folder)!r})", err=True)
    if failures:
        raise InputError(f"{_units(len(failures))} failed; the same command tries them again")


def _units(count: int) -> str:
    return f"{count} {'unit' if count == 1 else 'units'}"


def _shared(written: Tables) -> dict[str, Any]:
    """What all combinations share; tasks that are crossed are made, with the options that are for each of them."""
    from autapse_sim.spec.circuit import Circuit
    from autapse_sim.spec.protocol import Protocol
    from autapse_sim.studies.axes import tasks_in, with_tasks
    from autapse_sim.studies.named import named_task

    options = dict(written["task"])
    named = options.pop("name", "bouncing-ball")
    grid = written["grid"] = with_tasks(written["grid"], options)
    tasks = tasks_in(grid) or [named_task(named, options).value]
    made: dict[str, Any] = {"task": tasks[0], "parameters": written["parameters"]}
    kinds: dict[str, type[Circuit | Protocol]] = {"circuit": Circuit, "protocol": Protocol}
    for name, kind in kinds.items():
        for field in written[name]:
            if field not in {each.name for each in fields(kind)}:
                raise InputError(f"{name} has no {field!r}; it has {', '.join(each.name for each in fields(kind))}")
        given: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in written[name].items()}
        made[name] = kind(**given)
    crossed = {name.removeprefix("circuit."): values for name, values in grid.items()}
    if "readout" not in crossed and "readout" not in written["circuit"]:
        readout = readout_of(tasks, crossed.get("neurons", [made["circuit"].neurons]))
        made["circuit"] = replace(made["circuit"], readout=readout)
    return made


def _say(state: Any, said: list[str]) -> None:
    """Print how far it is, where that is something new."""
    left = "" if math.isnan(state.left) else f", about {state.left:.0f} s left"
    failed = f", {state.failed} failed" if state.failed else ""
    waits = "; no worker is there yet" if state.waits else ""
    text = f"{state.done} of {state.trainings} networks{failed}{left}{waits}"
    if said[-1:] != [text]:
        click.echo(text, err=True)
    said[:] = [text]


def _table(data: Any, as_json: bool) -> None:
    """Print the median test MSE of each combination."""
    import numpy as np

    from autapse_sim.results.sweeps import summed_up, sweep_axes

    if "mse" not in data:
        uneven = "mse" in json.loads(data.attrs["left_out"])
        click.echo(f"no table: {'the sizes of the scores differ' if uneven else 'there are no scores'}", err=True)
        if as_json:
            click.echo("[]")
        return
    axes, total = sweep_axes(data, "mse"), data.sizes["replicate"]
    medians = summed_up(data, "mse", axes).isel(interval=0)
    diverged = data.diverged.transpose(*axes, "replicate").sum("replicate").values.astype(int)
    rows = [
        {
            **{axis: medians[axis].values[k].item() for axis, k in zip(axes, at, strict=True)},
            "mse": float(medians.values[at]),
            "diverged": int(diverged[at]),
        }
        for at in np.ndindex(medians.shape)
    ]
    if as_json:
        for row in rows:
            row["mse"] = row["mse"] if math.isfinite(row["mse"]) else None
        click.echo(json.dumps(rows))
        return
    units = {axis: f" {data[axis].attrs.get('units', '1')}".removesuffix(" 1") for axis in axes}
    for row in rows:
        shown = {axis: f"{row[axis]:g}" if isinstance(row[axis], float) else row[axis] for axis in axes}
        where = ", ".join(f"{axis} {value}{units[axis]}" for axis, value in shown.items())
        lost = f"; {row['diverged']} of {total} diverged" if row["diverged"] else ""
        click.echo(f"{where or 'all'}: median test MSE {row['mse']:.4g}{lost}")
