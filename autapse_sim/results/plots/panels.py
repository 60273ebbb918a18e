"""One plot per function, drawn on axes that the caller gives, so that figures are composed freely."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from autapse_sim.checks import whole
from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.results.plots import style
from autapse_sim.results.result import Result, dataset, of_rule, rules

FLOOR = 1e-8
"""Errors below it are drawn at it: the axis is logarithmic."""
UNTRACED = ("activity", "feedback", "error")
"""What every rule has; traces are drawn below the first of these."""
CURVES = {
    "train": ("mse_train", "training_trajectory", "training"),
    "validate": ("mse_validate", "validation", "validation"),
}


def grid(count: int, each: tuple[float, float], beside: tuple[float, float]) -> tuple[Figure, np.ndarray, int]:
    """A figure of so many panels, up to four in a row: itself, its axes, and how many stand in a row.

    `each` is the size of a panel and `beside` what is added to the figure, (width, height) in inches.
    """
    columns = min(4, count)
    rows = -(-count // columns)
    figure = style.Drawn(figsize=(each[0] * columns + beside[0], each[1] * rows + beside[1]))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax in axes[count:]:
        ax.remove()
    return figure, axes[:count], columns


def unit(data: xr.Dataset | Result, power: int = 1) -> str:
    """What a target is measured in, squared where `power` is 2; '1' where it has no unit.

    A verdict tells it in the attribute `unit`, other results in the units of `target`, `trace_error` or `mse_train`.
    """
    data = dataset(data)
    held = [data[name].attrs.get("units") for name in ("target", "trace_error", "mse_train") if name in data]
    given = data.attrs.get("unit") or next(filter(None, held), "1").removeprefix("squared ")
    return given if given == "1" or power == 1 else f"{given}²"


def labelled(what: str, unit: str, apart: str = " ") -> str:
    """A label with its unit, where there is one."""
    return what if unit == "1" else f"{what}{apart}({unit})"


def trajectories(data: xr.Dataset | Result, ax: Axes, rule: str, recorded: int = 0, trajectory: int = 0) -> None:
    """Draw the predicted against the true trajectory, in the box where the targets lie in it.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A result with a test.
    ax : matplotlib.axes.Axes
        Where to draw.
    rule : str
        Whose predictions.
    recorded, trajectory : int
        Positions among the recorded replicates and the test trajectories.
    """
    part = of_rule(data, rule)
    at = {"recorded": recorded, "trajectory": trajectory}
    target, prediction = (
        _pick(_need(part, name, "test"), at).transpose("step", "coordinate").values for name in ("target", "prediction")
    )
    if target.shape[1] < 2:
        raise InputError("a trajectory is drawn in a plane, and this result has one coordinate only")
    first = np.isfinite(target[:, :2]).all(axis=1).argmax()  # what comes before does not count
    target, prediction = target[first:], prediction[first:]
    box(ax, target, prediction, unit(data))
    ax.plot(*target.T[:2], color="0.35", linewidth=2.4, alpha=0.6, label="true")
    ax.plot(*prediction.T[:2], color=style.colour(rule), label="predicted")
    ax.plot(*target[0, :2], "o", color="0.35", markersize=3.5, label="start")
    ax.plot(*prediction[0, :2], "o", color=style.colour(rule), markersize=3.5)


def box(ax: Axes, target: np.ndarray, prediction: np.ndarray, unit: str) -> None:
    """Axes in a plane that hold a target (steps, 2 or more) and, as far as it stays near, a prediction.

    The unit box is drawn where the targets lie in it.
    """
    # a target that is NaN does not count
    low, high = np.fmin.reduce(target[:, :2], initial=0), np.fmax.reduce(target[:, :2], initial=1)
    if np.all(low == 0) and np.all(high == 1):
        ax.add_patch(Rectangle((0, 0), 1, 1, fill=False, edgecolor="0.7", linewidth=0.8))
    seen = np.where(np.isfinite(prediction), prediction, 0.5)[:, :2]
    reach = high - low
    bottom = np.clip(np.minimum(low, seen.min(axis=0)), low - reach, low) - 0.05 * reach
    top = np.clip(np.maximum(high, seen.max(axis=0)), high, high + reach) + 0.05 * reach
    ax.set(
        xlim=(bottom[0], top[0]),
        ylim=(bottom[1], top[1]),
        aspect="equal",
        xlabel=labelled("x", unit),
        ylabel=labelled("y", unit),
    )


def learning_curve(data: xr.Dataset | Result, ax: Axes, rule: str, kind: str = "train") -> None:
    """Draw median and quartiles over the replicates of the MSE against the training trajectory.

    A network that diverged counts as infinitely wrong; what lies above ten times the error at the start is drawn there
    (where that is 0 or infinite: above the largest error that is finite), and an arrowhead marks where the median gets
    so far. A single trajectory is a dot.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A result with training, or with validation.
    ax : matplotlib.axes.Axes
        Where to draw.
    rule : str
        Whose curve.
    kind : {'train', 'validate'}
        Which MSE.
    """
    name, dim, part = CURVES[one_of("kind", kind, CURVES)]
    mse = _need(of_rule(data, rule), name, part).transpose("replicate", dim)
    ceiling = _ceiling(dataset(data)[name].transpose(dim, ...).values)
    lower, median, upper = (np.clip(_quantile(mse.values, share), FLOOR, ceiling) for share in (0.25, 0.5, 0.75))
    seen = mse[dim].values if dim in mse.coords else np.arange(1, mse.sizes[dim] + 1)
    colour = style.colours(rules(data))[rule]  # several stand in one panel
    ax.fill_between(seen, lower, upper, color=colour, alpha=0.15, linewidth=0)
    ax.plot(seen, median, "-" if len(seen) > 1 else "o", color=colour, label=style.label(rule))
    ax.plot(seen[median == ceiling][:1], median[median == ceiling][:1], "^", color=colour)
    ax.set(yscale="log", xlabel="training trajectories seen", ylabel=labelled(f"{part} MSE", unit(data, 2)))


def control_lines(data: xr.Dataset | Result, ax: Axes, labels: bool = True) -> None:
    """Draw the test MSE of every control as a line: mean over trajectories, median over replicates.

    The labels stand right of the axes, moved apart where lines are close: draw the curves first.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A result with controls.
    ax : matplotlib.axes.Axes
        Where to draw.
    labels : bool
        Whether to name the lines.
    """
    mse = _need(dataset(data), "control_mse", "controls").mean("trajectory", skipna=False)
    values = np.maximum(_quantile(mse.transpose("replicate", "control").values, 0.5), FLOOR)
    finite = np.flatnonzero(np.isfinite(values))
    if finite.size == 0:
        return
    ax.set_yscale("log")
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, values[finite].min() / 1.3), max(high, values[finite].max() * 1.3))
    for control in finite.tolist():
        ax.axhline(values[control], color="0.45", linewidth=0.8, linestyle=style.dashes(control), zorder=1)
    if labels:
        _label_lines(ax, values[finite], [str(mse["control"].values[control]) for control in finite])


def trace_names(data: xr.Dataset | Result, rule: str) -> list[str]:
    """The panels that `traces` draws for a rule, from the top: activity, the traces that it has, feedback, error."""
    part = of_rule(data, rule)
    _need(part, "trace_activity", "traces")
    own = [str(name).removeprefix("trace_") for name in part.data_vars if str(name).startswith("trace_")]
    own = [name for name in own if name not in (*UNTRACED, "stimulus", "spikes")]
    above, *below = UNTRACED
    return [above, *(name for name in own if part[f"trace_{name}"].notnull().any()), *below]


def traces(data: xr.Dataset | Result, axes: Sequence[Axes], rule: str, phase: str, recorded: int = 0) -> None:
    """Draw activity, trace, feedback and error of one replicate over one trajectory, one above the other.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A result with traces.
    axes : sequence of matplotlib.axes.Axes
        Where to draw, one for each of `trace_names`.
    rule : str
        Whose traces.
    phase : str
        Which trajectory, 'training 1' for example.
    recorded : int
        Position among the recorded replicates.
    """
    names = trace_names(data, rule)
    if len(axes) != len(names):
        raise InputError(f"traces of {rule} need {len(names)} axes ({', '.join(names)}), not {len(axes)}")
    part = of_rule(data, rule)
    one_of("phase", phase, [str(known) for known in part["phase"].values])
    for ax, name in zip(axes, names, strict=True):
        values = _pick(_need(part, f"trace_{name}", "traces").sel(phase=phase), {"recorded": recorded})
        each = next(dim for dim in values.dims if dim != "step")
        many = values.sizes[each] > len(LINES)
        for index in range(values.sizes[each]):
            line = "-" if many else LINES[index]
            width, alpha = (0.5, 0.5) if many else (1.1, None)
            steps = values["step"].values
            ax.plot(
                steps,
                values.isel({each: index}),
                line,
                color=style.colour(rule),
                label=f"{each} {index}",
                linewidth=width,
                alpha=alpha,
            )
        if name in ("feedback", "error"):
            ax.axhline(0, color="0.7", linewidth=0.6, zorder=1)
        if not many and name in ("activity", "error"):
            ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
        measured = unit(data) if name == "error" else values.attrs.get("units", "1")
        ax.set_ylabel(labelled(name if len(name) > 1 else f"trace {name}", measured, apart="\n"))
        ax.sharex(axes[-1])
        ax.tick_params(labelbottom=ax is axes[-1])
    axes[-1].set(xlabel="step", xlim=(steps[0], steps[-1]))


LINES = ("-", "--", ":", "-.")
"""Line styles of the neurons, or coordinates, in one panel; where there are more, all are thin."""


def _need(data: xr.Dataset, name: str, part: str) -> xr.DataArray:
    """The variable `name`, or an error that says which part of the experiment is absent."""
    full = name in ("target", "prediction", "stimulus") or name.startswith("trace_")
    if full and data.sizes.get("recorded") == 0:
        raise InputError(f"no replicate of this result was kept in full, and the plot needs {name!r}: record 1 or more")
    if name not in data or data[name].size == 0:
        raise InputError(f"this result has no {part}: the plot needs {name!r}")
    return data[name]


def _pick(values: xr.DataArray, at: dict[str, int]) -> xr.DataArray:
    for dim, index in at.items():
        if whole(dim, index) >= values.sizes[dim]:
            raise InputError(f"{dim} is {index}; this result holds {values.sizes[dim]}, counted from 0")
    return values.isel(at)


def _quantile(values: np.ndarray, share: float) -> np.ndarray:
    """Quantile along the first axis with NaN as infinity (NumPy's own makes NaN of infinities)."""
    ordered = np.sort(np.where(np.isnan(values), np.inf, values), axis=0)
    position = share * (len(ordered) - 1)
    below = int(position)
    beyond = position - below
    return ordered[below] if beyond == 0 else (1 - beyond) * ordered[below] + beyond * ordered[below + 1]


def _ceiling(errors: np.ndarray) -> float:
    """Above what errors, the first along the first axis, are drawn at the edge."""
    start = float(_quantile(errors[0].ravel(), 0.5))
    if 0 < start < np.inf:
        return 10 * start
    # a first trajectory may ask for nothing, and networks may diverge in it
    return float(np.max(errors, initial=0, where=np.isfinite(errors))) or 1.0


def _label_lines(ax: Axes, values: np.ndarray, names: list[str]) -> None:
    """Name horizontal lines at the right of the axes, with labels moved apart and joined to their lines."""
    order = np.argsort(values)
    heights = ax.transAxes.inverted().transform(ax.transData.transform([(1, values[index]) for index in order]))[:, 1]
    size = 6.5
    gap = 1.25 * size / (72 * ax.bbox.height / ax.figure.dpi)
    for index, height in zip(order, _apart(heights, gap), strict=True):
        ax.annotate(
            names[index],
            xy=(1, values[index]),
            xycoords=ax.get_yaxis_transform(),
            xytext=(1.08, height),
            textcoords="axes fraction",
            va="center",
            fontsize=size,
            color="0.25",
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "relpos": (0, 0.5),
                "linewidth": 0.5,
                "color": "0.6",
                "shrinkA": 1,
                "shrinkB": 0,
            },
        )


def _apart(heights: np.ndarray, gap: float) -> np.ndarray:
    """Ascending heights moved as little as possible until neighbours are `gap` apart, within 0 to 1 where they fit."""
    from scipy.optimize import isotonic_regression  # slow to load, and for few figures

    steps = gap * np.arange(len(heights))
    return np.clip(isotonic_regression(heights - steps).x, 0, max(0, 1 - steps[-1])) + steps
