"""The command `autapse new`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import click

import autapse_sim as ap
from autapse_sim.errors import InputError
from autapse_sim.names import one_of


@click.command()
@click.argument("kind", metavar="KIND")
@click.argument("path", type=Path)
def new(kind: str, path: Path) -> None:
    """Write PATH, a commented starting point that runs as it is. KIND is rule, neuron, task or benchmark.

    A file that is there is left as it is.
    """
    from autapse_sim.machine.files import write_whole

    folder = files(f"{ap.__name__}.templates")
    known = {
        each.name.removesuffix(".py") for each in folder.iterdir() if each.name[0] != "_" and each.name.endswith(".py")
    }
    kind = one_of("kind", kind, known)
    if path.suffix != ".py":
        raise InputError(f"{path} is no name of a Python file; write for example my_{kind}.py")
    text = folder.joinpath(f"{kind}.py").read_text(encoding="utf-8").replace(f"my_{kind}.py", path.name)
    write_whole(path, text.encode(), fresh=True)
    name = click.format_filename(path)
    click.echo(f"written: {name}; see what the bench makes of it: autapse check {name}", err=True)
