"""Updates beside the exact gradient."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.results.plots import style
from autapse_sim.results.plots.evidence_panels import draw_alignment
from autapse_sim.results.plots.looks import curve_handles, legend
from autapse_sim.results.result import Result, dataset

KIND, PLACE, NEEDS = "verdict", 140, ("mse_online", "alignment")
CAPTION = (
    "Cosine between each update and the exact gradient: 1 is gradient descent, 0 is at right angles to it; "
    "this explains a score and does not rank."
)


def draw(data: xr.Dataset | Result) -> Figure:
    """How the update of every method stands to the exact gradient over training."""
    with style.styled():
        figure = style.Drawn(figsize=(5.2, 3.2))
        ax = figure.subplots()
        draw_alignment(data, ax)
        cosine = dataset(data)["alignment"].transpose("method", "updates_aligned", ...)
        title = f"median and quartiles over {cosine.shape[-1]} replicates"
        legend(figure, *curve_handles(ax), title)
    return figure
