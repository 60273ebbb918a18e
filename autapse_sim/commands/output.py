"""What commands say and write: folders, tables, files beside a result."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import click

import autapse_sim as ap
from autapse_sim import checks
from autapse_sim.errors import InputError, in_a_line
from autapse_sim.spec.circuit import Circuit
from autapse_sim.studies.workers import Executor

FIGURES = "autapse_sim.results.plots.catalogue"
"""What a process reads that draws."""

Write = Callable[[], list[Path]]
"""Writes files, and says which."""


def folder_for(out: Path | None, default: str) -> Path:
    """The folder for results, made and tried before anything is computed."""
    import tempfile

    folder = checks.path("--out", out) if out else Path("results", default)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"output folder {folder} cannot be written: {error.strerror}") from error
    return folder


def beside(source: Path, out: Path) -> Path:
    """The file that is written of what was read from another, which it must not take the place of."""
    if out.exists() and source.exists() and out.samefile(source):
        raise InputError(f"{out} is what is read here, and would be overwritten; name another file")
    return out


def show(result: ap.Result, as_json: bool) -> None:
    from autapse_sim.results import table

    if "mse" not in result.data:
        click.echo("no test trajectories, and so no scores", err=True)
        if as_json:
            click.echo("[]")
    elif as_json:
        click.echo(json.dumps(table.rows(result.data), indent=1))
        for note in table.notes(result.data):
            click.echo(note, err=True)
    else:
        click.echo(table.text(result.data))


def drawing(result: ap.Result, names: Iterable[str], folder: Path, beside: Executor) -> dict[str, Write]:
    """What writes figures: a process beside this one draws them from the first on, this one from the last on."""
    from autapse_sim.results.plots.catalogue import drawn
    from autapse_sim.results.plots.style import write_contents

    there = {name: beside.submit(drawn, result.data, name) for name in names}

    def write(name: str) -> list[Path]:
        here = there[name].cancel()  # nobody has begun it
        return write_contents(drawn(result.data, name) if here else there[name].result(), folder / name)

    return {name: partial(write, name) for name in reversed(there)}


def write_others(files: list[Path], others: Mapping[str, Write]) -> None:
    """Write what is made of a result that was written, and say what there is; what fails is named, and leaves the rest.

    InputError at the end where a file could not be written.
    """
    failed = []
    for name, write in others.items():
        try:
            files = files + write()
        except (ValueError, ArithmeticError, MemoryError, OSError, RuntimeError) as error:
            click.echo(f"{name} is left out: {in_a_line(error)}", err=True)
            failed += [name] * isinstance(error.__cause__, OSError)
    click.echo(f"written to {files[0].parent}: {', '.join(path.name for path in files)}", err=True)
    if failed:
        raise InputError(f"{', '.join(failed)} could not be written; the result is in {files[0]}")


def say_slower(circuits: Iterable[Circuit], engine: str) -> None:
    """Say so where Brian2 runs without a compiler that was not declined."""
    from autapse_sim.training.train import choose_engine

    if engine == "auto" and any(choose_engine(circuit, engine) == "runtime" for circuit in circuits):
        click.echo("no C++ compiler found: Brian2 runs in runtime mode, same numbers, but slower", err=True)
