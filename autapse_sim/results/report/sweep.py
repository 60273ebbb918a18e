"""The page of a sweep: what depends on the values that were crossed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from autapse_sim.results.plots.sweeps import apart_of, heat_map, label_of, lines, named, plain, views
from autapse_sim.results.report.drawing import drawn
from autapse_sim.results.report.equations import typeset
from autapse_sim.results.report.html import Section, page, paragraphs, read, table
from autapse_sim.results.report.results import settings
from autapse_sim.results.scores import interval_name
from autapse_sim.results.sweeps import HIGHER, best_of, score_of, summed_up, sweep_axes

ROWS = 200
"""The most rows of the table."""


def sweep_page(data: xr.Dataset, score: str | None = None, title: str = "Sweep") -> str:
    """The page of a sweep.

    Parameters
    ----------
    data : xarray.Dataset
        Scores with a dimension for each axis that was crossed, `replicate` and, where it is not summed up, the
        trajectories; NaN where a replicate diverged or a unit is missing.
    score : str, optional
        Which variable is shown; the test error where nothing is said.
    title : str
        Of the page.
    """
    score = score_of(data, score)
    axes = sweep_axes(data, score)
    medians = summed_up(data, score, axes)
    shown = {f"{score} over {' and '.join(over)}": over for over in views(medians, axes)}
    label, interval = label_of(data, score), interval_name(data.sizes["replicate"])
    figures = {
        name: lines(medians, *over, label, score) if len(over) == 1 else heat_map(medians, *over, label, score)
        for name, over in shown.items()
    }
    captions = {name: f"Median {name}{_caption(over, medians, score, interval)}." for name, over in shown.items()}
    sections = [
        Section("run", "What was run", paragraphs(_said(data, axes))),
        Section("figures", "Figures", drawn(figures, captions)),
        Section("table", "Scores", _table(medians, axes, data, score)),
        Section("missing", "What is missing", paragraphs(_missing(data))),
        Section("equations", "Equations", typeset(read(data.attrs.get("equations")))),
        *settings(data),
    ]
    return page(title, _best(medians, axes, score) or title, sections)


def _caption(over: Sequence[str], medians: xr.DataArray, score: str, interval: str) -> str:
    """What a figure over some axes shows beside the medians, and where the other axes stand."""
    apart = apart_of(medians, over[0]) if len(over) == 1 else None
    best = best_of(medians, score)
    others = [axis for axis in best if axis not in (*over, apart) and medians.sizes[axis] > 1]
    at = ", ".join(_value(medians[axis], best[axis]) for axis in others)
    bands = f", with intervals ({interval})" if len(over) == 1 else ""
    mark = "is a triangle" if len(over) == 1 else "has no colour"
    edge = f"; what is infinite, since replicates diverged, {mark}" if np.isinf(medians).any() else ""
    return f"{bands}{f'; at {at}' if at else ''}{edge}"


def _said(data: xr.Dataset, axes: Sequence[str]) -> list[str]:
    crossed = [f"{named(data[axis])}: {', '.join(plain(value) for value in data[axis].values)}" for axis in axes]
    return [*crossed, f"{data.sizes['replicate']} replicates of each combination"]


def _missing(data: xr.Dataset) -> list[str]:
    """Which units are not there, and why."""
    count, failures = data.attrs.get("missing", 0), read(data.attrs.get("failures"))
    are = "unit of the plan is" if count == 1 else "units of the plan are"
    said = [f"{count} {are} not there: empty in what is shown"] if count else []
    said += [f"{name}: {why}" for name, why in failures.items()] if isinstance(failures, Mapping) else []
    left = read(data.attrs.get("left_out"))
    return said + (
        [f"left out, since their sizes differ: {', '.join(left)}"] if isinstance(left, list) and left else []
    )


def _best(medians: xr.DataArray, axes: Sequence[str], score: str) -> str:
    """The best combination, in a sentence."""
    best = best_of(medians, score)
    median, low, high = medians.isel(best).values
    if np.isnan(median):
        return ""
    at = ", ".join(_value(medians[axis], best[axis]) for axis in axes)
    return f"Best median {score}: {median:.4g} [{low:.4g}, {high:.4g}]{f' at {at}' if at else ''}"


def _value(axis: xr.DataArray, place: int) -> str:
    """A value of an axis with its unit."""
    unit = axis.attrs.get("units", "1")
    return f"{axis.name} = {plain(axis.values[place])}{'' if unit in ('1', '') else f' {unit}'}"


def _table(medians: xr.DataArray, axes: Sequence[str], data: xr.Dataset, score: str) -> str:
    """Every combination, the best first."""
    flat = medians.values.reshape(-1, 3)
    order = np.argsort(
        np.where(np.isnan(flat[:, 0]), np.inf, flat[:, 0] * (-1 if score in HIGHER else 1)), kind="stable"
    )
    places = list(np.ndindex(medians.shape[:-1]))
    rows = [
        [
            ", ".join(plain(medians[axis].values[k]) for axis, k in zip(axes, place, strict=True)) or "all",
            *("-" if np.isnan(value) else f"{value:.4g}" for value in flat[number]),
        ]
        for number, place in ((number, places[number]) for number in order[:ROWS])
    ]
    more = len(order) - len(rows)
    said = paragraphs([f"the {ROWS} best of {len(order)} combinations"] if more > 0 else [])
    interval = interval_name(data.sizes["replicate"])
    return said + table(
        [", ".join(named(medians[axis]) for axis in axes), f"median {label_of(data, score)}", f"{interval} from", "to"],
        rows,
    )
