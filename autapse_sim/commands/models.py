"""The command `autapse models`."""

from __future__ import annotations

import click


@click.command()
def models() -> None:
    """List the neurons and rules that come with the package, and what each rule asks of a brain."""
    from autapse_sim.engines import discrete
    from autapse_sim.engines.adjoint import RULES as EXACT
    from autapse_sim.experiments.checking.audits import audits
    from autapse_sim.spec.audit import COLUMNS
    from autapse_sim.spec.model import library
    from autapse_sim.training.description import discrete_text

    for kind in ("neurons", "rules"):
        click.echo(kind)
        _list([[name, _first_line(path.read_text())] for name, path in library(kind).items()])
    without = discrete.references().keys() - library("rules").keys()
    for names, what in (
        ({*EXACT}, "along those of any neuron (engines compiled and numpy)"),
        (without - {*EXACT}, "for the discrete network (engine numpy)"),
    ):
        click.echo(f"rules without equations, {what}")
        _list([[name, discrete_text(name).splitlines()[0]] for name in sorted(names)])
    click.echo("what each rule asks of a brain (`autapse check RULE` names the terms)")
    _list([["rule", *COLUMNS], *([name, *audit.row()] for name, audit in audits().items())])


def _list(rows: list[list[str]]) -> None:
    """Print rows in columns that are as wide as they have to be."""
    from autapse_sim.results.table import columns

    for line in columns(rows):
        click.echo(f"  {line}")


def _first_line(source: str) -> str:
    return source.split('"""')[1].strip().splitlines()[0]
