"""The command `sweep`: study files, what is typed in their place, the plan and the table."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from autapse_sim.commands.main import main
from autapse_sim.studies import sweep as sweeps


def test_the_command_plans_runs_and_goes_on(tmp_path):
    out = ["--out", str(tmp_path / "study")]
    study = tmp_path / "study.toml"
    study.write_text(
        "[grid]\neta = [0.01, 0.1]\n[circuit]\nreadout = 'random'\n"
        "[protocol]\nreplicates = 2\ntrain = 2\nvalidate = 0\ntest = 1\n[task]\nname = 'flip-flop'\nsteps = 12\n"
        "[run]\nengine = 'numpy'\n"
    )
    line = ["sweep", str(study), "--rule", "dfa", "--rule", "autapse", "-t", "probability=0.2", *out]
    planned = CliRunner().invoke(main, [*line, "--dry-run"])
    assert planned.exit_code == 0, planned.output
    assert "8 networks in 2 units, 0 of circuits to compile, 0 finished; axes eta (2) x rule (2)" in planned.output
    assert not (tmp_path / "study").exists()
    ran = CliRunner().invoke(main, [*line, "--json"])
    assert ran.exit_code == 0, ran.output
    rows = json.loads(ran.stdout)
    assert [(row["eta"], row["rule"]) for row in rows] == [
        (0.01, "dfa"),
        (0.01, "autapse"),
        (0.1, "dfa"),
        (0.1, "autapse"),
    ]
    assert all(row["mse"] > 0 for row in rows)
    assert "2 finished" in CliRunner().invoke(main, [*line, "--dry-run"]).output


def test_the_option_of_a_task_that_is_called_as_what_the_table_sums_up_is_crossed(tmp_path, without_workers):
    fixed = "--set train=2 --set validate=0 --set test=1 --replicates 3 --rule dfa --engine numpy -t steps=10"
    line = ["sweep", *fixed.split(), "--task", "chaotic-series", "--grid", "interval=1,2", "--out", str(tmp_path)]
    ran = CliRunner().invoke(main, line)
    assert ran.exit_code == 0, ran.output
    assert [words.partition(":")[0] for words in ran.stdout.splitlines()] == ["task.interval 1", "task.interval 2"]


@pytest.mark.parametrize(
    ("grid", "readout"),
    [
        ({"neurons": [2, 8], "task": "flip-flop"}, "random"),
        pytest.param({"neurons": [2, 8]}, "random", marks=pytest.mark.slow),
        pytest.param({"circuit.neurons": 8}, "random", marks=pytest.mark.slow),
        ({"neurons": 2}, "identity"),
        ({"task": ["bouncing-ball", "flip-flop"]}, "random"),
        pytest.param({"task": "bouncing-ball"}, "identity", marks=pytest.mark.slow),
    ],
)
def test_the_command_takes_one_readout_that_fits_all(tmp_path, grid, readout, without_workers):
    study = tmp_path / "study.toml"
    lines = [f"{json.dumps(name)} = {json.dumps(values)}" for name, values in grid.items()]
    few = ["[protocol]", "replicates = 2", "train = 2", "validate = 0", "test = 1"]
    study.write_text("\n".join(["[grid]", *lines, *few]))
    line = ["sweep", str(study), "--rule", "dfa", "--engine", "numpy", "--out", str(tmp_path / "out")]
    ran = CliRunner().invoke(main, line)
    assert ran.exit_code == 0, ran.output
    data = sweeps.open_study(tmp_path / "out")
    assert json.loads(data.attrs["circuit"])["readout"] == readout
    assert np.isfinite(data.mse).all()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["--grid", "tau"], "--grid 'tau': write NAME=VALUE, for example tau=5ms,10ms"),
        (["--set", "horizon=2"], "--set horizon: circuits and protocols have"),
        (["gone.toml"], "gone.toml cannot be read"),
        (["--on", "moon", "--grid", "neurons=2"], "on is 'moon'; it must be 'local', the address of a dask scheduler"),
        (
            ["--task", "bouncing-ball", "-t", "speeed=1"],
            "unknown option of bouncing-ball 'speeed'; did you mean 'speed'",
        ),
        (["-p", "eta_x=1"], "parameter 'eta_x' is one of no circuit of this study"),
        (
            ["--grid", "neurons=2,8", "-s", "readout=identity"],
            "readout 'identity' needs as many neurons (8) as inputs (2)",
        ),
    ],
)
def test_a_line_that_means_nothing_is_refused(tmp_path, line, said):
    asked = CliRunner().invoke(main, ["sweep", *line, "--engine", "numpy", "--out", str(tmp_path / "study")])
    assert asked.exit_code == 2, asked.output
    assert said in asked.output


@pytest.mark.slow
def test_a_study_has_a_page(tmp_path):
    given = ["sweep", "--grid", "eta=0.01,0.03", "--rule", "autapse", "--set", "train=2", "--set", "test=1"]
    done = CliRunner().invoke(main, [*given, "--set", "validate=0", "--replicates", "2", "--out", str(tmp_path / "s")])
    assert done.exit_code == 0, done.output
    done = CliRunner().invoke(main, ["report", str(tmp_path / "s")])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "s" / "report.html").read_text()
    assert "Best median mse" in page
    assert "<svg" in page
    assert CliRunner().invoke(main, ["report", str(tmp_path / "s" / "study.json")]).output == done.output
    assert CliRunner().invoke(main, ["report", str(tmp_path)]).exit_code == 2


def test_the_command_counts_networks_that_diverged_as_infinitely_bad(tmp_path, without_workers):
    line = ["sweep", "--engine", "numpy", "--rule", "bptt", "--grid", "eta=0.01,5", "--replicates", "3"]
    for each in ("activation=linear", "learn=W+V+c", "train=5", "test=2", "validate=0"):
        line += ["-s", each]
    line += ["--out", str(tmp_path)]
    assert "eta 5: median test MSE inf; 2 of 3 diverged" in CliRunner().invoke(main, line).stdout
    rows = json.loads(CliRunner().invoke(main, [*line, "--json"]).stdout)
    assert [row["diverged"] for row in rows] == [0, 2]
    assert rows[0]["mse"] > 0
    assert rows[1]["mse"] is None


def test_the_command_says_that_there_is_no_table(tmp_path, without_workers):
    line = ["sweep", "--engine", "numpy", "--rule", "dfa", "-s", "test=0", "-s", "train=2", "-s", "validate=0"]
    answer = CliRunner().invoke(main, [*line, "--replicates", "2", "--json", "--out", str(tmp_path)])
    assert json.loads(answer.stdout) == []
    assert "no table: there are no scores" in answer.stderr


def plan_of(*line):
    """What a line plans: what it says, and the exit code."""
    asked = CliRunner().invoke(main, ["sweep", "--engine", "numpy", "--rule", "dfa", *line, "--dry-run"])
    return asked.output, asked.exit_code


def test_options_of_a_task_are_for_each_task_that_is_crossed(tmp_path, without_workers):
    line = ["sweep", "--engine", "numpy", "--rule", "dfa", "--task", "flip-flop", "--task", "integrator"]
    line += ["-t", "steps=7", "-s", "train=2", "-s", "validate=0", "-s", "test=1", "--replicates", "2"]
    line += ["--out", str(tmp_path)]
    assert CliRunner().invoke(main, line).exit_code == 0
    told = json.loads(sweeps.open_study(tmp_path).attrs["task"])
    assert {name: task["steps"] for name, task in told.items()} == {"flip-flop": 7, "integrator": 7}
    said, code = plan_of("--task", "flip-flop", "--task", "bouncing-ball", "-t", "probability=0.2")
    assert "unknown option of bouncing-ball 'probability'" in said
    assert code == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["--grid", "rule=dfa,fa"], "rule is crossed, and rule is given one value, 'dfa'"),
        (["--task", "flip-flop", "--grid", "task=flip-flop,integrator"], "task is crossed, and task name is given"),
        (["-s", "rule=fa"], "rule was given twice, as 'dfa' and as 'fa'"),
        (["--replicates", "3", "-s", "replicates=4"], "replicates was given twice, as 3 and as 4"),
        (["-t", "steps=5", "--grid", "steps=5,6"], "steps is crossed, and task steps is given one value, 5"),
        (["-p", "eta=5", "--grid", "parameter.eta=5,6"], "parameter.eta is crossed, and eta is given one value, '5'"),
        (["-p", "eta=5", "-p", "eta=6"], "eta was given twice, as '5' and as '6'"),
        (["--on", "there"], "on is 'there'; it must be"),
    ],
)
def test_what_is_said_twice_is_refused(line, said):
    output, code = plan_of(*line)
    assert said in output
    assert code == 2


def test_what_is_typed_takes_the_place_of_what_the_file_says(tmp_path):
    study = tmp_path / "study.toml"
    study.write_text("[grid]\nrule = ['dfa', 'fa']\n[circuit]\nneurons = 4\n[run]\nengine = 'numpy'\n")
    line = ["sweep", str(study), "--dry-run", "--grid", "neurons=2,8"]
    assert "axes rule (2) x neurons (2)" in CliRunner().invoke(main, line).output
    assert "axes neurons (2)" in CliRunner().invoke(main, [*line, "--rule", "dfa"]).output
    study.write_text("[grid]\nneurons = [2, 4]\n[circuit]\nneurons = 4\n")
    assert "neurons is crossed, and neurons is given one value, 4" in CliRunner().invoke(main, line[:3]).output


def test_several_numbers_are_joined_by_plus():
    for line in (["-t", "occlusion=2+10"], ["--grid", "occlusion=2+10,3+10"], ["-s", "checkpoints=1+2"]):
        said, code = plan_of(*line)
        assert code == 0, said
    said, code = plan_of("--grid", "bound=-1+1,0.5")
    assert "has no constraints or bound" in said


def test_options_of_a_task_in_a_file(tmp_path):
    (tmp_path / "mine.py").write_text("from autapse_sim import FlipFlop\ntask = FlipFlop(steps=7)\n")
    for line in (["-t", "steps=5"], ["--grid", "steps=5,9"]):
        said, code = plan_of("--task", str(tmp_path / "mine.py"), *line)
        assert code == 0, said
    said, code = plan_of("--task", str(tmp_path / "mine.py"), "-t", "stepps=5")
    assert "mine.py 'stepps'; did you mean 'steps'" in said
    (tmp_path / "plain.py").write_text(
        "class Plain:\n    inputs = outputs = 2\n    steps, blanked = 5, None\n    sample = None\ntask = Plain()\n"
    )
    said, code = plan_of("--task", str(tmp_path / "plain.py"))
    assert "it must be a task" in said
    (tmp_path / "bare.py").write_text(
        "class Bare:\n    inputs = outputs = steps = 2\n    sample = print\ntask = Bare()\n"
    )
    said, code = plan_of("--task", str(tmp_path / "bare.py"))
    assert "it has no blanked" in said


def test_the_command_refuses_retries_that_are_no_number(tmp_path):
    (tmp_path / "study.toml").write_text("[run]\nretries = 'x'\n")
    answer = CliRunner().invoke(main, ["sweep", str(tmp_path / "study.toml"), "--dry-run"])
    assert isinstance(answer.exception, SystemExit)
    assert "retries is 'x'; it must be a whole number" in answer.output


@pytest.mark.parametrize("typed", [["-s", "checkpoints=1+2"], ["--grid", "checkpoints=1,2"]])
def test_the_command_takes_checkpoints(tmp_path, typed):
    answer = CliRunner().invoke(main, ["sweep", "--engine", "numpy", *typed, "--dry-run", "--out", str(tmp_path)])
    assert answer.exit_code == 0, answer.output
