"""What learning did to W: singular values of its change, and its eigenvalues."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.results.plots import style
from autapse_sim.results.plots.change_panels import draw_change, draw_spectrum
from autapse_sim.results.plots.looks import curve_handles, legend
from autapse_sim.results.result import Result

KIND, PLACE, NEEDS = "verdict", 145, ("mse_online", "singular", "eigenvalue")
SIZES = {"direction": 2}
CAPTION = (
    "Left: singular values of the change of W, over the largest: in how many directions a rule moves W (plain updates "
    "of autapse: in as many as there are outputs). Right: eigenvalues of W of the first network, before (grey) and "
    "after learning with {rule} and with exact gradients."
)


def draw(data: xr.Dataset | Result) -> Figure:
    """The change of W by each method, and where eigenvalues went."""
    with style.styled():
        figure = Figure(figsize=(7.2, 3.4))
        axes = figure.subplots(1, 2)
        draw_change(data, axes[0])
        draw_spectrum(data, axes[1])
        legend(figure, *curve_handles(axes[0]), "left: median and quartiles over replicates; right: the first one")
    return figure
