"""The command `autapse export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import autapse_sim as ap
from autapse_sim.commands.output import beside


@click.command()
@click.argument("result", type=Path)
@click.argument("out", type=Path)
@click.option("--name", "names", multiple=True, help="Variable of a table; may be repeated. [default: mse]")
@click.option("--replicate", type=int, help="Number of the replicate, of .nwb and .nir. [default: 0]")
@click.option("--rule", help="Of several rules, for .nwb and .nir. [default: the first]")
def export(result: Path, out: Path, **options: Any) -> None:
    """Write a RESULT file for another program, as the ending of OUT says: .csv, .parquet, .nwb or .nir."""
    given = {name: value for name, value in options.items() if value not in (None, ())}
    click.echo(f"written: {ap.export.write(ap.load(result), beside(result, out), **given)}")
