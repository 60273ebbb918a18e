"""The command `autapse models`."""

from __future__ import annotations

import click


@click.command()
def models() -> None:
    """List the neurons and rules that come with the package, and what each rule asks of a brain."""
    from autapse_sim.engines import discrete
    from autapse_sim.engines.adjoint import RULES as EXACT
    from autapse_sim.experiments.checking.audits import audits
    from autapse_sim.results.table import columns
    from autapse_sim.spec.audit import COLUMNS
    from autapse_sim.spec.model import library
    from autapse_sim.training.description import discrete_text

    for kind in ("neurons", "rules"):
        click.echo(kind)
        for name, path in library(kind).items():
            click.echo(f"  {name:<18}{_first_line(path.read_text())}")
    without = discrete.references().keys() - library("rules").keys()
    for names, what in (({*EXACT}, "along those of any neuron"), (without - {*EXACT}, "for the discrete network")):
        click.echo(f"rules without equations, {what} (engine numpy)")
        for name in sorted(names):
            click.echo(f"  {name:<18}{discrete_text(name).splitlines()[0]}")
    click.echo("what each rule asks of a brain (`autapse check RULE` names the terms)")
    rows = [["rule", *COLUMNS], *([name, *audit.row()] for name, audit in audits().items())]
    for line in columns(rows):
        click.echo(f"  {line}")


def _first_line(source: str) -> str:
    return source.split('"""')[1].strip().splitlines()[0]
