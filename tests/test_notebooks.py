"""Notebooks, executed: cards and figures, the bar, re-running, interrupting, and no process that is left."""

import os
import time

import psutil
import pytest

nbclient = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
from jupyter_client.manager import KernelManager  # noqa: E402
from nbformat.v4 import new_code_cell, new_notebook  # noqa: E402

FIRST = """
import autapse_sim as ap
ball, circuit = ap.BouncingBall(steps=30), ap.Circuit(rule="dfa", neurons=4, readout="random")
few = ap.Protocol(replicates=2, train=4, validate=1, test=2)
"""
LONG = """
long = ap.Protocol(replicates=4, train=20000, validate=0, test=1)
heavy = ap.Circuit(rule="dfa", neurons=100, readout="random", substeps=50)
some = ap.Protocol(replicates=20, train=2000, validate=0, test=1)
"""
"""A minute's work: of many steps, or of heavy ones, which takes no time to draw."""


class Notebook:
    """A kernel, and what its cells put out."""

    def __init__(self, folder):
        self.manager = KernelManager(kernel_name="python3")
        self.client = nbclient.NotebookClient(
            new_notebook(),
            km=self.manager,
            timeout=240,
            allow_errors=True,
            resources={"metadata": {"path": str(folder)}},
        )

    def __enter__(self):
        self.stack = self.client.setup_kernel()
        self.stack.__enter__()
        return self

    def __exit__(self, *error):
        self.stack.__exit__(*error)

    def run(self, text):
        """The outputs of a cell that is run."""
        cell = new_code_cell(text)
        self.client.nb.cells.append(cell)
        self.client.execute_cell(cell, len(self.client.nb.cells) - 1)
        return cell.outputs

    def value(self, text):
        """What a cell that has to work gives, by kind."""
        outputs = self.run(text)
        assert [each.output_type for each in outputs] == ["execute_result"], outputs
        return outputs[0].data

    @property
    def kernel(self):
        return psutil.Process(self.manager.provisioner.process.pid)

    def interrupted(self, text, started):
        """The outputs of a cell that is interrupted some time after what it starts is there."""
        import threading

        def stop():
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline and not started(self.kernel):
                time.sleep(0.05)
            time.sleep(0.5)
            self.kernel.send_signal(2)

        thread = threading.Thread(target=stop)
        thread.start()
        try:
            return self.run(text)
        finally:
            thread.join()

    def left(self):
        """The processes that the kernel has, after a moment for them to end."""
        deadline = time.monotonic() + 10
        while (found := self.kernel.children(recursive=True)) and time.monotonic() < deadline:
            time.sleep(0.1)
        return found


@pytest.fixture(scope="module")
def notebook(tmp_path_factory, shared_folder):
    with Notebook(tmp_path_factory.mktemp("notebook")) as one:
        assert one.run(FIRST) == []
        yield one


def errors(outputs):
    return [each.ename for each in outputs if each.output_type == "error"]


def texts(outputs):
    return "".join(each.data["text/plain"] for each in outputs if "data" in each)


def test_values_are_cards(notebook):
    assert "autapse-card" in notebook.value("circuit")["text/html"]
    model = notebook.value('ap.read_rule("autapse")')
    assert "<math" in model["text/html"]
    assert model["text/latex"].startswith("$$\\begin{aligned}")
    assert model["text/plain"].startswith("Rule(")


def test_a_result_is_a_card_and_its_figures_are_pictures(notebook):
    result = notebook.value("result = ap.train(circuit, ball, few, engine='numpy'); result")
    assert "<svg" in result["text/html"]
    assert result["text/plain"].startswith("Result of dfa: median test MSE")
    assert notebook.value("result.plot.traces()")["image/png"]
    assert '<img alt="movie"' in notebook.value("result.plot.movie(frames=2)")["text/html"]
    assert notebook.value("hasattr(result.plot, 'traces'), 'fig1' in dir(result.plot)")["text/plain"] == "(True, True)"


@pytest.mark.slow
def test_the_network_is_there_for_monitors(notebook):
    text = """
from brian2 import StateMonitor
plain = circuit.brian2(ball, few)
seen = StateMonitor(plain.neurons, 'activity', True)
plain.network.add(seen)
plain.network.run(plain.duration)
seen.activity.shape
"""
    assert notebook.value(text)["text/plain"] == "(8, 240)"
    assert notebook.value(text)["text/plain"] == "(8, 240)"  # run again


@pytest.mark.parametrize("engine", ["numpy", "runtime", "standalone"])
def test_a_cell_that_is_run_again_gives_the_same(notebook, engine):
    text = f"ap.train(circuit, ball, few, engine={engine!r}, progress=False).data.mse.values.tobytes().hex()"
    assert notebook.value(text)["text/plain"] == notebook.value(text)["text/plain"]
    assert notebook.left() == []


@pytest.mark.slow
def test_a_run_that_takes_long_shows_a_bar_below_its_cell(notebook):
    slow = (
        "ap.train(circuit, ball, ap.Protocol(replicates=20, train=300, validate=0, test=1), engine='runtime'{})\n'done'"
    )
    *shown, last = notebook.run(slow.format(""))
    assert last.data["text/plain"] == "'done'"
    (bar,) = shown  # one that was updated in place
    assert '<progress max="1" value="1.000"' in bar.data["text/html"]
    assert bar.data["text/plain"].startswith("training: done after")
    assert [each.output_type for each in notebook.run(slow.format(", progress=False"))] == ["execute_result"]
    assert [each.output_type for each in notebook.run("ap.train(circuit, ball, few, engine='numpy')\n1")] == [
        "execute_result"
    ]


def workers(kernel):
    return len(kernel.children()) > 0


@pytest.mark.parametrize(
    ("call", "started"),
    [
        ("ap.train(heavy, ball, some, engine='standalone')", lambda kernel: len(kernel.children()) > 1),
        *(
            pytest.param(
                f"ap.train(circuit, ball, long, engine={engine!r})",
                lambda kernel: time.sleep(3) or True,
                marks=pytest.mark.slow,
            )
            for engine in ("runtime", "numpy")
        ),
        ("ap.sweep({'eta': [0.1, 0.2], 'neurons': [100, 101]}, circuit=heavy, task=ball, protocol=some)", workers),
        pytest.param("ap.compare(['dfa', 'autapse'], ball, some, heavy, [0.1])", workers, marks=pytest.mark.slow),
    ],
    ids=["standalone", "runtime", "numpy", "sweep", "compare"],
)
def test_an_interrupted_cell_leaves_no_process_and_a_kernel_that_works(notebook, call, started):
    outputs = notebook.interrupted(LONG + call, started)
    assert errors(outputs) == ["KeyboardInterrupt"], outputs
    assert ": stopped after" in texts(outputs) or "runtime" not in call
    assert notebook.left() == []
    again = "ap.train(circuit, ball, few, engine='runtime', progress=False).data.sizes['replicate']"
    assert notebook.value(again)["text/plain"] == "2"


@pytest.mark.slow
def test_a_kernel_that_ends_takes_its_programs_with_it(tmp_path):
    with Notebook(tmp_path) as one:
        train = "threading.Thread(target=lambda: ap.train(heavy, ball, some, progress=False)).start()"
        assert one.run(f"{FIRST}{LONG}import threading, brian2\n{train}") == []  # Brian2 has to be imported first
        deadline = time.monotonic() + 120
        while not (children := one.kernel.children(recursive=True)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert children
        time.sleep(1)
        children = one.kernel.children(recursive=True)
        os.kill(one.kernel.pid, 9)
        _, left = psutil.wait_procs(children, timeout=10)
        assert left == []


@pytest.mark.slow
def test_training_is_watched_below_its_cell(notebook):
    text = "some = ap.Protocol(replicates=2, train=6, validate=0, test=1)\nview = ap.LiveView(every=2)\n"
    text += "watched = ap.train(circuit, ball, some, engine={!r}, watch=view, progress=False)\n'done'"
    for engine in ("runtime", "standalone"):
        shown, last = notebook.run(text.format(engine))  # one figure, which was drawn anew
        assert last.data["text/plain"] == "'done'"
        assert shown.data["image/png"]
    titles = "[ax.get_title() for ax in view.figure.axes][1]"
    assert notebook.value(titles)["text/plain"] == "'activity, training 6'"
