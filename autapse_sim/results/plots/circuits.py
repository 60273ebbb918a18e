"""What a circuit does and how it is wired, one plot per function, of plain arrays on the caller's axes.

Arrays over time are (steps, neurons), as `autapse_sim.results.recordings` gives them; step 0 begins at time 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from autapse_sim.errors import InputError
from autapse_sim.results.plots.circuit_axes import (
    INK,
    neuron_axis,
    one_each,
    over_time,
    palette,
    rounded,
    scale_bars,
    time_axis,
    time_scale,
)
from autapse_sim.results.recordings import checked_counts, population_rate, sorted_neurons, spike_times
from autapse_sim.spec.job import STEP

HEAVY = 20_000
"""More ticks than these are drawn as an image, also in vector files."""


def raster(
    counts: np.ndarray,
    ax: Axes,
    order: str | np.ndarray = "number",
    groups: Sequence[str] | None = None,
    colours: Sequence[str] | None = None,
    step: float = STEP,
    time: str = "ms",
) -> None:
    """Draw spike trains as ticks, a row for each neuron, the first at the bottom.

    Parameters
    ----------
    counts : array (steps, neurons)
        Spikes of each neuron in each step; several of one step are spread over it.
    ax : matplotlib.axes.Axes
        Where to draw.
    order : {'number', 'first spike', 'latency', 'rate'} or int array
        How the rows are sorted, or the neurons to show.
    groups : sequence of str, optional
        The group of each neuron: groups are drawn together, coloured, and named at the right.
    colours : sequence of str, optional
        The colour of each neuron, in place of those of the groups.
    step : float
        Length of a step in seconds.
    time : {'ms', 's'}
        Unit of the time axis.
    """
    counts = checked_counts(counts)
    rows = sorted_neurons(counts, order)
    one_each("groups", groups, counts.shape[1])
    one_each("colours", colours, counts.shape[1])
    of_neurons = [] if groups is None else list(groups)
    names = list(dict.fromkeys(of_neurons))
    if names:
        member = np.array([names.index(group) for group in of_neurons])
        rows = rows[np.argsort(member[rows], kind="stable")]
        for index, name in enumerate(names):
            band = np.flatnonzero(member[rows] == index)
            if band.size:
                ax.text(1.01, band.mean(), name, color=palette(index), va="center", transform=ax.get_yaxis_transform())
                if band[0]:
                    ax.axhline(band[0] - 0.5, color="0.85", linewidth=0.6, zorder=1)
        if colours is None:
            colours = [palette(index) for index in member]
    if colours is None:
        colours = [INK] * counts.shape[1]
    scale = time_scale(time)
    times = [own * scale for own in spike_times(counts, step)]
    at = np.concatenate([times[neuron] for neuron in rows])
    row = np.repeat(np.arange(len(rows)), [len(times[neuron]) for neuron in rows])
    look = [colours[neuron] for neuron in rows for _ in times[neuron]]
    ax.vlines(at, row - 0.4, row + 0.4, colors=look, linewidth=0.8, rasterized=len(at) > HEAVY)
    time_axis(ax, len(counts), step, time)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    by = f" by {order}" if isinstance(order, str) and order != "number" else ""
    neuron_axis(ax, rows, by, plain=np.array_equal(rows, np.arange(len(rows))))


def rate_histogram(
    counts: np.ndarray,
    ax: Axes,
    width: float = 5 * STEP,
    groups: Sequence[str] | None = None,
    colour: str = INK,
    step: float = STEP,
    time: str = "ms",
) -> None:
    """Draw the mean rate of the neurons over time, or of each group of them, as a histogram.

    Parameters
    ----------
    counts : array (steps, neurons)
        Spikes of each neuron in each step.
    ax : matplotlib.axes.Axes
        Where to draw, below the raster.
    width : float
        Of a bin in seconds.
    groups : sequence of str, optional
        The group of each neuron; each is a line in the colour that `raster` gives it.
    colour : str
        Of the histogram where there are no groups.
    step : float
        Length of a step in seconds.
    time : {'ms', 's'}
        Unit of the time axis.
    """
    counts = checked_counts(counts)
    one_each("groups", groups, counts.shape[1])
    if groups is None:
        edges, rate = population_rate(counts, width, step)
        ax.stairs(rate, edges * time_scale(time), color=colour, fill=True)
    of_neurons = [] if groups is None else list(groups)
    for index, group in enumerate(dict.fromkeys(of_neurons)):
        own = [neuron for neuron, its in enumerate(of_neurons) if its == group]
        edges, rate = population_rate(counts[:, own], width, step)
        ax.stairs(rate, edges * time_scale(time), color=palette(index), label=group, baseline=None)
    ax.set_ylabel("rate\n(spikes/s)")
    ax.set_ylim(bottom=0)
    time_axis(ax, len(counts), step, time)


def raster_trajectories(
    trains: Sequence[np.ndarray],
    ax: Axes,
    labels: Sequence[str] | None = None,
    step: float = STEP,
    time: str = "ms",
    order: str = "number",
) -> None:
    """Draw several spike trains of one neuron, a row for each trajectory, the first on top.

    Parameters
    ----------
    trains : sequence of arrays (steps,)
        Spikes in each step of each trajectory; they may differ in length.
    ax : matplotlib.axes.Axes
        Where to draw.
    labels : sequence of str, optional
        The phase of each trajectory: phases are drawn together, coloured, and named at the right.
    step : float
        Length of a step in seconds.
    time : {'ms', 's'}
        Unit of the time axis.
    order : {'number', 'latency', 'rate'}
        How the rows are sorted: as they are given, by the first spike, or by rate from low to high.
    """
    if not len(trains):
        raise InputError("no trajectories to draw")
    counts = np.zeros((max(map(len, trains)), len(trains)))
    for index, train in enumerate(trains):
        counts[: len(train), index] = train
    raster(counts, ax, order, groups=labels, step=step, time=time)
    ax.invert_yaxis()
    ax.set_ylabel(ax.get_ylabel().replace("neurons", "trajectories").replace("neuron", "trajectory"))


def time_courses(
    values: np.ndarray,
    ax: Axes,
    label: str,
    unit: str = "1",
    names: Sequence[str] | None = None,
    spacing: float | None = None,
    bars: bool = False,
    colours: Sequence[str] | None = None,
    step: float = STEP,
    time: str = "ms",
) -> None:
    """Draw membrane potentials, traces or other signals over time, each shifted up from the one before.

    Parameters
    ----------
    values : array (steps, signals)
        What to draw.
    ax : matplotlib.axes.Axes
        Where to draw.
    label : str
        What the signals are, 'v' for example.
    unit : str
        Their unit; '1' is none.
    names : sequence of str, optional
        The name of each signal; else its number.
    spacing : float, optional
        How far apart; 0 draws all on one axis. Else they are as close as they get without touching.
    bars : bool
        Whether to draw bars for time and value in place of the axes.
    colours : sequence of str, optional
        The colour of each signal.
    step : float
        Length of a step in seconds.
    time : {'ms', 's'}
        Unit of the time axis.
    """
    values = over_time(values, "signals")
    count = values.shape[1]
    spacing = spacing_of(values) if spacing is None else spacing
    names = [str(index) for index in range(count)] if names is None else names
    colours = [palette(index) for index in range(count)] if colours is None else colours
    at = np.arange(len(values)) * step * time_scale(time)
    shift = spacing * np.arange(count)
    for index in range(count):
        ax.plot(at, values[:, index] + shift[index], color=colours[index], linewidth=1.0, label=names[index])
    time_axis(ax, len(values), step, time)
    named = "" if unit == "1" else f" {unit}"
    if bars:
        scale_bars(ax, len(values) * step * time_scale(time), time, named)
        ax.set_ylabel(label)
    elif spacing:
        middle = [np.median(own[np.isfinite(own)]) if np.isfinite(own).any() else 0.0 for own in values.T]
        ax.set_yticks(middle + shift, names)
        ax.tick_params(axis="y", length=0)
        ax.set_ylabel(f"{label}\n({spacing:g}{named} apart)")
    else:
        ax.set_ylabel(f"{label}\n({unit})" if named else label)


def spacing_of(values: np.ndarray) -> float:
    """The round distance at which signals (steps, signals) do not touch; 0 for one signal.

    Examples
    --------
    >>> spacing_of(np.array([[0.0, 0.0], [1.3, 0.2]]))
    2.0
    """
    values = over_time(values, "signals")
    if values.shape[1] == 1:
        return 0.0
    finite = np.where(np.isfinite(values), values, np.nan)
    known = finite[:, np.isfinite(finite).any(axis=0)]
    reach = np.nanmax(known, axis=0)[:-1] - np.nanmin(known, axis=0)[1:] if known.shape[1] > 1 else np.empty(0)
    return rounded(np.max(reach, initial=0.0), up=True) or 1.0
