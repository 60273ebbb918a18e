"""The units of a study put together: one dataset with a dimension for each axis."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.results.contents import AXES, NUMBER
from autapse_sim.results.sweeps import THERE
from autapse_sim.studies.store import Store

PADDED = 2**29
"""The most bytes of an array that is filled up with NaN where combinations have less than others; larger ones are left
out, or two neurons beside a thousand would take the memory of a thousand."""
Axes = Sequence[Mapping[str, Any]]
"""What was crossed, as a plan is written."""


@dataclass(frozen=True)
class Part:
    """What a unit gave.

    Parameters
    ----------
    unit : mapping
        As the plan has it.
    arrays : mapping of str to (tuple of str, array, mapping)
        By name the dimensions of one network, the values with those that the unit crosses and the replicates before
        them, and the attributes.
    labels : mapping of str to list
        The coordinate of each of these dimensions; where it has none, whole numbers from 0.
    named : set of str
        The dimensions that have one.
    """

    unit: Mapping[str, Any]
    arrays: Mapping[str, tuple[tuple[str, ...], np.ndarray, Mapping[str, Any]]]
    labels: Mapping[str, list[Any]]
    named: set[str]

    @classmethod
    def of(cls, unit: Mapping[str, Any], data: xr.Dataset, crossed: set[str]) -> Part:
        """From the data of a unit; a dimension that is called as an axis is (`neuron`) goes by another name."""
        called = {str(dim): f"{dim}{NUMBER}" if dim in crossed else str(dim) for dim in data.sizes}
        arrays = {}
        for name, values in data.data_vars.items():
            inner = [str(dim) for dim in values.dims if dim not in unit["grid"] and dim != "replicate"]
            dims = tuple(called[dim] for dim in inner)
            arrays[str(name)] = dims, values.transpose(*unit["grid"], "replicate", *inner).values, values.attrs
        used = {dim for dims, *_ in arrays.values() for dim in dims}
        places = {dim: name for dim, name in called.items() if name in used}
        labels = {
            name: data.coords[dim].values.tolist() if dim in data.coords else list(range(data.sizes[dim]))
            for dim, name in places.items()
        }
        return cls(unit, arrays, labels, {name for dim, name in places.items() if dim in data.coords})


def gathered(written: Mapping[str, Any], store: Store) -> xr.Dataset:
    """The results of a plan as it was written; NaN where a unit is not there, and where one has less than others."""
    axes, replicates = written["axes"], written["replicates"]
    crossed = {axis["name"] for axis in axes}
    parts, missing = list[Part](), list[str]()
    for unit in written["units"]:
        result = store.read(unit["name"])
        if result is None:
            missing.append(unit["name"])
        else:
            parts.append(Part.of(unit, result.data, crossed))
    labels = _united(parts)
    data = xr.Dataset()
    for axis in axes:
        about = {"units": axis["unit"]} if axis["unit"] != "1" else {}
        data.coords[axis["name"]] = (axis["name"], np.array(axis["labels"]), about)
    data.coords["replicate"] = np.arange(replicates)
    different = set()
    for name in {name: None for part in parts for name in part.arrays}:
        having = [part for part in parts if name in part.arrays]
        inner = having[0].arrays[name][0]
        sizes = [*(len(axis["labels"]) for axis in axes), replicates, *(len(labels[dim]) for dim in inner)]
        filled = any(part.labels.get(dim) != labels[dim] for part in having for dim in inner)
        if any(part.arrays[name][0] != inner for part in having) or (filled and 8 * prod(sizes) > PADDED):
            different.add(name)
        else:
            data[name] = _together(name, having, axes, replicates, labels)
    named = set.union(set(), *(part.named for part in parts))
    for dim in [dim for dim in labels if dim in data.sizes]:
        if dim in named:
            data.coords[dim] = (dim, labels[dim])
        if any(part.labels.get(dim, labels[dim]) != labels[dim] for part in parts):
            data[f"{dim}{THERE}"] = _there(dim, parts, axes, labels[dim])
    failures = store.failures(dict.fromkeys(missing))
    about = {"missing": len(missing), "failures": json.dumps(failures), "left_out": json.dumps(sorted(different))}
    about[AXES] = json.dumps([axis["name"] for axis in axes])
    return data.assign_attrs({**written["about"], **about})


def _united(parts: Sequence[Part]) -> dict[str, list[Any]]:
    """All labels of each dimension: numbers in ascending order, else as they came."""
    found: dict[str, list[Any]] = {}
    for part in parts:
        for dim, labels in part.labels.items():
            known = found.setdefault(dim, labels)
            if known != labels:
                both = list(dict.fromkeys([*known, *labels]))
                found[dim] = sorted(both) if all(isinstance(each, int | float) for each in both) else both
    return found


def _together(name: str, parts: Sequence[Part], axes: Axes, replicates: int, labels: Mapping[str, list[Any]]) -> Any:
    """An array of a whole study; of its attributes those on which all units agree."""
    inner, _, attributes = parts[0].arrays[name]
    sizes = [len(labels[dim]) for dim in inner]
    whole = np.full([*(len(axis["labels"]) for axis in axes), replicates, *sizes], np.nan)
    for part in parts:
        values = part.arrays[name][1]
        if any(part.labels[dim] != labels[dim] for dim in inner):
            outer = values.shape[: values.ndim - len(inner)]
            narrow, values = values, np.full([*outer, *sizes], np.nan)
            at = [[labels[dim].index(each) for each in part.labels[dim]] for dim in inner]
            values[np.ix_(*map(range, outer), *at)] = narrow
        _fill(whole, axes, part.unit, values)
    told = {key: value for key, value in attributes.items() if all(p.arrays[name][2].get(key) == value for p in parts)}
    return (*(axis["name"] for axis in axes), "replicate", *inner), whole, told


def _there(dim: str, parts: Sequence[Part], axes: Axes, labels: Sequence[Any]) -> Any:
    """Which labels of a dimension each combination has."""
    whole = np.zeros([*(len(axis["labels"]) for axis in axes), len(labels)], dtype=bool)
    for part in parts:
        has = set(part.labels.get(dim, ()))
        whole[tuple(_place(axes, part.unit))] |= [each in has for each in labels]
    about = {"long_name": f"whether there is that {dim} in the combination"}
    return (*(axis["name"] for axis in axes), dim), whole, about


def _place(axes: Axes, unit: Mapping[str, Any]) -> list[Any]:
    """Where a unit is along the axes; everywhere along those that it crosses itself, or does not have."""
    return [unit["place"].get(axis["name"], slice(None)) for axis in axes]


def _fill(whole: np.ndarray, axes: Axes, unit: Mapping[str, Any], values: np.ndarray) -> None:
    """Put a unit's values to their place; along a parameter that it does not have they are the same everywhere."""
    present = [axis["name"] for axis in axes if axis["name"] not in unit["place"]]
    order = [unit["grid"].index(name) for name in present if name in unit["grid"]]
    values = values.transpose(*order, *range(len(order), values.ndim))
    for at, name in enumerate(present):
        if name not in unit["grid"]:
            values = np.expand_dims(values, at)
    whole[(*_place(axes, unit), slice(unit["start"], unit["start"] + unit["count"]))] = values
