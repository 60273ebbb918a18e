"""What a score depends on, of all that was crossed in a sweep: lines over an axis, heat maps over two."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from autapse_sim.results.plots import style
from autapse_sim.results.result import Result, dataset
from autapse_sim.results.sweeps import HIGHER, best_of, score_of, sweep_axes

LINES = 9
"""The most lines of a panel."""
SIZE, LEAST = 7.0, 4.5
"""Points of the names and numbers along axes and in cells, and the least that can be read."""
LETTER, GAP, HANDLE = 0.64 * SIZE, 4.0, 28.0
"""How wide a digit is, in points, the room between two names, and what stands before a name in a legend."""
BESIDE_BAR = 0.78
"""The share of its width that a panel has beside its colour bar."""


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
        name_across(ax, names)
    elif spread(places):
        ax.set_xscale("log")
        at = np.log(places / places[0]) / np.log(places[-1] / places[0]) * 0.9 * extent(ax)[0]
        some = apart_enough(at, [LETTER * len(name) + GAP for name in names])
        ax.set_xticks(places[some], [names[place] for place in some])
        ax.minorticks_off()
    if apart:
        entry = 0.85 * LETTER * max(len(f"{apart} = {plain(value)}") for value in values) + HANDLE
        columns = max(1, min(len(values), 3, int(1.3 * extent(ax)[0] / entry)))  # wider, it would narrow the panel
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
    across, down = ([plain(value) for value in shown[axis].values] for axis in (second, first))
    every = -(-len(down) // 12)
    ax.set_yticks(range(0, len(down), every), [name.replace("$", r"\$") for name in down[::every]])
    width, height = extent(ax) * (BESIDE_BAR, 1)
    name_across(ax, across, width)
    ax.set(xlabel=named(medians[second]), ylabel=named(medians[first]))
    told = {place: "-" if np.isnan(value) else f"{value:.3g}" for place, value in np.ndenumerate(values)}
    letters = max(map(len, told.values()))
    size = SIZE * min(1, (width / len(across) - 1) / (LETTER * letters), height / len(down) / (SIZE + 1))
    if size >= LEAST:
        middle = np.nanmean([np.nanmin(finite), np.nanmax(finite)]) if np.isfinite(values).any() else 0
        for (row, column), said in told.items():
            dark = np.isfinite(values[row, column]) and (values[row, column] > middle) != (score in HIGHER)
            ink = "white" if dark else "black"
            ax.text(column, row, said, ha="center", va="center", fontsize=size, color=ink)
    ax.figure.colorbar(image, ax=ax, label=label)


def extent(ax: Axes) -> np.ndarray:
    """Width and height of axes in points, about what they are after the layout."""
    return np.array([ax.bbox.width, ax.bbox.height]) * 72 / ax.figure.dpi


def apart_enough(at: np.ndarray, widths: Sequence[float]) -> list[int]:
    """Those of centred labels, by ascending place, that do not run into the one shown before.

    Examples
    --------
    >>> apart_enough(np.array([0, 5, 10, 30]), [8, 8, 8, 8])
    [0, 2, 3]
    """
    kept = [0]
    for place in range(1, len(at)):
        if at[place] - at[kept[-1]] >= (widths[place] + widths[kept[-1]]) / 2:
            kept.append(place)
    return kept


def name_across(ax: Axes, names: Sequence[str], width: float | None = None) -> None:
    """Name the places 0, 1, ... of a horizontal axis: askew or upright where there is little room, and not all."""
    room = (extent(ax)[0] if width is None else width) / len(names)
    level = LETTER * max(map(len, names)) + GAP <= room
    angle, every = (0, 1) if level else (35, 1) if room >= 2 * SIZE else (90, int(np.ceil((SIZE + 2) / room)))
    look: dict[str, Any] = {} if level else {"rotation": angle, "ha": "right", "va": "center" if angle == 90 else "top"}
    shown = [name.replace("$", r"\$") for name in names[::every]]
    ax.set_xticks(range(0, len(names), every), shown, **look, rotation_mode="anchor" if look else "default")


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
