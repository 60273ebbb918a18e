"""`autapse new` writes what runs as it is, and variants of a model are made in a line."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from here import Here

import autapse_sim as ap
from autapse_sim.commands.main import main
from autapse_sim.studies.workers import Workers
from autapse_sim.tasks.library import task_called

SMALL = ap.Protocol(replicates=2, train=3, validate=0, test=2)
TASK = ap.BouncingBall(steps=8)


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes the starting point of a kind with the command, and gives its path."""
    monkeypatch.chdir(tmp_path)

    def write(kind):
        done = CliRunner().invoke(main, ["new", kind, f"own_{kind}.py"])
        assert done.exit_code == 0, done.output
        assert done.stdout == ""
        assert f"autapse check own_{kind}.py" in done.stderr
        return f"own_{kind}.py"

    return write


def trained(**circuit):
    return ap.train(ap.Circuit(**circuit), TASK, SMALL, engine="reference").data


def test_a_rule_learns_as_it_is_and_is_the_autapse_rule(written):
    np.testing.assert_array_equal(trained(rule=written("rule")).W, trained(rule="autapse").W)


def test_a_rule_becomes_another_one_by_the_edit_that_it_suggests(written):
    path = Path(written("rule"))
    text = path.read_text()
    text = text.replace('# eligibility="dp/dt', 'eligibility="dp/dt').replace(
        "feedback_post * k_pre", "feedback_post * p"
    )
    path.write_text(text)
    own, other = trained(rule=path), trained(rule=ap.read_rule("autapse_f_prime"))
    np.testing.assert_array_equal(own.W, other.W)
    assert np.abs(own.W - trained(rule="autapse").W).max() > 1e-6


def test_a_neuron_is_the_leaky_one(written):
    np.testing.assert_array_equal(trained(neuron=written("neuron")).W, trained(neuron="leaky").W)


def test_a_task_asks_for_the_past(written):
    task = task_called(written("task"))
    x, y = task.sample(np.random.default_rng(0), 2, 3)
    np.testing.assert_array_equal(y[:, :, task.delay :], x[:, :, : -task.delay])
    assert np.isnan(y[:, :, : task.delay]).all()
    circuit = ap.Circuit(neurons=4, readout="random")
    assert np.isfinite(ap.train(circuit, task, SMALL, engine="numpy").data.mse).all()


@pytest.mark.slow
def test_a_benchmark_judges(written):
    path = Path(written("benchmark"))
    path.write_text(
        path.read_text().replace("train=1600", "train=32").replace("validate_every=320", "validate_every=16")
    )
    data = ap.verdict("dfa", path, replicates=2, on=Workers(Here(), lambda: 1)).data
    assert data.attrs["benchmark"] == "own_benchmark"
    assert np.isfinite(data.mse_online.sel(method="dfa")).all()


def test_each_file_speaks_of_itself_and_runs_as_python(written):
    kinds = ("rule", "neuron", "task", "benchmark")
    paths = [written(kind) for kind in kinds]
    for kind, path in zip(kinds, paths, strict=True):
        text = Path(path).read_text()
        assert f"autapse check {path}" in text
        assert f"my_{kind}" not in text
    each = "import runpy, sys\nfor path in sys.argv[1:]: print(path, *runpy.run_path(path, run_name='__main__'))"
    done = subprocess.run([sys.executable, "-c", each, *paths], check=True, capture_output=True, text=True)
    for kind, path, line in zip(kinds, paths, done.stdout.splitlines(), strict=True):
        assert line.startswith(path)
        assert kind in line.split()


def test_a_file_that_is_there_is_left_as_it_is(written):
    path = written("rule")
    Path(path).write_text("mine")
    done = CliRunner().invoke(main, ["new", "rule", path])
    assert done.exit_code == 2
    assert (
        done.stderr
        == f"autapse: error: {path} is there already, and is left as it is; give another name, or move it away\n"
    )
    assert Path(path).read_text() == "mine"
    assert {each.name for each in Path().iterdir()} == {path}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rul", "x.py"], "unknown kind 'rul'; did you mean 'rule'? Known: benchmark, neuron, rule, task"),
        (["rule", "x.txt"], "x.txt is no name of a Python file; write for example my_rule.py"),
        (["rule", "file/x.py"], "file/x.py cannot be written: Not a directory"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path, monkeypatch, arguments, says):
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("")
    done = CliRunner().invoke(main, ["new", *arguments])
    assert (done.exit_code, done.stderr) == (2, f"autapse: error: {says}\n")


def test_a_variant_is_made_in_a_line():
    rule, neuron = ap.read_rule("autapse"), ap.read_neuron("rate")
    variant = rule.replace(update="w -= 2 * eta * feedback_post * k_pre")
    plain, twice = trained(rule=rule), trained(rule=variant)
    np.testing.assert_array_equal(plain.W, trained(rule="autapse").W)
    given = ap.train(ap.Circuit(rule="autapse"), TASK, SMALL, parameters={"eta": 0.06}, engine="reference").data
    np.testing.assert_allclose(twice.W, given.W, rtol=1e-14)
    assert np.abs(twice.W - plain.W).max() > 1e-6
    slow = neuron.replace(equations=neuron.equations.replace("/tau_m", "/(2*tau_m)"))
    assert np.abs(trained(neuron=slow).W - plain.W).max() > 1e-6
    assert rule.path
    assert (variant.path, variant.source) == (None, "")
    with pytest.raises(ap.InputError, match="unknown field of Rule 'updat'; did you mean 'update'"):
        rule.replace(updat="w -= 1")
    with pytest.raises(ap.InputError, match="does not change the weight w"):
        rule.replace(update="k += 1")


def test_a_task_by_name_or_path_is_the_object(written):
    circuit, path = ap.Circuit(neurons=3, readout="random"), written("task")
    for given, task in (("flip-flop", ap.FlipFlop()), (path, task_called(path))):
        one, other = (ap.train(circuit, each, SMALL, engine="numpy").data for each in (given, task))
        np.testing.assert_array_equal(one.W, other.W)
        assert one.attrs["task"] == other.attrs["task"]
    with pytest.raises(ap.InputError, match="unknown task 'flipflop'; did you mean 'flip-flop'"):
        ap.train(circuit, "flipflop", SMALL)


def test_an_object_does_wherever_a_name_does():
    rule, here = ap.read_rule("rflo"), Workers(Here(), lambda: 1)
    how = {"circuit": ap.Circuit(), "task": TASK, "protocol": ap.Protocol(2, 3, 1, 1), "engine": "reference"}
    swept = ap.sweep({"rule": [rule, "dfa"]}, on=here, **how)
    compared = ap.compare([rule, "dfa"], etas=(0.03,), on=here, **how).data
    assert swept.sizes["rule"] == compared.sizes["rule"] == 2
    assert np.isfinite(ap.align(ap.Circuit(rule=rule), TASK, how["protocol"], engine="reference").W).any()
