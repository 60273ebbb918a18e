"""The page says the answer first, holds all it needs, and is written whole or not at all."""

import importlib.util
import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from autapse_sim.results.plots.catalogue import figures_of
from autapse_sim.results.plots.figures import learning_rates, scores
from autapse_sim.results.report.verdict import page
from autapse_sim.results.report.write import write_page
from autapse_sim.results.result import Result

VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Checks that tags are nested, and keeps tags, attributes and text in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.tags, self.text, self.ids = [], [], {}, []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.text.setdefault(self.open[-1], []).append(data)


def made_up():
    """The verdict of the figures' tests."""
    spec = importlib.util.spec_from_file_location("evidence_tests", Path(__file__).with_name("test_evidence.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.verdict(replicates=16)


@pytest.fixture(scope="module")
def data():
    return made_up()


@pytest.fixture
def small():
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([0, 1])
    return {"scores": figure}


def images(reader: Reader) -> list[dict]:
    return [attributes for tag, attributes in reader.tags if tag == "svg"]


def test_the_page_holds_everything_and_the_sentence_first(data, tmp_path):
    figures = {name: draw(data) for name, draw in figures_of(data, "verdict").items()}
    path = write_page(Result(data), tmp_path / "new" / "verdict.html", figures)
    text = path.read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    reader = Reader(text)
    body = [tag for tag, _ in reader.tags][[tag for tag, _ in reader.tags].index("body") :]
    assert body[:3] == ["body", "main", "h1"]
    assert reader.text["h1"] == [data.attrs["sentence"]]
    assert reader.text["title"] == [data.attrs["title"]]
    assert data.attrs["heading"] in reader.text["p"]
    assert data.attrs["table"] in reader.text["pre"]
    assert len(images(reader)) == len(figures) == len(reader.text["figcaption"])
    assert all("viewbox" in each and "width" not in each for each in images(reader))
    assert {"true & empty", "holds", "2 of 16", "0 of 16"} <= set(reader.text["td"])
    assert json.loads(data.attrs["methods"])["autapse"] in reader.text["dd"]
    assert json.loads(data.attrs["provenance"])["command"] in reader.text["dd"]
    assert len(reader.ids) == len(set(reader.ids))
    assert list(path.parent.iterdir()) == [path]


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(data, small):
    reader = Reader(page(data, small))
    assert not {"script", "link", "iframe"} & {tag for tag, _ in reader.tags}
    linked = [value for _, attributes in reader.tags for name, value in attributes.items() if name in ("src", "href")]
    assert all(value.startswith("data:") for value in linked)
    assert "url(" not in "".join(reader.text["style"])
    assert "prefers-color-scheme: dark" in "".join(reader.text["style"])
    assert "@media print" in "".join(reader.text["style"])


def test_a_minimal_verdict_makes_a_page(data):
    least = data[["mse_online"]]
    least.attrs = {}
    reader = Reader(page(least, {}))
    assert reader.text["h1"] == ["No verdict on autapse"]
    assert reader.text["h2"] == ["What was tried, and what was chosen"]
    assert images(reader) == []


def test_names_and_texts_are_escaped(data, small):
    evil = "<script>alert('x')</script> & \"y\" $sentence {0}"
    names = [evil, *data["method"].values[1:].tolist()]
    attrs = {name: evil for name in ("sentence", "title", "heading", "benchmark", "table", "peak_memory")}
    attrs["claims"] = json.dumps([{"claim": evil, "says": evil, "measured": evil, "verdict": "\0\x1b[0m"}])
    attrs |= {name: json.dumps({evil: evil}) for name in ("methods", "equations", "provenance")}
    hostile = data.assign_coords(method=names)
    hostile.attrs = attrs
    text = page(hostile, {evil: small["scores"], **small})
    reader = Reader(text)
    assert "<script" not in text
    assert "\0" not in text
    for tag in ("h1", "title", "pre", "td", "dd", "dt", "h3", "figcaption"):
        assert evil in "".join(reader.text[tag]), tag
    assert {attributes["aria-label"] for attributes in images(reader)} == {evil, "scores"}


def test_an_attribute_that_is_plain_text_is_shown_as_it_is(data, small):
    plain = data.assign_attrs(equations="tau dk/dt = x - k", provenance="by hand", methods="")
    reader = Reader(page(plain, small))
    assert "tau dk/dt = x - k" in reader.text["pre"]
    assert "by hand" in reader.text["p"]
    assert "Methods" not in reader.text["h2"]


def test_what_lies_at_an_edge_is_told_and_every_point_is_there(data, small):
    rates = data["eta"].copy()
    rates[1] = np.nan
    told = data.assign(eta=rates).assign_attrs(edges=json.dumps({"autapse": ["eta", "tau"]}))
    cells = Reader(page(told, small)).text["td"]
    assert "eta, tau" in cells
    assert "tau = 3 ms" in cells
    assert "-" in cells
    assert cells.count("tau = 10 ms") == 8
    assert "All 64 points that were tried" in Reader(page(data, small)).text["summary"]


def test_errors_are_called_what_they_are(data, small):
    assert "test MSE, median [95%]" in Reader(page(data, small)).text["th"]
    told = data.assign(accuracy=data["mse_online"] * 0 + 0.75).assign_attrs(score="test cross-entropy")
    reader = Reader(page(told, small))
    assert "test cross-entropy, median [95%]" in reader.text["th"]
    assert "accuracy" in reader.text["th"]
    assert reader.text["td"].count("75%") + reader.text["td"].count("nan%") == data.sizes["method"]
    upper, _ = learning_rates.draw(told).axes
    assert upper.get_ylabel() == "validation cross-entropy (nats)"


def test_the_same_verdict_gives_the_same_page(data):
    first, second = (page(data, {"scores": scores.draw(data)}) for _ in range(2))
    assert first == second


def test_the_old_page_stays_where_drawing_fails(data, small, tmp_path):
    path = write_page(data, tmp_path / "verdict.html", small)
    old = path.read_bytes()

    def fail(*_, **__):
        raise RuntimeError("cannot draw")

    broken = Figure()
    broken.savefig = fail
    with pytest.raises(RuntimeError, match="cannot draw"):
        write_page(data, path, {**small, "broken": broken})
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]
    write_page(data.assign_attrs(sentence="Another answer."), path, small)
    assert "<h1>Another answer.</h1>" in path.read_text("utf-8")
