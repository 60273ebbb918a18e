"""True and predicted trajectories."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple

from autapse_sim.results.plots import panels, style
from autapse_sim.results.result import Result, rules

KIND, PLACE, NEEDS = "result", 10, ("prediction", "target")
SIZES = {"coordinate": 2}
CAPTION = "True and predicted trajectories of the test: look whether a prediction turns where the target does."


def draw(data: xr.Dataset | Result) -> Figure:
    """The paper's Fig. 1: a true trajectory and what each rule predicts, a panel per rule."""
    names = rules(data)
    with style.styled():
        figure, axes, _ = panels.grid(len(names), each=(1.9, 2.2), beside=(0.5, 0.4))
        for ax, rule in zip(axes, names, strict=True):
            panels.trajectories(data, ax, rule)
            ax.set_title(style.label(rule))
            ax.locator_params(nbins=4)
        limits = np.array([[ax.get_xlim(), ax.get_ylim()] for ax in axes])
        for ax in axes:
            ax.set(
                xlim=(limits[:, 0, 0].min(), limits[:, 0, 1].max()), ylim=(limits[:, 1, 0].min(), limits[:, 1, 1].max())
            )
            if not ax.get_subplotspec().is_first_col():
                ax.set_ylabel("")
        handles = [dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True)) for ax in axes]
        # a tuple is drawn as one: Matplotlib's types know of single handles only
        drawn: list[Any] = [handles[0]["true"], tuple(each["predicted"] for each in handles), handles[0]["start"]]
        figure.legend(
            drawn,
            ["true", "predicted", "start"],
            handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
            handlelength=3,
            loc="outside lower center",
            ncols=3,
        )
    return figure
