"""The same with the activity of all neurons as an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from autapse_sim.results.plots import matrices
from autapse_sim.results.plots.over_phases import chosen, over_phases
from autapse_sim.results.recordings import recording
from autapse_sim.results.result import Result, rule_of

KIND, PLACE, NEEDS = "circuit", 50, ("trace_activity",)
CAPTION = "The activity of all neurons over time."


def draw(
    data: xr.Dataset | Result,
    rule: str | None = None,
    replicate: int = 0,
    phases: Sequence[str] | None = None,
    order: str | np.ndarray = "number",
) -> Figure:
    """Activity of one replicate before and after learning as an image, with the stimulus and the error.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A result with traces, of rates or of spiking neurons.
    rule : str, optional
        Which rule; else the first.
    replicate : int
        The number of the replicate.
    phases : sequence of str, optional
        A column each; else the first and the last that were recorded.
    order : {'number', 'peak'} or int array
        How the neurons of each phase are sorted.
    """
    rule = rule_of(data, rule)
    phases = chosen(data, phases)
    values = {phase: recording(data, "activity", phase, replicate, rule).values for phase in phases}
    everything = np.concatenate(list(values.values()))
    finite = everything[np.isfinite(everything)]
    limits = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)

    def image(ax: Axes, phase: str) -> None:
        matrices.activity_map(values[phase], ax, order, limits, colorbar=phase == phases[-1])

    return over_phases(data, rule, replicate, phases, {"activity": (2.0, image)})
