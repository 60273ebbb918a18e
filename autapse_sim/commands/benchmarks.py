"""The command `autapse benchmarks`."""

from __future__ import annotations

import click


@click.command()
def benchmarks() -> None:
    """List the settings that `autapse verdict --benchmark` knows."""
    from autapse_sim.experiments.benchmarks import BENCHMARKS

    for name, benchmark in BENCHMARKS.items():
        click.echo(f"  {name:<14}{benchmark.title}")
