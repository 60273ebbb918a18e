"""The command `train`: any task, each option once, and rules where they belong."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

import autapse_sim as ap
from autapse_sim.commands.main import main

TINY = ["train", "--replicates", "1", "--trajectories", "1", "--validate", "0", "--test", "1", "--engine", "numpy"]


def test_every_task_can_be_trained_on(tmp_path):
    (tmp_path / "mine.py").write_text("import autapse_sim as ap\ntask = ap.FlipFlop(steps=12)\n")
    x = np.random.default_rng(0).normal(size=(1, 2, 9, 3))
    np.savez(tmp_path / "arrays.npz", x=x, y=x[..., :1])
    for given, steps in (
        (["--task", "flip-flop", "-t", "probability=0.1", "-t", "steps=20"], 20),
        (["--task", str(tmp_path / "mine.py")], 12),
        (["--task", str(tmp_path / "arrays.npz"), "--neurons", "4"], 9),
        (["-t", "speed=0.1", "--steps", "7"], 7),
    ):
        done = CliRunner().invoke(main, [*TINY, *given, "--out", str(tmp_path)])
        assert done.exit_code == 0, done.output
        assert ap.load(tmp_path / "train.nc").data.sizes["step"] == steps


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--task", "flip-flap"], "did you mean 'flip-flop'?"),
        (["--task", "flip-flop", "--steps", "3"], "--steps: it is an option of the ball, and the task is flip-flop"),
        (["--steps", "10", "-t", "steps=9"], "--steps: it stands behind -t, too"),
        (["-t", "sped=3"], "unknown option of bouncing-ball 'sped'; did you mean 'speed'?"),
        (["-t", "speed"], "-t 'speed': write NAME=VALUE"),
        (["--task", "none.py"], "none.py does not exist"),
    ],
)
def test_a_task_that_means_nothing_is_refused(tmp_path, given, said):
    done = CliRunner().invoke(main, [*TINY, *given, "--out", str(tmp_path)])
    assert done.exit_code == 2
    assert said in done.output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("code", "said"), [("1/0", "ZeroDivisionError: division by zero"), ("sys.exit(0)", "SystemExit: 0")]
)
@pytest.mark.parametrize("name", ["sample", "observed"])
def test_what_the_code_of_a_task_raises_is_told_with_its_line(tmp_path, name, code, said):
    path = tmp_path / "mine.py"
    lines = [
        "import sys",
        "import numpy as np",
        "class Task:",
        "    steps, inputs, outputs, blanked = 5, 2, 2, None",
        "    def sample(self, rng, replicates, trajectories):",
        "        return 2*[np.zeros((replicates, trajectories, 5, 2))]",
        f"    def {name}(self, *given):",
        f"        {code}",
        "task = Task()",
    ]
    path.write_text("\n".join(lines))
    out = ["--out", str(tmp_path / "out")]
    few = ["--replicates", "1", "--set", "train=1", "--set", "validate=0", "--set", "test=1"]
    sweep = ["sweep", *few, "--engine", "numpy", "--rule", "dfa"]
    for line in (TINY, sweep, ["check", str(path)]):
        given = [] if line[0] == "check" else ["--task", str(path), *out]
        done = CliRunner().invoke(main, [*line, *given])
        assert done.exit_code == 2, done.output
        assert f"{path}, line 8: task: {name} raised {said}" in done.output


def test_a_run_without_tests_prints_an_empty_table(tmp_path):
    line = ["train", "--rule", "dfa", "--engine", "numpy", "--replicates", "2", "--trajectories", "2"]
    answer = CliRunner().invoke(main, [*line, "--test", "0", "--json", "--out", str(tmp_path)])
    assert json.loads(answer.stdout) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["--eta", "0.1", "-p", "eta=0.5"], "eta was given twice, as '0.5' and as 0.1; give it once"),
        (["--tau", "5ms", "-p", "tau=6ms"], "tau was given twice, as '6ms' and as '5ms'"),
        (["-p", "eta=1", "-p", "eta=2"], "eta was given twice, as '1' and as '2'"),
        (["--task", "flip-flop", "-t", "steps=5", "-t", "steps=6"], "steps was given twice, as '5' and as '6'"),
        (["--rule", "delta"], "rule 'delta' teaches no neurons: it is a readout_rule, as in Circuit(readout_rule="),
        (["--rule", "kolen_pollack"], "rule 'kolen_pollack' teaches no neurons: it is a feedback_rule"),
    ],
)
def test_what_is_said_twice_or_in_the_wrong_place_is_refused(tmp_path, line, said):
    asked = CliRunner().invoke(main, [*TINY, "--out", str(tmp_path), *line])
    assert asked.exit_code == 2
    assert said in asked.output


def test_a_rule_of_neurons_teaches_no_read_out():
    with pytest.raises(ap.InputError, match="rule 'dfa' teaches neurons: it is no readout_rule"):
        ap.train(ap.Circuit(readout_rule="dfa"), "bouncing-ball", ap.Protocol())


def test_numbers_joined_by_plus_are_several(tmp_path):
    asked = CliRunner().invoke(main, [*TINY, "--rule", "dfa", "-t", "occlusion=2+10", "--out", str(tmp_path)])
    assert asked.exit_code == 0, asked.output
    assert json.loads(ap.load(tmp_path / "train.nc").data.attrs["task"])["occlusion"] == [2, 10]


def test_the_columns_of_models_are_as_wide_as_their_names():
    listed = CliRunner().invoke(main, ["models"]).output
    assert "\n  bptt_random_feedback  An ablation" in listed
