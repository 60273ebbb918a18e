"""Spikes, rate, membrane and traces, stimulus and error over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from autapse_sim.results import recordings
from autapse_sim.results.plots import circuit_axes, circuits, style
from autapse_sim.results.plots.over_phases import chosen, over_phases, states
from autapse_sim.results.recordings import recording
from autapse_sim.results.result import Result, rule_of

KIND, PLACE, NEEDS = "circuit", 40, ("trace_spikes",)
CAPTION = "Spikes, rate, membrane and traces over time, with stimulus and error."


def draw(
    data: xr.Dataset | Result,
    rule: str | None = None,
    replicate: int = 0,
    phases: Sequence[str] | None = None,
    order: str | np.ndarray = "number",
    neurons: int = 3,
) -> Figure:
    """Spikes of one replicate before and after learning, from the stimulus down to the error.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A result of spiking neurons with traces.
    rule : str, optional
        Which rule; else the first.
    replicate : int
        The number of the replicate.
    phases : sequence of str, optional
        A column each; else the first and the last that were recorded.
    order : {'number', 'first spike', 'rate'} or int array
        How the neurons are sorted; by the spikes of the last of the phases.
    neurons : int
        How many of the neurons, those that spike most, have their states and traces drawn in their colours.
    """
    rule = rule_of(data, rule)
    phases = chosen(data, phases)
    counts = {phase: recordings.spikes(data, phase, replicate, rule) for phase in phases}
    total = sum(one.sum(axis=0) for one in counts.values())
    shown = np.sort(np.argsort(-total, kind="stable")[:neurons])
    look = dict(zip(shown.tolist(), style.PALETTE, strict=False))
    colours = [look.get(neuron, circuit_axes.INK) for neuron in range(len(total))]
    rows = recordings.sorted_neurons(counts[phases[-1]], order)

    def state(name: str) -> Callable[[Axes, str], None]:
        values = [recording(data, name, phase, replicate, rule) for phase in phases]
        spacing = max(circuits.spacing_of(each.values[:, shown]) for each in values)
        unit = values[0].attrs.get("units", "1")

        def lines(ax: Axes, phase: str) -> None:
            given = values[phases.index(phase)].values[:, shown]
            names = [str(neuron) for neuron in shown]
            circuits.time_courses(given, ax, name, unit, names, spacing, colours=[look[each] for each in shown])

        return lines

    drawn = {
        "spikes": (2.4, lambda ax, phase: circuits.raster(counts[phase], ax, rows, colours=colours)),
        "rate": (0.7, lambda ax, phase: circuits.rate_histogram(counts[phase], ax)),
        **{name: (1.0, state(name)) for name in states(data, rule, phases, replicate)},
    }
    return over_phases(data, rule, replicate, phases, drawn)
