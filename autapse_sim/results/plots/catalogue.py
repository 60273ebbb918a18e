"""Which figures there are, and which a result has the numbers for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from functools import wraps
from types import ModuleType
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.errors import InputError
from autapse_sim.names import modules_in, one_of, refused
from autapse_sim.results.plots import figures as package
from autapse_sim.results.plots.style import contents
from autapse_sim.results.plots.sweeps import crossed, is_sweep
from autapse_sim.results.result import Result, dataset

KINDS = ("result", "circuit", "verdict", "scoreboard", "sweep", "movie")
OF_ONE_KIND = ("verdict", "scoreboard")
"""Kinds whose figures need what nothing else has."""


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


def drawn(data: xr.Dataset, name: str) -> dict[str, bytes]:
    """What the files of a figure hold, by their kind."""
    return contents(figures()[name].draw(data))


def captions(rule: str = "") -> dict[str, str]:
    """What to look at in a figure, by its name."""
    return {name: module.CAPTION.format(rule=rule) for name, module in figures().items()}


def figure_for(data: xr.Dataset | Result, name: str) -> Callable[..., Figure]:
    """What draws a figure by that name from a result, or an `InputError` where there is none.

    A figure of another kind of result that shows the same stands in for it.
    """
    known = figures()
    if name not in known:
        one_of("figure", name, figures_of(data))
    other = known.get(getattr(known[name], "ELSE", ""))
    instead = _missing(data, known[name]) and other and not _missing(data, other)
    draw: Callable[..., Figure] = (other if other and instead else known[name]).draw
    return draw


def check_held(data: xr.Dataset | Result, name: str) -> None:
    """Refuse to draw a figure from a result that lacks what it needs."""
    held = figures_of(data)
    if figure_for(data, name) not in held.values():
        figure = figures()[name]
        kinds = {figures()[each].KIND for each in held}
        if figure.KIND in OF_ONE_KIND and figure.KIND not in kinds:
            told = f"figure {name} is of a {figure.KIND}, and this is none"
        else:
            told = f"figure {name} needs {', '.join(_missing(data, figure))}, which this result does not have"
        raise InputError(f"{told}; its figures are {', '.join(held) or 'none'}")


class Figures:
    """The figures of a result, each a method by the name that `autapse plot` gives it; they return a figure.

    Parameters
    ----------
    data : xarray.Dataset or Result
        What is drawn.
    """

    def __init__(self, data: xr.Dataset | Result) -> None:
        self._data = data

    def __dir__(self) -> list[str]:
        drawn = figures_of(self._data)
        return [*drawn, *(name for name, figure in figures().items() if getattr(figure, "ELSE", "") in drawn)]

    def __getattr__(self, name: str) -> Callable[..., Figure]:
        known = figures()
        if name not in known:
            raise AttributeError(refused("figure", name, figures_of(self._data)))

        @wraps(known[name].draw)
        def draw(*given: Any, **named: Any) -> Figure:
            check_held(self._data, name)
            return figure_for(self._data, name)(self._data, *given, **named)

        whole = inspect.signature(known[name].draw)
        taken = whole.replace(parameters=list(whole.parameters.values())[1:])
        draw.__name__, draw.__signature__ = name, taken  # type: ignore[attr-defined]
        return draw

    def __repr__(self) -> str:
        return "\n".join(["figures of this result:", *(f"  {line}" for line in self._lines())])

    def _lines(self) -> Iterator[str]:
        for name, draw in figures_of(self._data).items():
            yield f".{name}()  {(inspect.getdoc(draw) or '').splitlines()[0]}"


def _missing(data: xr.Dataset | Result, figure: ModuleType) -> list[str]:
    held = dataset(data)
    if is_sweep(held) != (figure.KIND == "sweep"):
        return ["what a sweep has crossed"] if figure.KIND == "sweep" else ["what one run has recorded"]
    if figure.KIND == "sweep" and not crossed(held):
        return ["an axis of more than one value"]
    missing = [name for name in figure.NEEDS if name not in held or not held[name].size]
    sizes = getattr(figure, "SIZES", {}).items()
    return missing or [f"{least} {dim}s" for dim, least in sizes if held.sizes.get(dim, 0) < least]
