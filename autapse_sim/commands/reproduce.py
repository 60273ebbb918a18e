"""The command `autapse reproduce`."""

from __future__ import annotations

import json
from pathlib import Path

import click

import autapse_sim as ap
from autapse_sim.commands.options import study_options
from autapse_sim.commands.output import folder_for, write_others
from autapse_sim.errors import InputError
from autapse_sim.machine.bars import bar
from autapse_sim.machine.session import computing

SOON = 0.5
"""Minutes for which nobody needs to be told how long it takes."""


@click.command()
@click.argument("name", required=False)
@click.option("--list", "listed", is_flag=True, help="List the published results that there are, and stop.")
@click.option("--quick", is_flag=True, help="Fewer seeds or a shorter training; the answer says so.")
@click.option("--seed", default=0, show_default=True, help="All draws follow from it.")
@study_options
@click.option("--out", type=Path, help="Folder for what is written. [default: results/reproduce/NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print the answer, or the list, as JSON.")
@computing()
def reproduce(
    name: str | None, listed: bool, quick: bool, seed: int, on: str, retries: int, out: Path | None, as_json: bool
) -> None:
    """Run a published result again: NAME (see --list) or a file; is it reproduced?

    What is trained is kept in the folder study beside what is written: stopped and started again, it goes on from
    there.
    """
    from autapse_sim.experiments.reproduction import in_words, reproduction_called

    if listed:
        return _list(as_json)
    if name is None:
        raise InputError("which published result? autapse reproduce --list tells those that there are")
    called, what = reproduction_called(name)
    folder = folder_for(out, f"reproduce/{called}")
    minutes, fewer = what.minutes
    if (fewer if quick else minutes) > SOON:
        instead = f"; with --quick {in_words(fewer)}, {what.quick}" * (not quick)
        click.echo(f"{called} takes about {in_words(fewer if quick else minutes)} on 2 cores{instead}", err=True)
    with bar(f"reproducing {called}") as progress:
        result = ap.reproduce(name, quick, seed, progress, folder / "study", on, retries)
    path = folder / "reproduction.nc"
    result.save(path)
    about = result.data.attrs
    if as_json:
        told = {key: about[key] for key in ("name", "answer", "sentence", "source", "published", "seed")}
        told |= {"quick": bool(about["quick"]), "findings": json.loads(about["findings"])}
        told |= {"notes": json.loads(about["notes"])}
        click.echo(json.dumps(told, indent=1))
    else:
        click.echo(about["table"])
    write_others([path], {"the page": lambda: [ap.report(result, path.with_suffix(".html"))]})


def _list(as_json: bool) -> None:
    """Print the published results that there are."""
    from autapse_sim.experiments.reproduction import in_words, reproductions

    known = reproductions()
    if as_json:
        rows = [
            {"name": name, "title": one.title, "source": one.source, "minutes": list(one.minutes)}
            for name, one in known.items()
        ]
        click.echo(json.dumps(rows, indent=1))
        return
    for name, one in known.items():
        click.echo(f"{name:<22}{one.title}; {in_words(one.minutes[0])}, quick {in_words(one.minutes[1])}")
