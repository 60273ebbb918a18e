"""The panels of a scoreboard, on the caller's axes: which rule learns what, and how rules stand over all benchmarks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from autapse_sim.results.answers import LEARNS, NO_MORE, UNSURE
from autapse_sim.results.plots import style
from autapse_sim.results.plots.looks import colours, part_of
from autapse_sim.results.result import Result, dataset

MARKS = {LEARNS: "●", UNSURE: "◐", NO_MORE: "○"}
"""The answers that are marked, as a cell shows them: more than what needs no recurrence, perhaps more, no more."""


def rules_of(data: xr.Dataset | Result) -> list[str]:
    """What learns recurrence in a scoreboard: the rules, and the ceiling."""
    data = dataset(data)
    judged = {rule for each in json.loads(data.attrs["answers"]).values() for rule in each}
    return [name for name in data["method"].values.tolist() if name in judged or name == "bptt"]


def draw_shares(data: xr.Dataset | Result, ax: Axes) -> AxesImage:
    """Draw the share of the way from the fixed reservoir to exact gradients: a row a benchmark, a column a rule.

    A number is the median over seeds, in a hundred; a full dot a rule that learns recurrence, an empty one a rule that
    learns no more than is done without, a half one a rule of which neither can be said.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A scoreboard.
    ax : matplotlib.axes.Axes
        Where to draw.

    Returns
    -------
    matplotlib.image.AxesImage
        For a colour bar.
    """
    data, rules = dataset(data), rules_of(data)
    answers = json.loads(data.attrs["answers"])
    share = part_of(data, "share", "shares").sel({"method": rules}).transpose("benchmark", "method", "replicate")
    medians = share.median("replicate").values
    image = ax.imshow(np.clip(medians, -1, 1), cmap="RdBu", vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    ax.set_facecolor("0.9")
    names = data["benchmark"].values.tolist()
    for row, name in enumerate(names):
        for column, rule in enumerate(rules):
            value = medians[row, column]
            mark = MARKS.get(answers[name].get(rule, {}).get("answer", ""), "")
            told = "–" if np.isnan(value) else f"{100 * value:z.0f} {mark}".strip()
            ink = "white" if abs(value) > 0.6 else "0.1"
            ax.text(column, row, told, ha="center", va="center", fontsize=6.5, color=ink)
    ax.set_xticks(range(len(rules)), map(style.label, rules), rotation=35, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(names)), map(style.label, names))
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    _between_families(ax, data["family_of"].values.tolist())
    return image


def draw_standing(data: xr.Dataset | Result, ax: Axes, what: str = "middle") -> None:
    """Draw how each rule stands in each family, with 95% intervals: a row a rule, the best on top.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A scoreboard.
    ax : matplotlib.axes.Axes
        Where to draw.
    what : {'middle', 'mean_rank'}
        The interquartile mean of the share of the way, or the mean rank.
    """
    data = dataset(data)
    rules, families = _ordered(data), data["family"].values.tolist()
    scale = 100 if what == "middle" else 1
    for k, family in enumerate(families):
        for row, rule in enumerate(rules):
            estimate, low, high = scale * data[what].sel({"family": family, "method": rule}).values
            if np.isnan(estimate):
                continue
            at = row + 0.6 * ((k + 0.5) / len(families) - 0.5)
            colour = style.PALETTE[k]
            ax.plot([low, high], [at, at], color=colour, solid_capstyle="butt")
            ax.plot(estimate, at, "o", color=colour, markersize=3.5)
        ax.plot([], [], "o", color=style.PALETTE[k], markersize=3.5, label=style.label(family))  # whoever stands in it
    ax.set_yticks(range(len(rules)), map(style.label, rules))
    ax.set_ylim(len(rules) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    if what == "middle":
        ax.axvline(0, color="0.5", linewidth=0.8, linestyle=style.dashes(0), zorder=1)
        ax.axvline(100, color="0.5", linewidth=0.8, linestyle=style.dashes(2), zorder=1)
        ax.set_xlabel("share of the way from the reservoir\nto exact gradients (%), middle half of all runs")
    else:
        ax.set_xlabel("mean rank by test error\n(1: the best on every benchmark)")


def draw_profiles(data: xr.Dataset | Result, ax: Axes, family: str) -> None:
    """Draw the share of the runs of each rule that have gone more than some share of the way.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A scoreboard.
    ax : matplotlib.axes.Axes
        Where to draw.
    family : str
        Of which benchmarks.
    """
    data = dataset(data)
    look = _lines(data)
    for rule in reversed(_ordered(data)):
        values = data["profile"].sel({"family": family, "method": rule}).values
        if not np.isnan(values).any():
            ax.plot(100 * data["level"], 100 * values, label=style.label(rule), **look[rule])
    ax.axvline(0, color="0.7", linewidth=0.6, zorder=1)
    ax.set(xlabel="share of the way gone (%)", ylabel="runs that went further (%)", ylim=(0, 101))
    ax.set_title(style.label(family))
    ax.margins(x=0)


def _lines(data: xr.Dataset) -> dict[str, dict[str, Any]]:
    """A line for each rule: where there are more rules than colours, those that share one are broken."""
    chosen, seen = colours(data), Counter[str]()
    look: dict[str, dict[str, Any]] = {}
    for rule in rules_of(data):
        again = seen[chosen[rule]]
        look[rule] = {"color": chosen[rule], "linestyle": style.dashes(again - 1) if again else "-"}
        seen[chosen[rule]] += 1
    return look


def _ordered(data: xr.Dataset) -> list[str]:
    """The rules, those that stand best over all first; then those that do not go with everything."""
    rules = rules_of(data)
    best = {
        rule: np.nanmax(data["middle"].sel({"method": rule, "bound": "estimate"}).values, initial=-9) for rule in rules
    }
    return sorted(rules, key=lambda rule: -best[rule])


def _between_families(ax: Axes, families: Sequence[str]) -> None:
    """Lines between the rows of families, and their names at the right."""
    first = 0
    for row in range(1, len(families) + 1):
        if row == len(families) or families[row] != families[first]:
            if row < len(families):
                ax.axhline(row - 0.5, color="white", linewidth=3)
            middle = (first + row - 1) / 2
            name, beside = style.label(families[first]), ax.get_yaxis_transform()
            ax.text(1.01, middle, name, rotation=90, va="center", ha="left", transform=beside)
            first = row
