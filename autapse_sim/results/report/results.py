"""The page of what `train` or `compare` gave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.errors import InputError
from autapse_sim.results import table as scores
from autapse_sim.results.plots.catalogue import captions, figures_of
from autapse_sim.results.report.drawing import drawn
from autapse_sim.results.report.equations import typeset
from autapse_sim.results.report.html import Section, listing, page, paragraphs, read, table
from autapse_sim.results.scores import median_heading


def results_page(data: xr.Dataset) -> str:
    """The page of a result of one rule or of several."""
    about = data.attrs
    heading = scores.heading(data) if "circuit" in about and "protocol" in about else ""
    told = scores.notes(data)
    summary = scores.summary(scores.rows(data)) if "mse" in data else ""
    names = ", ".join(Path(rule).stem for rule in scores.names_of_rules(data))
    figures, undrawn = _figures(data)
    sections = [
        Section("run", "What was run", paragraphs([heading, *told, about.get("peak_memory", "")])),
        Section("table", "Scores", score_table(data)),
        Section("figures", "Figures", drawn(figures, captions()) + paragraphs(undrawn)),
        Section("equations", "Equations", typeset(read(about.get("equations")))),
        *settings(data),
    ]
    return page(f"Result of {names}", summary or f"Result of {names}", sections)


def _figures(data: xr.Dataset) -> tuple[dict[str, Figure], list[str]]:
    """The figures that can be drawn, and a sentence for each that cannot."""
    figures, undrawn = {}, []
    for name, draw in figures_of(data, "result", "circuit").items():
        try:
            figures[name] = draw(data)
        except InputError as error:
            undrawn.append(f"{name} is left out: {error}")
    return figures, undrawn


def settings(data: xr.Dataset) -> Iterator[Section]:
    """What made a result: parameters, circuit, task, protocol, versions and the command."""
    parts = {"parameters": "Parameters", "circuit": "Circuit", "task": "Task", "protocol": "Protocol"}
    for name, heading in parts.items():
        found = read(data.attrs.get(name))
        unit = data.attrs.get("parameter_units", "") if name == "parameters" else ""
        if isinstance(found, dict) and found:
            rows = [[key, json.dumps(value, ensure_ascii=False)] for key, value in found.items()]
            yield Section(name, heading, paragraphs([unit]) + table(["", "value"], rows))
        elif found:
            yield Section(name, heading, paragraphs([found]))
    yield Section("provenance", "Provenance", listing(read(data.attrs.get("provenance"))))


def score_table(data: xr.Dataset) -> str:
    """The table of rules and controls, the best first."""
    if "mse" not in data:
        return ""
    error = median_heading("test MSE", data.sizes["replicate"])
    head = ["", "learning rate", error, "mean", "R2 of trajectories", "R2 of networks"]
    head += ["diverged", "worse than untrained W"]
    rows: list = []
    for row in scores.rows(data):
        if f"{row['kind']}s" not in rows:
            rows.append(f"{row['kind']}s")
        rows.append(_row(row, data.sizes["replicate"]))
    return table(head, rows)


def _row(row: dict, replicates: int) -> list[str]:
    median, low, high = (_number(value) for value in row["mse"])
    worse = row.get("worse_than_untrained")
    return [
        Path(row["name"]).stem if row["kind"] == "rule" else row["name"],
        f"{row['eta']:g}" if "eta" in row else "-",
        f"{median} [{low}, {high}]",
        _number(row["mean_mse"]),
        *("-" if row[name][0] is None else f"{row[name][0]:.3f}" for name in ("r2_trajectory", "r2_network")),
        f"{len(row['diverged'])} of {replicates}" if "diverged" in row else "-",
        "-" if worse is None else f"{worse:.0%}",
    ]


def _number(value: float | None) -> str:
    return "infinite" if value is None else f"{value:.4g}"
