"""Train all combinations of rules, neurons, tasks, sizes and parameters; the same command goes on where it was."""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from pathlib import Path
from typing import Any

import click

from autapse_sim.checks import whole
from autapse_sim.commands.options import checkpoints, pair, plain, readout_of
from autapse_sim.errors import InputError

SECTIONS = ("grid", "circuit", "protocol", "task", "parameters", "run", "slurm")
"""The tables of a study file."""
RUN = {"engine": "auto", "on": "local", "retries": 1}
"""What the table `run` may say, and what holds else."""


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
    from autapse_sim.studies.sweep import open_study, plan_sweep, run_plan

    written = _with_options(_read(study), options)
    run = {**RUN, **written["run"]}
    retries = whole("retries", run["retries"])
    plan = plan_sweep(written["grid"], **_base(written), engine=run["engine"])
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
    run_plan(plan, store, run["on"], written["slurm"], retries, _say, command)
    data = open_study(store.folder)
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


def _read(path: Path | None) -> dict[str, dict[str, Any]]:
    """The tables of a study file."""
    import tomllib

    written: dict[str, Any] = {}
    if path is not None:
        try:
            written = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{path} is no TOML file: {error}") from error
    for name, table in written.items():
        if name not in SECTIONS or not isinstance(table, dict):
            raise InputError(f"{path}: {name!r} is no table of a study; its tables are {', '.join(SECTIONS)}")
    for name in written.get("run", {}):
        if name not in RUN:
            raise InputError(f"{path}: run has no {name!r}; it has {', '.join(RUN)}")
    tables = {name: dict(written.get(name, {})) for name in SECTIONS}
    tables["grid"] = {name: value if isinstance(value, list) else [value] for name, value in tables["grid"].items()}
    return tables


def _with_options(written: dict[str, dict[str, Any]], options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The tables of a study with what was typed in their place."""
    for text in options["grid"]:
        name, values = pair(text, "--grid", "tau=5ms,10ms")
        written["grid"][name] = [_value(name, each) for each in values.split(",")]
    for name in ("rule", "neuron", "task"):
        given = list(options[name])
        if len(given) > 1:
            written["grid"][name] = given
        elif given:
            written["grid"].pop(name, None)
            written["task" if name == "task" else "circuit"]["name" if name == "task" else name] = given[0]
    for text in options["fixed"]:
        name, value = pair(text, "--set", "train=50")
        written[_table_of(name)][name] = _value(name, value)
    for option, table, example in (("task_option", "task", "probability=0.1"), ("parameter", "parameters", "eta=0.1")):
        for text in options[option]:
            name, value = pair(text, f"--{option.replace('_', '-')}", example)
            written[table][name] = plain(value) if table == "task" else value
    for name in ("replicates", "seed"):
        if options[name] is not None:
            written["protocol"][name] = options[name]
    written["run"] |= {name: options[name] for name in RUN if options[name] is not None}
    return written


def _kinds() -> dict[str, dict[str, Any]]:
    """The fields of circuits and protocols with their defaults."""
    from autapse_sim.spec.circuit import Circuit
    from autapse_sim.spec.protocol import Protocol

    kinds = {"circuit": Circuit, "protocol": Protocol}
    return {
        place: {each.name: None if each.default is MISSING else each.default for each in fields(kind)}
        for place, kind in kinds.items()
    }


def _table_of(name: str) -> str:
    for place, known in _kinds().items():
        if name in known:
            return place
    fields_known = sorted({each for known in _kinds().values() for each in known})
    raise InputError(f"--set {name}: circuits and protocols have {', '.join(fields_known)}; tasks have -t, models -p")


def _value(name: str, text: str) -> Any:
    """A value that was typed: text where the field holds text, names joined by + where it holds several."""
    defaults = {**_kinds()["protocol"], **_kinds()["circuit"]}
    default = defaults.get(name.partition(".")[2] or name, 0)
    if name.rpartition(".")[2] == "checkpoints":
        return checkpoints(text.replace("+", ","))
    if isinstance(default, tuple):
        return tuple(filter(None, text.split("+")))
    return text if isinstance(default, str) else plain(text)


def _base(written: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """What all combinations share."""
    from autapse_sim.spec.circuit import Circuit
    from autapse_sim.spec.protocol import Protocol
    from autapse_sim.tasks.library import task_called

    options = dict(written["task"])
    task = task_called(options.pop("name", "bouncing-ball"), options)
    made: dict[str, Any] = {"task": task}
    kinds: dict[str, type[Circuit | Protocol]] = {"circuit": Circuit, "protocol": Protocol}
    for name, kind in kinds.items():
        for field in written[name]:
            if field not in {each.name for each in fields(kind)}:
                raise InputError(f"{name} has no {field!r}; it has {', '.join(each.name for each in fields(kind))}")
        given: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in written[name].items()}
        made[name] = kind(**given)
    if not ({"readout", "circuit.readout"} & set(written["grid"]) or "readout" in written["circuit"]):
        crossed = {name.removeprefix("circuit."): values for name, values in written["grid"].items()}
        tasks = [task_called(each) for each in crossed.get("task", crossed.get("tasks", ()))] or [task]
        readout = readout_of(tasks, crossed.get("neurons", [made["circuit"].neurons]))
        made["circuit"] = replace(made["circuit"], readout=readout)
    return {**made, "parameters": written["parameters"]}


def _say(state: Any) -> None:
    left = "" if math.isnan(state.left) else f", about {state.left:.0f} s left"
    failed = f", {state.failed} failed" if state.failed else ""
    click.echo(f"{state.done} of {state.trainings} networks{failed}{left}", err=True)


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
