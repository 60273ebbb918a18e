"""What circuits, models, protocols, tasks, results and verdicts look like in a notebook: a card of HTML."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import fields
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.errors import InputError
from autapse_sim.names import short
from autapse_sim.results import table as scores
from autapse_sim.results.plots import circuits, matrices, style
from autapse_sim.results.plots.catalogue import captions, figures_of
from autapse_sim.results.plots.over_phases import GREYS
from autapse_sim.results.report import results, verdict
from autapse_sim.results.report.drawing import svg
from autapse_sim.results.report.equations import models_in, typeset
from autapse_sim.results.report.html import listing, paragraphs, preformatted, read, safe, table
from autapse_sim.results.result import Result
from autapse_sim.showing import changed, literal, shows
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.connection import Connection
from autapse_sim.spec.model import Activation, Neuron, Rule, texts
from autapse_sim.spec.written import Written, model_text

STYLE = """\
<style>
.autapse-card { border: 1px solid #8886; border-radius: 6px; padding: .6rem .9rem; margin: .3rem 0; max-width: 54rem;
  font-size: .9rem; line-height: 1.45; overflow-wrap: break-word; }
.autapse-card > p:first-of-type { font-weight: 600; margin: 0 0 .4rem; }
.autapse-card p { margin: .2rem 0; }
.autapse-card .soft, .autapse-card summary { opacity: .7; font-size: .85rem; }
.autapse-card .formula { margin: .25rem 0 .25rem 1.2rem; }
.autapse-card table { border-collapse: collapse; margin: .4rem 0; font-variant-numeric: tabular-nums; }
.autapse-card th, .autapse-card td { text-align: left; vertical-align: top; padding: .15rem .8rem .15rem 0;
  border-bottom: 1px solid #8883; background: none; white-space: normal; font-size: .85rem; }
.autapse-card tbody th { font-weight: 500; }
.autapse-card tr.group th { font-weight: 400; opacity: .7; padding-top: .5rem; }
.autapse-card pre { white-space: pre-wrap; font-size: .8rem; }
.autapse-card .wide { overflow-x: auto; }
.autapse-card .wide td:not(:last-child), .autapse-card .wide tbody th { white-space: nowrap; }
.autapse-card .wide td:last-child { min-width: 8rem; }
.autapse-card svg { display: block; width: 100%; height: auto; background: #fff; border-radius: 4px; padding: .3rem;
  margin: .5rem 0 .2rem; min-width: 26rem; }
</style>"""
"""How a card looks, in the colours of the notebook."""


def card(value: Any) -> str:
    """A value as HTML: what it is in a line, a table, equations or a figure."""
    if isinstance(value, Result):
        parts = [*_verdict(value.data)] if "mse_online" in value.data else [*_result(value.data)]
    elif isinstance(value, Neuron | Rule | Connection | Activation):
        parts = [*_model(value)]
    elif isinstance(value, Circuit):
        parts = [*_circuit(value)]
    else:
        parts = [*_described(value)]
    return f'{STYLE}\n<div class="autapse-card">\n{chr(10).join(filter(None, parts))}\n</div>'


def _heading(text: str) -> str:
    return f"<p>{safe(text)}</p>"


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{safe(summary)}</summary>\n{body}\n</details>" if body else ""


def _figure(figure: Figure, caption: str) -> str:
    """A figure with what to look at."""
    drawn = svg(figure, f"card-{next(_COUNT)}", caption)
    return f'<div class="wide">{drawn}</div>\n<p class="soft">{safe(caption)}</p>'


_COUNT = count()
"""Names within figures are told apart by it, as several cards stand on one page."""


def _fields(value: Any) -> tuple[str, str]:
    """The fields of a dataclass that are not the default, and all others, as tables."""
    own = changed(value)
    others = {each.name: getattr(value, each.name) for each in fields(value) if each.repr and each.name not in own}
    tables = ([[name, literal(given)] for name, given in some.items()] for some in (own, others))
    shown, folded = (table(["", "value"], rows) if rows else "" for rows in tables)
    return shown, folded


def _described(value: Any) -> Iterator[str]:
    """A protocol, a benchmark, a task: what it says of itself, its fields, and what a task shows."""
    name, said = type(value).__name__, (inspect.getdoc(type(value)) or "").splitlines()[0]
    yield _heading(f"{name}: {getattr(value, 'title', said)}")
    parts = {each.name: getattr(value, each.name) for each in fields(value)}
    own, others = _fields(value)
    yield own
    yield _folded("all else, as it is by default", others)
    if hasattr(value, "sample") and not any(shows(part) for part in parts.values()):
        yield _figure(_shown(value), "one trajectory: what is shown, and what is asked for")


def _shown(task: Any) -> Figure:
    """A trajectory of a task: stimulus and target over time."""
    x, y = (np.asarray(each)[0, 0] for each in task.sample(np.random.default_rng(0), 1, 1))
    with style.styled():
        figure = Figure(figsize=(6.4, 2.4))
        for ax, values, what in zip(figure.subplots(2, 1, sharex=True), (x, y), ("stimulus", "target"), strict=True):
            if values.shape[1] > len(GREYS):
                matrices.activity_map(values, ax, colorbar=False)
                ax.set_ylabel(what)
            else:
                circuits.time_courses(values, ax, what, "1", spacing=0)
            ax.label_outer()
    return figure


def _circuit(circuit: Circuit) -> Iterator[str]:
    """What is simulated: its neurons and rule in a line, what of it is not the default, and its equations."""
    neuron, rule = (short(str(name)) for name in (circuit.neuron, circuit.rule))
    learn = f"{', '.join(circuit.learn)} taught by {rule}" if circuit.learn else "nothing learns"
    yield _heading(f"Circuit: {circuit.neurons} neurons ({neuron}), {learn}")
    own, others = _fields(circuit)
    yield own
    yield _folded("all else, as it is by default", others)
    try:
        files = texts(circuit)
    except InputError:  # a rule without equations, or a model that is not there
        return
    yield _folded("equations", typeset("\n\n".join(f"# {Path(path).name}\n{text}" for path, text in files.items())))


def _model(model: Neuron | Rule | Connection | Activation) -> Iterator[str]:
    """A model: its equations as formulas, and its parameters."""
    kind, path = type(model).__name__, getattr(model, "path", None)
    name = Path(path).stem if path and not isinstance(path, Written) else ""
    yield _heading(f"{kind}{f' {name}' if name else ''}")
    source = getattr(model, "source", "") or model_text(kind, model)
    if isinstance(model, Neuron | Rule):
        yield from (line for each in models_in(source) for line in each)
        yield preformatted(source, "as it is written")
    else:
        yield _fields(model)[0]


def _result(data: xr.Dataset) -> Iterator[str]:
    """What `train` or `compare` gave: the sentence, the table of scores, the learning curves."""
    tested = "mse" in data and "parameters" in data.attrs
    names = ", ".join(short(name) for name in scores.names_of_rules(data)) if "rule" in data.attrs else ""
    summary = scores.summary(scores.rows(data)) if tested else ""
    yield _heading(summary or f"Result{f' of {names}' if names else ''}")
    if "circuit" in data.attrs and "protocol" in data.attrs:
        yield paragraphs([scores.heading(data)])
    yield f'<div class="wide">{results.score_table(data)}</div>' if tested else ""
    drawn = figures_of(data, "result", "circuit")
    first = next((name for name in ("fig2", "raster", "activity", "circuit") if name in drawn), None)
    yield _figure(drawn[first](data), captions()[first]) if first else ""
    yield paragraphs([f"also: {', '.join(f'.plot.{name}()' for name in drawn if name != first)}"] if drawn else [])


def _verdict(data: xr.Dataset) -> Iterator[str]:
    """A verdict: its sentence, the table, the scores."""
    about = data.attrs
    yield _heading(about.get("sentence", "A verdict"))
    yield paragraphs([about.get("heading")])
    yield f'<div class="wide">{verdict.scores(data)}</div>'
    drawn = figures_of(data, "verdict")
    rule = short(str(data["method"].values[0]))
    yield _figure(drawn["scores"](data), captions(rule)["scores"]) if "scores" in drawn else ""
    yield _folded("methods", listing(read(about.get("methods"))))
