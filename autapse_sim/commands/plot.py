"""The command `autapse plot`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import autapse_sim as ap
from autapse_sim.commands.output import folder_for
from autapse_sim.errors import InputError


@click.command()
@click.argument("figure")
@click.argument("result", type=Path)
@click.option("--rule", help="Of several rules. [default: the first; for traces, those that have one]")
@click.option("--replicate", type=int, help="Number of the replicate. [default: 0]")
@click.option("--phase", "phases", multiple=True, help="E.g. 'test 1'; may be repeated. [default: first and last]")
@click.option("--before", type=Path, help="A result of the same networks before learning, for FIGURE circuit.")
@click.option("--out", type=Path, default=Path(), help="Folder for the figure.")
def plot(figure: str, result: Path, out: Path, before: Path | None, phases: tuple[str, ...], **options: Any) -> None:
    """Draw FIGURE from a RESULT file, as PDF and PNG.

    \b
    fig1             true and predicted trajectories
    fig2             learning curves
    traces           activity, traces, feedback and error over a trajectory
    raster           spikes, rate, membrane and traces, stimulus and error over time
    activity         the same with the activity of all neurons as an image
    circuit          W, its eigenvalues, principal components of the activity

    \b
    Of a verdict:
    scores           test error of every method and control
    learning_curves  validation error during training
    example          predictions of one held-out trajectory
    alignment        updates beside the exact gradient
    ablations        the rule with one part changed
    learning_rates   what every learning rate gives
    """
    import inspect

    from autapse_sim.names import one_of
    from autapse_sim.results.plots.catalogue import ALL, check_held, figures_of
    from autapse_sim.results.plots.style import save

    loaded = ap.load(result)
    draw = ALL[figure if figure in ALL else one_of("figure", figure, figures_of(loaded))]
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
