"""The figures of a verdict: what each method scored, how it learned, and why.

Every `draw_...` function draws one panel on the caller's axes; the functions named in `EVIDENCE` make whole figures of
them. A replicate that diverged counts as infinitely wrong: it is drawn at the edge and said in words, never dropped.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.plots import panels, style
from autapse_sim.results import Result, dataset
from autapse_sim.scores import mean_squared_error, median_interval
from autapse_sim.statistics import compare_paired

RESERVOIRS = {"fixed reservoir": "0.3", "tuned reservoir": "0.6"}
"""Colours of the networks in which only the read-out learns."""
REFERENCE = "fixed reservoir"
"""What a rule has to beat."""
READOUTS = {"mse_online": "read-out as trained", "mse_refit": "read-out refitted"}
WINDOW = 40
"""Steps shown of a longer trajectory."""
BEYOND = 3
"""Lines and bars further than this factor from the methods are drawn at the edge, with their value."""


def methods(data: xr.Dataset | xr.DataArray | Result) -> list[str]:
    """The methods of a verdict, or of a part of it, the judged rule first."""
    part = data if isinstance(data, xr.DataArray) else dataset(data)
    return [str(method) for method in part["method"].values]


def colours(data: xr.Dataset | Result) -> dict[str, str]:
    """A colour for each method, different ones as far as the palette goes."""
    chosen = {method: RESERVOIRS.get(method) or style.COLOURS.get(style.label(method)) for method in methods(data)}
    for method in chosen:
        if chosen[method] is None:
            own = style.colour(method)
            free = [colour for colour in (own, *style.OTHERS) if colour not in chosen.values()]
            chosen[method] = free[0] if free else own
    return chosen


def draw_curves(data: xr.Dataset | Result, ax: Axes, scale: str = "log") -> None:
    """Draw validation MSE against weight updates: median and quartiles of every method.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A verdict with `curve`.
    ax : matplotlib.axes.Axes
        Where to draw.
    scale : {'log', 'linear'}
        Of the MSE.
    """
    one_of("scale", scale, ("log", "linear"))
    curve = _need(data, "curve", "learning curves").transpose("method", "updates", "replicate")
    errors = _errors(curve.values)
    start = panels._quantile(errors[:, 0].ravel(), 0.5)
    ceiling = 10 * start if np.isfinite(start) else 1.0
    updates = curve["updates"].values
    shown = []
    for index, method in reversed(list(enumerate(methods(data)))):  # the judged rule on top
        look = _look(data, method)
        lower, median, upper = (
            np.clip(panels._quantile(errors[index].T, share), panels.FLOOR, ceiling) for share in (0.25, 0.5, 0.75)
        )
        ax.fill_between(updates, lower, upper, color=look["color"], alpha=0.15, linewidth=0)
        ax.plot(updates, median, label=_diverged(style.label(method), errors[index, -1]), **look)
        ax.plot(updates[median == ceiling][:1], median[median == ceiling][:1], "^", color=look["color"])
        shown += [lower, median, upper]
    values = np.concatenate(shown)
    values = values[np.isfinite(values)]
    ax.set(yscale=scale, xlabel="weight updates", ylabel=panels.labelled("validation MSE", panels.unit(data, 2)))
    ax.margins(x=0)
    if values.size:
        ax.set_ylim(values.min() / 1.2 if scale == "log" else 0, values.max() * 1.2)


def draw_control_lines(data: xr.Dataset | Result, ax: Axes) -> None:
    """Draw the median test MSE of every control as a line named at the right; draw the curves first.

    A control far outside the curves is named with its value at the edge on its side.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A verdict with `control_mse`.
    ax : matplotlib.axes.Axes
        Where to draw.
    """
    names, medians = _control_medians(data)
    bottom, top = ax.get_ylim()
    floor = bottom / BEYOND if ax.get_yscale() == "log" else bottom
    inside = (medians >= floor) & (medians <= top * BEYOND)
    if inside.any():
        lowest = medians[inside].min() / 1.2 if ax.get_yscale() == "log" else bottom
        ax.set_ylim(min(bottom, lowest), max(top, medians[inside].max() * 1.2))
    bottom, top = ax.get_ylim()
    for control in np.flatnonzero(inside):
        ax.axhline(medians[control], color="0.45", linewidth=0.8, linestyle=style.dashes(control), zorder=1)
    labels = [
        name if within else f"{name}: {_number(median)} {'↑' if median > top else '↓'}"
        for name, median, within in zip(names, medians, inside, strict=True)
    ]
    panels._label_lines(ax, np.clip(medians, bottom, top), labels)


def draw_scores(data: xr.Dataset | Result, ax: Axes) -> None:
    """Draw the test MSE of every method, with the read-out as trained and refitted, and of every control.

    Dots are replicates, bars the middle half, and a white stroke the median; a row each, from the top.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A verdict.
    ax : matplotlib.axes.Axes
        Where to draw.
    """
    data = dataset(data)
    readouts = [name for name in READOUTS if name in data]
    scores = {name: _errors(_need(data, name, "test").transpose("method", "replicate").values) for name in readouts}
    controls, medians = _control_medians(data) if "control_mse" in data else ([], np.empty(0))
    everything = np.concatenate(
        [panels._quantile(score.T, share) for score in scores.values() for share in (0.25, 0.75)]
    )
    everything = np.concatenate([everything, medians])
    typical = np.concatenate([panels._quantile(score.T, 0.5) for score in scores.values()])
    typical = typical[np.isfinite(typical)] if np.isfinite(typical).any() else np.ones(1)
    near = everything[(everything > typical.min() / 10) & (everything < typical.max() * 10)]
    low, high = (near.min() / 2, near.max() * 2) if near.size else (typical.min() / 2, typical.max() * 2)
    names = []
    for row, (method, colour) in enumerate(colours(data).items()):
        for index, (name, score) in enumerate(scores.items()):
            at = row + (0.2 * (2 * index - 1) if len(scores) > 1 else 0)
            _distribution(ax, score[row], at, colour, filled=name == "mse_online", limits=(low, high))
        names.append(_diverged(style.label(method), *(score[row] for score in scores.values())))
    if controls:
        errors = _errors(data["control_mse"].transpose("control", "replicate").values)
        for row, (values, median) in enumerate(zip(errors, medians, strict=True), start=len(names)):
            _distribution(ax, values, row, "0.5", filled=True, limits=(low, high))
            if not low <= median <= high:
                side, value = median > high, _number(median)
                text = f"{value} ▶" if side else f"◀ {value}"
                place = {"x": 0.99 if side else 0.01, "ha": "right" if side else "left"}
                ax.text(y=row, s=text, va="center", fontsize=6.5, transform=ax.get_yaxis_transform(), **place)
        names += [_diverged(name, values) for name, values in zip(controls, errors, strict=True)]
        ax.axhline(len(names) - len(controls) - 0.5, color="0.8", linewidth=0.6)
    ax.set(
        xscale="log",
        xlim=(low, high),
        ylim=(len(names) - 0.5, -0.5),
        xlabel=panels.labelled("test MSE", panels.unit(data, 2)),
    )
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)


def draw_ratios(data: xr.Dataset | Result, ax: Axes) -> None:
    """Draw each method's test MSE over that of the fixed reservoir in the same replicate: median, 95% interval.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A verdict with the method 'fixed reservoir'.
    ax : matplotlib.axes.Axes
        Where to draw; its rows are those of `draw_scores`.
    """
    data = dataset(data)
    one_of("method", REFERENCE, methods(data))
    readouts = [name for name in READOUTS if name in data]
    ratios = {}
    for row, method in enumerate(methods(data)):
        if method != REFERENCE:
            for index, name in enumerate(readouts):
                errors = data[name]
                reduction = compare_paired(errors.sel({"method": method}), errors.sel({"method": REFERENCE})).reduction
                at = row + (0.2 * (2 * index - 1) if len(readouts) > 1 else 0)
                ratios[at] = (method, name, 1 - np.array([reduction.high, reduction.estimate, reduction.low]))
    finite = np.array([values for _, _, values in ratios.values()])
    finite = finite[np.isfinite(finite) & (finite > 0)]
    low, high = (min(0.8, finite.min() / 1.2), max(1.25, min(finite.max() * 1.2, 10))) if finite.size else (0.8, 1.25)
    for at, (method, name, values) in ratios.items():
        look = {"color": colours(data)[method], "markerfacecolor": None if name == "mse_online" else "white"}
        below, median, above = np.clip(values, low, high)
        ax.plot([below, above], [at, at], color=look["color"], solid_capstyle="butt")
        ax.plot(median, at, ">" if values[1] > high else "o", markersize=3.5, clip_on=False, **look)
        said = [f"{value:.2f}" if value < 100 else _number(value) for value in values]
        said = "{1} [{0}, {2}]".format(*said) if np.isfinite(values).any() else said[1]
        ax.text(1.06, at, said, va="center", fontsize=5.5, transform=ax.get_yaxis_transform())
    ax.axvline(1, color="0.3", linewidth=0.8, linestyle=style.dashes(0), zorder=1)
    ax.set(xscale="log", xlim=(low, high), xlabel="test MSE ÷ the fixed reservoir's\nin the same replicate")
    _plain_ticks(ax, low, high)


def draw_rates(data: xr.Dataset | Result, ax: Axes) -> None:
    """Draw the final validation MSE of the pilots against the learning rate, with the chosen one marked.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A verdict with `grid_mse`.
    ax : matplotlib.axes.Axes
        Where to draw.
    """
    grid = _piloted(data).transpose("pilot", "method", "eta_grid")
    medians = panels._quantile(_errors(grid.values), 0.5)
    finite = medians[np.isfinite(medians)]
    ceiling = min(finite.max(), 10 * np.median(finite)) * 1.5 if finite.size else 1.0
    eta = grid["eta_grid"].values
    for index, method in reversed(list(enumerate(methods(grid)))):
        look = _look(data, method)
        median = np.clip(medians[index], panels.FLOOR, ceiling)
        ax.plot(eta, median, label=style.label(method), marker=".", markersize=3, **look)
        lost = medians[index] > ceiling
        ax.plot(eta[lost], median[lost], "^", color=look["color"], markersize=4)
        if "eta" in dataset(data):
            chosen = float(dataset(data)["eta"].sel({"method": method}))
            at = np.isclose(eta, chosen)
            ax.plot(eta[at], median[at], "o", color=look["color"], markersize=7, markerfacecolor="none")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="learning rate η",
        ylabel=panels.labelled("validation MSE", panels.unit(data, 2)),
    )


def draw_diverged(data: xr.Dataset | Result, ax: Axes) -> None:
    """Write the share of pilots that diverged at every learning rate, a row per method; a dot is none.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A verdict with `grid_mse`.
    ax : matplotlib.axes.Axes
        Where to draw.
    """
    grid = _piloted(data).transpose("method", "eta_grid", "pilot")
    share = np.mean(~np.isfinite(grid.values), axis=-1)
    shades = [colours(data)[method] for method in methods(grid)]
    for row, colour in enumerate(shades):
        for eta, lost in zip(grid["eta_grid"].values, share[row], strict=True):
            look = {"color": "0.7"} if lost == 0 else {"color": colour, "weight": "bold" if lost >= 0.5 else "normal"}
            ax.text(eta, row, "·" if lost == 0 else f"{lost:.0%}", ha="center", va="center", fontsize=6.5, **look)
    ax.set_yticks(range(len(share)), map(style.label, methods(grid)))
    ax.set(xscale="log", xlabel="learning rate η", ylabel="pilots diverged (%)", ylim=(len(share) - 0.5, -0.5))
    ax.tick_params(axis="y", length=0)


def draw_alignment(data: xr.Dataset | Result, ax: Axes) -> None:
    """Draw the cosine of every method's update with the exact gradient over training: median and quartiles.

    Where an update has no direction (the replicate diverged, or nothing but the read-out learns) it is left out.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A verdict with `alignment`.
    ax : matplotlib.axes.Axes
        Where to draw.
    """
    data = dataset(data)
    cosine = _need(data, "alignment", "alignment").transpose("method", "updates_aligned", ...)
    updates, lowest = cosine["updates_aligned"].values, 0.0
    for index, method in reversed(list(enumerate(methods(data)))):
        values = np.where(np.isfinite(cosine.values[index]), cosine.values[index], np.nan)
        seen = np.isfinite(values).any(axis=-1)
        if not seen.any():
            continue
        lower, median, upper = np.nanquantile(values[seen], (0.25, 0.5, 0.75), axis=-1)
        lowest = min(lowest, lower.min())
        left_out = int(np.isnan(values[seen]).any(axis=-2).sum())
        name = style.label(method) + (f" ({left_out} of {values.shape[-1]} in part undefined)" if left_out else "")
        look = _look(data, method)
        ax.fill_between(updates[seen], lower, upper, color=look["color"], alpha=0.15, linewidth=0)
        ax.plot(updates[seen], median, marker="o", markersize=2.5, label=name, **look)
    if "alignment_blind" in data:
        blind = data["alignment_blind"].transpose("updates_aligned", ...).values
        label = "blind to activity: (B err) 1^T"
        ax.plot(updates, np.nanmedian(blind, axis=-1), color="0.5", linestyle=":", label=label)
    ax.axhline(0, color="0.7", linewidth=0.6, zorder=1)
    ax.set(xlabel="weight updates", ylabel="cosine with the exact gradient", ylim=(min(-0.1, 1.1 * lowest), 1.03))


def draw_ablations(data: xr.Dataset | Result, ax: Axes) -> None:
    """Draw the test MSE of every ablation as a bar, best on top: median with its 95% interval.

    Lines show the judged rule itself and the fixed reservoir; a bar that leaves the scale ends in its value.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A verdict with `ablation_mse`.
    ax : matplotlib.axes.Axes
        Where to draw.
    """
    data = dataset(data)
    mse = _need(data, "ablation_mse", "ablations").transpose("ablation", "replicate")
    errors = _errors(mse.values)
    median, low, high = median_interval(errors)
    judged = methods(data)[0]
    lines = {
        method: float(panels._quantile(_errors(data["mse_online"].sel({"method": method}).values), 0.5))
        for method in dict.fromkeys((judged, REFERENCE))
        if method in methods(data)
    }
    known = [value for value in lines.values() if np.isfinite(value)] or [
        np.min(median[np.isfinite(median)], initial=1)
    ]
    reach = BEYOND * max(known)
    within = [value for value in (*known, *high, *median) if value <= reach]
    top = 1.08 * max(within)
    names = []
    for row, index in enumerate(np.argsort(median, kind="stable")):
        colour = colours(data)[judged]
        ax.barh(row, min(median[index], top), height=0.62, color=colour, alpha=0.45, linewidth=0)
        ax.plot(np.minimum([low[index], high[index]], top), [row, row], color="0.15", linewidth=1)
        if median[index] > top:
            ax.text(1.01 * top, row, f"▶ {_number(median[index])}", va="center", fontsize=6.5)
        names.append(_diverged(str(mse["ablation"].values[index]), errors[index]))
    for method, value in lines.items():
        look = _look(data, method) | {"linewidth": 1.2}
        if np.isfinite(value):
            ax.axvline(value, label=style.label(method), **look)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
    ax.set(xlim=(0, top), ylim=(len(names) - 0.4, -0.6), xlabel=panels.labelled("test MSE", panels.unit(data, 2)))


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
    target = _need(data, "example_target", "example").transpose("step", "coordinate").values
    prediction = (
        _need(data, "example_prediction", "example").sel({"method": method}).transpose("step", "coordinate").values
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
    said = f"MSE {_number(error)}" if np.isfinite(error) else "diverged"
    ax.set_title(f"{style.label(method)}: {said}", fontsize=7.5)
    ax.set(xlabel="step", ylabel=panels.labelled("target", panels.unit(data)))


def scores(data: xr.Dataset | Result) -> Figure:
    """Test MSE of all methods and controls, and of the methods over the fixed reservoir, replicate by replicate."""
    data = dataset(data)
    rows = data.sizes["method"] + data.sizes.get("control", 0)
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
    _need(data, "example_prediction", "example")
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
    rows = _need(data, "ablation_mse", "ablations").sizes["ablation"]
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
    with style.styled():
        figure = Figure(figsize=(6, 3 + 0.17 * data.sizes["method"]))
        axes = figure.subplots(2, 1, sharex=True, height_ratios=(2.3, 0.17 * data.sizes["method"] + 0.2))
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


def _need(data: xr.Dataset | Result, name: str, part: str) -> xr.DataArray:
    """The variable `name`, or an error that says which part of the verdict is absent."""
    data = dataset(data)
    if name not in data or data[name].size == 0:
        raise InputError(f"this verdict has no {part}: the plot needs {name!r}")
    return data[name]


def _piloted(data: xr.Dataset | Result) -> xr.DataArray:
    """The errors of the pilots, without a reservoir that had none."""
    grid = _need(data, "grid_mse", "learning-rate grid")
    had = [name for name in methods(data) if name not in RESERVOIRS or grid.sel({"method": name}).notnull().any()]
    return grid.sel({"method": had})


def _errors(values: np.ndarray) -> np.ndarray:
    """Errors with infinity for whatever diverged."""
    return np.where(np.isfinite(values), values, np.inf)


def _diverged(name: str, *errors: np.ndarray) -> str:
    """A name, with how many of its replicates diverged."""
    lost = int(np.any([np.isinf(one) for one in errors], axis=0).sum())
    return f"{name} ({lost} of {errors[0].size} diverged)" if lost else name


def _look(data: xr.Dataset | Result, method: str) -> dict:
    """Line of a method: the judged rule is thick, a reservoir is broken."""
    judged = method == methods(data)[0]
    dashed = style.dashes(0) if method in RESERVOIRS else "-"
    return {"color": colours(data)[method], "linewidth": 2.2 if judged else 1.2, "linestyle": dashed}


def _control_medians(data: xr.Dataset | Result) -> tuple[list[str], np.ndarray]:
    """Names of the controls and their medians over the replicates."""
    mse = _need(data, "control_mse", "controls").transpose("replicate", "control")
    return [str(name) for name in mse["control"].values], panels._quantile(_errors(mse.values), 0.5)


def _distribution(
    ax: Axes, errors: np.ndarray, at: float, colour: str, filled: bool, limits: tuple[float, float]
) -> None:
    """One row: a dot per replicate, a bar for the middle half, a stroke for the median."""
    lower, median, upper = (np.clip(panels._quantile(errors, share), *limits) for share in (0.25, 0.5, 0.75))
    inside = errors[(errors >= limits[0]) & (errors <= limits[1])]
    spread = np.random.default_rng(0).uniform(-0.13, 0.13, inside.size)
    ax.scatter(inside, at + spread, s=1.2, color=colour, alpha=0.35, linewidths=0, rasterized=True)
    if limits[0] < upper and lower < limits[1]:
        face = colour if filled else "white"
        ax.barh(at, upper - lower, 0.22, lower, color=face, edgecolor=colour, linewidth=0.9, zorder=2)
        ax.plot([median, median], [at - 0.11, at + 0.11], color="white" if filled else colour, linewidth=0.9, zorder=3)


def _plain_ticks(ax: Axes, low: float, high: float) -> None:
    """Ticks 0.1, 0.2, 0.5, 1, 2 ... on a logarithmic axis that spans little."""
    ticks = [factor * 10.0**power for power in range(-6, 7) for factor in (1, 2, 5)]
    ticks = [tick for tick in ticks if low <= tick <= high]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()


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


def _number(value: float) -> str:
    return "infinite" if np.isinf(value) else f"{value:.3f}" if value >= 0.01 else f"{value:.2g}"
