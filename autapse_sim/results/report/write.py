"""Any result on one HTML page that needs no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim import checks
from autapse_sim.machine.files import write_whole
from autapse_sim.results.result import Result, dataset


def report(data: xr.Dataset | Result, path: str | Path, score: str | None = None, title: str | None = None) -> Path:
    """Write what a run, a comparison, a verdict, a reproduction or a sweep gave as one HTML file, whole or not at all.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A dataset of a sweep has a dimension and a coordinate for each axis that was crossed, and `replicate`.
    path : str or Path
        Of the file.
    score : str, optional
        Which variable of a sweep is shown; the test error where nothing is said.
    title : str, optional
        Of the page of a sweep.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> scores = ("tau", "neurons", "replicate"), np.random.default_rng(0).random((2, 3, 9))
    >>> sweep = xr.Dataset({"mse": scores}, {"tau": [5, 10], "neurons": [2, 8, 32], "replicate": np.arange(9)})
    >>> report(sweep, Path(tempfile.mkdtemp(), "sweep.html")).read_text()[:15]
    '<!DOCTYPE html>'
    """
    data, path = dataset(data), checks.path("path", path)
    return write_whole(path, _page(data, score, title).encode())


def write_page(data: xr.Dataset | Result, path: str | Path, figures: Mapping[str, Figure]) -> Path:
    """Write a verdict or a scoreboard as one HTML file, whole or not at all, with figures that are drawn already."""
    data = dataset(data)
    return write_whole(path, _judged(data)[1](data, figures).encode())


def _page(data: xr.Dataset, score: str | None, title: str | None) -> str:
    if "mse_online" in data or "share" in data:
        from autapse_sim.results.plots.catalogue import figures_of

        kind, page = _judged(data)
        return page(data, {name: draw(data) for name, draw in figures_of(data, kind).items()})
    if "findings" in data.attrs and score is None:
        from autapse_sim.results.report.reproduction import page as reproduction_page

        return reproduction_page(data)
    if "rule" in data.attrs and score is None:
        from autapse_sim.results.report.results import results_page

        return results_page(data)
    from autapse_sim.results.report.sweep import sweep_page

    return sweep_page(data, score, title or "Sweep")


def _judged(data: xr.Dataset) -> tuple[str, Callable[[xr.Dataset, Mapping[str, Figure]], str]]:
    """The kind of what was judged, and the text of its page."""
    if "share" in data:
        from autapse_sim.results.report import scoreboard

        return "scoreboard", scoreboard.page
    from autapse_sim.results.report import verdict

    return "verdict", verdict.page
