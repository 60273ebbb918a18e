"""What a score is over each axis that a sweep crossed."""

from __future__ import annotations

from collections.abc import Sequence

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.names import one_of
from autapse_sim.results.plots import panels, style
from autapse_sim.results.plots.sweeps import crossed, draw_lines, label_of
from autapse_sim.results.result import Result, dataset
from autapse_sim.results.sweeps import score_of, summed_up, sweep_axes

KIND, PLACE, NEEDS = "sweep", 210, ()
CAPTION = (
    "Medians with intervals (95%; of fewer than 6 replicates the range) over each axis, the others at their best; a "
    "triangle is infinite, since replicates diverged."
)


def draw(data: xr.Dataset | Result, score: str | None = None, over: Sequence[str] | None = None) -> Figure:
    """Medians of a score with intervals over each axis of a sweep, the others where they are best.

    Parameters
    ----------
    data : xarray.Dataset or Result
        The dataset of a sweep.
    score : str, optional
        Which; the test error where nothing is said.
    over : sequence of str, optional
        The axes, a panel for each; else all that have more than one value.
    """
    data = dataset(data)
    score, known = score_of(data, score), crossed(data, score)
    axes = [one_of("axis", axis, known) for axis in over] if over else known
    medians = summed_up(data, score, sweep_axes(data, score))
    with style.styled():
        figure, places, _ = panels.grid(len(axes), each=(3.2, 3.2), beside=(0.6, 0.2))
        for ax, axis in zip(places, axes, strict=True):
            draw_lines(medians, ax, axis, label_of(data, score), score)
    return figure
