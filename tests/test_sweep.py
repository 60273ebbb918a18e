"""Studies: every combination is what `train` gives alone, nothing is lost, nothing is computed twice."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from click.testing import CliRunner
from here import Here

import autapse_sim as ap
from autapse_sim.commands.main import main
from autapse_sim.studies import plan as plans
from autapse_sim.studies import sweep as sweeps
from autapse_sim.studies.execute import attempt, execute
from autapse_sim.studies.store import Store
from autapse_sim.studies.unit import code
from autapse_sim.studies.workers import Workers
from autapse_sim.tasks.catalogue import tasks
from autapse_sim.tasks.library import task_called

FEW = ap.Protocol(replicates=3, train=4, validate=2, test=2, validate_every=2)
DRAWN = ap.Circuit(readout="random", learn=("W", "V"))
BALL = ap.BouncingBall(steps=12)


def run(folder, grid, executor=None, protocol=FEW, retries=1, **given):
    plan = sweeps.plan_sweep(grid, protocol=protocol, **{"circuit": DRAWN, "task": BALL, "engine": "numpy", **given})
    store = Store(folder)
    store.keep_plan(plan, {})
    executor = executor or Here()
    execute(plan.units, store, Workers(executor, lambda: 1), retries)
    return sweeps.open_study(folder), executor


def contents(folder):
    return {path.name: path.read_bytes() for path in (folder / "units").glob("*.nc")}


def test_every_combination_is_what_train_gives(tmp_path):
    grid = {"rule": ["dfa", "autapse"], "neurons": [2, 4], "eta": [0.01, 0.1], "horizon": [1, 3]}
    data, _ = run(tmp_path, grid)
    assert dict(data.mse.sizes) == {"rule": 2, "neurons": 2, "eta": 2, "horizon": 2, "replicate": 3, "trajectory": 2}
    assert json.loads(data.attrs["left_out"]) == ["V", "W"]  # they have other shapes in other circuits
    for rule, neurons, eta, horizon in [("dfa", 2, 0.1, 3), ("autapse", 4, 0.01, 1)]:
        circuit = ap.Circuit(rule=rule, neurons=neurons, readout="random", learn=("W", "V"))
        task = ap.BouncingBall(steps=12, horizon=horizon)
        alone = ap.train(circuit, task, FEW, parameters={"eta": eta}, engine="numpy").data
        mine = data.sel(rule=rule, neurons=neurons, eta=eta, horizon=horizon)
        for name in ("mse", "mse_train", "mse_validate", "r2_network"):
            np.testing.assert_allclose(mine[name], alone[name], rtol=1e-12)
    assert (np.abs(np.diff(data.mse.values, axis=2)) > 0).any()  # eta matters
    assert np.ptp(data.mse_train.values) > 1e-3


def test_weights_are_kept_where_they_have_one_shape(tmp_path):
    data, _ = run(tmp_path, {"eta": [0.01, 0.1]})
    alone = ap.train(DRAWN, BALL, FEW, parameters={"eta": 0.1}, engine="numpy").data
    np.testing.assert_allclose(data.W.sel(eta=0.1), alone.W, rtol=1e-12)
    assert "U" not in data


def test_an_axis_may_be_called_as_a_dimension_is(tmp_path):
    circuit, protocol = ap.Circuit(neurons=3, readout="random"), ap.Protocol(replicates=2, train=2, validate=1, test=1)
    task, here = ap.FlipFlop(steps=20), Workers(Here(), lambda: 1)
    data = ap.sweep({"neuron": ["lif", "alif"]}, tmp_path, circuit, task, protocol, engine="reference", on=here)
    assert data.rate.dims == ("neuron", "replicate", "neuron_number")
    assert data.rate.shape == (2, 2, 3)
    assert data.neuron.values.tolist() == ["lif", "alif"]
    assert np.isfinite(data.rate).all()


def test_a_parameter_that_a_rule_lacks_makes_no_difference_there(tmp_path):
    data, executor = run(tmp_path, {"rule": ["autapse", "dfa"], "tau": ["2 ms", "10 ms"]})
    assert data.tau.values.tolist() == [0.002, 0.01]
    assert data.tau.attrs["units"] == "s"
    assert np.abs(np.diff(data.mse.sel(rule="dfa"), axis=0)).max() == 0
    assert np.abs(np.diff(data.mse.sel(rule="autapse"), axis=0)).max() > 1e-6
    assert executor.calls == 2


def test_a_study_goes_on_where_it_was_and_the_bits_are_the_same(tmp_path):
    grid = {"rule": ["autapse", "dfa", "fa"], "neurons": [2, 3]}
    whole, _ = run(tmp_path / "whole", grid)
    broken = Here([None, None, KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "stopped", grid, broken)
    half = sweeps.open_study(tmp_path / "stopped")
    assert half.attrs["missing"] == 4
    assert np.isfinite(half.mse).any()
    assert np.isnan(half.mse).any()
    again, executor = run(tmp_path / "stopped", grid)
    assert executor.calls == 4
    assert again.equals(whole)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")
    assert list((tmp_path / "stopped" / "claims").iterdir()) == []
    _, executor = run(tmp_path / "stopped", grid)
    assert executor.calls == 0


def test_more_replicates_compute_the_new_ones_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(plans, "BLOCK", 2)
    few, first = run(tmp_path, {"eta": [0.01, 0.1]}, protocol=ap.Protocol(replicates=4, train=4, validate=0, test=2))
    more, then = run(tmp_path, {"eta": [0.01, 0.1]}, protocol=ap.Protocol(replicates=8, train=4, validate=0, test=2))
    assert (first.calls, then.calls) == (2, 2)
    assert np.array_equal(more.mse[:, :4], few.mse)
    alone = ap.train(DRAWN, BALL, ap.Protocol(replicates=8, train=4, validate=0, test=2), None, {"eta": 0.1}, "numpy")
    np.testing.assert_allclose(more.mse.sel(eta=0.1), alone.data.mse, rtol=1e-12)


def test_what_fails_is_tried_again_then_told_and_the_others_go_on(tmp_path):
    grid = {"rule": ["autapse", "dfa"]}
    data, executor = run(tmp_path / "a", grid, Here([OSError("gone")]))
    assert executor.calls == 3
    assert data.attrs["missing"] == 0
    data, executor = run(tmp_path / "b", grid, Here([OSError("gone"), None, OSError("gone")]))
    assert executor.calls == 3
    assert list(json.loads(data.attrs["failures"]).values()) == ["OSError: gone"]
    assert np.isnan(data.mse.sel(rule="autapse")).all()
    assert np.isfinite(data.mse.sel(rule="dfa")).all()
    data, _ = run(tmp_path / "b", grid)  # the same again tries what failed
    assert json.loads(data.attrs["failures"]) == {}
    assert np.isfinite(data.mse).all()


def test_a_rule_that_means_nothing_is_refused_before_anything_runs(tmp_path):
    rule = tmp_path / "rule.py"
    rule.write_text("from autapse_sim import Rule\nrule = Rule(update='w -= feedbak_post', parameters={})\n")
    with pytest.raises(ap.InputError, match=r"rule.py, line 2: .*feedback_post"):
        run(tmp_path / "study", {"rule": ["dfa", str(rule)]}, engine="runtime", circuit=ap.Circuit())
    assert not (tmp_path / "study").exists()


def test_a_damaged_unit_is_run_again(tmp_path):
    data, _ = run(tmp_path, {"rule": ["autapse", "dfa"]})
    path = next((tmp_path / "units").glob("*.nc"))
    path.write_bytes(path.read_bytes()[:-100])
    assert sweeps.open_study(tmp_path).attrs["missing"] == 1
    again, executor = run(tmp_path, {"rule": ["autapse", "dfa"]})
    assert executor.calls == 1
    assert again.equals(data)


def test_an_edited_rule_is_another_unit(tmp_path):
    rule = tmp_path / "rule.py"
    text = "from autapse_sim import Rule\nrule = Rule(update='w -= {}*feedback_post*activity_pre', parameters={{}})\n"
    found = []
    for rate in (0.01, 0.5):
        rule.write_text(text.format(rate))
        data, executor = run(tmp_path / "study", {"rule": [str(rule)]}, engine="runtime", circuit=ap.Circuit())
        assert executor.calls == 1
        found.append(data.mse.values)
    assert np.abs(found[0] - found[1]).max() > 1e-6


def test_a_unit_carries_its_models_and_where_they_lay_makes_no_difference(tmp_path):
    text = "from autapse_sim import Rule\nrule = Rule(update='w -= {}*feedback_post', parameters={{}})\n"
    (tmp_path / "here").mkdir()
    rules = [tmp_path / "rule.py", tmp_path / "here" / "another.py"]
    plans = []
    for rule in rules:
        rule.write_text(text.format(0.1))
        plans.append(sweeps.plan_sweep({"rule": [str(rule)]}, protocol=FEW, task=BALL, engine="runtime"))
    assert plans[0].units.keys() == plans[1].units.keys()
    (unit,) = plans[0].units.values()
    before = unit.run().data
    rules[0].unlink()
    assert unit.run().data.equals(before)
    rules[1].write_text(text.format(0.2))
    (other,) = sweeps.plan_sweep({"rule": [str(rules[1])]}, protocol=FEW, task=BALL, engine="runtime").units.values()
    assert np.abs(other.run().data.mse - before.mse).max() > 1e-6


def test_a_model_that_reads_other_files_is_carried_as_what_it_says(tmp_path, monkeypatch):
    rule = tmp_path / "rule.py"
    rule.write_text("import os\nfrom autapse_sim import Rule\nrule = Rule(update=os.environ['WHAT'], parameters={})\n")
    names = []
    for update in ("w -= 0.1*feedback_post", "w -= 0.2*feedback_post"):
        monkeypatch.setenv("WHAT", update)
        plan = sweeps.plan_sweep({"rule": [str(rule)]}, protocol=FEW, task=BALL, engine="runtime")
        ((name, unit),) = plan.units.items()
        assert f"update='{update}'" in unit.setting.circuit.rule.text
        names.append(name)
    assert names[0] != names[1]


@dataclass(frozen=True)
class Careless:
    """A task that draws from the generator itself."""

    inputs: int = 2
    outputs: int = 2
    steps: int = 5
    blanked: None = None

    def sample(self, rng, replicates, trajectories):
        x = rng.random((replicates, trajectories, self.steps, 2))
        return x, x


def test_a_task_whose_blocks_would_be_the_same_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(plans, "BLOCK", 1)
    data, executor = run(tmp_path, {"eta": [0.01]}, task=Careless())
    reasons = set(json.loads(data.attrs["failures"]).values())
    assert executor.calls == 3  # what is refused is not tried again
    assert len(reasons) == 1
    assert "rng.spawn(replicates)" in reasons.pop()


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ({"neuron": []}, "grid neuron has no values"),
        ({"taus": [1]}, "unknown axis 'taus'; did you mean 'tau'"),
        ({"replicates": [1, 2]}, "replicates cannot be crossed: it is the axis of statistics"),
        ({"tau": ["5 ms", "5 ms"]}, "grid tau has the value 0.005 twice"),
        ({"tau": [5]}, "parameter tau is 5: its unit is 1, expected second"),
        ({"rule": ["autaps"]}, "unknown rule 'autaps'; did you mean 'autapse'"),
        ({"task": ["flipflop"]}, "unknown task 'flipflop'; did you mean 'flip-flop'"),
        ({"circuit.horizon": [1]}, "unknown circuit option 'horizon'"),
        ({"neurons": [2, 0]}, "neurons is 0; it must be a whole number of at least 1"),
        ({"eta": [0.1, -1.0]}, "a learning rate must not be negative"),
        ({"neurons": [2], "circuit.neurons": [3]}, "neurons is crossed twice"),
        (
            {"probability": [0.1], "task": ["flip-flop", "bouncing-ball"]},
            "unknown option of BouncingBall 'probability'",
        ),
        ({"delay": [1], "task": [ap.DelayedCopy()]}, "grid delay may mean circuit.delay or task.delay; write which"),
    ],
)
def test_a_grid_that_means_nothing_is_refused(grid, said):
    with pytest.raises(ap.InputError) as error:
        sweeps.plan_sweep(grid, circuit=DRAWN, task=BALL, protocol=FEW)
    assert said in str(error.value)


def test_tasks_go_by_name_file_and_arrays(tmp_path):
    assert {"bouncing-ball", "flip-flop", "integrator", "delayed-copy", "add-task"} <= tasks().keys()
    file = tmp_path / "mine.py"
    file.write_text("from autapse_sim import FlipFlop\ntask = FlipFlop(steps=7)\n")
    assert task_called(file).steps == 7
    x = np.random.default_rng(0).normal(size=(1, 8, 12, 2))
    np.savez(tmp_path / "held.npz", x=x, y=x)
    data, _ = run(tmp_path / "study", {"task": ["bouncing-ball", str(file), str(tmp_path / "held.npz")]})
    assert data.task.values.tolist() == ["BouncingBall", "FlipFlop", "ArrayTask"]
    assert np.isfinite(data.mse).all()
    for name, said in {"gone.npz": "cannot be read", "gone.py": "does not exist", "x.py": "defines no task"}.items():
        (tmp_path / "x.py").write_text("a = 1\n")
        with pytest.raises(ap.InputError, match=said):
            task_called(tmp_path / name)


@pytest.mark.slow
def test_any_executor_runs_units_each_in_a_process_of_its_own(tmp_path):
    grid = {"neurons": [2, 3]}
    circuit = ap.Circuit(rule="autapse", readout="random")
    few = ap.Protocol(replicates=2, train=2, validate=0, test=1)
    given = {"circuit": circuit, "task": BALL, "protocol": few, "engine": "runtime"}  # Brian2 wants the main thread
    with ThreadPoolExecutor(2) as threads:
        data = ap.sweep(grid, tmp_path, **given, on=threads)
    assert data.attrs["failures"] == "{}"
    assert data.equals(ap.sweep(grid, **given, on=Workers(Here(), lambda: 1)))


@pytest.mark.slow
def test_two_processes_share_a_folder(tmp_path):
    code = (
        "import autapse_sim as ap\n"
        "if __name__ == '__main__':\n"
        f"    ap.sweep({{'rule': ['dfa', 'autapse'], 'neurons': [2, 3, 4]}}, {str(tmp_path)!r},\n"
        "        ap.Circuit(readout='random'), ap.BouncingBall(steps=12),\n"
        "        ap.Protocol(replicates=2, train=2, validate=0, test=1), engine='numpy')\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sweeps.open_study(tmp_path).attrs["missing"] == 0


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


@pytest.mark.parametrize(
    ("grid", "readout"),
    [
        ({"neurons": [2, 8], "task": "flip-flop"}, "random"),
        ({"neurons": [2, 8]}, "random"),
        ({"circuit.neurons": 8}, "random"),
        ({"neurons": 2}, "identity"),
        ({"task": ["bouncing-ball", "flip-flop"]}, "random"),
        ({"task": "bouncing-ball"}, "identity"),
    ],
)
def test_the_command_takes_one_readout_that_fits_all(tmp_path, grid, readout):
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


def test_what_cannot_be_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(ap.InputError, match=r"needs as many neurons \(8\) as inputs \(2\)"):
        run(tmp_path, {"neurons": [2, 8]}, circuit=ap.Circuit())
    with pytest.raises(ap.InputError, match="task is 3; it must be a task"):
        run(tmp_path, {"task": [BALL, 3]})


def test_an_attempt_tells_what_went_wrong():
    assert attempt(b"nonsense", code())[0] == "failed"
    assert attempt(b"nonsense", "older") == (
        "refused",
        "the worker has another version of autapse_sim, Brian2, NumPy or SciPy",
    )


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
    assert CliRunner().invoke(main, ["report", str(tmp_path)]).exit_code == 2


def test_the_command_counts_networks_that_diverged_as_infinitely_bad(tmp_path):
    line = ["sweep", "--engine", "numpy", "--rule", "bptt", "--grid", "eta=0.01,5", "--replicates", "3"]
    for each in ("activation=linear", "learn=W+V+c", "train=5", "test=2", "validate=0"):
        line += ["-s", each]
    line += ["--out", str(tmp_path)]
    assert "eta 5: median test MSE inf; 2 of 3 diverged" in CliRunner().invoke(main, line).stdout
    rows = json.loads(CliRunner().invoke(main, [*line, "--json"]).stdout)
    assert [row["diverged"] for row in rows] == [0, 2]
    assert rows[0]["mse"] > 0
    assert rows[1]["mse"] is None


def test_an_option_may_be_crossed_before_its_task():
    plan = sweeps.plan_sweep({"probability": [0.1, 0.2], "task": ["flip-flop"]}, circuit=DRAWN, protocol=FEW)
    assert sorted(unit.setting.task.probability for unit in plan.units.values()) == [0.1, 0.2]


def test_the_command_says_that_there_is_no_table(tmp_path):
    line = ["sweep", "--engine", "numpy", "--rule", "dfa", "--grid", "test=1,3", "-s", "train=2", "-s", "validate=0"]
    answer = CliRunner().invoke(main, [*line, "--replicates", "2", "--json", "--out", str(tmp_path)])
    assert json.loads(answer.stdout) == []
    assert "no table: the sizes of the scores differ" in answer.stderr


def test_the_command_refuses_retries_that_are_no_number(tmp_path):
    (tmp_path / "study.toml").write_text("[run]\nretries = 'x'\n")
    answer = CliRunner().invoke(main, ["sweep", str(tmp_path / "study.toml"), "--dry-run"])
    assert isinstance(answer.exception, SystemExit)
    assert "retries is 'x'; it must be a whole number" in answer.output


@pytest.mark.parametrize("typed", [["-s", "checkpoints=1+2"], ["--grid", "checkpoints=1,2"]])
def test_the_command_takes_checkpoints(tmp_path, typed):
    answer = CliRunner().invoke(main, ["sweep", "--engine", "numpy", *typed, "--dry-run", "--out", str(tmp_path)])
    assert answer.exit_code == 0, answer.output
