"""The rule with one part changed."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from autapse_sim.results.plots import style
from autapse_sim.results.plots.evidence_panels import draw_ablations
from autapse_sim.results.plots.looks import colours, legend, methods, part_of
from autapse_sim.results.result import Result, dataset
from autapse_sim.results.scores import interval_name

KIND, PLACE, NEEDS = "verdict", 150, ("mse_online", "ablation_mse")
CAPTION = (
    "{rule} with one part changed: bars left of its line are changes that help, bars beyond the fixed "
    "reservoir do worse than not learning."
)


def draw(data: xr.Dataset | Result) -> Figure:
    """What becomes of the judged rule when a part of it is changed."""
    rows = part_of(data, "ablation_mse", "ablations").sizes["ablation"]
    with style.styled():
        figure = style.Drawn(figsize=(6, 0.24 * rows + 1.1))
        ax = figure.subplots()
        draw_ablations(data, ax)
        bar = Patch(color=colours(data)[methods(data)[0]], alpha=0.45, linewidth=0)
        said = f"median of an ablation, with its interval ({interval_name(dataset(data).sizes['replicate'])})"
        handles, labels = ax.get_legend_handles_labels()
        legend(figure, [bar, *handles], [said, *labels], None)
    return figure
