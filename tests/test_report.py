"""Every result on one page that needs no network, fits the screen, and says what was measured."""

from __future__ import annotations

import html
import importlib.util
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner
from matplotlib.figure import Figure

import autapse_sim as ap
from autapse_sim.commands.main import main
from autapse_sim.results.plots import style
from autapse_sim.results.plots.figures import heat_maps, lines
from autapse_sim.results.plots.sweeps import draw_heat_map, draw_lines
from autapse_sim.results.report.equations import typeset
from autapse_sim.results.report.mathml import pieces
from autapse_sim.results.report.sweep import sweep_page
from autapse_sim.results.report.write import report
from autapse_sim.results.sweeps import best_of, score_of, summed_up, sweep_axes
from autapse_sim.spec.model import library

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def sweep():
    """A made-up sweep over names, times and numbers, with a replicate that diverged and a unit that is missing."""
    rng = np.random.default_rng(0)
    tau, neurons = np.array([1.0, 5.0, 20.0]), np.array([2, 32])
    level = 0.02 + 0.01 * np.abs(np.log(tau / 5))[:, None] + 0.05 / np.sqrt(neurons)
    errors = np.stack([level, level + 0.01])[..., None, None] * np.exp(0.1 * rng.normal(size=(2, 3, 2, 12, 4)))
    errors[0, 0, 0, 3], errors[1, 2, 1] = np.inf, np.nan
    dims = ("rule", "tau", "neurons", "replicate", "trajectory")
    about = {"long_name": "test MSE", "units": "box lengths^2"}
    told = {"circuit": {"neuron": "rate"}, "protocol": {"train": 100}, "parameters": {"eta": 0.03}}
    attributes = {name: json.dumps(value) for name, value in told.items()}
    attributes |= {"task": "FlipFlop", "missing": 1, "failures": json.dumps({"a1b2": "out of memory"})}
    attributes["provenance"] = json.dumps({"command": "autapse sweep study.toml", "numpy": "2.3"})
    attributes["equations"] = f"# autapse.py\n{library('rules')['autapse'].read_text()}"
    coords = {"rule": ["autapse", "<b>$rflo"], "tau": ("tau", tau, {"units": "ms"}), "neurons": neurons}
    coords["replicate"] = np.arange(12)
    return xr.Dataset({"mse": (dims, errors, about)}, coords, attributes)


@pytest.fixture(scope="module")
def trained():
    """A result of few networks."""
    protocol = ap.Protocol(replicates=3, train=4, validate=2, test=2, validate_every=2)
    return ap.train(ap.Circuit(rule="dfa"), ap.BouncingBall(steps=20), protocol, engine="numpy")


@pytest.fixture(scope="module")
def verdict():
    """The verdict of the figures' tests."""
    spec = importlib.util.spec_from_file_location("evidence_tests", Path(__file__).with_name("test_evidence.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.verdict(replicates=16)


def measured(page: str, width: int, folder: Path) -> list:
    """What in a page is wider than its place, in a window of some width."""
    wrapper = f"""<!DOCTYPE html><body style="margin:0"><iframe id="f" width="{width}" height="800" style="border:0"
srcdoc="{html.escape(page)}"></iframe><script>
document.getElementById("f").onload = () => {{
  const inner = document.getElementById("f").contentDocument, wide = [];
  for (const each of inner.querySelectorAll("*")) {{
    if (each.closest("thead, svg svg, defs, head") || each.closest("details:not([open])")) continue;
    const box = each.getBoundingClientRect(), own = each.clientWidth > 0 && each.scrollWidth > each.clientWidth + 1;
    const inside = each.closest("svg") && each.tagName != "svg";
    if (!inside && (own || box.right > {width} + 0.5))
      wide.push([each.tagName, each.scrollWidth, each.clientWidth, box.right, each.textContent.slice(0, 40)]);
  }}
  const seen = inner.querySelectorAll("h1, svg, math, td").length;
  document.title = JSON.stringify([seen, inner.documentElement.clientWidth, wide]);
}}</script></body>"""
    path = folder / "wrapper.html"
    path.write_text(wrapper)
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--virtual-time-budget=20000",
    ]
    command += [f"--user-data-dir={folder / 'browser'}", "--window-size=1300,900", "--dump-dom", path.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True).stdout
    return json.loads(html.unescape(re.search("<title>(.*?)</title>", shown, re.DOTALL)[1]))


@pytest.mark.slow
@pytest.mark.skipif(not BROWSER, reason="no browser")
@pytest.mark.parametrize("width", [1200, 400])
@pytest.mark.parametrize("kind", ["sweep", "trained", "verdict"])
def test_nothing_on_a_page_is_cut_off(kind, width, request, tmp_path):
    page = report(request.getfixturevalue(kind), tmp_path / "page.html").read_text()
    seen, wide, cut = measured(page, width, tmp_path)
    assert seen > 10
    assert wide == width
    assert cut == []
    broken = page.replace("</main>", f'<p style="white-space: nowrap">{"too long " * 50}</p></main>')
    assert measured(broken, width, tmp_path)[2] != []


@pytest.mark.parametrize(
    "kind", ["sweep", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("trained", "verdict"))]
)
def test_a_page_holds_all_it_needs(kind, request, tmp_path):
    data = request.getfixturevalue(kind)
    path = report(data, tmp_path / "new" / "page.html")
    text = path.read_text()
    assert path.read_text() == report(data, tmp_path / "again.html").read_text()
    assert not re.search(r"<(script|link|iframe|img)\b", text)
    assert not re.search(r'(?:src|href)="(?!#|data:)', text)
    assert not re.search(r"url\((?!#)", text)
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'(?:href="|url\()#([^")]*)', text))
    assert len(used) > 10
    assert used <= set(ids)
    assert text.count("<svg") == text.count("<figcaption>") > 0
    for formula in re.findall(r"<math.*?</math>", text):
        ElementTree.fromstring(formula)


def test_a_sweep_is_summed_up_by_medians_with_intervals(sweep):
    axes = sweep_axes(sweep, "mse")
    assert axes == ["rule", "tau", "neurons"]
    found = summed_up(sweep, "mse", axes)
    expected = np.median(sweep.mse.mean("trajectory").isel(rule=0, tau=1, neurons=1))
    assert found.isel(rule=0, tau=1, neurons=1, interval=0) == pytest.approx(expected)
    assert (found.isel(interval=1) <= found.isel(interval=0)).sum() == 11
    assert np.isnan(found.isel(rule=1, tau=2, neurons=1)).all()
    assert np.isfinite(found.isel(rule=0, tau=0, neurons=0, interval=0))  # one of twelve diverged
    assert best_of(found, "mse") == {"rule": 0, "tau": 1, "neurons": 1}
    higher = sweep.rename(mse="r2_network").mean("trajectory", skipna=False)
    worst = best_of(summed_up(higher.where(np.isfinite(higher)), "r2_network", axes), "r2_network")
    assert worst["neurons"] == 0


def test_the_page_of_a_sweep_shows_every_axis_and_each_two(sweep):
    text = sweep_page(sweep)
    shown = [re.sub(r"[,;.].*", "", each) for each in re.findall(r"<figcaption>(.*?)</figcaption>", text)]
    single = [f"Median mse over {axis}" for axis in ("rule", "tau", "neurons")]
    assert shown == [
        *single,
        *(f"Median mse over {a}" for a in ("rule and tau", "rule and neurons", "tau and neurons")),
    ]
    assert "tau (ms): 1, 5, 20" in text
    assert re.search(r"<h1>Best median mse: 0\.0\d+ \[.*\] at rule = autapse, tau = 5 ms, neurons = 32</h1>", text)
    assert "&lt;b&gt;$rflo, 20, 32" in text
    assert "a1b2: out of memory" in text
    assert "autapse sweep study.toml" in text


def test_a_sweep_over_nothing_and_one_over_names_alone_have_pages(sweep):
    assert "<svg" not in sweep_page(sweep.isel(rule=0, tau=0, neurons=1, drop=True))
    assert sweep_page(sweep.isel(tau=0, neurons=1, drop=True)).count("<svg") == 1
    many = sweep.mse.isel(rule=0, tau=0, neurons=1, drop=True).expand_dims(eta=np.logspace(-4, 0, 300))
    text = sweep_page(many.to_dataset(name="mse"))
    assert "the 200 best of 300 combinations" in text


def test_combinations_that_diverged_stand_at_the_edge_and_are_told(sweep):
    lost = sweep.copy(deep=True)
    lost.mse[0, 0] = np.inf
    lost.mse[1, :, 0, :5] = np.nan
    text = sweep_page(lost)
    assert "what is infinite, since replicates diverged, is a triangle" in text
    assert "autapse, 1, 32</th><td" in text
    cells = re.findall(r"autapse, 1, 32</th>(.*?)</tr>", text)[0]
    assert re.findall(r">([^<]+)</td>", cells) == ["inf", "inf", "inf"]
    everything = sweep_page(sweep.assign(mse=sweep.mse * np.nan))
    assert "<h1>Sweep</h1>" in everything


def test_numbers_are_drawn_in_ascending_order_whatever_order_they_were_given_in():
    ax = Figure().subplots()
    medians = xr.DataArray(
        np.array([[3.0, 2.9, 3.1], [1.0, 0.9, 1.1], [2.0, 1.9, 2.1]])[:, None] + np.array([[0], [4]]),
        {"eta": [0.1, 0.001, 0.01], "rule": ["b", "a"]},
        ["eta", "rule", "interval"],
    )
    draw_lines(medians, ax, "eta", "MSE", "mse")
    found = {line.get_label(): line.get_xydata().tolist() for line in ax.lines}
    assert found["rule = b"] == [[0.001, 1.0], [0.01, 2.0], [0.1, 3.0]]
    ax = Figure().subplots()
    draw_heat_map(medians, ax, "eta", "rule", "MSE", "mse")
    np.testing.assert_array_equal(ax.images[0].get_array(), [[1, 5], [2, 6], [3, 7]])
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0.001", "0.01", "0.1"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["b", "a"]


@pytest.mark.parametrize("count", [3, 8, 12, 30])
def test_names_and_numbers_of_a_sweep_have_room(count):
    rng = np.random.default_rng(0)
    names = [f"rule_of_somebody_{number}" for number in range(count)]
    etas = np.geomspace(1e-6, 1e3, count)
    values = xr.DataArray(rng.random((count, count, 5)), {"eta": etas, "rule": names}, ["eta", "rule", "replicate"])
    data = xr.Dataset({"mse": values}, attrs={"left_out": "[]"})
    numbered = 0
    for draw in (lines.draw, heat_maps.draw):
        for part in (data, data.transpose("rule", "eta", ...)):
            figure = draw(part)
            with style.styled():
                figure.draw_without_rendering()
            for ax in figure.axes:
                shown = [label for label in ax.get_xticklabels() if label.get_text()]
                # what is askew is apart where its ends are
                tips = [label.get_window_extent() for label in shown]
                turned = shown[0].get_rotation() not in (0, 90) if shown else False
                least = 7 * figure.dpi / 72 if turned else 0
                for left, right in pairwise(tips):
                    assert right.x1 - left.x1 > least if turned else right.x0 > left.x1
                cells = {tuple(text.get_position()): text.get_window_extent() for text in ax.texts}
                numbered += len(cells)
                for (column, row), box in cells.items():
                    assert (column + 1, row) not in cells or cells[column + 1, row].x0 > box.x1
                    assert (column, row + 1) not in cells or cells[column, row + 1].y1 < box.y0
    assert bool(numbered) == (count <= 12)


def test_replicates_that_are_missing_are_told_from_those_that_diverged():
    errors = np.array([[0.1, 0.3, np.nan, np.nan], [np.nan] * 4, [np.nan] * 4])
    diverged = np.array([[0, 0, np.nan, np.nan], [1] * 4, [np.nan] * 4])
    dims = ("eta", "replicate")
    data = xr.Dataset({"mse": (dims, errors), "diverged": (dims, diverged)}, {"eta": [0.1, 0.2, 0.3]})
    found = summed_up(data, "mse", ["eta"]).values
    np.testing.assert_allclose(found, [[0.2, 0.1, 0.3], [np.inf] * 3, [np.nan] * 3])


def test_a_score_that_is_not_there_is_refused(sweep):
    with pytest.raises(ap.InputError, match="unknown score 'mze'; did you mean 'mse'"):
        score_of(sweep, "mze")
    with pytest.raises(ap.InputError, match="no score"):
        score_of(sweep.drop_vars("mse").assign_attrs(missing=0))


@pytest.mark.parametrize("kind", ["neurons", "rules"])
def test_every_model_is_typeset(kind):
    for name, path in library(kind).items():
        text = typeset(f"# {name}.py\n{path.read_text()}")
        formulas = re.findall(r'<div class="formula">(.*?)</div>', text)
        assert formulas, name
        assert "<code>" not in "".join(formulas), name
        for each in re.findall(r"<math.*?</math>", text):
            ElementTree.fromstring(each)


def read(expression: str) -> str:
    """What a typeset expression says, in a line: fractions as (a)/(b)."""

    def said(node: ElementTree.Element) -> str:
        inner = [said(each) for each in node]
        match node.tag:
            case "mfrac":
                return f"({inner[0]})/({inner[1]})"
            case "msup" | "msub":
                return f"{inner[0]}{'^' if node.tag == 'msup' else '_'}{{{inner[1]}}}"
            case "msqrt":
                return f"√({''.join(inner)})"
        return (node.text or "") + "".join(inner)

    return "".join(said(ElementTree.fromstring(each)) for each in pieces(expression))


@pytest.mark.parametrize(
    ("expression", "said"),
    {
        "(activity - k)/tau": "(activity−k)/(τ)",
        "a - (b - c)": "a−(b−c)",
        "a - b - c": "a−b−c",
        "a*(b + c)": "a⋅(b+c)",
        "-(a + b)": "−(a+b)",
        "(a + b)**2": "(a+b)^{2}",
        "(-a)**b_i": "(−a)^{b_{i}}",
        "a/b/c": "((a)/(b))/(c)",
        "exp(-dt/tau_m)": "e^{(−dt)/(τ_{m})}",
        "sqrt(abs(v)) % 2": "√(|v|)mod2",
        "f_prime_post*k_pre": "f′_{post}⋅k_{pre}",
        "v >= v_th and not s": "(v≥v_{th})∧¬s",
        "choose(x > 0, 1e-4, y)": "choose(x>0,0.0001,y)",
    }.items(),
)
def test_an_expression_is_typeset_as_it_is_written(expression, said):
    assert read(expression) == said


def test_units_flags_and_comments_are_told_beside_the_formula():
    text = typeset("""# mine.py
# note
neuron = Neuron(equations='''
    dv/dt = (I - v)/tau : volt (unless refractory)  # membrane
    do/dt = -o/tau : 1 (event-driven)
    activity = o : 1
''')
""")
    formulas = re.findall(r'<div class="formula">(.*?)</div>', text)
    told = [re.findall(r'<span class="soft">(.*?)</span>', each) for each in formulas]
    assert told == [["(volt, unless refractory)"], ["(event-driven)"], []]
    assert '<p class="soft">mine.py</p>' in text


def test_what_is_no_equation_stands_as_it_is():
    text = typeset('# mine.py\nrule = Rule(update="w -= <a[1]>", parameters={"eta": 3})')
    assert "<code>w -= &lt;a[1]&gt;</code>" in text
    assert typeset("# x.py\nnot Python (") == '<pre tabindex="0"># x.py\nnot Python (</pre>'
    assert typeset(None) == ""


def test_the_command_writes_the_page_beside_the_result(trained, tmp_path):
    trained.save(tmp_path / "run.nc")
    answer = CliRunner().invoke(main, ["report", str(tmp_path / "run.nc")])
    assert (answer.exit_code, answer.output.strip()) == (0, str(tmp_path / "run.html"))
    assert "Result of dfa" in (tmp_path / "run.html").read_text()
    answer = CliRunner().invoke(main, ["report", str(tmp_path / "none.nc")])
    assert answer.exit_code == 2


def test_what_is_read_is_not_overwritten_by_what_is_written_of_it(trained, tmp_path):
    page, sheet = tmp_path / "run.html", tmp_path / "run.csv"
    for words, path in (
        (["report", str(page)], page),
        (["report", str(page), "--out", str(tmp_path / "." / "run.html")], page),
        (["export", str(sheet), str(sheet)], sheet),
    ):
        trained.save(path)
        before = path.read_bytes()
        answer = CliRunner().invoke(main, words)
        assert (answer.exit_code, path.read_bytes()) == (2, before)
        assert "would be overwritten; name another file" in answer.output


FEW = ap.Protocol(replicates=2, train=3, validate=2, test=2)


@pytest.mark.parametrize(
    ("circuit", "task", "rate", "said"),
    [
        (ap.Circuit(rule="dfa", activation="linear", learn=("W", "V", "c")), ap.BouncingBall(), 5.0, "hold NaN"),
    ],
)
def test_a_figure_that_cannot_be_drawn_is_left_out_of_the_page(circuit, task, rate, said, tmp_path):
    result = ap.train(circuit, task, FEW, parameters={"eta": rate}, engine="numpy")
    text = report(result, tmp_path / "page.html").read_text()
    assert said in text
    assert "<figcaption>" in text


def test_a_trajectory_of_one_output_is_no_figure(tmp_path):
    circuit = ap.Circuit(rule="dfa", readout="random")
    result = ap.train(circuit, ap.FlipFlop(steps=20), FEW, engine="numpy")
    assert "fig1" not in dir(result.plot)
    with pytest.raises(ap.InputError, match="figure fig1 needs 2 coordinates, which this result does not have"):
        result.plot.fig1()
    with pytest.raises(ap.InputError, match="figure example is of a verdict, and this is none"):
        result.plot.example()
    assert "fig1" not in report(result, tmp_path / "page.html").read_text()


def test_a_page_needs_the_dimension_of_replicates(trained, tmp_path):
    for dim in ("replicate", "trajectory"):
        with pytest.raises(ap.InputError, match=f"mse has no dimension '{dim}' any more; isel"):
            report(trained.data.isel({dim: 0}), tmp_path / "page.html")


def test_the_page_of_a_sweep_tells_units_equations_and_what_is_infinite(sweep, tmp_path):
    worse = sweep.copy(deep=True)
    worse.mse[0, 0] = np.inf
    worse.attrs["equations"] = json.dumps({"autapse": sweep.attrs["equations"], "own": "rule = 1"})
    text = report(worse, tmp_path / "page.html").read_text()
    assert "tau = 5 ms" in text
    assert "rule, tau (ms), neurons" in text
    assert "1 unit of the plan is not there" in text
    assert "is infinite, since replicates diverged, is a triangle" in text
    assert "<h3>own</h3>" in text


def test_an_infinite_median_is_a_triangle_apart():
    values = np.array([[1.0, 2.0, np.inf], [0.5, 1.5, 1.0], [1.5, np.inf, np.inf]]).T
    for labels in ([1.0, 2.0, 3.0], ["a", "b", "c"]):
        ax = Figure().subplots()
        draw_lines(xr.DataArray(values, {"x": labels}, ["x", "interval"]), ax, "x", "error", "mse")
        marked = {line.get_marker(): line.get_xydata() for line in ax.lines if line.get_marker() in ("o", "^")}
        assert np.isfinite(marked["o"][:, 1]).tolist() == [True, True, False]
        assert len(marked["^"]) == 1
        assert marked["^"][0, 1] > 2
