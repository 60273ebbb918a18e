"""How rules stand over all benchmarks: the middle of the share of the way, and the mean rank."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.results.plots import style
from autapse_sim.results.plots.board_panels import draw_standing, rules_of
from autapse_sim.results.plots.looks import legend
from autapse_sim.results.result import Result, dataset

KIND, PLACE, NEEDS = "scoreboard", 210, ("middle", "mean_rank")
CAPTION = (
    "Interquartile mean of the share of the way, and mean rank, with 95% intervals (seeds drawn anew within each "
    "benchmark): look whether intervals of two rules lie apart. A rule that does not go with a benchmark has none."
)


def draw(data: xr.Dataset | Result) -> Figure:
    """The two side by side, a row a rule."""
    data = dataset(data)
    with style.styled():
        figure = Figure(figsize=(7.2, 1.5 + 0.32 * len(rules_of(data))))
        axes = figure.subplots(1, 2, sharey=True)
        draw_standing(data, axes[0])
        draw_standing(data, axes[1], "mean_rank")
        axes[1].tick_params(axis="y", labelleft=False)
        handles, labels = axes[0].get_legend_handles_labels()
        legend(figure, handles, labels, "benchmarks; bars: 95% intervals")
    return figure
