"""Test error of every method and control."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from autapse_sim.results.plots import style
from autapse_sim.results.plots.evidence_panels import draw_ratios, draw_scores
from autapse_sim.results.plots.looks import READOUTS, REFERENCE, legend, methods
from autapse_sim.results.result import Result, dataset
from autapse_sim.results.scores import interval_name

KIND, PLACE, NEEDS = "verdict", 110, ("mse_online",)
CAPTION = (
    "Test error of each method beside the controls: look whether {rule} lies left of the fixed reservoir, and "
    "how far bptt does."
)


def draw(data: xr.Dataset | Result) -> Figure:
    """Test MSE of all methods and controls, and of the methods over the fixed reservoir, replicate by replicate."""
    data = dataset(data)
    rows = len(methods(data)) + data.sizes.get("control", 0)
    paired = REFERENCE in methods(data)
    with style.styled():
        figure = style.Drawn(figsize=(7.2, 0.27 * rows + 1.3))
        axes = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1)) if paired else [figure.subplots()]
        draw_scores(data, axes[0])
        if paired:
            draw_ratios(data, axes[1])
            axes[1].tick_params(axis="y", labelleft=False, length=0)
        handles = [
            Line2D([], [], color="0.3", marker="o", markerfacecolor="0.3" if name == "mse_online" else "white")
            for name in READOUTS
            if name in data
        ]
        title = f"dots: {data.sizes['replicate']} replicates; bars: middle half, with the median"
        if paired:
            title += f"; right: median ratio with its interval ({interval_name(data.sizes['replicate'])})"
        legend(figure, handles, [READOUTS[name] for name in READOUTS if name in data], title)
    return figure
