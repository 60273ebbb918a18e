"""Learning curves."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.results.plots import panels, style
from autapse_sim.results.result import Result, dataset, rules

KIND, PLACE, NEEDS = "result", 20, ("mse_train", "mse_validate")
CAPTION = "Learning curves, median and quartiles over replicates: look whether they fall below the controls."


def draw(data: xr.Dataset | Result) -> Figure:
    """The paper's Fig. 2: training and validation MSE of every rule, with the controls as lines."""
    with style.styled():
        figure = style.Drawn(figsize=(7.2, 3.2))
        axes = figure.subplots(1, 2, sharey=True)
        for ax, kind in zip(axes, panels.CURVES, strict=True):
            for rule in rules(data):
                panels.learning_curve(data, ax, rule, kind)
        shown = f"median and quartiles over {dataset(data).sizes['replicate']} networks (▲: beyond the scale)"
        if "control_mse" in dataset(data):
            shown += "; broken lines: controls on the test trajectories"
            for ax in axes:
                panels.control_lines(data, ax, labels=ax is axes[-1])
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, title=shown, loc="outside upper left", ncols=6, alignment="left")
    return figure
