"""The command `autapse report`."""

from __future__ import annotations

from pathlib import Path

import click

from autapse_sim.session import computing


@click.command()
@click.argument("path", type=Path)
@click.option("--score", help="Which score of a sweep is shown. [default: the test error]")
@click.option("--out", type=Path, help="The file that is written. [default: PATH, but .html]")
@computing()
def report(path: Path, score: str | None, out: Path | None) -> None:
    """Write PATH, a result or a verdict, as one HTML page that needs no network."""
    from autapse_sim.report.write import report as write
    from autapse_sim.results import load

    click.echo(click.format_filename(write(load(path), out or path.with_suffix(".html"), score)))
