"""A test trajectory as a movie: spikes or activity and traces grow, what is predicted moves beside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from autapse_sim.checks import whole
from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.results import recordings
from autapse_sim.results.plots import circuits, matrices, panels, style
from autapse_sim.results.plots.circuit_axes import time_axis
from autapse_sim.results.plots.movies import Movie
from autapse_sim.results.recordings import recording
from autapse_sim.results.result import Result, dataset, of_rule, rule_of
from autapse_sim.spec.job import STEP

KIND, PLACE, NEEDS = "movie", 300, ("trace_activity", "prediction", "target")
CAPTION = "A test trajectory as it goes: activity, traces, and the prediction beside the target."
TRAIL = 15
"""Steps that a ball leaves behind it."""
MOST = 200
"""Frames, where no number is asked for: longer trajectories go by several steps a frame."""
STATES = 2
"""States and traces of the neurons that are shown, at most."""

Show = Callable[[int], None]
"""Brings axes to a step."""


def draw(
    data: xr.Dataset | Result,
    rule: str | None = None,
    replicate: int = 0,
    phase: str | None = None,
    frames: int | None = None,
    pace: int = 20,
) -> Movie:
    """A test trajectory as a movie: raster or activity and traces grow, the ball and its prediction move beside.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A result with a test and traces of it.
    rule : str, optional
        Which rule; else the first.
    replicate : int
        The number of the replicate.
    phase : str, optional
        A test trajectory, 'test 1' where nothing is said.
    frames : int, optional
        How many pictures; else one a step, up to 200.
    pace : int
        Pictures a second.
    """
    rule = rule_of(data, rule)
    tests = [each for each in recordings.phases(data) if each.startswith("test ")]
    if not tests:
        raise InputError("a movie is of a test trajectory, and no traces of one were recorded")
    phase = one_of("test trajectory", tests[0] if phase is None else phase, tests)
    pace = whole("pace", pace, least=1)
    target, prediction = _tested(data, rule, replicate, phase)
    steps = len(target)
    many = whole("frames", min(steps, MOST) if frames is None else frames, least=1)
    at = np.unique(np.linspace(0, steps - 1, many).astype(int))
    flat = target.shape[1] == 2
    names = [name for name in panels.trace_names(data, rule) if name not in ("activity", "feedback", "error")][:STATES]
    with style.styled():
        figure = style.Drawn(figsize=(8.2 if flat else 5.6, 1.9 + 1.0 * (len(names) + (not flat))))
        left = [["activity"], *([name] for name in names), *([] if flat else [["prediction"]])]
        heights = [1.8, *[1.0] * (len(left) - 1)]
        mosaic: list[Any] = [[*row, "ball"] for row in left] if flat else [*left]
        axes = figure.subplot_mosaic(mosaic, height_ratios=heights, width_ratios=(1.5, 1) if flat else None)
        shows = [_activity(data, rule, replicate, phase, axes["activity"])]
        shows += [_state(data, rule, replicate, phase, name, axes[name]) for name in names]
        shown = (target, prediction, panels.unit(data))
        shows.append(_ball(axes["ball"], *shown, rule) if flat else _lines(axes["prediction"], *shown))
        shared = [axes[row[0]] for row in left]
        for ax in shared[:-1]:
            ax.set_xlabel("")
            ax.tick_params(labelbottom=False)
        figure.suptitle(f"{style.label(rule)}, replicate {replicate}, {phase}")
        figure.align_ylabels(shared)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # nothing moves but what is shown

    def show(frame: int) -> None:
        for each in shows:
            each(int(at[frame]))

    return Movie(figure, show, len(at), pace)


def _tested(data: xr.Dataset | Result, rule: str, replicate: int, phase: str) -> tuple[np.ndarray, np.ndarray]:
    """Target and prediction (steps, coordinates) of a recorded test trajectory."""
    recording(data, "activity", phase, replicate, rule)  # refuses a replicate that was not recorded
    known = dataset(data)["recorded"].values.tolist()
    at = {"recorded": known.index(replicate), "trajectory": int(phase.split()[1]) - 1}
    part = of_rule(data, rule)
    target, prediction = (
        part[name].isel(at).transpose("step", "coordinate").values for name in ("target", "prediction")
    )
    return target, prediction


def _activity(data: xr.Dataset | Result, rule: str, replicate: int, phase: str, ax: Axes) -> Show:
    """Spikes, or where there are none the activity of all neurons, up to now."""
    held = of_rule(data, rule)
    if "trace_spikes" in held and held["trace_spikes"].notnull().any():
        counts = recordings.spikes(data, phase, replicate, rule)
        circuits.raster(counts, ax)
    else:
        values = recording(data, "activity", phase, replicate, rule).values
        matrices.activity_map(values, ax, colorbar=False)
    return _curtain(ax)


def _state(data: xr.Dataset | Result, rule: str, replicate: int, phase: str, name: str, ax: Axes) -> Show:
    """A state or a trace of the three neurons that move most, up to now."""
    values = recording(data, name, phase, replicate, rule)
    some = np.sort(np.argsort(-np.nanstd(values.values, axis=0), kind="stable")[:3])
    unit = values.attrs.get("units", "1")
    circuits.time_courses(values.values[:, some], ax, name, unit, [str(each) for each in some], spacing=0)
    return _curtain(ax)


def _lines(ax: Axes, target: np.ndarray, prediction: np.ndarray, unit: str) -> Show:
    """Target and prediction over time, up to now."""
    time = np.arange(len(target)) * STEP * 1e3
    for values, line, name in ((target, "-", "target"), (prediction, "--", "predicted")):
        for index in range(values.shape[1]):
            label = name if index == 0 else None
            ax.plot(time, values[:, index], line, color=style.PALETTE[index % len(style.PALETTE)], label=label)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    time_axis(ax, len(target), STEP, "ms")
    ax.set_ylabel(panels.labelled("target", unit, apart="\n"))
    return _curtain(ax)


def _curtain(ax: Axes) -> Show:
    """Hides what comes after a step, and marks that."""
    end = ax.get_xlim()[1]
    cover = ax.axvspan(0, end, facecolor="white", edgecolor="none", zorder=10)
    now = ax.axvline(0, color="0.4", linewidth=0.8, zorder=11)

    def show(step: int) -> None:
        at = min((step + 1) * STEP * 1e3, end)
        cover.set_x(at)
        cover.set_width(end - at)
        now.set_xdata([at, at])

    return show


def _ball(ax: Axes, target: np.ndarray, prediction: np.ndarray, unit: str, rule: str) -> Show:
    """The target and where it is predicted to be, each with the way that it came."""
    panels.box(ax, target, prediction, unit)
    looks = [(target, "0.35", 9, "target"), (prediction, style.colour(rule), 6, "predicted")]
    drawn = []
    for values, colour, size, name in looks:
        (way,) = ax.plot([], [], color=colour, linewidth=1.2, alpha=0.5)
        (ball,) = ax.plot([], [], "o", color=colour, markersize=size, label=name)
        drawn.append((values, way, ball))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)

    def show(step: int) -> None:
        for values, way, ball in drawn:
            way.set_data(*values[max(0, step - TRAIL) : step + 1].T)
            ball.set_data(*values[step : step + 1].T)

    return show
