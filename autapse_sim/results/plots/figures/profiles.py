"""How many runs of each rule have gone how far towards exact gradients."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.results.plots import style
from autapse_sim.results.plots.board_panels import draw_profiles
from autapse_sim.results.plots.looks import legend
from autapse_sim.results.result import Result, dataset

KIND, PLACE, NEEDS = "scoreboard", 220, ("profile",)
CAPTION = (
    "Share of all runs (seeds and benchmarks) that have gone further than some share of the way: a rule whose curve "
    "lies above another's everywhere is better for every taste."
)


def draw(data: xr.Dataset | Result) -> Figure:
    """A panel for each family of benchmarks."""
    data = dataset(data)
    families = data["family"].values.tolist()
    with style.styled():
        figure = Figure(figsize=(min(7.2, 1 + 3 * len(families)), 2.9))
        axes = figure.subplots(1, len(families), sharey=True, squeeze=False)[0]
        handles: dict[str, object] = {}
        for ax, family in zip(axes, families, strict=True):
            draw_profiles(data, ax, family)
            handles |= dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True))
        for ax in axes[1:]:
            ax.set_ylabel("")
        names = list(handles)[::-1]
        legend(figure, [handles[name] for name in names], names, None, columns=5)
    return figure
