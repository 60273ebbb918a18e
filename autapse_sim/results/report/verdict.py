"""The verdict on one page: a single HTML file that needs nothing else, on a screen, a phone or paper."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.names import short
from autapse_sim.results.plots.catalogue import captions
from autapse_sim.results.plots.looks import piloted
from autapse_sim.results.report.drawing import drawn
from autapse_sim.results.report.equations import typeset
from autapse_sim.results.report.html import Section, listing, paragraphs, preformatted, read, safe, table
from autapse_sim.results.report.html import page as page_of
from autapse_sim.results.result import Result
from autapse_sim.results.scores import median_heading, median_interval
from autapse_sim.results.table import SHARES, TUNED_AS, error_text, judged_by, tuned

KINDS = (("method", "mse_online", "eta"), ("control", "control_mse", ""), ("ablation", "ablation_mse", "ablation_eta"))
"""The rows of the table of scores: a dimension, its errors and its learning rates."""

FLOORS_SAY = (
    "Each method's read-out is refitted by ridge regression, or by logistic regression with a ridge penalty where "
    "classes are told; its penalty is chosen on validation trajectories, for all methods from the same grid. How small "
    "a penalty may be is a decision: a penalty p reads with noise of the variance p on each standardised neuron, 3% of "
    "its range at 0.001 and 0.001% at 1e-10. The tuned reservoir is tuned anew for each."
)
"""What the table of least penalties is about."""


def page(data: xr.Dataset | Result, figures: Mapping[str, Figure]) -> str:
    """The text of the page: the answer first, then what it rests on; the same verdict gives the same text.

    Parameters
    ----------
    data : xarray.Dataset or Result
        The verdict; of its attributes `sentence`, `title`, `heading`, `benchmark`, `table`, `claims`, `methods`,
        `floors`, `equations`, `provenance` and `peak_memory` are shown, as far as they are there.
    figures : mapping of str to Figure
        By name, in the order in which they stand on the page; `plots.figures_of(data, 'verdict')` draws them.
    """
    data = data.data if isinstance(data, Result) else data
    about = data.attrs
    rule = short(str(data["method"].values[0]))
    sections = [
        Section("run", "What was run", _run(about)),
        Section(
            "table", "Scores", scores(data) + (preformatted(about["table"], "as text") if "table" in about else "")
        ),
        Section("figures", "Figures", drawn(figures, captions(rule))),
        Section("change", "What learning did to W", _change(data)),
        Section("floors", "What the refitted read-outs hang on", _floors(read(about.get("floors")), judged_by(data))),
        Section("claims", "The paper's claims", _claims(read(about.get("claims")))),
        Section("rates", "What was tried, and what was chosen", _rates(data, read(about.get("edges"))) + _pilots(data)),
        Section("methods", "Methods", listing(read(about.get("methods")))),
        Section("equations", "Equations", typeset(read(about.get("equations")))),
        Section("provenance", "Provenance", listing(read(about.get("provenance")))),
    ]
    title = about.get("title") or f"Verdict on {rule}"
    return page_of(title, about.get("sentence") or f"No verdict on {rule}", sections)


def scores(data: xr.Dataset) -> str:
    """The table of scores: every method, control and ablation, the best first, beside what it is compared with."""
    error = median_heading(judged_by(data), data.sizes["replicate"])
    head = ["", "learning rate", error, "read-out refitted", "diverged"]
    extras = [name for name in SHARES if name in data]
    head += extras
    judged = read(data.attrs.get("statistics"))
    against, pairs = next(iter(judged.items()), ("", {})) if isinstance(judged, dict) else ("", {})
    head += [f"reduction of the error against the {against}"] if pairs else []
    rows: list = []
    for kind, errors, rate in KINDS:
        if errors not in data or "table" not in data.attrs:
            continue
        found = []
        for name in data[kind].values.tolist():
            one = data.sel({kind: name})
            values = one[errors].values
            median, low, high = map(float, median_interval(values))
            said = "{} [{}, {}]".format(*map(error_text, (median, low, high)))
            known = kind == "method" and "mse_refit" in one
            refit = float(median_interval(one.mse_refit.values)[0]) if known else np.nan
            eta = f"{float(one[rate]):.3g}" if rate in one and np.isfinite(one[rate]) else "-"
            told = error_text(refit) if np.isfinite(refit) else "-"
            cells = [eta, said, told, f"{np.sum(~np.isfinite(values))}"]
            cells += [f"{float(one[extra].mean()):.0%}" if kind == "method" else "-" for extra in extras]
            values_of = tuned(one, TUNED_AS[kind]) if kind in TUNED_AS else ""
            label = f"{short(name)} ({values_of})" if values_of else short(name)
            found.append((median, [label, *cells, *([_reduction(pairs.get(name))] if pairs else [])]))
        rows += [f"{kind}s", *(row for _, row in sorted(found, key=lambda each: each[0]))]
    return table(head, rows) if rows else ""


def _reduction(paired: Mapping | None) -> str:
    """How much lower the error is than that of the reference, in a cell."""
    if not paired:
        return "-"
    # JSON has no infinity, and a reduction is infinite where errors are
    share = {name: -np.inf if value is None else 100 * value for name, value in paired["reduction"].items()}
    span = f"[{share['low']:z.0f}, {share['high']:z.0f}]"
    return f"{share['estimate']:z.0f}% {span}, lower in {paired['won']['estimate']:.0%} of the seeds"


def _run(about: Mapping) -> str:
    lines = [about.get("title"), about.get("heading")]
    lines += [f"Benchmark: {about['benchmark']}"] if about.get("benchmark") else []
    lines += [f"Peak memory: {about['peak_memory']}"] if about.get("peak_memory") else []
    return paragraphs(lines)


def _claims(claims: object) -> str:
    """The table of claims: what the paper says, what is measured, and what follows."""
    if not isinstance(claims, list) or not claims:
        return ""
    columns = {"claim": "claim", "says": "the paper says", "measured": "measured", "verdict": "verdict"}
    return table(list(columns.values()), ([claim.get(key, "") for key in columns] for claim in claims))


def _floors(floors: object, score: str) -> str:
    """The table of what refitted read-outs give, for each least penalty that they may choose."""
    if not isinstance(floors, list) or not floors:
        return ""
    first, *_ = floors
    head = [
        "method",
        *(f"{'from ' if one is not first else 'the verdict: from '}{one['floor']:g} on" for one in floors),
    ]
    rows = []
    for name in first["median"]:
        cells = ["infinite" if one["median"][name] is None else error_text(one["median"][name]) for one in floors]
        if name in first:
            cells = [
                f"{cell} (W × {one[name]['gain']:g}, U × {one[name]['input_scale']:g})"
                for cell, one in zip(cells, floors, strict=True)
            ]
        rows.append([f"{short(name)}: median {score}", *cells])
    for number, (name, _) in enumerate(first["said"]):
        rows.append([short(name), *(one["said"][number][1] for one in floors)])
    return f"<p>{safe(FLOORS_SAY)}</p>\n{table(head, rows)}"


def _change(data: xr.Dataset) -> str:
    """In how many directions the change of W by each method lies, beside the number of outputs."""
    if "directions" not in data:
        return ""
    rows = []
    for method in data["method"].values.tolist():
        values = data["directions"].sel({"method": method}).values
        if np.isfinite(values).any():
            median, low, high = (float(value) for value in median_interval(values[np.isfinite(values)]))
            rows.append([short(method), f"{median:.1f} [{low:.1f}, {high:.1f}]"])
    outputs = data.sizes.get("coordinate", 0)
    said = f"The participation ratio of the squared singular values of W - W0; there are {outputs} outputs."
    head = ["method", median_heading("directions", data.sizes["replicate"])]
    return f"<p>{safe(said)}</p>\n{table(head, rows)}"


def _rates(data: xr.Dataset, edges: object) -> str:
    """Where every method is judged, and how many replicates diverged there."""
    errors = data["mse_online"].transpose("method", "replicate").values
    lost = (~np.isfinite(errors)).sum(axis=1)
    edges = edges if isinstance(edges, dict) else {}
    shown = {"learning rate": "eta", "tuned": "tuned"}
    shown |= {f"{head}, read-out refitted": f"{name}_refit" for head, name in shown.items()}
    shown["learning rate of the read-out"] = "eta_out"
    columns = {head: data[name].values.tolist() for head, name in shown.items() if name in data}
    columns = {head: cells for head, cells in columns.items() if any(cell != "" for cell in cells)}
    rows = []
    for row, (method, count) in enumerate(zip(data["method"].values.tolist(), lost, strict=True)):
        cells = [_cell(column[row]) for column in columns.values()]
        cells.append(", ".join(edges.get(method, [])) or "-")
        rows.append([short(method), *cells, f"{count} of {errors.shape[1]}"])
    return table(["method", *columns, "at an edge of what was tried", "diverged"], rows)


def _cell(value: float | str) -> str:
    if isinstance(value, str):
        return value or "-"
    return f"{value:.3g}" if np.isfinite(value) else "-"


def _pilots(data: xr.Dataset) -> str:
    """Every point that was tried, with the median errors of its pilots."""
    if "pilot_mse" not in data:
        return ""
    rows = []
    for method, each in piloted(data).items():
        for values, one in each.items():
            errors = one["pilot_mse"].values
            for eta, pilots in zip(one["pilot_eta"].values, np.where(np.isfinite(errors), errors, np.inf), strict=True):
                median, lost = float(np.median(pilots)), int(np.isinf(pilots).sum())
                said = "diverged" if np.isinf(median) else error_text(median)
                rows.append([short(method), values or "-", f"{eta:g}", said, f"{lost} of {pilots.size}"])
    head = ["method", "tuned", "learning rate", "median validation error", "diverged"]
    count = len(rows)
    return f"<details><summary>All {count} points that were tried</summary>\n{table(head, rows)}</details>"
