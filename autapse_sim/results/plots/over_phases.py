"""Figures with a column for each phase: the same rows before and after learning."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from autapse_sim.checks import items
from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.results import recordings
from autapse_sim.results.plots import circuits, matrices, panels, style
from autapse_sim.results.recordings import recording
from autapse_sim.results.result import Result, dataset

GREYS = ("0.15", "0.6", "0.4", "0.75")
"""Colours of the inputs and of the coordinates; where there are more, inputs are drawn as an image."""


def chosen(data: xr.Dataset | Result, phases: Sequence[str] | None) -> list[str]:
    """The phases to draw, in the order in which they are given; else the first and the last."""
    known = recordings.phases(data)
    if phases is None:
        return list(dict.fromkeys((known[0], known[-1])))
    named = [one_of("phase", phase, known) for phase in items("phases", phases, "names of recorded phases")]
    if not named:
        raise InputError(f"phases names none; it must be some of {', '.join(known)}")
    return named


def states(data: xr.Dataset | Result, rule: str, phases: Sequence[str], replicate: int) -> list[str]:
    """The states and traces of the neurons that are not the activity by another name, the membrane first."""
    names = [name for name in panels.trace_names(data, rule) if name not in ("activity", "feedback", "error")]

    def values(name: str) -> np.ndarray:
        return recording(data, name, phases[-1], replicate, rule).values

    own = [name for name in names if not np.array_equal(values(name), values("activity"))]
    return sorted(own, key=lambda name: name != "v")


def over_phases(
    data: xr.Dataset | Result,
    rule: str,
    replicate: int,
    phases: Sequence[str],
    drawn: dict[str, tuple[float, Callable[[Axes, str], None]]],
) -> Figure:
    """A column for each phase: the stimulus on top, what is given with its height, and the error below."""

    def lines(name: str, each: str) -> Callable[[Axes, str], None]:
        def draw(ax: Axes, phase: str) -> None:
            values = recording(data, name, phase, replicate, rule)
            count = values.shape[1]
            if count > len(GREYS):
                matrices.activity_map(values.values, ax, colorbar=False)
                ax.set_ylabel(f"{name} {each}s")
                return
            names = [f"{each} {index}" for index in range(count)]
            unit = values.attrs.get("units", "1")
            circuits.time_courses(values.values, ax, name, unit, names, spacing=0, colours=GREYS)
            if name == "error":
                ax.axhline(0, color="0.7", linewidth=0.6, zorder=1)
            if phase == phases[-1] and count > 1:
                ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))

        return draw

    rows = dict(drawn)
    if "trace_stimulus" in dataset(data):
        rows = {"stimulus": (0.7, lines("stimulus", "input")), **rows}
    if "trace_error" in dataset(data):
        rows["error"] = (0.7, lines("error", "coordinate"))
    heights = [height for height, _ in rows.values()]
    with style.styled():
        figure = style.Drawn(figsize=(3.1 * len(phases) + 1, 1.05 * sum(heights) + 0.7))
        axes = figure.subplots(len(rows), len(phases), squeeze=False, sharex="col", height_ratios=heights)
        for row, (_, draw) in zip(axes, rows.values(), strict=True):
            for ax, phase in zip(row, phases, strict=True):
                draw(ax, phase)
                ax.label_outer()
            limits = np.array([ax.get_ylim() for ax in row])
            for ax in row:
                ax.set_ylim(limits[:, 0].min(), limits[:, 1].max())
        for ax, phase in zip(axes[0], phases, strict=True):
            ax.set_title(phase)
        figure.suptitle(f"{style.label(rule)}, replicate {replicate}")
        figure.align_ylabels(axes[:, 0])
    return figure
