"""What a score depends on, of all that was crossed in a sweep: lines over an axis, heat maps over two."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from autapse_sim.results.plots import style
from autapse_sim.results.result import Result, dataset
from autapse_sim.results.sweeps import HIGHER, best_of, score_of, sweep_axes

LINES = 9
"""The most lines of a panel."""


def views(medians: xr.DataArray, axes: Sequence[str]) -> list[tuple[str] | tuple[str, str]]:
    """What is drawn: lines over each axis, then a heat map over each two."""
    crossed = [axis for axis in axes if medians.sizes[axis] > 1]
    return [*((axis,) for axis in crossed), *combinations(crossed, 2)]


def at_best(medians: xr.DataArray, kept: Sequence[str], score: str) -> xr.DataArray:
    """The medians along some axes, the others at the values that are best all in all; numbers in ascending order."""
    best = best_of(medians, score)
    shown = medians.isel({axis: place for axis, place in best.items() if axis not in kept})
    return shown.sortby([axis for axis in kept if shown[axis].dtype.kind in "iuf"])


def lines(medians: xr.DataArray, axis: str, label: str, score: str) -> Figure:
    """Medians with intervals over one axis, see `draw_lines`."""
    with style.styled():
        figure = style.Drawn(figsize=(6.4, 3.6))
        draw_lines(medians, figure.subplots(), axis, label, score)
    return figure


def draw_lines(medians: xr.DataArray, ax: Axes, axis: str, label: str, score: str) -> None:
    """Medians with intervals over one axis, a line for each value of the shortest other one; points over names.

    A median that is infinite is a triangle beyond all others.
    """
    apart = apart_of(medians, axis)
    shown = at_best(medians, [axis, apart] if apart else [axis], score)
    values = shown[apart].values if apart else [None]
    places, names, numbers = positions(shown[axis])
    for number, value in enumerate(values):
        found = (shown.sel({apart: value}) if apart else shown).transpose("interval", axis)
        median, low, high = within(found, shown)
        lost = np.isinf(found.values[0])
        colour = style.PALETTE[number % len(style.PALETTE)]
        name = f"{apart} = {plain(value)}".replace("$", r"\$") if apart else None
        if numbers:
            ax.plot(places, np.where(lost, np.nan, median), "o-", color=colour, ms=3, label=name)
            ax.fill_between(places, low, high, color=colour, alpha=0.2, lw=0)
            at = places
        else:
            aside = 0.6 * ((number + 0.5) / len(values) - 0.5)
            at, beyond = places + aside, [median - low, high - median]
            ax.errorbar(at, np.where(lost, np.nan, median), beyond, fmt="o", color=colour, ms=3, label=name)
        # what is infinite is no number among the others; the first ones are larger, so that all are seen
        size = 5 + 2 * (len(values) - 1 - number)
        ax.plot(at[lost], median[lost], "v" if score in HIGHER else "^", color=colour, ms=size)
    ax.set(xlabel=named(medians[axis]), ylabel=label)
    if not numbers:
        ax.set_xticks(places, [name.replace("$", r"\$") for name in names])
    elif spread(places):
        ax.set_xscale("log")
        ax.set_xticks(places, names)
        ax.minorticks_off()
    if apart:
        columns = min(len(values), 3)
        ax.legend(fontsize="small", ncols=columns, loc="lower center", bbox_to_anchor=(0.5, 1), borderaxespad=0.2)


def within(values: xr.DataArray, shown: xr.DataArray) -> np.ndarray:
    """Values with those that are infinite a little beyond all that is shown and finite."""
    finite = shown.values[np.isfinite(shown.values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    beyond = 0.05 * (high - low or abs(high) or 1.0)
    return np.clip(values.values, low - beyond, high + beyond)


def heat_map(medians: xr.DataArray, first: str, second: str, label: str, score: str) -> Figure:
    """Medians over two axes, see `draw_heat_map`."""
    with style.styled():
        figure = style.Drawn(figsize=(6.4, 0.8 + max(2.0, min(6.0, 0.45 * medians.sizes[first]))))
        draw_heat_map(medians, figure.subplots(), first, second, label, score)
    return figure


def draw_heat_map(medians: xr.DataArray, ax: Axes, first: str, second: str, label: str, score: str) -> None:
    """Medians over two axes, each cell with its number where there is room."""
    shown = at_best(medians, [first, second], score).isel(interval=0).transpose(first, second)
    values = shown.values
    finite = np.where(np.isfinite(values), values, np.nan)
    image = ax.imshow(finite, aspect="auto", cmap="viridis" if score in HIGHER else "viridis_r")
    for axis, setter in ((second, ax.set_xticks), (first, ax.set_yticks)):
        names = [plain(value) for value in shown[axis].values]
        every = -(-len(names) // 12)
        setter(range(0, len(names), every), [name.replace("$", r"\$") for name in names[::every]])
    ax.set(xlabel=named(medians[second]), ylabel=named(medians[first]))
    if values.size <= 120 and values.shape[1] <= 12:
        middle = np.nanmean([np.nanmin(finite), np.nanmax(finite)]) if np.isfinite(values).any() else 0
        for (row, column), value in np.ndenumerate(values):
            dark = np.isfinite(value) and (value > middle) != (score in HIGHER)
            told = "-" if np.isnan(value) else f"{value:.3g}"
            ax.text(column, row, told, ha="center", va="center", fontsize=7, color="white" if dark else "black")
    ax.figure.colorbar(image, ax=ax, label=label)


def positions(axis: xr.DataArray) -> tuple[np.ndarray, list[str], bool]:
    """Where the values of an axis stand, what they are called, and whether they are numbers."""
    names = [plain(value) for value in axis.values]
    if axis.dtype.kind in "iuf":
        return axis.values.astype(float), names, True
    return np.arange(len(names), dtype=float), names, False


def spread(places: np.ndarray) -> bool:
    """Whether positive numbers are so far apart that they stand better on a logarithmic scale."""
    return bool((places > 0).all() and places.max() >= 10 * places.min())


def plain(value: object) -> str:
    """The value of an axis, in a few characters."""
    value = value.item() if isinstance(value, np.generic) else value
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def named(axis: xr.DataArray) -> str:
    """The name of an axis with its unit."""
    unit = axis.attrs.get("units", "1")
    return f"{axis.name} ({unit})" if unit not in ("1", "") else str(axis.name)


def label_of(data: xr.Dataset, score: str) -> str:
    """What a score is, with its unit."""
    unit = data[score].attrs.get("units", "1")
    return f"{data[score].attrs.get('long_name', score)}{f' ({unit})' if unit not in ('1', '') else ''}"


def apart_of(medians: xr.DataArray, axis: str) -> str | None:
    """The axis that has a line for each of its values: the shortest of the others."""
    sizes = {str(name): size for name, size in medians.sizes.items() if name not in (axis, "interval")}
    return min((name for name, size in sizes.items() if 1 < size <= LINES), key=sizes.__getitem__, default=None)


def is_sweep(data: xr.Dataset | Result) -> bool:
    """Whether it is the dataset of a sweep, and no result of a run, a comparison, a verdict or a scoreboard."""
    data = dataset(data)
    judged = "mse_online" in data or "answers" in data.attrs
    return "rule" not in data.attrs and not judged and ("left_out" in data.attrs or bool(crossed(data)))


def crossed(data: xr.Dataset | Result, score: str | None = None) -> list[str]:
    """The axes of a sweep that have more than one value."""
    data = dataset(data)
    if score is None and not any("replicate" in values.dims for values in data.data_vars.values()):
        return []
    score = score_of(data, score)
    return [axis for axis in sweep_axes(data, score) if data.sizes[axis] > 1]
