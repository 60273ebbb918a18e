"""The command `autapse models`."""

from __future__ import annotations

import click


@click.command()
def models() -> None:
    """List the neurons and rules that come with the package."""
    from autapse_sim.engines import discrete
    from autapse_sim.spec.model import library
    from autapse_sim.training.description import discrete_text

    for kind in ("neurons", "rules"):
        click.echo(kind)
        for name, path in library(kind).items():
            click.echo(f"  {name:<18}{_first_line(path.read_text())}")
    click.echo("rules without equations, for the discrete network (engine numpy)")
    for name in sorted(discrete.references().keys() - library("rules").keys()):
        click.echo(f"  {name:<18}{discrete_text(name).splitlines()[0]}")


def _first_line(source: str) -> str:
    return source.split('"""')[1].strip().splitlines()[0]
