"""The figures of a verdict; their panels are those of `autapse_sim.results.plots.evidence_panels`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from autapse_sim.names import one_of
from autapse_sim.results.plots import panels, style
from autapse_sim.results.plots.evidence_panels import (
    draw_ablations,
    draw_alignment,
    draw_control_lines,
    draw_curves,
    draw_diverged,
    draw_rates,
    draw_ratios,
    draw_scores,
)
from autapse_sim.results.plots.looks import READOUTS, REFERENCE, colours, methods, number, part_of
from autapse_sim.results.result import Result, dataset
from autapse_sim.results.scores import mean_squared_error

WINDOW = 40
"""Steps shown of a longer trajectory."""


def turn(target: np.ndarray) -> tuple[int, slice]:
    """The coordinate and the steps around the sharpest turn of a target (T, c).

    Examples
    --------
    >>> path = np.abs(np.arange(100) - 70.0)[:, None] * [1, 0]
    >>> turn(path)
    (0, slice(50, 90, None))
    """
    steps = len(target)
    sharp = np.zeros(target.shape)
    sharp[1:-1] = np.nan_to_num(np.abs(np.diff(target, n=2, axis=0)))
    margin = min(WINDOW // 2, (steps - 1) // 2)
    middle = sharp[margin : steps - margin]
    at, coordinate = np.unravel_index(np.argmax(middle), middle.shape)
    first = int(np.clip(at + margin - WINDOW // 2, 0, max(0, steps - WINDOW)))
    return int(coordinate), slice(first, min(first + WINDOW, steps))


def draw_example(
    data: xr.Dataset | Result, ax: Axes, method: str, coordinate: int | None = None, steps: slice | None = None
) -> None:
    """Draw what a method predicts on one held-out trajectory, with target and stimulus, over time.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A verdict with `example_prediction` and `example_target`.
    ax : matplotlib.axes.Axes
        Where to draw.
    method : str
        Whose prediction.
    coordinate : int, optional
        Of the target; else the one that turns most sharply.
    steps : slice, optional
        Positions of the steps shown; else those around that turn.
    """
    data = dataset(data)
    one_of("method", method, methods(data))
    target = part_of(data, "example_target", "example").transpose("step", "coordinate").values
    prediction = (
        part_of(data, "example_prediction", "example").sel({"method": method}).transpose("step", "coordinate").values
    )
    found = turn(target)
    coordinate = found[0] if coordinate is None else coordinate
    steps = found[1] if steps is None else steps
    time = (data["step"].values if "step" in data.coords else np.arange(len(target)))[steps]
    seen = [target[steps, coordinate]]
    if "example_stimulus" in data:
        stimulus = data["example_stimulus"].transpose("step", "input").values[steps]
        if stimulus.shape[1] == target.shape[1]:
            stimulus = stimulus[:, [coordinate]]
        ax.plot(time, stimulus, ":", color="0.45", linewidth=1, label="stimulus")
        seen += list(stimulus.T)
    ax.plot(time, target[steps, coordinate], color="0.35", linewidth=2.6, alpha=0.5, label="target")
    predicted = prediction[steps, coordinate]
    ax.plot(time, predicted, color=colours(data)[method], label="predicted")
    low, high = (pick(np.concatenate(seen)) for pick in (np.nanmin, np.nanmax))
    reach = (high - low) or 1.0
    finite = predicted[np.isfinite(predicted)]
    bottom = np.clip(finite.min(initial=low), low - reach, low) - 0.06 * reach
    ax.set_ylim(bottom, np.clip(finite.max(initial=high), high, high + reach) + 0.06 * reach)
    ax.set_xlim(time[0], time[-1])
    error = float(mean_squared_error(prediction, target, axis=None)) if np.isfinite(prediction).all() else np.inf
    said = f"MSE {number(error)}" if np.isfinite(error) else "diverged"
    ax.set_title(f"{style.label(method)}: {said}", fontsize=7.5)
    ax.set(xlabel="step", ylabel=panels.labelled("target", panels.unit(data)))


def scores(data: xr.Dataset | Result) -> Figure:
    """Test MSE of all methods and controls, and of the methods over the fixed reservoir, replicate by replicate."""
    data = dataset(data)
    rows = len(methods(data)) + data.sizes.get("control", 0)
    paired = REFERENCE in methods(data)
    with style.styled():
        figure = Figure(figsize=(7.2, 0.27 * rows + 1.3))
        axes = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1)) if paired else [figure.subplots()]
        draw_scores(data, axes[0])
        if paired:
            draw_ratios(data, axes[1])
            axes[1].tick_params(axis="y", labelleft=False, length=0)
        handles = [
            Line2D([], [], color="0.3", marker="o", markerfacecolor="0.3" if name == "mse_online" else "white")
            for name in READOUTS
            if name in data
        ]
        title = f"dots: {data.sizes['replicate']} replicates; bars: middle half, with the median"
        if paired:
            title += "; right: median ratio with 95% interval"
        _legend(figure, handles, [READOUTS[name] for name in READOUTS if name in data], title)
    return figure


def learning_curves(data: xr.Dataset | Result, scale: str = "log") -> Figure:
    """Validation MSE over training of every method, with the controls as lines."""
    with style.styled():
        figure = Figure(figsize=(7.2, 3.7))
        ax = figure.subplots()
        draw_curves(data, ax, scale)
        title = f"median and quartiles over {dataset(data).sizes['replicate']} replicates (▲: beyond the scale)"
        _legend(figure, *_handles(ax), title)
        if "control_mse" in dataset(data):
            figure.draw_without_rendering()  # names are moved apart by the height that the axes have
            draw_control_lines(data, ax)
    return figure


def example(data: xr.Dataset | Result) -> Figure:
    """One held-out trajectory around its sharpest turn: target, stimulus and the prediction of every method."""
    part_of(data, "example_prediction", "example")
    names = methods(data)
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    with style.styled():
        figure = Figure(figsize=(1.75 * columns + 0.4, 1.45 * rows + 0.6))
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax in axes[len(names) :]:
            ax.remove()
        axes = axes[: len(names)]
        for ax, method in zip(axes, names, strict=True):
            draw_example(data, ax, method)
        limits = np.array([ax.get_ylim() for ax in axes])
        for index, ax in enumerate(axes):
            ax.set_ylim(limits[:, 0].min(), limits[:, 1].max())
            if index % columns:
                ax.set_ylabel("")
                ax.tick_params(labelleft=False)
            if index < columns * (rows - 1):
                ax.set_xlabel("")
                ax.tick_params(labelbottom=index + columns >= len(axes))
        each = [dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True)) for ax in axes]
        kept = {name: each[0][name] for name in ("target", "stimulus") if name in each[0]}
        predicted = tuple(handles["predicted"] for handles in each[:4])
        coordinate = turn(dataset(data)["example_target"].transpose("step", "coordinate").values)[0]
        title = "one held-out trajectory, the same for all; in each title the MSE over all of its steps and coordinates"
        if dataset(data).sizes["coordinate"] > 1:
            title += f"; shown: coordinate {dataset(data)['coordinate'].values[coordinate]}"
        _legend(figure, [*kept.values(), predicted], [*kept, "predicted"], title)
    return figure


def alignment(data: xr.Dataset | Result) -> Figure:
    """How the update of every method stands to the exact gradient over training."""
    with style.styled():
        figure = Figure(figsize=(5.2, 3.2))
        ax = figure.subplots()
        draw_alignment(data, ax)
        cosine = dataset(data)["alignment"].transpose("method", "updates_aligned", ...)
        title = f"median and quartiles over {cosine.shape[-1]} replicates"
        _legend(figure, *_handles(ax), title)
    return figure


def ablations(data: xr.Dataset | Result) -> Figure:
    """What becomes of the judged rule when a part of it is changed."""
    rows = part_of(data, "ablation_mse", "ablations").sizes["ablation"]
    with style.styled():
        figure = Figure(figsize=(6, 0.24 * rows + 1.1))
        ax = figure.subplots()
        draw_ablations(data, ax)
        bar = Patch(color=colours(data)[methods(data)[0]], alpha=0.45, linewidth=0)
        handles, labels = ax.get_legend_handles_labels()
        _legend(figure, [bar, *handles], ["median of an ablation, with its 95% interval", *labels], None)
    return figure


def learning_rates(data: xr.Dataset | Result) -> Figure:
    """What every learning rate of the grid gives on the pilots, and how many diverge at it."""
    data = dataset(data)
    rows = 0.17 * len(methods(data))
    with style.styled():
        figure = Figure(figsize=(6, 3 + rows))
        axes = figure.subplots(2, 1, sharex=True, height_ratios=(2.3, rows + 0.2))
        draw_rates(data, axes[0])
        draw_diverged(data, axes[1])
        axes[0].set_xlabel("")
        title = f"median over {data.sizes['pilot']} pilots; ring: chosen; ▲: beyond the scale, or most diverged"
        _legend(figure, *_handles(axes[0]), title)
        figure.align_ylabels()
    return figure


EVIDENCE: dict[str, Callable[[xr.Dataset | Result], Figure]] = {
    "scores": scores,
    "learning_curves": learning_curves,
    "example": example,
    "alignment": alignment,
    "ablations": ablations,
    "learning_rates": learning_rates,
}
"""Every figure by its name, in the order in which they are read."""
NEEDED = {
    "scores": "mse_online",
    "learning_curves": "curve",
    "example": "example_prediction",
    "alignment": "alignment",
    "ablations": "ablation_mse",
    "learning_rates": "grid_mse",
}
"""The variable without which a figure is left out."""


def evidence(data: xr.Dataset | Result) -> dict[str, Figure]:
    """All the figures that a verdict has the numbers for."""
    held = dataset(data)
    return {name: draw(data) for name, draw in EVIDENCE.items() if NEEDED[name] in held and held[NEEDED[name]].size}


def _handles(ax: Axes) -> tuple[list, list[str]]:
    """Handles and labels of axes on which the judged rule was drawn last, it first."""
    handles, labels = ax.get_legend_handles_labels()
    return handles[::-1], labels[::-1]


def _legend(figure: Figure, handles: list, labels: list[str], title: str | None, columns: int = 4) -> None:
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
