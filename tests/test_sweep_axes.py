"""What a study crosses: any field, task, model and parameter, each value under a name of its own."""

from dataclasses import dataclass

import numpy as np
import pytest
from click.testing import CliRunner
from here import Here
from sweeping import BALL, DRAWN, FEW, run

import autapse_sim as ap
from autapse_sim.commands.main import main
from autapse_sim.results.contents import check_contents
from autapse_sim.studies import plan as plans
from autapse_sim.studies import sweep as sweeps
from autapse_sim.studies.unit import told_task
from autapse_sim.studies.workers import Workers
from autapse_sim.tasks.catalogue import tasks
from autapse_sim.tasks.library import task_called
from autapse_sim.training.labels import is_scored

LEARN_U = ap.Circuit(rule="fa", readout="random", learn=("U", "b"))


def test_an_axis_may_be_called_as_a_dimension_is(tmp_path):
    circuit, protocol = ap.Circuit(neurons=3, readout="random"), ap.Protocol(replicates=2, train=2, validate=1, test=1)
    task, here = ap.FlipFlop(steps=20), Workers(Here(), lambda: 1)
    data = ap.sweep({"neuron": ["lif", "alif"]}, tmp_path, circuit, task, protocol, engine="reference", on=here)
    assert data.rate.dims == ("neuron", "replicate", "neuron_number")
    assert data.rate.shape == (2, 2, 3)
    assert data.neuron.values.tolist() == ["lif", "alif"]
    assert np.isfinite(data.rate).all()


@pytest.mark.parametrize(
    ("grid", "given", "part"),
    [
        ({"rule": ["fa", "bptt"], "eta": [0.1, 0.2]}, {}, {"eta": 0.2}),
        ({"neuron": ["rate", "leaky"], "neurons": [2, 3]}, {"circuit": LEARN_U}, {"neuron": "leaky"}),
        ({"bound": [0.5, 1.0]}, {"circuit": ap.Circuit(), "engine": "reference"}, {"bound": 1.0}),
    ],
)
def test_a_sweep_or_a_part_of_it_that_is_saved_is_loaded_as_it_was(tmp_path, grid, given, part):
    data, _ = run(tmp_path / "study", grid, **given)
    for each in (data, data.sel(part)):
        ap.Result(each).save(tmp_path / "sweep.nc")
        assert ap.load(tmp_path / "sweep.nc").data.identical(each)
    with pytest.raises(ValueError, match="'mse_train' is an array"):
        check_contents(data.drop_attrs())


@dataclass(frozen=True)
class Spikes:
    """Tell what comes, spikes at a rate."""

    rate: float = 0.1
    steps: int = 10
    inputs: int = 1
    outputs: int = 1
    blanked: None = None

    def sample(self, rng, replicates, trajectories):
        shape = (trajectories, self.steps, 1)
        x = np.stack([child.random(shape) < self.rate for child in rng.spawn(replicates)]).astype(float)
        return x, x


def test_an_axis_called_as_a_score_or_a_weight_is_told_from_it(tmp_path):
    circuit = ap.Circuit(neuron="adex", neurons=3, readout="random", learn=("W", "b"))
    protocol, here = ap.Protocol(replicates=2, train=2, validate=1, test=1), Workers(Here(), lambda: 1)
    grid = {"rate": [0.1, 0.3], "b": ["80 pA", "90 pA"]}
    data = ap.sweep(grid, tmp_path, circuit, Spikes(), protocol, engine="reference", on=here)
    assert data["task.rate"].values.tolist() == [0.1, 0.3]
    assert data["parameter.b"].values == pytest.approx([80e-12, 90e-12])
    assert data.rate.dims == data.b.dims == ("task.rate", "parameter.b", "replicate", "neuron")
    assert np.isfinite(data.b).all()


@pytest.mark.parametrize("name", ["control", "trajectory", "replicate", "validation", "mse"])
def test_a_parameter_may_be_called_as_anything_in_a_result(tmp_path, name):
    rule = ap.Rule(f"w -= {name}*feedback_post*activity_pre", parameters={name: 0.1})
    protocol, here = ap.Protocol(replicates=2, train=2, validate=1, test=1), Workers(Here(), lambda: 1)
    data = ap.sweep({name: [0.1, 5.0]}, tmp_path, ap.Circuit(rule=rule), BALL, protocol, engine="reference", on=here)
    assert data.attrs["missing"] == 0
    assert data.mse.dims == (f"parameter.{name}", "replicate", "trajectory")
    assert (data.mse[0] != data.mse[1]).all()


@pytest.mark.slow
def test_the_names_that_no_axis_has_are_those_of_results():
    circuit = ap.Circuit(
        neuron="lif", rule="eprop", neurons=3, readout="random", learn=("W", "U", "b", "V", "c"), loss="cross-entropy"
    )
    task, few = ap.EvidenceAccumulation(), ap.Protocol(replicates=2, train=2, validate=1, test=1, checkpoints=1)
    data = ap.train(circuit, task, few, engine="reference").data.drop_dims(["recorded", "control"])
    assert [name for name in {*data.variables, *data.sizes} if not is_scored(str(name))] == ["phase"]


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
    assert data.task.values.tolist() == ["bouncing-ball", "mine", "held"]
    assert np.isfinite(data.mse).all()
    for name, said in {"gone.npz": "cannot be read", "gone.py": "does not exist", "x.py": "defines no task"}.items():
        (tmp_path / "x.py").write_text("a = 1\n")
        with pytest.raises(ap.InputError, match=said):
            task_called(tmp_path / name)


def test_an_option_may_be_crossed_before_its_task():
    plan = sweeps.plan_sweep({"probability": [0.1, 0.2], "task": ["flip-flop"]}, circuit=DRAWN, protocol=FEW)
    assert sorted(unit.setting.task.probability for unit in plan.units.values()) == [0.1, 0.2]


def test_what_cannot_be_is_refused_before_anything_runs(tmp_path):
    with pytest.raises(ap.InputError, match=r"needs as many neurons \(8\) as inputs \(2\)"):
        run(tmp_path, {"neurons": [2, 8]}, circuit=ap.Circuit())
    with pytest.raises(ap.InputError, match="task is 3; it must be a task"):
        run(tmp_path, {"task": [BALL, 3]})


def test_a_parameter_that_a_rule_lacks_makes_no_difference_there(tmp_path):
    data, executor = run(tmp_path, {"rule": ["autapse", "dfa"], "tau": ["2 ms", "10 ms"]})
    assert data.tau.values.tolist() == [0.002, 0.01]
    assert data.tau.attrs["units"] == "s"
    assert np.abs(np.diff(data.mse.sel(rule="dfa"), axis=0)).max() == 0
    assert np.abs(np.diff(data.mse.sel(rule="autapse"), axis=0)).max() > 1e-6
    assert executor.calls == 2


def test_a_rule_that_means_nothing_is_refused_before_anything_runs(tmp_path):
    rule = tmp_path / "rule.py"
    rule.write_text("from autapse_sim import Rule\nrule = Rule(update='w -= feedbak_post', parameters={})\n")
    with pytest.raises(ap.InputError, match=r"rule.py, line 2: .*feedback_post"):
        run(tmp_path / "study", {"rule": ["dfa", str(rule)]}, engine="runtime", circuit=ap.Circuit())
    assert not (tmp_path / "study").exists()


def labels(grid, **given):
    return {axis.name: list(axis.labels) for axis in sweeps.plan_sweep(grid, DRAWN, BALL, FEW, **given).axes}


def test_tasks_and_rules_of_one_class_are_told_apart(tmp_path):
    assert labels({"task": [ap.BouncingBall(), ap.BouncingBall(horizon=2), "flip-flop"]})["task"] == [
        "BouncingBall()",
        "BouncingBall(horizon=2)",
        "flip-flop",
    ]
    x = np.random.default_rng(0).normal(size=(2, 1, 8, 12, 2))
    arrays = labels({"task": [ap.ArrayTask(x[0], x[0]), ap.ArrayTask(x[1], x[1])]})["task"]
    assert len(set(arrays)) == 2
    assert all(name.startswith("ArrayTask-") for name in arrays)
    rules = [ap.Rule(update=f"w -= {rate}*feedback_post") for rate in (0.1, 0.2)]
    assert len(set(labels({"rule": rules}, engine="runtime")["rule"])) == 2
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(f"from autapse_sim import FlipFlop as F\ntask = F({len(folder)})\n")
    (tmp_path / "b" / "other.py").write_text("from autapse_sim import FlipFlop\ntask = FlipFlop()\n")
    files = [str(tmp_path / name) for name in ("a/mine.py", "b/mine.py", "b/other.py")]
    assert labels({"task": files})["task"] == [*files[:2], "other"]
    with pytest.raises(ap.InputError, match="grid task has the value 'BouncingBall' twice"):
        labels({"task": [BALL, BALL]})
    with pytest.raises(ap.InputError, match="grid task has the value 'flip-flop' twice"):
        labels({"task": ["flip-flop", "flip-flop"]})


@dataclass(frozen=True)
class Odd(Spikes):
    """Some trajectories have another target: in the first of a replicate or two none has."""

    share: float = 0.0
    offset: float = 0.0

    def sample(self, rng, replicates, trajectories):
        children = rng.spawn(replicates)
        x = np.stack([child.random((trajectories, self.steps, 1)) for child in children])
        odd = np.stack([child.random((trajectories, 1, 1)) < self.share for child in children])
        return x, np.where(odd, 5.0, 0.5) + 0 * x

    def observed(self, x):
        return x + self.offset

    def physics(self, x):
        return {"physics: known": x + self.offset}


def test_an_option_of_a_task_that_seldom_shows_makes_another_unit(tmp_path):
    few = ap.Protocol(replicates=30, train=2, validate=1, test=2)
    circuit = ap.Circuit(rule="dfa", readout="random")
    data, _ = run(tmp_path, {"share": [0.0, 0.03]}, protocol=few, circuit=circuit, task=Odd())
    for share, found in zip((0.0, 0.03), data.mse, strict=True):
        alone = ap.train(circuit, Odd(share=share), few, engine="numpy").data.mse
        np.testing.assert_array_equal(found, alone)
    assert len(set(labels({"task": [Odd(share=0.0), Odd(share=0.03)]})["task"])) == 2


@pytest.mark.parametrize("name", ["observed", "physics"])
def test_what_controls_are_told_of_a_task_is_part_of_it(monkeypatch, name):
    before = told_task(Odd(), 3)
    monkeypatch.setattr(Odd, name, lambda task, x: {"observed": 2 * x, "physics": {"physics: known": 2 * x}}[name])
    assert told_task(Odd(), 3) != before


def test_values_may_be_given_as_they_come():
    assert labels({"delay": [0, np.array([1, 2])]}, engine="runtime") == {"delay": ["0", "[1, 2]"]}
    assert labels({"rule": iter(["dfa", "fa"]), "eta": iter([0.1])}) == {"rule": ["dfa", "fa"], "eta": [0.1]}


def test_a_file_of_a_task_is_read_once(tmp_path):
    file = tmp_path / "counted.py"
    seen = tmp_path / "seen"
    file.write_text(
        f"open({str(seen)!r}, 'a').write('x')\nfrom autapse_sim import FlipFlop\ntask = FlipFlop(steps=9)\n"
    )
    line = ["sweep", "--task", str(file), "--task", "flip-flop", "--grid", "probability=0.1,0.2", "--rule", "dfa"]
    asked = CliRunner().invoke(main, [*line, "--engine", "numpy", "--dry-run", "--out", str(tmp_path)])
    assert asked.exit_code == 0, asked.output
    assert seen.read_text() == "x"


@dataclass(frozen=True)
class Careless:
    """A task that draws from the generator itself, or gives something else than it says."""

    inputs: int = 2
    outputs: int = 2
    steps: int = 5
    blanked: None = None
    short: int = 0

    def sample(self, rng, replicates, trajectories):
        x = rng.random((replicates, trajectories, self.steps - self.short, 2))
        return x, x


@pytest.mark.parametrize(
    ("grid", "given", "said"),
    [
        ({"eta": [0.1]}, {"task": Careless(short=1)}, r"x has shape \(2, 8, 4, 2\), expected"),
        ({"short": [0, 2]}, {"task": Careless()}, r"x has shape \(2, 8, 3, 2\), expected"),
        ({"loss": ["mse", "cross-entropy"]}, {}, "targets that are probabilities"),
        ({"reset": [True, False]}, {}, "resets with each trajectory"),
        ({"bound": [None, 0.5]}, {"circuit": ap.Circuit(rule="dfa")}, "no constraints or bound"),
        ({"train": [2, 9]}, {"task": ap.ArrayTask(np.ones((1, 8, 5, 2)), np.ones((1, 8, 5, 2)))}, "x and y hold 8"),
        ({"eta": [0.1]}, {"task": ap.ArrayTask(np.ones((2, 8, 5, 2)), np.ones((2, 8, 5, 2)))}, "x and y hold 2"),
    ],
)
def test_a_plan_refuses_what_its_units_would_refuse(tmp_path, grid, given, said):
    with pytest.raises(ap.InputError, match=said):
        run(tmp_path / "study", grid, **given)
    assert not (tmp_path / "study").exists()


def test_a_plan_refuses_a_task_whose_blocks_would_be_the_same(tmp_path, monkeypatch):
    run(tmp_path, {"eta": [0.01]}, task=Careless())
    monkeypatch.setattr(plans, "BLOCK", 1)
    with pytest.raises(ap.InputError, match=r"rng.spawn\(replicates\)"):
        run(tmp_path, {"eta": [0.01]}, task=Careless())


def test_a_place_that_is_none_is_refused_before_anything_is_written(tmp_path):
    for place, said in (("there", "on is 'there'"), (3, "on is 3")):
        with pytest.raises(ap.InputError, match=said):
            ap.sweep({"rule": ["dfa"]}, tmp_path / "study", on=place, protocol=FEW, engine="numpy")
    assert not (tmp_path / "study").exists()


def test_a_parameter_is_crossed_or_given(tmp_path):
    with pytest.raises(ap.InputError, match=r"parameter eta has several values.*name eta in the grid"):
        run(tmp_path, {"rule": ["dfa"]}, parameters={"eta": [0.1, 0.2]})
    with pytest.raises(ap.InputError, match="eta is crossed, and parameter eta is given"):
        run(tmp_path, {"eta": [0.1]}, parameters={"eta": 0.2})


def test_what_no_axis_can_be_is_not_named_as_one():
    with pytest.raises(ap.InputError, match="unknown axis 'foo'") as error:
        labels({"foo": [1]})
    assert "record" not in str(error.value)
    assert "replicates" not in str(error.value)
    with pytest.raises(ap.InputError, match="record cannot be crossed: a study keeps no records"):
        labels({"record": [1]})
