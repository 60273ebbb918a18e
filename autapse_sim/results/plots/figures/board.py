"""Which rule learns what: the share of the way to exact gradients on each benchmark."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.results.plots import style
from autapse_sim.results.plots.board_panels import draw_shares, rules_of
from autapse_sim.results.result import Result, dataset

KIND, PLACE, NEEDS = "scoreboard", 200, ("share",)
CAPTION = (
    "Share of the way from the fixed reservoir (0) to exact gradients (100), median over seeds: a full dot is a rule "
    "that learns recurrence, an empty one a rule that learns no more than is done without, a half one a rule of which "
    "neither can be said; grey: it does not go with the neurons."
)


def draw(data: xr.Dataset | Result) -> Figure:
    """A row a benchmark, a column a rule."""
    data = dataset(data)
    with style.styled():
        height = max(2.2, 1.3 + 0.26 * data.sizes["benchmark"])
        figure = Figure(figsize=(2.6 + 0.5 * len(rules_of(data)), height))
        ax = figure.subplots()
        image = draw_shares(data, ax)
        bar = figure.colorbar(image, ax=ax, pad=0.07, aspect=30, ticks=[-1, -0.5, 0, 0.5, 1])
        bar.ax.set_yticklabels(["≤ −100", "−50", "0", "50", "100"])
        bar.set_label("share of the way\nto exact gradients (%)")
    return figure
