"""The command `autapse check`."""

from __future__ import annotations

import click

from autapse_sim.machine.session import computing


@click.command()
@click.argument("model", metavar="FILE")
@click.option("--neuron", help="With which a rule is tried, by name or file. [default: the simplest that fits]")
@click.option(
    "--substeps", type=click.IntRange(1), help="Integration steps in a step. [default: 1, 10 or 20, as needed]"
)
@click.option("--latex", is_flag=True, help="Typeset equations in LaTeX.")
@computing()
def check(model: str, neuron: str | None, substeps: int | None, latex: bool) -> None:
    """Say what the bench understands of FILE: a rule, neuron, task or benchmark of yours, or the name of a shipped one.

    Names and units are checked, a tiny trajectory is run; what there is to say of equations, variables, the order in a
    step, what the rule asks of a brain, and its cost, is printed.
    """
    from autapse_sim.experiments.checking.check import check as told
    from autapse_sim.results.report.plain import LATEX, TEXT

    for heading, lines in told(model, neuron, substeps, LATEX if latex else TEXT):
        click.echo(heading)
        for line in lines:
            click.echo(f"  {line}")
