"""The panels of a verdict, on the caller's axes: what each method scored, how it learned, and why.

A replicate that diverged counts as infinitely wrong: it is drawn at the edge and said in words, never dropped.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from autapse_sim.names import one_of
from autapse_sim.results.plots import panels, style
from autapse_sim.results.plots.looks import (
    READOUTS,
    REFERENCE,
    colours,
    control_medians,
    drawn_as,
    measured,
    methods,
    name_with_losses,
    number,
    part_of,
    piloted,
    settled,
    with_infinity,
)
from autapse_sim.results.result import Result, dataset
from autapse_sim.results.scores import median_interval
from autapse_sim.results.statistics import compare_paired

BEYOND = 3
"""Lines and bars further than this factor from the methods are drawn at the edge, with their value."""


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
    curve = part_of(data, "curve", "learning curves").transpose("method", "updates", "replicate")
    errors = with_infinity(curve.values)
    start = panels._quantile(errors[:, 0].ravel(), 0.5)
    ceiling = 10 * start if np.isfinite(start) else 1.0
    updates = curve["updates"].values
    shown = []
    for index, method in reversed(list(enumerate(methods(data)))):  # the judged rule on top
        look = drawn_as(data, method)
        lower, median, upper = (
            np.clip(panels._quantile(errors[index].T, share), panels.FLOOR, ceiling) for share in (0.25, 0.5, 0.75)
        )
        ax.fill_between(updates, lower, upper, color=look["color"], alpha=0.15, linewidth=0)
        ax.plot(updates, median, label=name_with_losses(style.label(method), errors[index, -1]), **look)
        ax.plot(updates[median == ceiling][:1], median[median == ceiling][:1], "^", color=look["color"])
        shown += [lower, median, upper]
    values = np.concatenate(shown)
    values = values[np.isfinite(values)]
    ax.set(yscale=scale, xlabel="weight updates", ylabel=measured(data, "validation"))
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
    names, medians = control_medians(data)
    bottom, top = ax.get_ylim()
    floor = bottom / BEYOND if ax.get_yscale() == "log" else bottom
    inside = (medians >= floor) & (medians <= top * BEYOND)
    if inside.any():
        lowest = medians[inside].min() / 1.2 if ax.get_yscale() == "log" else bottom
        ax.set_ylim(min(bottom, lowest), max(top, medians[inside].max() * 1.2))
    bottom, top = ax.get_ylim()
    for control in np.flatnonzero(inside).tolist():
        ax.axhline(medians[control], color="0.45", linewidth=0.8, linestyle=style.dashes(control), zorder=1)
    labels = [
        name if within else f"{name}: {number(median)} {'↑' if median > top else '↓'}"
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
    parts = {name: part_of(data, name, "test").transpose("method", "replicate") for name in readouts}
    scores = {name: with_infinity(part.values) for name, part in parts.items()}
    controls, medians = control_medians(data) if "control_mse" in data else ([], np.empty(0))
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
        names.append(name_with_losses(style.label(method), *(score[row] for score in scores.values())))
    if controls:
        errors = with_infinity(data["control_mse"].transpose("control", "replicate").values)
        for row, (values, median) in enumerate(zip(errors, medians, strict=True), start=len(names)):
            _distribution(ax, values, row, "0.5", filled=True, limits=(low, high))
            if not low <= median <= high:
                side, value = median > high, number(median)
                text = f"{value} ▶" if side else f"◀ {value}"
                x, ha = (0.99, "right") if side else (0.01, "left")
                ax.text(x, row, text, ha=ha, va="center", fontsize=6.5, transform=ax.get_yaxis_transform())
        names += [name_with_losses(name, values) for name, values in zip(controls, errors, strict=True)]
        ax.axhline(len(names) - len(controls) - 0.5, color="0.8", linewidth=0.6)
    ax.set(
        xscale="log",
        xlim=(low, high),
        ylim=(len(names) - 0.5, -0.5),
        xlabel=measured(data, "test"),
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
                errors, reference = (data[name].sel({"method": each}).values for each in (method, REFERENCE))
                reduction = compare_paired(errors, reference).reduction
                at = row + (0.2 * (2 * index - 1) if len(readouts) > 1 else 0)
                ratios[at] = (method, name, 1 - np.array([reduction.high, reduction.estimate, reduction.low]))
    finite = np.array([values for _, _, values in ratios.values()])
    finite = finite[np.isfinite(finite) & (finite > 0)]
    low, high = (min(0.8, finite.min() / 1.2), max(1.25, min(finite.max() * 1.2, 10))) if finite.size else (0.8, 1.25)
    for at, (method, name, values) in ratios.items():
        colour, face = colours(data)[method], None if name == "mse_online" else "white"
        below, median, above = np.clip(values, low, high)
        ax.plot([below, above], [at, at], color=colour, solid_capstyle="butt")
        shape = ">" if values[1] > high else "o"
        ax.plot(median, at, shape, markersize=3.5, clip_on=False, color=colour, markerfacecolor=face)
        told = [f"{value:.2f}" if 0.01 <= value < 100 else number(value) for value in values]
        said = "{1} [{0}, {2}]".format(*told) if np.isfinite(values).any() else told[1]
        ax.text(1.06, at, said, va="center", fontsize=5.5, transform=ax.get_yaxis_transform())
    ax.axvline(1, color="0.3", linewidth=0.8, linestyle=style.dashes(0), zorder=1)
    ax.set(xscale="log", xlim=(low, high), xlabel="test error ÷ the fixed reservoir's\nin the same replicate")
    _plain_ticks(ax, low, high)


def draw_rates(data: xr.Dataset | Result, ax: Axes) -> None:
    """Draw the final validation MSE of the pilots against the learning rate, with the chosen one marked.

    Where something else is tuned too, the line of what was chosen is full, and those of the others are faint.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A verdict with `pilot_mse`.
    ax : matplotlib.axes.Axes
        Where to draw.
    """
    tried = piloted(data)
    medians = {
        (method, values): panels._quantile(with_infinity(one["pilot_mse"].values.T), 0.5)
        for method, each in tried.items()
        for values, one in each.items()
    }
    every = np.concatenate(list(medians.values()))
    finite = every[np.isfinite(every)]
    ceiling = min(finite.max(), 10 * np.median(finite)) * 1.5 if finite.size else 1.0
    for method in reversed(tried):
        chosen, own = settled(data, method)
        look = drawn_as(data, method)
        for values, one in tried[method].items():
            eta, median = one["pilot_eta"].values, medians[method, values]
            shown = np.clip(median, panels.FLOOR, ceiling)
            mine = values == own
            label, alpha = (style.label(method), 1.0) if mine else (None, 0.25)
            ax.plot(eta, shown, label=label, marker=".", markersize=3, alpha=alpha, **look)
            lost = median > ceiling
            ax.plot(eta[lost], shown[lost], "^", color=look["color"], markersize=4, alpha=alpha)
            at = np.isclose(eta, chosen)
            if mine:
                ax.plot(eta[at], shown[at], "o", color=look["color"], markersize=7, markerfacecolor="none")
    ax.set(
        xscale="log",
        yscale="log",
        xlabel="learning rate η",
        ylabel=measured(data, "validation"),
    )


def draw_diverged(data: xr.Dataset | Result, ax: Axes) -> None:
    """Draw the share of pilots that diverged at every learning rate as the size of a square, a row per method.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A verdict with `pilot_mse`; of what else is tuned the chosen is drawn.
    ax : matplotlib.axes.Axes
        Where to draw.
    """
    tried = piloted(data)
    for row, (method, each) in enumerate(tried.items()):
        one = each.get(settled(data, method)[1], next(iter(each.values())))
        eta, share = one["pilot_eta"].values, np.mean(~np.isfinite(one["pilot_mse"].values), axis=1)
        lost = share > 0
        ax.plot(eta[~lost], np.full(sum(~lost), row), ".", color="0.75", markersize=2)
        squares = {"s": 36 * share[lost], "c": colours(data)[method], "marker": "s", "linewidths": 0}
        ax.scatter(eta[lost], np.full(sum(lost), row), **squares)
    ax.set_yticks(range(len(tried)), map(style.label, tried))
    ax.set(xscale="log", xlabel="learning rate η", ylabel="pilots diverged", ylim=(len(tried) - 0.5, -0.5))
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
    cosine = part_of(data, "alignment", "alignment").transpose("method", "updates_aligned", ...)
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
        look = drawn_as(data, method)
        ax.fill_between(updates[seen], lower, upper, color=look["color"], alpha=0.15, linewidth=0)
        ax.plot(updates[seen], median, marker="o", markersize=2.5, label=name, **look)
    if "alignment_blind" in data:
        blind = data["alignment_blind"].transpose("updates_aligned", ...).values
        median = np.nanmedian(blind, axis=-1)
        lowest = np.nanmin(median, initial=lowest)
        ax.plot(updates, median, color="0.5", linestyle=":", label="blind to activity: (B err) 1^T")
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
    mse = part_of(data, "ablation_mse", "ablations").transpose("ablation", "replicate")
    errors = with_infinity(mse.values)
    median, low, high = median_interval(errors)
    judged = methods(data)[0]
    lines = {
        method: float(panels._quantile(with_infinity(data["mse_online"].sel({"method": method}).values), 0.5))
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
            ax.text(1.01 * top, row, f"▶ {number(median[index])}", va="center", fontsize=6.5)
        names.append(name_with_losses(str(mse["ablation"].values[index]), errors[index]))
    for method, value in lines.items():
        look = drawn_as(data, method) | {"linewidth": 1.2}
        if np.isfinite(value):
            ax.axvline(value, label=style.label(method), **look)
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
    ax.set(xlim=(0, top), ylim=(len(names) - 0.4, -0.6), xlabel=measured(data, "test"))


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
    """Ticks 0.1, 0.2, 0.5, 1, 2 ... on a logarithmic axis; where it spans much, some powers of ten, 1 among them."""
    span = np.log10(high / low)
    factors, apart = ((1, 2, 5), 1) if span < 1.5 else ((1,), max(1, int(np.ceil(span / 4))))
    powers = range(apart * int(np.log10(low) // apart), int(np.log10(high)) + 1, apart)
    ticks = [factor * 10.0**power for power in powers for factor in factors]
    ticks = [tick for tick in ticks if low <= tick <= high]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
