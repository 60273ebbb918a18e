"""The command `autapse benchmarks`."""

from __future__ import annotations

import click


@click.command()
def benchmarks() -> None:
    """List the settings that `autapse verdict --benchmark` knows."""
    from autapse_sim.experiments.benchmark import benchmarks as settings

    for name, benchmark in settings().items():
        click.echo(f"  {name:<14}{benchmark.title}")
