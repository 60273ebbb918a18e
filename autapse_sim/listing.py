"""The commands that list what there is to learn: `autapse tasks | benchmarks`."""

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


@click.command()
def benchmarks() -> None:
    """List the settings that `autapse verdict --benchmark` knows."""
    from autapse_sim.benchmarks import BENCHMARKS

    for name, benchmark in BENCHMARKS.items():
        click.echo(f"  {name:<14}{benchmark.title}")
