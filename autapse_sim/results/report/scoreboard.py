"""The scoreboard on one page: what each rule learns, how rules stand, and what each answer rests on."""

from __future__ import annotations

import json
from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.names import short
from autapse_sim.results.plots.catalogue import captions
from autapse_sim.results.report.drawing import drawn
from autapse_sim.results.report.html import Section, listing, paragraphs, preformatted, read, table
from autapse_sim.results.report.html import page as page_of
from autapse_sim.results.result import Result, dataset
from autapse_sim.results.table import error_text


def page(data: xr.Dataset | Result, figures: Mapping[str, Figure]) -> str:
    """The text of the page; the same scoreboard gives the same text.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A scoreboard.
    figures : mapping of str to Figure
        By name, in the order in which they stand on the page.
    """
    data = dataset(data)
    about, answers = data.attrs, json.loads(data.attrs["answers"])
    titles, headings = (read(about.get(name)) for name in ("titles", "headings"))
    sections = [
        Section("figures", "Figures", drawn(figures, captions())),
        Section("table", "Shares and standing", preformatted(about["table"])),
        Section("answers", "What is said of each rule", _answers(answers, titles)),
        Section("errors", "Errors", _errors(data)),
        Section(
            "chosen", "What was chosen on the pilots", _chosen(read(about.get("chosen")), read(about.get("edges")))
        ),
        Section("cost", "What a network-step costs", _costs(data)),
        Section(
            "run", "What was run", listing(headings) + paragraphs([f"Peak memory: {about.get('peak_memory', '-')}"])
        ),
        Section("provenance", "Provenance", listing(read(about.get("provenance")))),
    ]
    return page_of("Scoreboard", about.get("sentence") or "Scoreboard", sections)


def _answers(answers: Mapping[str, Mapping[str, Mapping]], titles: object) -> str:
    """A row for each rule on each benchmark."""
    rows: list = []
    titles = titles if isinstance(titles, Mapping) else {}
    for name, each in answers.items():
        rows.append(f"{name}: {titles.get(name, '')}")
        rows += [[short(rule), one["sentence"].partition(": ")[2]] for rule, one in each.items()]
    return table(["rule", "answer"], rows)


def _errors(data: xr.Dataset) -> str:
    """The median error of each method on each benchmark, and how many diverged."""
    methods = data["method"].values.tolist()
    rows = []
    for name in data["benchmark"].values.tolist():
        rows.append([name, *(_error(data.error.sel(benchmark=name).sel({"method": one}).values) for one in methods)])
    return table(["benchmark", *map(short, methods)], rows)


def _error(values: np.ndarray) -> str:
    known = values[~np.isnan(values)]
    if not known.size:
        return "-"
    lost = int(np.isinf(known).sum())
    return error_text(float(np.median(known))) + (f" ({lost} of {known.size} diverged)" if lost else "")


def _chosen(chosen: object, edges: object) -> str:
    """Where each method is judged, and what of that lies at an edge of what was tried."""
    if not isinstance(chosen, Mapping) or not isinstance(edges, Mapping):
        return ""
    rows: list = []
    for name, each in chosen.items():
        rows.append(name)
        rows += [
            [short(rule), said, ", ".join(edges.get(name, {}).get(rule, [])) or "-"] for rule, said in each.items()
        ]
    return table(["method", "chosen", "at an edge of what was tried"], rows)


def _costs(data: xr.Dataset) -> str:
    """Time of a network-step of each rule on each benchmark, on one core."""
    rules = [name for name in data["method"].values.tolist() if np.isfinite(data.cost.sel({"method": name})).any()]
    rows = []
    for name in data["benchmark"].values.tolist():
        each = data.cost.sel(benchmark=name).sel({"method": rules}).values
        rows.append([name, *(f"{value:,.0f} ns" if np.isfinite(value) else "-" for value in each)])
    return table(["benchmark", *map(short, rules)], rows)
