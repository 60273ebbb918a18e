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
from autapse_sim.machine.session import computing

FORMATS = "pdf, png or svg, of a movie gif or mp4; may be repeated. [default: pdf and png; gif]"
"""What is said of the option."""


class Listed(click.Command):
    """A command whose help lists the figures, which are not imported for that."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command says of itself, and a line for each figure: the first one of its module."""
        super().format_help_text(ctx, formatter)
        folder = files(f"{ap.__name__}.results.plots.figures")
        modules = [each for each in folder.iterdir() if each.name.endswith(".py") and each.name[0] != "_"]
        modules.sort(key=lambda each: each.name)
        said = {each.name.removesuffix(".py"): ast.get_docstring(ast.parse(each.read_text())) for each in modules}
        with formatter.section("Figures"):
            formatter.write_dl([(name, (text or "").splitlines()[0]) for name, text in said.items()])


@click.command(cls=Listed)
@click.argument("figure")
@click.argument("result", type=Path)
@click.option("--format", "formats", multiple=True, help=FORMATS)
@click.option("--rule", help="Of several rules. [default: the first; for traces, those that have one]")
@click.option("--replicate", type=int, help="Number of the replicate. [default: 0]")
@click.option("--phase", "phases", multiple=True, help="E.g. 'test 1'; may be repeated. [default: first and last]")
@click.option("--order", help="Of neurons or trials: number, latency or rate. [default: number]")
@click.option("--neuron", type=int, help="Whose trials. [default: the one that spikes most]")
@click.option("--before", type=Path, help="A result of the same networks before learning, for FIGURE circuit.")
@click.option("--score", help="Which score of a sweep. [default: the test error]")
@click.option("--over", multiple=True, help="An axis of a sweep; may be repeated. [default: all]")
@click.option("--pace", type=int, help="Pictures of a movie a second. [default: 20]")
@click.option("--out", type=Path, default=Path(), help="Folder for the figure.")
@computing()
def plot(figure: str, result: Path, out: Path, formats: tuple[str, ...], **options: Any) -> None:
    """Draw FIGURE from RESULT, the file of a result or of a verdict, or the folder of a sweep."""
    from autapse_sim.results.plots.catalogue import check_held, figure_for
    from autapse_sim.results.plots.movies import Movie
    from autapse_sim.results.plots.style import save

    data = ap.open_study(result) if result.is_dir() else ap.load(result).data
    draw = figure_for(data, figure)
    given = _taken(figure, draw, options)
    check_held(data, figure)
    drawn = draw(data, **given)
    folder, how = folder_for(out, "plot"), {"formats": formats} if formats else {}
    written = drawn.save(folder, figure, **how) if isinstance(drawn, Movie) else save(drawn, folder, figure, **how)
    for path in written:
        click.echo(click.format_filename(path))


def _taken(figure: str, draw: Any, options: dict[str, Any]) -> dict[str, Any]:
    """The options as the function that draws a figure takes them."""
    import inspect

    taken = inspect.signature(draw).parameters
    phases = options.pop("phases")
    if "phases" in taken:
        options["phases"] = phases or None
    elif len(phases) > 1:
        raise InputError(f"figure {figure} takes one --phase at most")
    else:
        options["phase"] = phases[0] if phases else None
    given = {name: value for name, value in options.items() if value not in (None, ())}
    for name in given.keys() - taken.keys():
        raise InputError(f"figure {figure} takes no --{name}")
    if "before" in given:
        given["before"] = ap.load(given["before"]).data
    return given
