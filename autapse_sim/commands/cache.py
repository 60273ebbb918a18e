"""The command `autapse cache`."""

from __future__ import annotations

import click


@click.command()
@click.option("--clear", is_flag=True, help="Remove them all.")
def cache(clear: bool) -> None:
    """Show the compiled programs that are kept for the next time."""
    from autapse_sim.engines import cache as store

    kept = store.entries()
    programs = [entry for entry in kept if entry.kind == "program"]
    counts = f"{_count(len(programs), 'program')}, {_count(len(kept) - len(programs), 'manifest')}"
    what = f"{counts}, {_size(sum(entry.bytes for entry in kept))}"
    if clear:
        removed = store.clear()
        click.echo(f"{store.folder()}: removed {removed} of {len(kept)} entries ({what})")
        return
    click.echo(f"{store.folder()}: {what}")
    if programs:
        click.echo(f"  {'key':<12}  {'size':>8}  last used")
    for entry in programs:
        click.echo(f"  {entry.key[:12]:<12}  {_size(entry.bytes):>8}  {entry.used:%Y-%m-%d %H:%M}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"
