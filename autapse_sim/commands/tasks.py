"""The command `autapse tasks`."""

from __future__ import annotations

import click


@click.command()
@click.argument("task", required=False)
def tasks(task: str | None) -> None:
    """List the tasks that come with the package, or the options of TASK with their defaults."""
    from autapse_sim.tasks import catalogue

    if task is None:
        for name, kind in catalogue.tasks().items():
            click.echo(f"  {name:<22}{catalogue.first_line(kind)}")
        return
    found = catalogue.options(task)
    click.echo(f"{task}: {catalogue.first_line(catalogue.tasks()[task])}")
    for option in found:
        click.echo(f"  {option.name:<14}{option.default or '(to be given)':<16}{option.about}")
