"""Axes of time and neurons, scale bars, colours: what plots of circuits share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator

from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.results.plots import style

TIMES = {"ms": 1e3, "s": 1.0}
"""Units of the time axis, as what a second is in them."""
FEW = 12
"""So many neurons are named one by one."""
ROUND = [1, 2, 5, 10]
"""Neurons are numbered in steps of these, times a power of ten."""
INK = "0.15"
"""Colour of ticks and lines that stand for no rule, group or neuron of their own."""


def over_time(values: np.ndarray, what: str) -> np.ndarray:
    values = np.asarray(values, float)
    if values.ndim != 2 or values.size == 0:
        raise InputError(f"an array over time has the shape {values.shape}; expected (steps, {what})")
    return values


def one_each(what: str, given: Sequence[str] | None, neurons: int) -> None:
    if given is not None and len(given) != neurons:
        raise InputError(f"{what} has {len(given)} entries; expected one for each of {neurons} neurons")


def palette(index: int) -> str:
    return style.PALETTE[index % len(style.PALETTE)]


def time_scale(time: str) -> float:
    return TIMES[one_of("unit of time", time, TIMES)]


def time_axis(ax: Axes, steps: int, step: float, time: str) -> None:
    ax.set(xlim=(0, steps * step * time_scale(time)), xlabel=f"time ({time})")


def neuron_axis(ax: Axes, rows: np.ndarray, by: str, plain: bool) -> None:
    """Name the rows where they are few; else number them where they stand in order, and count them where not."""
    if len(rows) <= FEW:
        ax.set_yticks(range(len(rows)), [str(neuron) for neuron in rows])
        ax.set_ylabel(f"neuron{by}")
    elif plain:
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True, steps=ROUND))
        ax.set_ylabel(f"neuron{by}")
    else:
        ax.set_yticks([])
        ax.set_ylabel(f"{len(rows)} neurons{by}")


def colour_bar(ax: Axes, image: AxesImage, label: str) -> None:
    """A colour bar that stands close to its axes, whatever stands beside the rows above and below."""
    ax.figure.colorbar(image, cax=ax.inset_axes((1.03, 0, 0.035, 1)), label=label)


def scale_bars(ax: Axes, duration: float, time: str, unit: str) -> None:
    """A bar for time below the axes and one for values at their right, of round lengths; no axes."""
    ax.spines[:].set_visible(False)
    ax.set(xticks=[], yticks=[], xlabel="")
    low, high = ax.get_ylim()
    ax.set_ylim(low, high)
    long, tall = rounded(duration / 4), rounded((high - low) / 3)
    below, beside = ax.get_xaxis_transform(), ax.get_yaxis_transform()
    draw = partial(ax.plot, color=INK, linewidth=1.4, clip_on=False, solid_capstyle="butt")
    draw([duration - long, duration], [-0.04] * 2, label="_time", transform=below)
    draw([1.02] * 2, [low, low + tall], label="_value", transform=beside)
    tell = partial(ax.annotate, textcoords="offset points", fontsize=6.5, color=INK)
    tell(f"{long:g} {time}", (duration - long / 2, -0.04), (0, -3), xycoords=below, ha="center", va="top")
    tell(f"{tall:g}{unit}", (1.02, low + tall / 2), (4, 0), xycoords=beside, va="center")


def rounded(value: float, up: bool = False) -> float:
    """The nearest of 1, 2, 5, 10, 20 ... times a power of ten below a value, or above it; 0 for 0."""
    if not value > 0:
        return 0.0
    power = np.floor(np.log10(value))
    steps = np.array(ROUND) * 10.0**power
    reached = steps[steps >= value * (1 - 1e-9)][0] if up else steps[steps <= value * (1 + 1e-9)][-1]
    return float(f"{reached:.3g}")
