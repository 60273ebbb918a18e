"""What the plots of a verdict say and show alike: its methods, their colours and lines, its numbers."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple

from autapse_sim.errors import InputError
from autapse_sim.results.plots import panels, style
from autapse_sim.results.result import Result, dataset
from autapse_sim.results.table import judged_by, tuned

RESERVOIRS = {"fixed reservoir": "0.3", "tuned reservoir": "0.6"}
"""Colours of the networks in which only the read-out learns."""
REFERENCE = "fixed reservoir"
"""What a rule has to beat."""
READOUTS = {"mse_online": "read-out as trained", "mse_refit": "read-out refitted"}


def methods(data: xr.Dataset | xr.DataArray | Result) -> list[str]:
    """The methods of a verdict, or of a part of it, the judged rule first."""
    part = data if isinstance(data, xr.DataArray) else dataset(data)
    if "method" not in part.coords:
        raise InputError("this result is no verdict: it has no methods")
    return [str(method) for method in part["method"].values]


def colours(data: xr.Dataset | Result) -> dict[str, str]:
    """A colour for each method, different ones as far as the palette goes."""
    return style.colours(methods(data), RESERVOIRS)


def drawn_as(data: xr.Dataset | Result, method: str) -> dict:
    """Line of a method: the judged rule is thick, a reservoir is broken."""
    judged = method == methods(data)[0]
    dashed = style.dashes(0) if method in RESERVOIRS else "-"
    return {"color": colours(data)[method], "linewidth": 2.2 if judged else 1.2, "linestyle": dashed}


def measured(data: xr.Dataset | Result, when: str) -> str:
    """What the errors of a verdict are, 'test MSE' or 'validation cross-entropy', with their unit."""
    score = judged_by(dataset(data)).removeprefix("test ")
    return panels.labelled(f"{when} {score}", panels.unit(data, 2) if score == "MSE" else "nats")


def part_of(data: xr.Dataset | Result, name: str, part: str) -> xr.DataArray:
    """The variable `name`, or an error that says which part of the verdict is absent."""
    data = dataset(data)
    if name not in data or data[name].size == 0:
        raise InputError(f"this verdict has no {part}: the plot needs {name!r}")
    return data[name]


def piloted(data: xr.Dataset | Result) -> dict[str, dict[str, xr.Dataset]]:
    """The errors of the pilots over the learning rate, by method and by what else was tuned, in words."""
    data = dataset(data)
    part_of(data, "pilot_mse", "pilots")
    tried = data[["pilot_mse", "pilot_eta", "pilot_method", "pilot_tuned"]].transpose("trial", "pilot")
    of, values = tried.pilot_method.values, tried.pilot_tuned.values
    found: dict[str, dict[str, xr.Dataset]] = {}
    for method in methods(data):
        for one in dict.fromkeys(values[of == method].tolist()):
            which = np.flatnonzero((of == method) & (values == one))
            found.setdefault(method, {})[one] = tried.isel(trial=which).sortby("pilot_eta")
    return found


def settled(data: xr.Dataset | Result, method: str) -> tuple[float, str]:
    """The learning rate at which a method is judged, and what else is tuned of it."""
    one = dataset(data).sel({"method": method})
    return float(one["eta"]) if "eta" in one else np.nan, tuned(one)


def with_infinity(values: np.ndarray) -> np.ndarray:
    """Errors with infinity for whatever diverged."""
    return np.where(np.isfinite(values), values, np.inf)


def name_with_losses(name: str, *errors: np.ndarray) -> str:
    """A name, with how many of its replicates diverged."""
    lost = int(np.any([np.isinf(one) for one in errors], axis=0).sum())
    return f"{name} ({lost} of {errors[0].size} diverged)" if lost else name


def control_medians(data: xr.Dataset | Result) -> tuple[list[str], np.ndarray]:
    """Names of the controls and their medians over the replicates."""
    mse = part_of(data, "control_mse", "controls").transpose("replicate", "control")
    return [str(name) for name in mse["control"].values], panels._quantile(with_infinity(mse.values), 0.5)


def number(value: float) -> str:
    return "infinite" if np.isinf(value) else f"{value:.3f}" if value >= 0.01 else f"{value:.2g}"


def curve_handles(ax: Axes) -> tuple[list, list[str]]:
    """Handles and labels of axes on which the judged rule was drawn last, it first."""
    handles, labels = ax.get_legend_handles_labels()
    return handles[::-1], labels[::-1]


def legend(figure: Figure, handles: list, labels: list[str], title: str | None, columns: int = 4) -> None:
    figure.legend(
        handles,
        labels,
        title=title,
        loc="outside upper left",
        ncols=columns,
        alignment="left",
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
        handlelength=2.5,
    )
