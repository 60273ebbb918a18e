"""W, its eigenvalues, principal components of the activity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.errors import InputError
from autapse_sim.results import recordings
from autapse_sim.results.plots import matrices, style
from autapse_sim.results.plots.over_phases import chosen
from autapse_sim.results.recordings import recording
from autapse_sim.results.result import Result, dataset, rule_of

KIND, PLACE, NEEDS = "circuit", 60, ("W",)
CAPTION = "The recurrent weights, their eigenvalues, and the principal components of the activity."


def draw(
    data: xr.Dataset | Result,
    rule: str | None = None,
    replicate: int = 0,
    phases: Sequence[str] | None = None,
    before: xr.Dataset | Result | None = None,
) -> Figure:
    """How one replicate is wired: W and its eigenvalues; and its activity on its principal components.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A result; without traces there are no principal components to draw.
    rule : str, optional
        Which rule; else the first.
    replicate : int
        The number of the replicate.
    phases : sequence of str, optional
        A path each; else the first and the last that were recorded.
    before : xarray.Dataset or Result, optional
        The same networks at an earlier time (a result with less training and the same seed): drawn beside.
    """
    rule = rule_of(data, rule)
    weights = {"W": recordings.weights(data, "W", replicate, rule)}
    if before is not None:
        earlier = recordings.weights(before, "W", replicate, rule if "rule" in dataset(before).dims else None)
        if earlier.shape != weights["W"].shape:
            raise InputError("the result before has another number of neurons")
        weights = {"W before": earlier, "W after": weights["W"], "change": weights["W"] - earlier}
    stages = {name: matrix for name, matrix in weights.items() if name != "change"}
    limit = max(np.max(np.abs(stage), initial=0, where=np.isfinite(stage)) for stage in stages.values())
    recorded = dataset(data).sizes.get("recorded", 0) > 0 and next(iter(stages.values())).shape[0] > 1
    if before is None:
        panel_rows = [["W", "eigenvalues", *(["components"] if recorded else [])]]
    else:
        panel_rows = [list(weights), ["eigenvalues", *(["components" if recorded else "."] * 2)]]
    with style.styled():
        figure = style.Drawn(figsize=(2.7 * len(panel_rows[0]), 2.6 * len(panel_rows) + 0.3))
        axes = figure.subplot_mosaic([[*names] for names in panel_rows])
        for name, matrix in weights.items():
            matrices.weight_matrix(matrix, axes[name], limit if name in stages else None, colorbar=name != "W before")
            axes[name].set_title(name)
        for index, (name, stage) in enumerate(stages.items()):
            colour = style.colour(rule) if index == len(stages) - 1 else "0.55"
            label = name if len(stages) > 1 else None
            matrices.eigenvalues(stage, axes["eigenvalues"], label, colour, circle=index == 0)
        above = {"loc": "lower center", "bbox_to_anchor": (0.5, 1), "borderaxespad": 0.2}
        axes["eigenvalues"].legend(**above)
        if recorded:
            phases = chosen(data, phases)
            paths = [recording(data, "activity", phase, replicate, rule).values for phase in phases]
            matrices.principal_components(paths, axes["components"], labels=phases)
            axes["components"].legend(**above)
        figure.suptitle(f"{style.label(rule)}, replicate {replicate}")
    return figure
