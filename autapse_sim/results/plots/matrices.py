"""How a circuit is wired and what its activity spans, one plot per function, of plain arrays on the caller's axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.patches import Circle
from matplotlib.ticker import FixedLocator, MaxNLocator

from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.results.plots import style
from autapse_sim.results.plots.circuit_axes import (
    ROUND,
    colour_bar,
    neuron_axis,
    over_time,
    palette,
    time_axis,
    time_scale,
)
from autapse_sim.results.recordings import sorted_neurons
from autapse_sim.spec.job import STEP

LONG = 4
"""A matrix whose sides differ by more than this factor is not drawn with square entries."""
TICKS = 4
"""The most parts of a horizontal axis of numbers, so that long ones have room in a small panel."""


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
    aspect: Literal["equal", "auto"] = "equal" if max(weights.shape) <= LONG * min(weights.shape) else "auto"
    image = ax.imshow(weights, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect=aspect, interpolation="nearest")
    ax.set_facecolor("0.8")
    ax.set(xlabel=columns, ylabel=rows)
    for axis, many in ((ax.yaxis, weights.shape[0]), (ax.xaxis, weights.shape[1])):
        axis.set_major_locator(MaxNLocator(5, integer=True, steps=ROUND) if many > 1 else FixedLocator([0]))
    if colorbar:
        colour_bar(ax, image, label)
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
    ax.xaxis.set_major_locator(MaxNLocator(TICKS))


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
    activity = over_time(activity, "neurons")
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
    several = [np.asarray(activity)] if np.ndim(activity[0]) == 1 else list(activity)
    paths = [over_time(path, "neurons") for path in several]
    if len({path.shape[1] for path in paths}) > 1:
        raise InputError("the trajectories differ in their numbers of neurons")
    mean, directions, shares = principal_axes(np.concatenate(paths))
    for component in components:
        if not 0 <= component < len(shares):
            raise InputError(f"component {component} is asked for; the activity has {len(shares)}, counted from 0")
    for index, path in enumerate(paths):
        colour = palette(index) if colours is None else colours[index]
        x, y = ((path - mean) @ directions[list(components)].T).T
        ax.plot(x, y, color=colour, linewidth=1.0, label=None if labels is None else labels[index])
        ax.plot(x[0], y[0], "o", color=colour, markersize=4)
    first, second = (f"PC {component + 1} ({shares[component]:.0%} of variance)" for component in components)
    ax.set(xlabel=first, ylabel=second)
    ax.set_aspect("equal", adjustable="datalim")
    ax.xaxis.set_major_locator(MaxNLocator(TICKS))


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
    activity = over_time(activity, "neurons")
    steps, neurons = activity.shape
    named = isinstance(order, str)
    if named and one_of("order", order, ("number", "peak")) == "peak":
        rows = np.argsort(np.where(np.isfinite(activity), activity, -np.inf).argmax(axis=0), kind="stable")
    else:
        rows = sorted_neurons(np.zeros((1, neurons)), order)
    low, high = limits or (None, None)
    if limits and limits[0] == limits[1]:  # a scale for what does not change, the same in panels that share it
        reach = 0.1 * abs(limits[0]) or 0.1
        low, high = limits[0] - reach, limits[1] + reach
    extent = (0, steps * step * time_scale(time), -0.5, len(rows) - 0.5)
    image = ax.imshow(
        activity[:, rows].T,
        cmap="viridis",
        vmin=low,
        vmax=high,
        aspect="auto",
        origin="lower",
        extent=extent,
        interpolation="nearest",
    )
    time_axis(ax, steps, step, time)
    by = " by peak" if named and order == "peak" else ""
    neuron_axis(ax, rows, by, plain=np.array_equal(rows, np.arange(len(rows))))
    if colorbar:
        colour_bar(ax, image, label)
    return image
