"""Studies: every combination is what `train` gives alone, nothing is lost, nothing is computed twice."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from here import Here
from sweeping import BALL, DRAWN, FEW, contents, run

import autapse_sim as ap
from autapse_sim.results.sweeps import summed_up
from autapse_sim.studies import gather
from autapse_sim.studies import plan as plans
from autapse_sim.studies import sweep as sweeps
from autapse_sim.studies.about import about
from autapse_sim.studies.execute import attempt
from autapse_sim.studies.unit import code
from autapse_sim.studies.workers import Workers


def test_every_combination_is_what_train_gives(tmp_path):
    grid = {"rule": ["dfa", "autapse"], "neurons": [2, 4], "eta": [0.01, 0.1], "horizon": [1, 3]}
    data, _ = run(tmp_path, grid)
    assert dict(data.mse.sizes) == {"rule": 2, "neurons": 2, "eta": 2, "horizon": 2, "replicate": 3, "trajectory": 2}
    assert data.W.sizes["post"] == 4
    assert data.post_there.sel(neurons=2, rule="dfa", horizon=1).values[0].tolist() == [True, True, False, False]
    for rule, neurons, eta, horizon in [("dfa", 2, 0.1, 3), ("autapse", 4, 0.01, 1)]:
        circuit = ap.Circuit(rule=rule, neurons=neurons, readout="random", learn=("W", "V"))
        task = ap.BouncingBall(steps=12, horizon=horizon)
        alone = ap.train(circuit, task, FEW, parameters={"eta": eta}, engine="numpy").data
        mine = data.sel(rule=rule, neurons=neurons, eta=eta, horizon=horizon)
        for name in ("mse", "mse_train", "mse_validate", "r2_network"):
            np.testing.assert_allclose(mine[name], alone[name], rtol=1e-12)
        np.testing.assert_allclose(mine.W[:, :neurons, :neurons], alone.W, rtol=1e-12)
        assert np.isnan(mine.W[:, neurons:]).all()
        assert np.isnan(mine.W[:, :, neurons:]).all()
    assert (np.abs(np.diff(data.mse.values, axis=2)) > 0).any()  # eta matters
    assert np.ptp(data.mse_train.values) > 1e-3


def test_weights_are_kept_where_they_have_one_shape(tmp_path):
    data, _ = run(tmp_path, {"eta": [0.01, 0.1]})
    alone = ap.train(DRAWN, BALL, FEW, parameters={"eta": 0.1}, engine="numpy").data
    np.testing.assert_allclose(data.W.sel(eta=0.1), alone.W, rtol=1e-12)
    assert "U" not in data


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


def test_a_damaged_unit_is_run_again(tmp_path):
    data, _ = run(tmp_path, {"rule": ["autapse", "dfa"]})
    path = next((tmp_path / "units").glob("*.nc"))
    path.write_bytes(path.read_bytes()[:-100])
    assert sweeps.open_study(tmp_path).attrs["missing"] == 1
    again, executor = run(tmp_path, {"rule": ["autapse", "dfa"]})
    assert executor.calls == 1
    assert again.equals(data)


@pytest.mark.parametrize(
    "change",
    [
        {"units": None},
        {"axes": [{"name": "rule"}]},
        {"replicates": -1},
        {"replicates": 1},
        {"about": None},
        {"units": [{"name": "../../mine", "place": {}, "start": 0, "count": 3, "grid": []}]},
    ],
)
def test_a_damaged_plan_is_refused_and_touches_no_file_of_others(tmp_path, change):
    run(tmp_path / "study", {"rule": ["autapse", "dfa"]})
    (tmp_path / "mine.nc").write_text("no result of this package")
    path = tmp_path / "study" / "study.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ap.InputError, match=r"study.json is damaged \(.*run the study's command again"):
        sweeps.open_study(tmp_path / "study")
    assert (tmp_path / "mine.nc").exists()


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


def test_a_sweep_gives_its_own_results_where_another_one_took_its_folder(tmp_path):
    few, here = ap.Protocol(replicates=2, train=2, validate=0, test=1), Workers(Here(), lambda: 1)
    given = {"protocol": few, "circuit": ap.Circuit(rule="dfa"), "task": BALL, "engine": "numpy", "on": here}

    def meanwhile(state):
        if state.done == state.trainings:
            ap.sweep({"seed": [7]}, tmp_path, **given)

    data = ap.sweep({"eta": [0.1, 0.2]}, tmp_path, progress=meanwhile, **given)
    assert data.equals(ap.sweep({"eta": [0.1, 0.2]}, **given))


def test_who_waits_for_workers_is_told(tmp_path):
    few, said = ap.Protocol(replicates=1, train=1, validate=0, test=1), []
    nobody = Workers(Here(), lambda: 1, lambda: False)
    given = {"protocol": few, "circuit": ap.Circuit(rule="dfa"), "engine": "numpy"}
    ap.sweep({}, tmp_path, on=nobody, progress=said.append, **given)
    assert [state.waits for state in said] == [True, False, False]


def test_an_attempt_tells_what_went_wrong():
    assert attempt(b"nonsense", code())[0] == "failed"
    assert attempt(b"nonsense", "older") == (
        "refused",
        "the worker has another version of autapse_sim, Brian2, NumPy or SciPy",
    )


def test_what_would_fill_the_memory_with_nothing_is_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(gather, "PADDED", 8 * 2 * 3 * 4 * 4 - 1)
    data, _ = run(tmp_path, {"neurons": [2, 4]}, circuit=ap.Circuit(rule="dfa", readout="random"))
    assert json.loads(data.attrs["left_out"]) == ["W"]
    assert not [name for name in data if name.endswith("_there")]
    data, _ = run(tmp_path, {"neurons": [4]}, circuit=ap.Circuit(rule="dfa", readout="random"))
    assert data.W.shape == (1, 3, 4, 4)


def test_a_study_of_which_nothing_is_finished_says_so(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, {"rule": ["dfa", "fa"]}, Here([KeyboardInterrupt()]))
    with pytest.raises(ap.InputError, match="none of the units of this study is finished"):
        ap.report(sweeps.open_study(tmp_path), tmp_path / "page.html")


def test_scores_of_other_lengths_are_told_from_what_diverged(tmp_path):
    grid = {"test": [1, 3], "train": [2, 4], "validate_every": [1, 2], "eta": [0.01, 5]}
    circuit = ap.Circuit(rule="bptt", activation="linear", learn=("W", "V", "c"))
    data, _ = run(tmp_path, grid, circuit=circuit)
    assert json.loads(data.attrs["left_out"]) == []
    assert 0 < data.diverged.sel(eta=5).sum() < data.diverged.sel(eta=5).size
    assert data.validation.values.tolist() == [0, 1, 2, 3, 4]
    assert data.training_trajectory.values.tolist() == [1, 2, 3, 4]
    assert data.validation_there.sel(test=1, train=4, validate_every=2).values[0].tolist() == [True, False] * 2 + [True]
    medians = {
        name: summed_up(data, name, list(grid)).isel(interval=0) for name in ("mse", "mse_train", "mse_validate")
    }
    for test, train, every, eta in [(1, 2, 1, 0.01), (3, 4, 2, 0.01), (1, 4, 2, 5), (3, 2, 1, 5)]:
        few = replace(FEW, test=test, train=train, validate_every=every)
        alone = ap.train(circuit, BALL, few, parameters={"eta": eta}, engine="numpy").data
        for score, each in medians.items():
            mean = alone.mse.mean("trajectory", skipna=False) if score == "mse" else alone[score][:, -1]
            mine = each.sel(test=test, train=train, validate_every=every, eta=eta)
            np.testing.assert_allclose(mine, np.median(np.where(np.isnan(mean), np.inf, mean)), rtol=1e-9)


def test_what_was_run_is_told(tmp_path):
    grid = {"rule": ["dfa", "autapse"], "task": ["flip-flop", ap.BouncingBall(steps=9)], "eta": [0.1]}
    plan = sweeps.plan_sweep(grid, circuit=DRAWN, protocol=FEW, parameters={"tau": "5 ms"}, engine="auto")
    told = about(plan, "interactive")
    assert json.loads(told["parameters"]) == {"tau_m": 0.001, "eta_out": 0.03, "tau": 0.005}
    assert {name: task["steps"] for name, task in json.loads(told["task"]).items()} == {
        "flip-flop": 100,
        "BouncingBall": 9,
    }
    equations = json.loads(told["equations"])
    assert equations.keys() == {"dfa", "autapse"}
    assert "dk/dt" in equations["autapse"]
    own = ap.Rule(update="w -= eta*feedback_post", parameters={"eta": 0.5})
    plan = sweeps.plan_sweep({"horizon": [1, 2], "rule": ["dfa", own]}, circuit=DRAWN, protocol=FEW, engine="runtime")
    told = about(plan, "interactive")
    assert json.loads(told["task"])["name"] == "BouncingBall"
    assert "horizon" not in json.loads(told["task"])
    assert list(json.loads(told["parameters"])["eta"].values()) == [0.03, 0.5]
    assert told["engine"] == "runtime"


def test_a_unit_of_one_metric_has_its_unit_and_several_have_none(tmp_path):
    data, _ = run(tmp_path, {"task": ["bouncing-ball", "flip-flop"]}, circuit=ap.Circuit(rule="dfa", readout="random"))
    assert "units" not in data.mse.attrs
    assert data.mse.attrs["long_name"] == "test MSE"
