"""What a score is over each two axes that a sweep crossed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.results.plots import panels, style
from autapse_sim.results.plots.sweeps import crossed, draw_heat_map, label_of
from autapse_sim.results.result import Result, dataset
from autapse_sim.results.sweeps import score_of, summed_up, sweep_axes

KIND, PLACE, NEEDS = "sweep", 220, ()
CAPTION = "Medians over each two axes, the others where they are best."


def draw(data: xr.Dataset | Result, score: str | None = None, over: Sequence[str] | None = None) -> Figure:
    """Medians of a score over each two axes of a sweep as heat maps, the others where they are best.

    Parameters
    ----------
    data : xarray.Dataset or Result
        The dataset of a sweep.
    score : str, optional
        Which; the test error where nothing is said.
    over : sequence of str, optional
        Two or more axes, a panel for each two of them; else all that have more than one value.
    """
    data = dataset(data)
    score, known = score_of(data, score), crossed(data, score)
    pairs = [*combinations([one_of("axis", axis, known) for axis in over] if over else known, 2)]
    if not pairs:
        raise InputError(f"a heat map is over two axes, and there is one: {', '.join(over or known)}; draw lines")
    medians = summed_up(data, score, sweep_axes(data, score))
    with style.styled():
        figure, places, _ = panels.grid(len(pairs), each=(4.2, 3.0), beside=(0.4, 0.2))
        for ax, (first, second) in zip(places, pairs, strict=True):
            draw_heat_map(medians, ax, first, second, label_of(data, score), score)
    return figure
