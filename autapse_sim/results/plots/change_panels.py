"""The panels that show what learning did to W, on the caller's axes."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from autapse_sim.results.plots import style
from autapse_sim.results.plots.looks import REFERENCE, colours, drawn_as, methods, part_of
from autapse_sim.results.result import Result, dataset


def draw_change(data: xr.Dataset | Result, ax: Axes) -> None:
    """Draw the singular values of what each method changed in W, over the largest: median and quartiles.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A verdict with `singular`.
    ax : matplotlib.axes.Axes
        Where to draw.
    """
    data = dataset(data)
    values = part_of(data, "singular", "singular values").transpose("method", "replicate", "direction").values
    for index, method in reversed(list(enumerate(methods(data)))):
        largest = values[index].max(axis=-1, keepdims=True)
        moved = np.isfinite(largest[:, 0]) & (largest[:, 0] > 0)
        if not moved.any():
            continue
        shares = values[index, moved] / largest[moved]
        lower, median, upper = np.maximum(np.quantile(shares, (0.25, 0.5, 0.75), axis=0), 1e-6)
        look, at = drawn_as(data, method), np.arange(1, len(median) + 1)
        ax.fill_between(at, lower, upper, color=look["color"], alpha=0.15, linewidth=0)
        ax.plot(at, median, label=style.label(method), **look)
    ax.set(yscale="log", xlabel="direction", ylabel="singular value of W − W₀, over the largest")
    ax.set_xlim(1, values.shape[-1])


def draw_spectrum(data: xr.Dataset | Result, ax: Axes) -> None:
    """Draw the eigenvalues of W of the first network: before learning, and after it with the judged rule and bptt.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A verdict with `eigenvalue`.
    ax : matplotlib.axes.Axes
        Where to draw.
    """
    data = dataset(data)
    values = part_of(data, "eigenvalue", "eigenvalues").transpose("method", "mode", "part")
    shown = [name for name in dict.fromkeys((REFERENCE, "bptt", methods(data)[0])) if name in methods(data)]
    for method in shown:
        real, imaginary = values.sel({"method": method}).values.T
        marker = "o" if method == methods(data)[0] else "s" if method == REFERENCE else "^"
        colour = "0.6" if method == REFERENCE else colours(data)[method]
        ax.plot(real, imaginary, marker, color=colour, markersize=3.2, linestyle="none", markerfacecolor="none")
    angle = np.linspace(0, 2 * np.pi, 200)
    ax.plot(np.cos(angle), np.sin(angle), color="0.7", linewidth=0.8, zorder=1)
    ax.set(xlabel="real part of an eigenvalue of W", ylabel="imaginary part")
    ax.set_aspect("equal", adjustable="datalim")
