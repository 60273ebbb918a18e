"""The verdict on one page: a single HTML file that needs nothing else, on a screen, a phone or paper."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from html import escape
from io import BytesIO
from pathlib import Path
from string import Template

import matplotlib
import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.files import write_whole
from autapse_sim.plots import style
from autapse_sim.results import Result

CAPTIONS = {
    "scores": "Test error of each method beside the controls: look whether {rule} lies left of the fixed reservoir, "
    "and how far bptt does.",
    "learning_curves": "Validation error during training: look which curves fall below the broken control lines, and "
    "whether they still fall at the end.",
    "example": "One held-out trajectory around its sharpest turn: look whether a prediction turns with the target, or "
    "only follows the stimulus.",
    "alignment": "Cosine between each update and the exact gradient: 1 is gradient descent, 0 is at right angles to "
    "it; this explains a score and does not rank.",
    "ablations": "{rule} with one part changed: bars left of its line are changes that help, bars beyond the fixed "
    "reservoir do worse than not learning.",
    "learning_rates": "Validation error of the pilots over the learning rate (that of the read-out where nothing else "
    "learns): look whether each ring sits at the bottom of its curve and inside the grid, and where pilots diverge.",
}
"""What to look at in a figure, by its name."""
FLOORS_SAY = (
    "Each method's read-out is refitted by ridge regression; its penalty is chosen on validation trajectories, for "
    "all methods from the same grid. How small a penalty may be is a decision: a penalty p reads with noise of the "
    "variance p on each standardised neuron, 3% of its range at 0.001 and 0.001% at 1e-10. The tuned reservoir is "
    "tuned anew for each."
)
"""What the table of least penalties is about."""

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<style>
:root { color-scheme: light dark; --ink: #1b1b1b; --soft: #5a5a5a; --line: #d5d5d5; --paper: #fff; --box: #f5f5f3; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e6; --soft: #a9a9a6; --line: #454545; --paper: #191919; --box: #242424; }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 54rem; padding: 1.5rem 1rem 3rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.3; margin: 0 0 .75rem; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; border-bottom: 1px solid var(--line); }
p { margin: .25rem 0; }
figure { margin: 1.5rem 0; break-inside: avoid; }
figure img { display: block; width: 100%; height: auto; background: #fff; border-radius: 4px; padding: .4rem; }
figcaption, .soft { color: var(--soft); font-size: .9rem; }
pre { background: var(--box); padding: .75rem; overflow-x: auto; font: .78rem/1.45 ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--line); }
dt { font-weight: 600; margin-top: .75rem; }
dd { margin: 0; white-space: pre-line; }
@media (max-width: 38rem) {
  h1 { font-size: 1.25rem; }
  thead { position: absolute; clip-path: inset(50%); }
  table, tbody, tr, td, tbody th { display: block; }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  td, tbody th { border: 0; padding: .1rem 0; }
  td::before { content: attr(data-label) ": "; color: var(--soft); }
}
@media print {
  :root { --ink: #000; --soft: #333; --line: #999; --paper: #fff; --box: #fff; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  pre { white-space: pre-wrap; font-size: 6.5pt; padding: 0; }
  h2 { break-after: avoid; }
  tr { break-inside: avoid; }
}
</style>
</head>
<body>
<main>
<h1>$sentence</h1>
$sections
</main>
</body>
</html>
""")
_SECTION = '<section id="{0}">\n<h2>{1}</h2>\n{2}\n</section>'
_FIGURE = (
    '<figure id="{0}">\n<img src="data:image/svg+xml;base64,{1}" alt="{2}">\n<figcaption>{3}</figcaption>\n</figure>'
)


def write_page(data: xr.Dataset | Result, path: str | Path, figures: Mapping[str, Figure]) -> Path:
    """Write a verdict as one HTML file, whole or not at all: the answer first, then what it rests on.

    The same verdict gives the same file.

    Parameters
    ----------
    data : xarray.Dataset or Result
        The verdict; of its attributes `sentence`, `title`, `heading`, `benchmark`, `table`, `claims`, `methods`,
        `floors`, `equations`, `provenance` and `peak_memory` are shown, as far as they are there.
    path : str or Path
        Of the file.
    figures : mapping of str to Figure
        By name, in the order in which they stand on the page; `plots.evidence.evidence(data)` gives them.

    Returns
    -------
    Path
        The file.
    """
    return write_whole(path, page(data, figures).encode())


def page(data: xr.Dataset | Result, figures: Mapping[str, Figure]) -> str:
    """The text of the file that `write_page` writes."""
    data = data.data if isinstance(data, Result) else data
    about = data.attrs
    rule = style.short(str(data["method"].values[0]))
    drawn = []
    for name, figure in figures.items():
        plain = name.replace("_", " ")
        caption = CAPTIONS[name].format(rule=rule) if name in CAPTIONS else plain
        drawn.append(_FIGURE.format(_slug(name), _svg(figure), _text(plain), _text(caption)))
    sections = [
        ("run", "What was run", _run(about)),
        ("table", "Scores", f'<pre tabindex="0">{_text(about["table"])}</pre>' if about.get("table") else ""),
        ("figures", "Figures", "\n".join(drawn)),
        ("floors", "What the refitted read-outs hang on", _floors(_read(about.get("floors")))),
        ("claims", "The paper's claims", _claims(_read(about.get("claims")))),
        ("rates", "Learning rates and diverged replicates", _rates(data)),
        ("methods", "Methods", _list(_read(about.get("methods")))),
        ("equations", "Equations", _equations(_read(about.get("equations")))),
        ("provenance", "Provenance", _list(_read(about.get("provenance")))),
    ]
    return _PAGE.substitute(
        title=_text(about.get("title") or f"Verdict on {rule}"),
        sentence=_text(about.get("sentence") or f"No verdict on {rule}"),
        sections="\n".join(_SECTION.format(*section) for section in sections if section[2]),
    )


def _run(about: Mapping) -> str:
    lines = [about.get("title"), about.get("heading")]
    lines += [f"Benchmark: {about['benchmark']}"] if about.get("benchmark") else []
    lines += [f"Peak memory: {about['peak_memory']}"] if about.get("peak_memory") else []
    return "\n".join(f"<p>{_text(line)}</p>" for line in lines if line)


def _claims(claims: object) -> str:
    """The table of claims: what the paper says, what is measured, and what follows."""
    if not claims:
        return ""
    columns = {"claim": "claim", "says": "the paper says", "measured": "measured", "verdict": "verdict"}
    return _table(list(columns.values()), ([claim.get(key, "") for key in columns] for claim in claims))


def _floors(floors: object) -> str:
    """The table of what refitted read-outs give, for each least penalty that they may choose."""
    if not floors:
        return ""
    first, *_ = floors
    head = [
        "method",
        *(f"{'from ' if one is not first else 'the verdict: from '}{one['floor']:g} on" for one in floors),
    ]
    rows = []
    for name in first["median"]:
        cells = ["infinite" if one["median"][name] is None else f"{one['median'][name]:.4f}" for one in floors]
        if name in first:
            cells = [
                f"{cell} (W × {one[name]['gain']:g}, U × {one[name]['input_scale']:g})"
                for cell, one in zip(cells, floors, strict=True)
            ]
        rows.append([f"{style.short(name)}: median test MSE", *cells])
    for number, (name, _) in enumerate(first["said"]):
        rows.append([style.short(name), *(one["said"][number][1] for one in floors)])
    return f"<p>{_text(FLOORS_SAY)}</p>\n{_table(head, rows)}"


def _rates(data: xr.Dataset) -> str:
    """The chosen learning rate of every method, and how many replicates diverged with it."""
    errors = data["mse_online"].transpose("method", "replicate").values
    lost = (~np.isfinite(errors)).sum(axis=1)
    chosen = {"learning rate": "eta", "learning rate, read-out refitted": "eta_refit", "of the read-out": "eta_out"}
    chosen = {head: data[name].values for head, name in chosen.items() if name in data}
    grid = data["eta_grid"].values if "eta_grid" in data.coords else np.empty(0)
    rows = []
    for method, count, *rates in zip(data["method"].values, lost, *chosen.values(), strict=True):
        shown = []
        for rate in rates:
            edge = len(grid) > 1 and np.isclose(rate, (grid.min(), grid.max())).any()
            shown.append(f"{rate:.3g}{' (at the edge of the grid)' if edge else ''}" if np.isfinite(rate) else "-")
        rows.append([style.short(str(method)), *shown, f"{count} of {errors.shape[1]}"])
    return _table(["method", *chosen, "diverged"], rows)


def _list(entries: object) -> str:
    """A list of names with their descriptions; line breaks are kept."""
    if not isinstance(entries, Mapping):
        return f"<p>{_text(entries)}</p>" if entries else ""
    pairs = (f"<dt>{_text(style.short(str(name)))}</dt>\n<dd>{_text(said)}</dd>" for name, said in entries.items())
    return "\n".join(["<dl>", *pairs, "</dl>"]) if entries else ""


def _equations(entries: object) -> str:
    """Equations as they were run, by name."""
    if not entries:
        return ""
    if not isinstance(entries, Mapping):
        return f'<pre tabindex="0">{_text(entries)}</pre>'
    return "\n".join(
        f'<h3>{_text(style.short(str(name)))}</h3>\n<pre tabindex="0">{_text(said)}</pre>'
        for name, said in entries.items()
    )


def _table(head: list[str], rows: Iterable[list]) -> str:
    """A table whose rows become blocks on a narrow screen."""
    top = "".join(f'<th scope="col">{_text(name)}</th>' for name in head)
    lines = ["<table>", f"<thead><tr>{top}</tr></thead>", "<tbody>"]
    for first, *rest in rows:
        cells = "".join(
            f'<td data-label="{_text(name)}">{_text(cell)}</td>' for name, cell in zip(head[1:], rest, strict=True)
        )
        lines.append(f'<tr><th scope="row">{_text(first)}</th>{cells}</tr>')
    return "\n".join([*lines, "</tbody>", "</table>"])


def _read(attribute: str | None) -> object:
    """What an attribute holds as JSON, or its text where it is none."""
    try:
        return json.loads(attribute) if attribute else None
    except json.JSONDecodeError:
        return attribute


def _svg(figure: Figure) -> str:
    """A figure as base64 SVG, the same for the same figure."""
    buffer = BytesIO()
    with style.styled(), matplotlib.rc_context({"svg.hashsalt": "autapse_sim", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return b64encode(buffer.getvalue()).decode("ascii")


def _slug(name: str) -> str:
    return "figure-" + re.sub(r"[^a-z0-9]+", "-", name.lower())


def _text(value: object) -> str:
    """Text made safe to stand in the page, in quotes too; characters that HTML forbids are left out."""
    if isinstance(value, (dict, list)):
        value = json.dumps(value, ensure_ascii=False)
    return escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]", "", str(value)))
