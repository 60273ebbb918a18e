"""What every learning rate gives."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.results.plots import style
from autapse_sim.results.plots.evidence_panels import draw_diverged, draw_rates
from autapse_sim.results.plots.looks import curve_handles, legend, methods
from autapse_sim.results.result import Result, dataset

KIND, PLACE, NEEDS = "verdict", 160, ("mse_online", "pilot_mse")
CAPTION = (
    "Validation error of the pilots over the learning rate (that of the read-out where nothing else learns; faint: "
    "other values of what else is tuned): look whether each ring sits at the bottom of its curve and inside the grid, "
    "and where pilots diverge."
)


def draw(data: xr.Dataset | Result) -> Figure:
    """What every learning rate of the grid gives on the pilots, and how many diverge at it."""
    data = dataset(data)
    rows = 0.17 * len(methods(data))
    with style.styled():
        figure = style.Drawn(figsize=(6, 3 + rows))
        axes = figure.subplots(2, 1, sharex=True, height_ratios=(2.3, rows + 0.2))
        draw_rates(data, axes[0])
        draw_diverged(data, axes[1])
        axes[0].set_xlabel("")
        title = (
            f"median over {data.sizes['pilot']} pilots; ring: chosen; ▲: beyond the scale, or most diverged; "
            "■: the share that diverged"
        )
        legend(figure, *curve_handles(axes[0]), title)
        figure.align_ylabels()
    return figure
