"""The command `autapse report`."""

from __future__ import annotations

from pathlib import Path

import click

from autapse_sim.commands.output import beside
from autapse_sim.machine.session import computing


@click.command()
@click.argument("path", type=Path)
@click.option("--score", help="Which score of a sweep is shown. [default: the test error]")
@click.option("--out", type=Path, help="The file that is written. [default: PATH, but .html; report.html in a folder]")
@computing()
def report(path: Path, score: str | None, out: Path | None) -> None:
    """Write PATH, a result, a verdict or the folder of a study, as one HTML page that needs no network."""
    from autapse_sim.results.report.write import report as write
    from autapse_sim.results.result import load
    from autapse_sim.studies.store import PLAN
    from autapse_sim.studies.sweep import open_study

    path = path.parent if path.name == PLAN else path
    found, page = (open_study(path), path / "report.html") if path.is_dir() else (load(path), path.with_suffix(".html"))
    click.echo(click.format_filename(write(found, beside(path, out or page), score, title=path.name)))
