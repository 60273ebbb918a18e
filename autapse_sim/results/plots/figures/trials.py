"""Spikes of one neuron over many trials."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.checks import whole
from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.results import recordings
from autapse_sim.results.plots import circuits, style
from autapse_sim.results.plots.over_phases import chosen
from autapse_sim.results.result import Result, rule_of

KIND, PLACE, NEEDS = "circuit", 45, ("trace_spikes",)
CAPTION = "Spikes of one neuron, a line for each recorded trajectory, and its rate over all of them."
ORDERS = ("number", "latency", "rate")
"""How trials are sorted."""


def draw(
    data: xr.Dataset | Result,
    rule: str | None = None,
    replicate: int = 0,
    neuron: int | None = None,
    phases: Sequence[str] | None = None,
    order: str = "number",
) -> Figure:
    """Spikes of one neuron, a line for each recorded trajectory, and its rate over all of them.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A result of spiking neurons with traces; ``Protocol(record_tests=20)`` keeps those of 20 test trajectories.
    rule : str, optional
        Which rule; else the first.
    replicate : int
        The number of the replicate.
    neuron : int, optional
        Its number; else the one that spikes most.
    phases : sequence of str, optional
        Which trajectories; else all tests that were recorded, or where none was all trajectories.
    order : {'number', 'latency', 'rate'}
        How the lines are sorted from the top: as they came, by the first spike, or by rate.
    """
    rule, order = rule_of(data, rule), one_of("order", order, ORDERS)
    known = recordings.phases(data)
    phases = chosen(data, phases) if phases else [each for each in known if each.startswith("test")] or known
    counts = np.array([recordings.spikes(data, phase, replicate, rule) for phase in phases])
    most = int(counts.sum(axis=(0, 1)).argmax())
    neuron = most if neuron is None else whole("neuron", neuron)
    if neuron >= counts.shape[2]:
        raise InputError(f"neuron is {neuron}; this result has {counts.shape[2]}, counted from 0")
    trains = counts[:, :, neuron]
    with style.styled():
        figure = style.Drawn(figsize=(4.6, 1.6 + min(4.0, 0.09 * len(trains) + 0.5)))
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(max(1.0, min(4.0, 0.1 * len(trains))), 0.8))
        circuits.raster_trajectories([*trains], above, order=order)
        circuits.rate_histogram(trains.T, below, colour=style.colour(rule))
        above.label_outer()
        figure.suptitle(f"{style.label(rule)}, replicate {replicate}, neuron {neuron}, {len(trains)} trials")
        figure.align_ylabels()
    return figure
