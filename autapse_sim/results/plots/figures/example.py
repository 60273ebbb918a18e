"""Predictions of one held-out trajectory."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from autapse_sim.names import one_of
from autapse_sim.results.plots import panels, style
from autapse_sim.results.plots.looks import colours, legend, methods, number, part_of
from autapse_sim.results.result import Result, dataset
from autapse_sim.results.scores import mean_squared_error

KIND, PLACE, NEEDS = "verdict", 130, ("mse_online", "example_prediction")
CAPTION = (
    "One held-out trajectory around its sharpest turn: look whether a prediction turns with the target, or "
    "only follows the stimulus."
)
WINDOW = 40
"""Steps shown of a longer trajectory."""


def turn(target: np.ndarray) -> tuple[int, slice]:
    """The coordinate and the steps around the sharpest turn of a target (T, c); of one that has none, where it counts.

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
    if not middle.any():  # classes, say, which are asked for at the end
        margin, middle = 0, np.isfinite(target)
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


def draw(data: xr.Dataset | Result) -> Figure:
    """One held-out trajectory around its sharpest turn: target, stimulus and the prediction of every method."""
    part_of(data, "example_prediction", "example")
    names = methods(data)
    with style.styled():
        figure, axes, columns = panels.grid(len(names), each=(1.75, 1.45), beside=(0.4, 0.6))
        for ax, method in zip(axes, names, strict=True):
            draw_example(data, ax, method)
        limits = np.array([ax.get_ylim() for ax in axes])
        for index, ax in enumerate(axes):
            ax.set_ylim(limits[:, 0].min(), limits[:, 1].max())
            if index % columns:
                ax.set_ylabel("")
                ax.tick_params(labelleft=False)
            if index < columns * ((len(axes) - 1) // columns):
                ax.set_xlabel("")
                ax.tick_params(labelbottom=index + columns >= len(axes))
        each = [dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True)) for ax in axes]
        kept = {name: each[0][name] for name in ("target", "stimulus") if name in each[0]}
        predicted = tuple(handles["predicted"] for handles in each[:4])
        coordinate = turn(dataset(data)["example_target"].transpose("step", "coordinate").values)[0]
        title = "one held-out trajectory, the same for all; in each title the MSE over all of its steps and coordinates"
        if dataset(data).sizes["coordinate"] > 1:
            title += f"; shown: coordinate {dataset(data)['coordinate'].values[coordinate]}"
        legend(figure, [*kept.values(), predicted], [*kept, "predicted"], title)
    return figure
