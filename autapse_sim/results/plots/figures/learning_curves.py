"""Validation error during training."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.results.plots import style
from autapse_sim.results.plots.evidence_panels import draw_control_lines, draw_curves
from autapse_sim.results.plots.looks import curve_handles, legend
from autapse_sim.results.result import Result, dataset

KIND, PLACE, NEEDS = "verdict", 120, ("mse_online", "curve")
ELSE = "fig2"
CAPTION = (
    "Validation error during training: look which curves fall below the broken control lines, and whether they"
    " still fall at the end."
)


def draw(data: xr.Dataset | Result, scale: str = "log") -> Figure:
    """Validation MSE over training of every method, with the controls as lines."""
    with style.styled():
        figure = style.Drawn(figsize=(7.2, 3.7))
        ax = figure.subplots()
        draw_curves(data, ax, scale)
        title = f"median and quartiles over {dataset(data).sizes['replicate']} replicates (▲: beyond the scale)"
        legend(figure, *curve_handles(ax), title)
        if "control_mse" in dataset(data):
            figure.draw_without_rendering()  # names are moved apart by the height that the axes have
            draw_control_lines(data, ax)
    return figure
