"""What a type checker and an editor see of the public names: their types, and what is wrong with a call."""

import ast
import inspect
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import autapse_sim as ap
from autapse_sim.spec import circuit

HOME = Path(__file__).parents[1]
SCRIPT = """
from pathlib import Path
from typing import assert_type
import matplotlib.figure
import numpy as np
import xarray as xr
import autapse_sim as ap
from autapse_sim.tasks.base import Task

rule = ap.Rule(update="w -= eta*feedback_post*activity_pre", parameters={"eta": 0.03}, initial={"k": 0.5})
circuit = ap.Circuit(rule=rule, neuron=Path("mine.py"), neurons=20, learn=["W", "b"], readout="random", delay=2)
protocol = ap.Protocol(replicates=20, train=50, bound=(-1, 1), checkpoints=10)
tasks: list[Task] = [ap.AddTask(), ap.BouncingBall(steps=50), ap.ChaoticSeries(), ap.DelayedCopy(), ap.FlipFlop()]
tasks += [ap.EvidenceAccumulation(), ap.Integrator(), ap.PatternGeneration("nest", steps=20)]
arrays = ap.ArrayTask(np.zeros((1, 2, 3, 1)), np.zeros((1, 2, 3, 1)), scored=[True, True, False])
result = ap.train(circuit, arrays, protocol, parameters={"eta": 0.03}, progress=lambda share: print(share))
assert_type(result, ap.Result)
assert_type(ap.compare(["autapse", rule], ap.BouncingBall(), protocol), ap.Result)
assert_type(ap.verdict("autapse", replicates=50, folder="here"), ap.Result)
assert_type(ap.sweep({"rule": ["dfa", "fa"], "eta": [0.01, 0.1]}, protocol=protocol, engine="numpy"), xr.Dataset)
assert_type(ap.open_study(Path("here")), xr.Dataset)
assert_type(ap.load("run.nc").data, xr.Dataset)
assert_type(ap.plots.figure2(result), matplotlib.figure.Figure)
assert_type(ap.recordings.spikes(result, "test 1", replicate=0), np.ndarray)
assert_type(circuit.rule, str)
assert_type(ap.PatternGeneration().steps, int)
ap.train(circuit, tasks[0], protocol, start=result)

ap.Circuit(neurons="twenty")  # wrong
ap.Circuit(rules="autapse")  # wrong
ap.Protocol(train="50")  # wrong
ap.Weights(W=np.zeros((1, 2, 2)))  # wrong
ap.train(circuit, protocol, arrays)  # wrong
ap.train(circuit, arrays)  # wrong
ap.verdict(3)  # wrong
ap.sweep(["rule"])  # wrong
ap.plots.figure2("run.nc")  # wrong
ap.load("run.nc").dataset  # wrong
ap.trian(circuit, arrays, protocol)  # wrong
result.data = xr.Dataset()  # wrong
"""


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mypy") is None, reason="there is no type checker")
def test_a_type_checker_takes_what_is_right_and_finds_what_is_wrong(tmp_path):
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path), "--no-error-summary", "-c", SCRIPT]
    said = subprocess.run(command, cwd=HOME, capture_output=True, text=True)
    assert not said.stderr
    errors = [line for line in said.stdout.splitlines() if line.startswith("<string>:") and ": error:" in line]
    wrong = {number for number, line in enumerate(SCRIPT.splitlines(), 1) if line.endswith("# wrong")}
    assert {int(line.split(":")[1]) for line in errors} == wrong, said.stdout


def test_what_a_circuit_takes_is_what_it_has():
    tree = ast.parse(Path(circuit.__file__).read_text())
    made = next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == "__init__")
    told = {
        each.arg: ast.literal_eval(value) for each, value in zip(made.args.args[1:], made.args.defaults, strict=True)
    }
    taken = {each.name: each.default for each in inspect.signature(ap.Circuit).parameters.values()}
    assert list(told.items()) == list(taken.items())


def test_the_package_says_that_it_has_types():
    assert (Path(ap.__file__).parent / "py.typed").exists()
