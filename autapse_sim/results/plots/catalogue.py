"""Which figures there are, and which a result has the numbers for."""

from __future__ import annotations

from collections.abc import Callable

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.errors import InputError
from autapse_sim.results.plots.evidence import EVIDENCE
from autapse_sim.results.plots.evidence import NEEDED as EVIDENCE_NEEDS
from autapse_sim.results.plots.figures import CIRCUIT_FIGURES, FIGURES
from autapse_sim.results.result import Result, dataset

ALL: dict[str, Callable[..., Figure]] = {**FIGURES, **CIRCUIT_FIGURES, **EVIDENCE}
"""Every figure of every kind of result, by its name."""
NEEDED = {
    "fig1": ("prediction", "target"),
    "fig2": ("mse_train", "mse_validate"),
    "traces": ("trace_activity", "trace_feedback", "trace_error"),
    "raster": ("trace_spikes",),
    "activity": ("trace_activity",),
    "circuit": ("W",),
    **{name: ("mse_online", variable) for name, variable in EVIDENCE_NEEDS.items()},
}
"""The variables without which a figure cannot be drawn."""


def figures_of(data: xr.Dataset | Result) -> dict[str, Callable[..., Figure]]:
    """The figures that a result has the numbers for, by name; each is a function of the result."""
    return {name: draw for name, draw in ALL.items() if not _missing(data, name)}


def check_held(data: xr.Dataset | Result, figure: str) -> None:
    """Refuse to draw a figure from a result that lacks what it needs."""
    if missing := _missing(data, figure):
        told = f"figure {figure} needs {', '.join(missing)}, and this result has none"
        raise InputError(f"{told}; its figures are {', '.join(figures_of(data)) or 'none'}")


def _missing(data: xr.Dataset | Result, figure: str) -> list[str]:
    held = dataset(data)
    return [name for name in NEEDED[figure] if name not in held or not held[name].size]
