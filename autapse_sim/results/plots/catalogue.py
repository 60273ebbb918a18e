"""Which figures there are, and which a result has the numbers for."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.errors import InputError
from autapse_sim.names import modules_in
from autapse_sim.results.plots import figures as package
from autapse_sim.results.result import Result, dataset

KINDS = ("result", "circuit", "verdict", "scoreboard")


def figures(*kinds: str) -> dict[str, ModuleType]:
    """The figures of some kinds of result, or all of them, in the order in which they are read.

    Examples
    --------
    >>> list(figures("result"))
    ['fig1', 'fig2', 'traces']
    """
    found = [(name, module) for name, module in modules_in(package).items() if module.KIND in (kinds or KINDS)]
    return dict(sorted(found, key=lambda item: item[1].PLACE))


def figures_of(data: xr.Dataset | Result, *kinds: str) -> dict[str, Callable[..., Figure]]:
    """The figures that a result has the numbers for, by name; each is a function of the result."""
    return {name: module.draw for name, module in figures(*kinds).items() if not _missing(data, module)}


def captions(rule: str = "") -> dict[str, str]:
    """What to look at in a figure, by its name."""
    return {name: module.CAPTION.format(rule=rule) for name, module in figures().items()}


def check_held(data: xr.Dataset | Result, figure: str) -> None:
    """Refuse to draw a figure from a result that lacks what it needs."""
    if missing := _missing(data, figures()[figure]):
        told = f"figure {figure} needs {', '.join(missing)}, and this result has none"
        raise InputError(f"{told}; its figures are {', '.join(figures_of(data)) or 'none'}")


def _missing(data: xr.Dataset | Result, figure: ModuleType) -> list[str]:
    held = dataset(data)
    return [name for name in figure.NEEDS if name not in held or not held[name].size]
