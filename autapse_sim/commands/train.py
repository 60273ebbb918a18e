"""The command `autapse train`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import autapse_sim as ap
from autapse_sim.commands.options import experiment_options, put, setting
from autapse_sim.commands.output import folder_for, say_slower, show, write_others
from autapse_sim.machine.bars import bar
from autapse_sim.machine.session import computing


@click.command()
@click.option("--rule", default="autapse", show_default=True, help="The rule, by name or file.")
@click.option("--eta", type=float, help="Learning rate. [default: the rule's]")
@click.option(
    "--start", type=Path, help="A result that training goes on from by --trajectories, with the same options."
)
@experiment_options
@computing()
def train(rule: str, eta: float | None, start: Path | None, out: Path | None, as_json: bool, **options: Any) -> None:
    """Train one rule on the bouncing ball and test it."""
    engine = options.pop("engine")
    circuit, task, protocol, parameters = setting(options, rule)
    if eta is not None:
        put(parameters, "eta", eta)
    begun = ap.load(start) if start else None
    say_slower([circuit], engine)
    folder = folder_for(out, "train")
    how = {"parameters": parameters, "engine": engine, "start": begun}
    with bar(f"training {rule}") as progress:
        result = ap.train(circuit, task, protocol, progress=progress, **how)
    path = folder / "train.nc"
    result.save(path)
    show(result, as_json)
    write_others([path], {})
