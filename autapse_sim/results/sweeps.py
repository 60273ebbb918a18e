"""What a sweep comes to: medians of a score with their intervals, for each combination of what was crossed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.results.scores import median_interval

SCORES = ("mse", "cross_entropy", "mse_validate", "r2_network", "mse_train")
"""What is shown where nothing else is asked for: the first that there is."""

HIGHER = ("r2_network", "r2_trajectory")
"""Scores of which more is better."""

LAST = ("mse_train", "mse_validate")
"""Scores of which the last counts, not the mean over trajectories."""

INNER = {"trajectory", "training_trajectory", "validation", "replicate"}
"""Dimensions of a score that are no axes."""

INTERVAL = "interval"
"""The dimension of a median and its interval."""

THERE = "_there"
"""What the names of variables end with that tell which labels of a dimension a combination has, where not all have
the same."""


def sweep_axes(data: xr.Dataset, score: str) -> list[str]:
    """What was crossed: the dimensions of a score that have coordinates, and are no replicates or trajectories."""
    return [str(dim) for dim in data[score].dims if dim not in INNER and dim in data.coords]


def score_of(data: xr.Dataset, score: str | None = None) -> str:
    """The score that is shown: the one asked for, or the first that there is."""
    known = [name for name in SCORES if name in data and "replicate" in data[name].dims]
    others = [str(name) for name, values in data.data_vars.items() if "replicate" in values.dims]
    if score is None and known:
        return known[0]
    if not data.data_vars and data.attrs.get("missing"):
        raise InputError("none of the units of this study is finished; its command goes on with them")
    if not others:
        raise InputError("this dataset has no score: no variable with a dimension 'replicate'")
    return one_of("score", score, others)


def summed_up(data: xr.Dataset, score: str, axes: Sequence[str]) -> xr.DataArray:
    """Median and its 95% interval over replicates, each by its mean over test trajectories: (axes, 3)."""
    values = data[score]
    for dim in INNER - {"replicate"} & set(map(str, values.dims)):
        values = _over(data, values, dim, last=score in LAST)
    values = values.transpose(*axes, "replicate", ...)
    if values.ndim != len(axes) + 1:
        raise InputError(f"score {score!r} has the dimensions {', '.join(map(str, values.dims))}, not one a replicate")
    worst = -np.inf if score in HIGHER else np.inf
    there = _there(data, values)
    first = np.take_along_axis(values.values, np.argsort(~there, axis=-1, kind="stable"), axis=-1)
    counts, found = there.sum(axis=-1), np.full((*values.shape[:-1], 3), np.nan)
    for count in np.unique(counts[counts > 0]):
        places = counts == count
        found[places] = np.stack(median_interval(first[places][:, :count], worst=worst), axis=-1)
    coords = {axis: data[axis] for axis in axes}
    return xr.DataArray(found, coords, [*axes, INTERVAL])


def _over(data: xr.Dataset, values: xr.DataArray, dim: str, last: bool) -> xr.DataArray:
    """The mean along a dimension, or the last value, of what is there in each combination."""
    there = data.get(f"{dim}{THERE}")
    if there is None:
        return values.isel({dim: -1}) if last else values.mean(dim, skipna=False)
    if last:
        there = there & (there.cumsum(dim) == there.sum(dim))
    return values.where(there, 0).sum(dim, skipna=False) / there.sum(dim)


def _there(data: xr.Dataset, values: xr.DataArray) -> np.ndarray:
    """Which replicates were run, as the values of a score: NaN is that of one that diverged, or of one not there."""
    if "diverged" in data and set(data["diverged"].dims) <= set(values.dims):
        return (values.notnull() | data["diverged"].notnull()).transpose(*values.dims).values
    known = values.notnull().values
    return known | known.any(axis=-1, keepdims=True)  # a combination without any score is taken for one not there


def best_of(medians: xr.DataArray, score: str) -> dict[str, int]:
    """Where the median is best, by axis; the first place where none is known."""
    values = medians.isel(interval=0).values
    values = np.where(np.isnan(values), np.inf, -values if score in HIGHER else values)
    places = map(int, np.unravel_index(np.argmin(values), values.shape))
    return dict(zip(map(str, medians.dims[:-1]), places, strict=True))
