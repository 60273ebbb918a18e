"""Pictures that pages show: a trajectory of each task, and every figure, drawn from small runs as the site is built."""

import contextlib
import inspect
import tempfile

import numpy as np
from matplotlib.figure import Figure
from measure import RUNS_STORED, stored_run
from texts import code, escaped, heading, toctree, write

from autapse_sim.results.plots import style
from autapse_sim.results.plots.catalogue import figures, figures_of
from autapse_sim.results.plots.movies import Movie
from autapse_sim.results.result import load
from autapse_sim.tasks import catalogue


def draw_tasks(out):
    """A picture of one trajectory of each task, where it is not there yet."""
    out.mkdir(parents=True, exist_ok=True)
    for name, kind in catalogue.tasks().items():
        if any(not option.default for option in catalogue.options(name)) or (out / f"{name}.png").exists():
            continue
        x, y = kind().sample(np.random.default_rng(1), 1, 1)
        with style.styled():
            figure = Figure(figsize=(7.2, 3.2))
            above, below = figure.subplots(2, 1, sharex=True)
            for ax, values, label in ((above, x[0, 0], "stimulus x"), (below, y[0, 0], "target y")):
                _lines(ax, values, label)
            below.set_xlabel("step (ms)")
            figure.savefig(out / f"{name}.png", dpi=130)


def _lines(ax, values, label):
    """A few channels as lines, many as an image."""
    if values.shape[1] > 6:
        ax.imshow(values.T, aspect="auto", interpolation="none", cmap="Greys", origin="lower")
        ax.set_ylabel(f"{label}\n(channel)")
    else:
        ax.plot(values, marker="." if len(values) < 60 else None)
        ax.set_ylabel(label)


RUNS = {
    "compare": """
import autapse_sim as ap

result = ap.compare(protocol=ap.Protocol(replicates=10, train=20, validate=5, test=5))
result.save("run.nc")
""",
    "spiking": """
import autapse_sim as ap

circuit = ap.Circuit(neuron="lif", rule="eprop", neurons=30, learn=("W", "U", "V", "c"), readout="random",
                     feedback="symmetric")
protocol = ap.Protocol(replicates=2, train=60, validate=2, test=20, record=1, record_tests=20)
values = {"v_th": 1, "tau_m": "10 ms", "tau_out": "3 ms", "tau_e": "3 ms", "eta": 0.3, "eta_out": 0.01}
result = ap.train(circuit, ap.BouncingBall(), protocol, parameters=values)
result.save("run.nc")
""",
    "verdict": """
import autapse_sim as ap

result = ap.verdict("autapse", "copy", replicates=8, train=160, ablations=True)
result.save("run.nc")
""",
    "scoreboard": """
import autapse_sim as ap

result = ap.scoreboard(["rflo", "dfa"], ["copy", "flip-flop"], replicates=8, train=160)
result.save("run.nc")
""",
    "sweep": """
import autapse_sim as ap

axes = {"eta": [0.01, 0.03, 0.1], "neurons": [2, 8]}
result = ap.sweep(axes, circuit=ap.Circuit(rule="autapse", readout="random"), folder="study")
""",
}
"""The small runs that all figures are drawn from, as they are shown."""


def draw_gallery(out):
    """A page and a picture for each figure; all results are made where a picture is missing."""
    out.mkdir(parents=True, exist_ok=True)
    known = figures()
    if not all((out / f"{name}.png").exists() for name in known):
        results = {run: load(stored_run(run)) if run in RUNS_STORED else made(text) for run, text in RUNS.items()}
        for run, result in results.items():
            for name in figures_of(result):
                if not (out / f"{name}.png").exists():
                    with style.styled():
                        still(known[name].draw(result)).savefig(out / f"{name}.png", dpi=130)
                    (out / f"{name}.txt").write_text(run)
    drawn = [name for name in known if (out / f"{name}.png").exists()]
    for name in drawn:
        write(out / f"{name}.rst", *figure_page(name, known[name], (out / f"{name}.txt").read_text()))
    write(out / "index.rst", *index_page({name: known[name] for name in drawn}))


def still(drawn):
    """A figure; of a movie its last frame."""
    if isinstance(drawn, Movie):
        drawn.show(drawn.frames - 1)
        return drawn.figure
    return drawn


def made(text):
    """The result of a run, whose files go with it."""
    space = {}
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        exec(text, space)
    return space["result"]


def figure_page(name, module, run):
    """The page of a figure."""
    yield heading(name)
    yield (inspect.getdoc(module) or "").strip() + "\n"
    yield f".. image:: {name}.png\n   :alt: {name}\n   :width: 100%\n"
    yield caption(module) + "\n"
    yield heading("How it was drawn", "-")
    stored = " Its result is stored." if run in RUNS_STORED else ""
    yield f"A small run, so that it takes little time; its numbers mean nothing.{stored}\n"
    yield code(RUNS[run].strip())
    yield code(f"$ autapse plot {name} {'study' if run == 'sweep' else 'run.nc'}", "console")
    yield "It needs of a result: " + (", ".join(f"``{each}``" for each in module.NEEDS) or "nothing beyond") + ".\n"


def caption(module):
    """What a figure shows."""
    said = escaped(module.CAPTION.replace("{rule}", "the rule"))
    return said[0].upper() + said[1:]


def index_page(drawn):
    """The gallery: a picture of each figure with a line below."""
    yield heading("Gallery")
    yield "Every figure that ``autapse plot`` draws; each is one file, found by scanning.\n"
    yield ".. container:: pictures\n"
    for name, module in drawn.items():
        head = f"   .. figure:: {name}.png\n      :width: 100%\n      :target: {name}.html\n      :alt: {name}\n"
        yield f"{head}\n      :doc:`{name}`. {caption(module)}\n"
    yield toctree(drawn)
