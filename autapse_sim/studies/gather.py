"""The units of a study put together: one dataset with a dimension for each axis."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.studies.store import Store

Whole = tuple[tuple[str, ...], np.ndarray, dict[str, Any]]
"""An array of a study: its dimensions, values and attributes."""


def gathered(written: Mapping[str, Any], store: Store) -> xr.Dataset:
    """The results of a plan as it was written; NaN where a unit is not there."""
    axes, replicates = written["axes"], written["replicates"]
    arrays: dict[str, Whole] = {}
    coordinates: dict[str, xr.DataArray] = {}
    uneven, missing = set(), []
    crossed = {axis["name"] for axis in axes}
    for unit in written["units"]:
        result = store.read(unit["name"])
        if result is None:
            missing.append(unit["name"])
            continue
        for name, values in ((str(name), values) for name, values in result.data.data_vars.items()):
            inner = tuple(str(dim) for dim in values.dims if dim not in unit["grid"] and dim != "replicate")
            sizes = tuple(values.sizes[dim] for dim in inner)
            named = tuple(f"{dim}_number" if dim in crossed else dim for dim in inner)  # the axis `neuron` has models
            if name not in arrays:
                arrays[name] = _empty(axes, replicates, named, values.transpose(..., *inner))
            whole = arrays[name]
            outer = len(axes) + 1
            if (whole[0][outer:], whole[1].shape[outer:]) == (named, sizes):
                _fill(whole[1], axes, unit, values.transpose(*unit["grid"], "replicate", *inner).values)
            else:
                uneven.add(name)
        found = {str(name): each for name, each in result.data.coords.items() if name != "replicate"}
        coordinates = found | coordinates
    data = xr.Dataset({name: whole for name, whole in arrays.items() if name not in uneven})
    for axis in axes:
        about = {"units": axis["unit"]} if axis["unit"] != "1" else {}
        data.coords[axis["name"]] = (axis["name"], np.array(axis["labels"]), about)
    data.coords["replicate"] = np.arange(replicates)
    for name, each in coordinates.items():
        if name not in crossed and each.dims and all(data.sizes.get(dim) == each.sizes[dim] for dim in each.dims):
            data.coords[name] = each.variable
    failures = store.failures(dict.fromkeys(missing))
    about = {"missing": len(missing), "failures": json.dumps(failures), "left_out": json.dumps(sorted(uneven))}
    return data.assign_attrs({**written["about"], **about})


def _empty(axes: list[dict[str, Any]], replicates: int, inner: tuple[str, ...], values: xr.DataArray) -> Whole:
    """An array of a whole study, with nothing in it yet; its last dimensions are those of the values of a unit."""
    outer = [len(axis["labels"]) for axis in axes]
    shape = (*outer, replicates, *values.shape[values.ndim - len(inner) :])
    return (*(axis["name"] for axis in axes), "replicate", *inner), np.full(shape, np.nan), dict(values.attrs)


def _fill(whole_array: np.ndarray, axes: list[dict[str, Any]], unit: dict[str, Any], values: np.ndarray) -> None:
    """Put a unit's values to their place; along a parameter that it does not have they are the same everywhere."""
    place: list[Any] = [unit["place"].get(axis["name"], slice(None)) for axis in axes]
    present = [axis["name"] for axis in axes if axis["name"] not in unit["place"]]
    order = [unit["grid"].index(name) for name in present if name in unit["grid"]]
    values = values.transpose(*order, *range(len(order), values.ndim))
    for at, name in enumerate(present):
        if name not in unit["grid"]:
            values = np.expand_dims(values, at)
    whole_array[(*place, slice(unit["start"], unit["start"] + unit["count"]))] = values
