"""The programs in figures/: what they are given, and a line where that is wrong."""

from __future__ import annotations

import sys
from collections.abc import Callable

from matplotlib.figure import Figure

from autapse_sim.errors import InputError
from autapse_sim.results.plots.style import save
from autapse_sim.results.result import Result, load


def of_result(name: str, draw: Callable[[Result], Figure]) -> None:
    """Draw a figure from a result, as a program that is called with RESULT.nc and perhaps a FOLDER."""
    _run(name, lambda path: draw(load(path)), ["RESULT.nc"])


def of_nothing(name: str, draw: Callable[[], Figure]) -> None:
    """Draw a figure that makes its own data, as a program that is called with a FOLDER, or without."""
    _run(name, draw, [])


def _run(name: str, draw: Callable[..., Figure], needed: list[str]) -> None:
    """Write what `draw` makes of the arguments; the last of them, if there is one more, is the folder."""
    given = sys.argv[1:]
    try:
        if not len(needed) <= len(given) <= len(needed) + 1 or any(each.startswith("-") for each in given):
            raise InputError(f"call it as: python figures/{name}.py {' '.join([*needed, '[FOLDER]'])}")
        save(draw(*given[: len(needed)]), [*given, "."][len(needed)], name)
    except InputError as error:
        print(f"{name}: error: {error}", file=sys.stderr)
        sys.exit(2)
