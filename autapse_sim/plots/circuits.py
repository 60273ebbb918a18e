"""What a circuit does and how it is wired, one plot per function, of plain arrays on the caller's axes.

Arrays over time are (steps, neurons), as `autapse_sim.recordings` gives them; step 0 begins at time 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator

from autapse_sim.errors import InputError
from autapse_sim.job import STEP
from autapse_sim.names import one_of
from autapse_sim.plots import style
from autapse_sim.recordings import checked_counts, population_rate, sorted_neurons, spike_times

TIMES = {"ms": 1e3, "s": 1.0}
"""Units of the time axis, as what a second is in them."""
FEW = 12
"""So many neurons are named one by one."""
HEAVY = 20_000
"""More ticks than these are drawn as an image, also in vector files."""
ROUND = [1, 2, 5, 10]
"""Neurons are numbered in steps of these, times a power of ten."""
LONG = 4
"""A matrix whose sides differ by more than this factor is not drawn with square entries."""
INK = "0.15"
"""Colour of ticks and lines that stand for no rule, group or neuron of their own."""


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
    order : {'number', 'first spike', 'rate'} or int array
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
    _one_each("groups", groups, counts.shape[1])
    _one_each("colours", colours, counts.shape[1])
    names = list(dict.fromkeys(groups)) if groups is not None else []
    if names:
        member = np.array([names.index(group) for group in groups])
        rows = rows[np.argsort(member[rows], kind="stable")]
        for index, name in enumerate(names):
            band = np.flatnonzero(member[rows] == index)
            if band.size:
                ax.text(1.01, band.mean(), name, color=_palette(index), va="center", transform=ax.get_yaxis_transform())
                if band[0]:
                    ax.axhline(band[0] - 0.5, color="0.85", linewidth=0.6, zorder=1)
        if colours is None:
            colours = [_palette(index) for index in member]
    if colours is None:
        colours = [INK] * counts.shape[1]
    scale = _scale(time)
    times = [own * scale for own in spike_times(counts, step)]
    at = np.concatenate([times[neuron] for neuron in rows])
    row = np.repeat(np.arange(len(rows)), [len(times[neuron]) for neuron in rows])
    look = [colours[neuron] for neuron in rows for _ in times[neuron]]
    ax.vlines(at, row - 0.4, row + 0.4, colors=look, linewidth=0.8, rasterized=len(at) > HEAVY)
    _time_axis(ax, len(counts), step, time)
    ax.set_ylim(-0.6, len(rows) - 0.4)
    by = f" by {order}" if isinstance(order, str) and order != "number" else ""
    _neuron_axis(ax, rows, by, plain=np.array_equal(rows, np.arange(len(rows))))


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
    _one_each("groups", groups, counts.shape[1])
    if groups is None:
        edges, rate = population_rate(counts, width, step)
        ax.stairs(rate, edges * _scale(time), color=colour, fill=True)
    for index, group in enumerate(dict.fromkeys([] if groups is None else groups)):
        own = [neuron for neuron, its in enumerate(groups) if its == group]
        edges, rate = population_rate(counts[:, own], width, step)
        ax.stairs(rate, edges * _scale(time), color=_palette(index), label=group, baseline=None)
    ax.set_ylabel("rate\n(spikes/s)")
    ax.set_ylim(bottom=0)
    _time_axis(ax, len(counts), step, time)


def raster_trajectories(
    trains: Sequence[np.ndarray],
    ax: Axes,
    labels: Sequence[str] | None = None,
    step: float = STEP,
    time: str = "ms",
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
    """
    if not len(trains):
        raise InputError("no trajectories to draw")
    counts = np.zeros((max(map(len, trains)), len(trains)))
    for index, train in enumerate(trains):
        counts[: len(train), index] = train
    raster(counts, ax, groups=labels, step=step, time=time)
    ax.invert_yaxis()
    ax.set_ylabel("trajectory")


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
    values = _over_time(values, "signals")
    count = values.shape[1]
    spacing = spacing_of(values) if spacing is None else spacing
    names = [str(index) for index in range(count)] if names is None else names
    colours = [_palette(index) for index in range(count)] if colours is None else colours
    at = np.arange(len(values)) * step * _scale(time)
    shift = spacing * np.arange(count)
    for index in range(count):
        look = {"color": colours[index], "linewidth": 1.0, "label": names[index]}
        ax.plot(at, values[:, index] + shift[index], **look)
    _time_axis(ax, len(values), step, time)
    named = "" if unit == "1" else f" {unit}"
    if bars:
        _scale_bars(ax, len(values) * step * _scale(time), time, named)
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
    values = _over_time(values, "signals")
    if values.shape[1] == 1:
        return 0.0
    finite = np.where(np.isfinite(values), values, np.nan)
    known = finite[:, np.isfinite(finite).any(axis=0)]
    reach = np.nanmax(known, axis=0)[:-1] - np.nanmin(known, axis=0)[1:] if known.shape[1] > 1 else np.empty(0)
    return _round(np.max(reach, initial=0.0), up=True) or 1.0


def weight_matrix(
    weights: np.ndarray,
    ax: Axes,
    limit: float | None = None,
    label: str = "weight",
    rows: str = "postsynaptic neuron",
    columns: str = "presynaptic neuron",
    colorbar: bool = True,
) -> AxesImage:
    """Draw a matrix of weights, post from top to bottom, pre from left to right; white is 0.

    Parameters
    ----------
    weights : array (post, pre)
        W, or U, V, B with `rows` and `columns` named accordingly. NaN is grey.
    ax : matplotlib.axes.Axes
        Where to draw.
    limit : float, optional
        The weight at the ends of the colours; else the largest.
    label : str
        Of the colour bar.
    rows, columns : str
        What the axes are.
    colorbar : bool
        Whether to draw a colour bar.

    Returns
    -------
    matplotlib.image.AxesImage
        For a colour bar that several axes share.
    """
    weights = np.asarray(weights, float)
    if weights.ndim != 2 or weights.size == 0:
        raise InputError(f"weights have the shape {weights.shape}; expected (post, pre)")
    finite = np.abs(weights[np.isfinite(weights)])
    limit = limit or np.max(finite, initial=0) or 1.0
    aspect = "equal" if max(weights.shape) <= LONG * min(weights.shape) else "auto"
    image = ax.imshow(weights, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect=aspect, interpolation="nearest")
    ax.set_facecolor("0.8")
    ax.set(xlabel=columns, ylabel=rows)
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=True, steps=ROUND))
    if colorbar:
        _colour_bar(ax, image, label)
    return image


def eigenvalues(
    weights: np.ndarray, ax: Axes, label: str | None = None, colour: str = style.PALETTE[0], circle: bool = True
) -> None:
    """Draw the eigenvalues of W in the complex plane, with the unit circle.

    Within it the circuit forgets; the slope of the activation shrinks what is drawn here. The label ends with the
    spectral radius.

    Parameters
    ----------
    weights : array (post, pre)
        W.
    ax : matplotlib.axes.Axes
        Where to draw; may be drawn on again.
    label : str, optional
        What W this is, for a legend.
    colour : str
        Of the dots.
    circle : bool
        Whether to draw the unit circle and the lines through 0.
    """
    weights = np.asarray(weights, float)
    if weights.ndim != 2 or weights.shape[0] != weights.shape[1] or weights.size == 0:
        raise InputError(f"weights have the shape {weights.shape}; only a square matrix has eigenvalues")
    if not np.isfinite(weights).all():
        raise InputError("weights hold NaN or infinity (the replicate diverged): they have no eigenvalues")
    values = np.linalg.eigvals(weights)
    radius = np.abs(values).max()
    if circle:
        ax.add_patch(Circle((0, 0), 1, fill=False, edgecolor="0.5", linewidth=0.8, linestyle=style.dashes(0)))
        ax.axhline(0, color="0.85", linewidth=0.6, zorder=0)
        ax.axvline(0, color="0.85", linewidth=0.6, zorder=0)
    said = f"ρ = {radius:.2f}" if label is None else f"{label}, ρ = {radius:.2f}"
    ax.plot(values.real, values.imag, "o", color=colour, markersize=3, alpha=0.7, markeredgewidth=0, label=said)
    reach = max(1.1, 1.1 * radius, 0 if ax.get_autoscalex_on() else ax.get_xlim()[1])
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    ax.set(xlabel="real part of eigenvalue", ylabel="imaginary part")


def principal_axes(activity: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Principal components of activity.

    Parameters
    ----------
    activity : array (steps, neurons)
        Of one trajectory, or of several below one another.

    Returns
    -------
    mean : array (neurons,)
        What was subtracted.
    directions : array (components, neurons)
        Of length 1, by falling variance, each with its largest entry positive.
    shares : array (components,)
        Of the variance.
    """
    activity = _over_time(activity, "neurons")
    if not np.isfinite(activity).all():
        raise InputError("activity holds NaN or infinity (the replicate diverged): it has no principal components")
    mean = activity.mean(axis=0)
    _, lengths, directions = np.linalg.svd(activity - mean, full_matrices=False)
    variance = lengths**2
    if variance.sum() <= np.finfo(float).eps * np.sum(activity**2):
        raise InputError("activity does not change: it has no principal components")
    largest = np.abs(directions).argmax(axis=1)
    directions *= np.sign(directions[np.arange(len(directions)), largest])[:, None]
    return mean, directions, variance / variance.sum()


def principal_components(
    activity: np.ndarray | Sequence[np.ndarray],
    ax: Axes,
    components: tuple[int, int] = (0, 1),
    labels: Sequence[str] | None = None,
    colours: Sequence[str] | None = None,
) -> None:
    """Draw activity as paths in the plane of two of its principal components; a dot is the start.

    Parameters
    ----------
    activity : array (steps, neurons) or sequence of such
        One trajectory, or several: the components are those of all together.
    ax : matplotlib.axes.Axes
        Where to draw.
    components : tuple of int
        Which components, counted from 0.
    labels, colours : sequence of str, optional
        Of the paths.
    """
    paths = [_over_time(path, "neurons") for path in ([activity] if np.ndim(activity[0]) == 1 else activity)]
    if len({path.shape[1] for path in paths}) > 1:
        raise InputError("the trajectories differ in their numbers of neurons")
    mean, directions, shares = principal_axes(np.concatenate(paths))
    for component in components:
        if not 0 <= component < len(shares):
            raise InputError(f"component {component} is asked for; the activity has {len(shares)}, counted from 0")
    for index, path in enumerate(paths):
        colour = _palette(index) if colours is None else colours[index]
        x, y = ((path - mean) @ directions[list(components)].T).T
        ax.plot(x, y, color=colour, linewidth=1.0, label=None if labels is None else labels[index])
        ax.plot(x[0], y[0], "o", color=colour, markersize=4)
    first, second = (f"PC {component + 1} ({shares[component]:.0%} of variance)" for component in components)
    ax.set(xlabel=first, ylabel=second)
    ax.set_aspect("equal", adjustable="datalim")


def activity_map(
    activity: np.ndarray,
    ax: Axes,
    order: str | np.ndarray = "number",
    limits: tuple[float, float] | None = None,
    label: str = "activity",
    colorbar: bool = True,
    step: float = STEP,
    time: str = "ms",
) -> AxesImage:
    """Draw the activity of all neurons over time as an image, the first at the bottom.

    Parameters
    ----------
    activity : array (steps, neurons)
        Rates, filtered spikes, or a trace. NaN is white.
    ax : matplotlib.axes.Axes
        Where to draw.
    order : {'number', 'peak'} or int array
        By number, by the time of the largest activity, or the neurons to show.
    limits : tuple of float, optional
        The activity at the ends of the colours; else the lowest and the highest.
    label : str
        Of the colour bar.
    colorbar : bool
        Whether to draw a colour bar.
    step : float
        Length of a step in seconds.
    time : {'ms', 's'}
        Unit of the time axis.

    Returns
    -------
    matplotlib.image.AxesImage
        For a colour bar that several axes share.
    """
    activity = _over_time(activity, "neurons")
    steps, neurons = activity.shape
    named = isinstance(order, str)
    if named and one_of("order", order, ("number", "peak")) == "peak":
        rows = np.argsort(np.where(np.isfinite(activity), activity, -np.inf).argmax(axis=0), kind="stable")
    else:
        rows = sorted_neurons(np.zeros((1, neurons)), order)
    low, high = limits or (None, None)
    extent = (0, steps * step * _scale(time), -0.5, len(rows) - 0.5)
    look = {"cmap": "viridis", "aspect": "auto", "origin": "lower", "interpolation": "nearest"}
    image = ax.imshow(activity[:, rows].T, extent=extent, vmin=low, vmax=high, **look)
    _time_axis(ax, steps, step, time)
    by = " by peak" if named and order == "peak" else ""
    _neuron_axis(ax, rows, by, plain=np.array_equal(rows, np.arange(len(rows))))
    if colorbar:
        _colour_bar(ax, image, label)
    return image


def _over_time(values: np.ndarray, what: str) -> np.ndarray:
    values = np.asarray(values, float)
    if values.ndim != 2 or values.size == 0:
        raise InputError(f"an array over time has the shape {values.shape}; expected (steps, {what})")
    return values


def _one_each(what: str, given: Sequence[str] | None, neurons: int) -> None:
    if given is not None and len(given) != neurons:
        raise InputError(f"{what} has {len(given)} entries; expected one for each of {neurons} neurons")


def _palette(index: int) -> str:
    return style.PALETTE[index % len(style.PALETTE)]


def _scale(time: str) -> float:
    return TIMES[one_of("unit of time", time, TIMES)]


def _time_axis(ax: Axes, steps: int, step: float, time: str) -> None:
    ax.set(xlim=(0, steps * step * _scale(time)), xlabel=f"time ({time})")


def _neuron_axis(ax: Axes, rows: np.ndarray, by: str, plain: bool) -> None:
    """Name the rows where they are few; else number them where they stand in order, and count them where not."""
    if len(rows) <= FEW:
        ax.set_yticks(range(len(rows)), [str(neuron) for neuron in rows])
        ax.set_ylabel(f"neuron{by}")
    elif plain:
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True, steps=ROUND))
        ax.set_ylabel(f"neuron{by}")
    else:
        ax.set_yticks([])
        ax.set_ylabel(f"{len(rows)} neurons{by}")


def _colour_bar(ax: Axes, image: AxesImage, label: str) -> None:
    """A colour bar that stands close to its axes, whatever stands beside the rows above and below."""
    ax.figure.colorbar(image, cax=ax.inset_axes((1.03, 0, 0.035, 1)), label=label)


def _scale_bars(ax: Axes, duration: float, time: str, unit: str) -> None:
    """A bar for time below the axes and one for values at their right, of round lengths; no axes."""
    ax.spines[:].set_visible(False)
    ax.set(xticks=[], yticks=[], xlabel="")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high)
    long, tall = _round(duration / 4), _round((high - low) / 3)
    look = {"color": INK, "linewidth": 1.4, "clip_on": False, "solid_capstyle": "butt"}
    ax.plot([duration - long, duration], [-0.04] * 2, label="_time", transform=ax.get_xaxis_transform(), **look)
    ax.plot([1.02] * 2, [low, low + tall], label="_value", transform=ax.get_yaxis_transform(), **look)
    at = {"fontsize": 6.5, "color": INK}
    ax.annotate(
        f"{long:g} {time}",
        (duration - long / 2, -0.04),
        (0, -3),
        xycoords=ax.get_xaxis_transform(),
        textcoords="offset points",
        ha="center",
        va="top",
        **at,
    )
    ax.annotate(
        f"{tall:g}{unit}",
        (1.02, low + tall / 2),
        (4, 0),
        xycoords=ax.get_yaxis_transform(),
        textcoords="offset points",
        va="center",
        **at,
    )


def _round(value: float, up: bool = False) -> float:
    """The nearest of 1, 2, 5, 10, 20 ... times a power of ten below a value, or above it; 0 for 0."""
    if not value > 0:
        return 0.0
    power = np.floor(np.log10(value))
    steps = np.array(ROUND) * 10.0**power
    reached = steps[steps >= value * (1 - 1e-9)][0] if up else steps[steps <= value * (1 + 1e-9)][-1]
    return float(f"{reached:.3g}")
