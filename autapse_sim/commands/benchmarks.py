"""The command `autapse benchmarks`."""

from __future__ import annotations

import click


@click.command()
def benchmarks() -> None:
    """List the settings that `autapse verdict --benchmark` knows."""
    from autapse_sim.experiments.benchmark import benchmarks as settings

    known = settings()
    for family in dict.fromkeys(benchmark.family for benchmark in known.values()):
        click.echo(family)
        for name, benchmark in known.items():
            if benchmark.family == family:
                click.echo(f"  {name:<18}{benchmark.title}")
