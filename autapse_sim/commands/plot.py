"""The command `autapse plot`."""

from __future__ import annotations

import ast
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

import autapse_sim as ap
from autapse_sim.commands.output import folder_for
from autapse_sim.errors import InputError


class Listed(click.Command):
    """A command whose help lists the figures, which are not imported for that."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command says of itself, and a line for each figure: the first one of its module."""
        super().format_help_text(ctx, formatter)
        folder = files(f"{ap.__name__}.results.plots.figures")
        modules = sorted(each for each in folder.iterdir() if each.name.endswith(".py") and each.name[0] != "_")
        said = {each.name.removesuffix(".py"): ast.get_docstring(ast.parse(each.read_text())) for each in modules}
        with formatter.section("Figures"):
            formatter.write_dl([(name, (text or "").splitlines()[0]) for name, text in said.items()])


@click.command(cls=Listed)
@click.argument("figure")
@click.argument("result", type=Path)
@click.option("--rule", help="Of several rules. [default: the first; for traces, those that have one]")
@click.option("--replicate", type=int, help="Number of the replicate. [default: 0]")
@click.option("--phase", "phases", multiple=True, help="E.g. 'test 1'; may be repeated. [default: first and last]")
@click.option("--before", type=Path, help="A result of the same networks before learning, for FIGURE circuit.")
@click.option("--out", type=Path, default=Path(), help="Folder for the figure.")
def plot(figure: str, result: Path, out: Path, before: Path | None, phases: tuple[str, ...], **options: Any) -> None:
    """Draw FIGURE from a RESULT file, as PDF and PNG."""
    import inspect

    from autapse_sim.names import one_of
    from autapse_sim.results.plots.catalogue import check_held, figures, figures_of
    from autapse_sim.results.plots.style import save

    loaded = ap.load(result)
    known = figures()
    draw = known[figure if figure in known else one_of("figure", figure, figures_of(loaded))].draw
    taken = inspect.signature(draw).parameters
    if "phases" in taken:
        options["phases"] = phases or None
    elif len(phases) > 1:
        raise InputError(f"figure {figure} takes one --phase at most")
    else:
        options["phase"] = phases[0] if phases else None
    given = {name: value for name, value in {**options, "before": before}.items() if value is not None}
    for name in given.keys() - taken.keys():
        raise InputError(f"figure {figure} takes no --{name}")
    if before:
        given["before"] = ap.load(before).data
    check_held(loaded, figure)
    for path in save(draw(loaded.data, **given), folder_for(out, "plot"), figure):
        click.echo(click.format_filename(path))
