"""What arrays and attributes of a result are, by their names; a file in which they are something else is damaged."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping

import numpy as np
import xarray as xr

from autapse_sim.names import shown

ARRAYS = {
    "replicate training_trajectory": "mse_train",
    "replicate validation": "mse_validate",
    "replicate trajectory": "mse",
    "replicate": "diverged r2_trajectory r2_network",
    "replicate or method replicate": "alive accuracy",
    "recorded trajectory step coordinate": "prediction target",
    "recorded trajectory step input": "stimulus",
    "recorded phase step input": "trace_stimulus",
    "recorded phase step coordinate": "trace_error",
    "replicate post pre": "W B_rec",
    "replicate neuron input": "U",
    "replicate coordinate neuron": "V",
    "replicate neuron coordinate": "B F",
    "replicate neuron": "b rate",
    "replicate coordinate": "c",
    "replicate checkpoint post pre": "W_checkpoint",
    "replicate checkpoint neuron input": "U_checkpoint",
    "replicate checkpoint coordinate neuron": "V_checkpoint",
    "replicate checkpoint neuron coordinate": "B_checkpoint",
    "replicate checkpoint neuron": "b_checkpoint",
    "replicate checkpoint coordinate": "c_checkpoint",
    "rule or method": "eta",
    "control replicate trajectory or control replicate": "control_mse",
    "control replicate": "control_r2_trajectory control_r2_network",
    "eta_grid replicate": "grid_mse",
    "method replicate": "mse_online mse_refit directions",
    "method replicate direction": "singular",
    "method mode part": "eigenvalue",
    "method replicate floor": "mse_refit_floor",
    "method updates replicate": "curve",
    "method": "eta_refit eta_out",
    "trial pilot": "pilot_mse pilot_mse_refit",
    "trial": "pilot_eta",
    "method step coordinate": "example_prediction",
    "method updates_aligned aligned_seed": "alignment",
    "updates_aligned aligned_seed": "alignment_blind",
    "ablation replicate": "ablation_mse",
    "ablation": "ablation_eta",
    "step coordinate": "example_target",
    "step input": "example_stimulus",
    "benchmark method replicate": "error error_refit share",
    "benchmark method": "cost",
    "family method bound": "middle mean_rank",
    "family method level": "profile",
}
"""The dimensions of arrays of numbers; before them may stand `rule`, in a result of several, and those of `AXES`."""
AXES = "axes"
"""The attribute that names, as JSON, what a study crosses, or one of its units: its first dimensions."""
NUMBER = "_number"
"""What follows the name of a dimension, such as `neuron`, that an axis of a study has."""
RECODED = frozenset({"_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned"})
"""Attributes by which netCDF files say how numbers are written in them (CF conventions, sections 2.5.1 and 8.1)."""
TRACE = ("recorded", "phase", "step", "neuron")
"""The dimensions of `trace_` with the name of any other trace."""
NUMBERED = (
    *("replicate", "recorded", "coordinate", "trajectory", "training_trajectory", "validation", "updates"),
    *("updates_aligned", "eta_grid", "floor", "checkpoint", "level"),
)
"""Coordinates that are numbers."""
NAMED = ("rule", "method", "control", "ablation", "phase", "benchmark", "family", "bound", "part")
"""Coordinates that are names, each once but for phases."""
OBJECTS = {
    "goes_on": dict,
    "circuit": dict,
    "task": dict,
    "protocol": dict,
    "parameters": dict,
    "provenance": dict,
    "notes": list,
}
OBJECTS |= {"statistics": dict, "methods": dict, "edges": dict, "floors": list, "claims": list, AXES: list}
OBJECTS |= {"findings": list, "answers": dict, "headings": dict, "titles": dict, "chosen": dict}
"""Attributes that are JSON."""
TEXTS = ("rule", "unit", "units", "long_name")
"""Attributes that are text."""
DIMENSIONS = {name: dims.split(" or ") for dims, names in ARRAYS.items() for name in names.split()}


def check_contents(data: xr.Dataset) -> None:
    """Refuse a dataset whose arrays and attributes have names of a result's, and are something else.

    Raises
    ------
    ValueError
        Which one it is.
    """
    axes = tuple(json.loads(data.attrs.get(AXES, "[]")))
    for name, values in data.variables.items():
        if values.dtype.kind == "c":
            raise ValueError(f"{name!r} holds complex numbers")
        if not (name in axes and values.dims in ((name,), ())) and not _fits(str(name), values, axes):
            raise ValueError(f"{name!r} is an array {values.dims} of {values.dtype}")
        _check_attributes(values.attrs)
    _check_attributes(data.attrs)
    for name in NAMED:
        if name != "phase" and name in data.dims and name not in data.coords:
            raise ValueError(f"nothing says which {name} is which")
    for name, kind in OBJECTS.items():
        if name in data.attrs and not isinstance(json.loads(data.attrs[name]), kind):
            raise ValueError(f"attribute {name!r} is something else")


def _fits(name: str, values: xr.Variable, axes: tuple[str, ...]) -> bool:
    """Whether an array is what its name says, or has a name of its own."""
    if name in NAMED:
        once = name == "phase" or len(np.unique(values)) == values.size
        return values.dims in ((name,), ()) and values.dtype.kind in "UO" and once  # texts of xarray's own
    if name in NUMBERED:
        return values.dims in ((name,), ()) and values.dtype.kind in "iuf"
    known = [tuple(each.split()) for each in DIMENSIONS.get(name, [])]
    if not known and name.startswith("trace_"):
        known = [TRACE]
    first = tuple(axis for axis in axes if axis in values.dims) if axes else ("rule",)  # those of a selection are fewer
    rest = values.dims[len(first) :] if values.dims[: len(first)] == first else values.dims
    rest = tuple(str(dim).removesuffix(NUMBER) if str(dim).removesuffix(NUMBER) in axes else dim for dim in rest)
    if name.startswith("state_"):
        after = ("replicate", "checkpoint") if name.endswith("_checkpoint") else ("replicate",)
        return rest[: len(after)] == after and values.dtype.kind in "biuf"
    dims = [values.dims, rest]
    return not known or (any(each in known for each in dims) and values.dtype.kind in "biuf")


def _check_attributes(attributes: Mapping[Hashable, object]) -> None:
    for name, value in attributes.items():
        if name in RECODED:
            raise ValueError(f"attribute {name!r} would change the numbers beside it in a file")
        if not isinstance(value, str) and np.asarray(value).dtype.kind not in "iuf":
            raise ValueError(f"attribute {shown(name)} is {shown(value)}, neither numbers nor a text")
    for name in TEXTS:
        if name in attributes and not isinstance(attributes[name], str):
            raise ValueError(f"attribute {name!r} is no text")
