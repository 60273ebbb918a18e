"""The verdict: what is trained, what is compared, and what may be said."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from brian2 import ms
from click.testing import CliRunner

import autapse_sim as ap
from autapse_sim.commands.main import main
from autapse_sim.experiments.benchmark import Benchmark, benchmarks, spiking
from autapse_sim.experiments.verdict.methods import FIXED, PLAIN, STILL, TUNED, Method, ablations_of
from autapse_sim.experiments.verdict.pilots import Tried, chosen_points
from autapse_sim.experiments.verdict.points import Chosen, Point
from autapse_sim.experiments.verdict.trial import FLOORS, Trial, activity_of, drawn, protocol_of, score, train_method
from autapse_sim.results import plots
from autapse_sim.spec.model import carried
from autapse_sim.spec.units import Amount
from autapse_sim.training.reservoir import Reservoir

pytestmark = pytest.mark.usefixtures("no_workers")


class Pilots:
    """Stands in for a study: tells what each method is given, and lets errors be least where they are wished."""

    def __init__(self, methods, best, readouts=None):
        self.names, self.best, self.given, self.asked = {id(m): name for name, m in methods.items()}, best, {}, {}
        self.readouts = readouts or {}

    def results(self, units):
        dims = ("score", "point", "pilot")
        return [ap.Result(xr.Dataset({"tried": (dims, self.errors(unit))})) for unit in units]

    def errors(self, unit):
        method = unit.trial.method
        name = self.names.get(id(method), json.dumps(method.protocol))
        self.given[name] = unit.readout
        self.asked.setdefault(name, []).append(unit.points)
        etas, taus = self.best.get(name, (0.03, 0.03)), (0.003, 0.03)
        far = np.abs(np.log([point.eta for point in unit.points]) - np.log(etas)[:, None])
        tau = [dict(point.values)["tau"].value if point.values else np.nan for point in unit.points]
        far += np.nan_to_num(np.abs(np.log(tau) - np.log(taus)[:, None]))
        far += 0.1 * (self.readouts.get(name, unit.readout) != unit.readout)
        return np.repeat(far[:, :, None], 8, axis=2)


def test_each_score_has_its_own_point_and_the_read_out_the_reservoirs():
    stepwise = {"update": "step", "batch": 1}
    methods = {"bptt": Method("bptt"), "slow": Method("bptt", protocol=stepwise), FIXED: Method(None)}
    silent = Reservoir(gain=0.0, input_scale=1.0, error=np.array([]))
    methods |= {STILL: Method(None, silent), PLAIN: Method("bptt", silent)}
    pilots = Pilots(methods, {"bptt": (0.01, 0.001), STILL: (0.001, 0.001), json.dumps(stepwise): (0.003, 0.003)})
    tried, chosen = chosen_points(benchmarks()["bounce"], methods, pilots, seed=0)
    assert tried.keys() == chosen.keys() == methods.keys()
    assert chosen == {
        "bptt": Chosen(Point(0.01), Point(0.001), 0.03),
        "slow": Chosen(Point(0.03), Point(0.03), 0.003),
        FIXED: Chosen(Point(0.03), Point(0.03), 0.03),
        STILL: Chosen(Point(0.001), Point(0.001), 0.001),
        PLAIN: Chosen(Point(0.03), Point(0.03), 0.001),
    }
    alone = {FIXED: None, STILL: None, json.dumps(stepwise): None}
    assert pilots.given == {**alone, "bptt": 0.03, "slow": 0.003, PLAIN: 0.001}


def test_every_method_has_as_many_trials_and_what_its_file_names_is_tuned():
    methods = {"autapse": Method("autapse"), "bptt": Method("bptt"), FIXED: Method(None)}
    fixed = {"tau": Amount(0.05, "second", "50 ms")}
    methods["tau = 50"] = Method("autapse", parameters=fixed)
    pilots = Pilots(methods, {name: (0.01, 0.01) for name in methods})
    tried, chosen = chosen_points(benchmarks()["bounce"], methods, pilots, seed=0)
    assert {name: len(one.points) for name, one in tried.items()} == dict.fromkeys(methods, 16)
    assert {point.values for point in tried["tau = 50"].points} == {()}
    assert str(chosen["autapse"].online) == "eta = 0.01, tau = 3 ms"
    assert str(chosen["autapse"].refit) == "eta = 0.01, tau = 30 ms"
    assert tried["autapse"].edges == ["refitted tau"]  # of 3 and 30 ms one is an edge
    assert tried["bptt"].edges == []
    least, most = (edge(point.eta for point in tried["bptt"].points) for edge in (min, max))
    assert (least, most) == (0.001, 0.03)


def test_what_a_neuron_calls_eta_is_no_learning_rate():
    rate = ap.read_neuron("rate")
    found = []
    for gain in ("gain", "eta_gain"):
        scaled = rate.equations.replace("input + bias", f"{gain}*input + bias")
        neuron = rate.replace(equations=scaled, parameters={**rate.parameters, gain: -1.0})
        setting = benchmarks()["copy"].changed(neuron=neuron, neurons=4)
        setting = replace(setting, protocol=replace(setting.protocol, train=16, validate=2, test=2, validate_every=16))
        method = Method("dfa")
        given, protocol = (make(setting, method, (0, 0), 2) for make in (drawn, protocol_of))
        trial = Trial(setting, method, "reference")
        outcome = train_method(trial, given, protocol, [Point(0.01), Point(0.1)], 0.03)
        found.append(score(setting, given, protocol, outcome, refit=False).online)
    np.testing.assert_array_equal(*found)
    assert len({*found[0]}) == 4


def test_refitted_read_outs_see_the_activity_of_the_very_networks():
    """Where neurons get the prediction, a softmax, or the error."""
    x, rate = np.random.default_rng(0).normal(size=(1, 5, 9, 2)), ap.read_neuron("rate")
    task = ap.ArrayTask(x, np.eye(2)[(np.cumsum(x[..., 0], axis=2) > 0).astype(int)])
    taught = rate.replace(equations=rate.equations.replace("drive +", "drive + feedback +"))
    how = ap.Protocol(train=2, validate=1, test=2, validate_every=2, update="batch", batch=2)
    circuit = ap.Circuit(rule="fa", neurons=3, readout="random", activation="tanh", learn=("W", "V", "c"))
    for changes in ({"returned": True}, {"neuron": taught}):
        for loss in ("mse", "cross-entropy"):
            setting = Benchmark("tell a sign", task, replace(circuit, loss=loss, **changes), how, unscored=0)
            given, protocol = (make(setting, Method(None), (0, 0), 2) for make in (drawn, protocol_of))
            seen = activity_of(setting, given, slice(-2, None), given.weights)
            still, known = replace(setting.circuit, learn=()), replace(protocol, record=2, record_tests=2)
            kept = ap.train(still, task, known, weights=given.weights, engine="numpy").data.trace_activity
            np.testing.assert_allclose(seen, kept.values[:, -2:], atol=1e-12)
            assert np.ptp(seen) > 0.1


def test_a_grid_grows_beyond_the_edge_at_which_the_best_lies():
    methods = {"bptt": Method("bptt"), "fa": Method("fa"), "dfa": Method("dfa"), FIXED: Method(None)}
    best = {"bptt": (0.3, 0.3), "fa": (0.01, 0.01), "dfa": (1e-9, 1e-9), FIXED: (0.01, 0.01)}
    tried, chosen = chosen_points(benchmarks()["bounce"], methods, Pilots(methods, best), seed=0)
    etas = {name: [point.eta for point in one.points] for name, one in tried.items()}
    assert etas["fa"] == [0.001, 0.003, 0.01, 0.03]
    assert etas["bptt"] == [*etas["fa"], 0.0949, 0.3, 0.949]
    assert etas["dfa"] == [*etas["fa"], 0.000316, 9.99e-05, 3.16e-05]
    assert chosen["bptt"].online == Point(0.3)
    assert tried["bptt"].edges == []
    assert tried["dfa"].edges == ["eta", "refitted eta"]


def test_the_grid_of_a_reservoir_grows_too_and_a_rule_reads_out_at_the_better_of_two_rates():
    methods = {"bptt": Method("bptt"), "fa": Method("fa"), FIXED: Method(None)}
    best = {"bptt": (0.01, 0.003), "fa": (0.01, 0.01), FIXED: (0.3, 0.3)}
    pilots = Pilots(methods, best, readouts={"bptt": 0.3, "fa": 0.03})
    tried, chosen = chosen_points(benchmarks()["bounce"], methods, pilots, seed=0)
    assert [point.eta for point in tried[FIXED].points] == [0.001, 0.003, 0.01, 0.03, 0.0949, 0.3, 0.949]
    assert chosen[FIXED] == Chosen(Point(0.3), Point(0.3), 0.3)
    assert chosen["bptt"] == Chosen(Point(0.01), Point(0.003), 0.3)
    assert chosen["fa"] == Chosen(Point(0.01), Point(0.01), 0.03)
    assert pilots.asked["bptt"][-1] == (Point(0.01), Point(0.003))
    assert tried[FIXED].edges == []
    far, _ = chosen_points(benchmarks()["bounce"], methods, Pilots(methods, {FIXED: (1e3, 1e3)}), seed=0)
    assert far[FIXED].edges == ["eta", "refitted eta"]


def test_where_all_refitted_read_outs_diverged_one_score_alone_makes_a_grid_grow():
    flat = np.array([[1.0], [1.01], [2.0]]) * np.ones(16)
    tried = Tried((Point(0.01), Point(0.03), Point(0.1)), np.stack([flat, np.full_like(flat, np.nan)]))
    assert tried.ends == (Point(0.01), Point(0.01))
    assert tried.beyond == ()
    assert tried.edges == []
    steep = np.array([[1.0], [1.1], [2.0]]) * np.ones(16)
    assert Tried(tried.points, np.stack([steep, np.full_like(flat, np.nan)])).beyond == (Point(0.00316),)


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_a_network_that_diverged_counts_as_infinite_where_it_is_asked_whether_the_best_lies_at_an_edge(lost):
    points = Point(0.01), Point(0.03), Point(0.1)
    flat = np.array([[1.0], [1.01], [2.0]]) * np.ones(16)
    flat[:2, 3] = lost
    assert Tried(points, np.stack([flat, flat])).edges == []
    for some in (16, 9):  # where all are lost at every learning rate, a smaller one may do
        errors = np.ones((2, 3, 16))
        errors[:, :, :some] = lost
        tried = Tried(points, errors)
        assert tried.beyond == (Point(0.00316),)
        assert tried.edges == ["eta"]
    online = np.stack([flat, np.full_like(flat, lost)])
    assert Tried(points, online).beyond == ()


@pytest.mark.parametrize(
    ("tune", "says"),
    [
        ({"tau": (1.0, 2.0)}, "tune has tau = 1.0; its unit is second, as of 10. ms"),
        ({"tao": (1 * ms, 2 * ms)}, "unknown parameter to tune 'tao'; did you mean 'tau' or 'eta'?"),
        ({"tau": (1 * ms, 1 * ms)}, "must be values to choose from, each once"),
        ({"tau": 3 * ms}, "must be values to choose from, each once"),
        ({"tau": ()}, "must be values to choose from, each once"),
        ([1], "must map names to values"),
    ],
)
def test_what_cannot_be_tuned_is_refused(tune, says):
    texts = {"trace": "dk/dt = (activity - k)/tau : 1", "update": "w -= eta*feedback_post*k_pre"}
    with pytest.raises(ap.InputError, match=re.escape(says)):
        ap.verdict(ap.Rule(**texts, parameters={"tau": 10 * ms, "eta": 0.1}, tune=tune), "bounce")


def test_ablations_change_one_thing_each():
    names = {
        benchmark: set(ablations_of("autapse", benchmarks()[benchmark])) for benchmark in ("bounce", "paper", "copy")
    }
    names = {benchmark: {name.removeprefix("autapse, ") for name in found} for benchmark, found in names.items()}
    spectra = {f"V B's eigenvalues {kind}" for kind in ("positive", "mixed", "negative")}
    back = {f"f' put back, tau = {tau}" for tau in (1, 10)}
    common = {"B random", *back, *(f"tau = {tau}" for tau in (1, 3, 25, 50)), "updates per trajectory"}
    assert names["bounce"] == common | spectra | {"updates per step", "optimiser sgd"}
    assert names["copy"] == names["bounce"] - {"V B's eigenvalues mixed"}  # one output
    assert names["paper"] == common | spectra - {"V B's eigenvalues positive"} | {"B = V^T", "optimiser adam"}


def test_the_tau_among_the_ablations_is_the_rules_own_and_a_time():
    def taus(rule, **circuit):
        setting = benchmarks()["copy"]
        circuit = carried(replace(setting.circuit, rule=rule, **circuit))
        found = ablations_of(circuit.rule, replace(setting, circuit=circuit))
        return [name.rpartition(" = ")[2] for name in found if ", tau = " in name]

    of = {"trace": "dk/dt = (activity - k)/tau : 1", "update": "w -= eta*feedback_post*k_pre"}
    rate = ap.read_neuron("rate")
    named = rate.replace(equations=rate.equations.replace("tau_m", "tau"), parameters={"tau": 1 * ms})
    assert taus(ap.Rule(**of, parameters={"tau": 2.6 * ms, "eta": 0.1})) == ["1", "3", "10", "25", "50"]
    assert taus(ap.Rule(**of, parameters={"tau": np.arange(1, 9)[None] * ms, "eta": 0.1})) == []
    of["trace"] = of["trace"].replace("tau", "(tau*ms)")
    assert taus(ap.Rule(**of, parameters={"tau": 10, "eta": 0.1})) == []
    assert taus("dfa", neuron=named) == []  # it is the membrane's, of the reservoirs too


@pytest.mark.parametrize(
    "name",
    [pytest.param(k, marks=() if one.family == "leak-free" else pytest.mark.slow) for k, one in benchmarks().items()],
)
def test_exact_gradients_learn_every_benchmark(name):
    how = benchmarks()[name].protocol
    train = 40 * how.batch
    setting = replace(benchmarks()[name], protocol=replace(how, train=train, validate_every=train))
    method = Method("bptt")
    given, protocol = drawn(setting, method, (0, 0), 2), protocol_of(setting, method, (0, 0), 2)
    outcome = train_method(Trial.of(setting, method), given, protocol, [Point(0.01)])
    scores = score(setting, given, protocol, outcome, refit=True)
    assert setting.scored.any()
    assert (scores.curve[:, -1] < scores.curve[:, 0]).all()
    assert np.median(scores.refit) < 1.1 * np.median(scores.online)


TRIALS = ap.Protocol(train=16, validate=2, test=3, validate_every=8, update="batch", batch=8, optimiser="adam")


@pytest.mark.slow
def test_a_verdict_on_neurons_that_spike_has_accuracies_and_names_the_silent(tmp_path):
    task = ap.EvidenceAccumulation(cues=1, cue=10, pause=0, delay=2, recall=4, population=3, probability=0.3)
    setting = spiking("tell left from right", task, TRIALS, "lif", 12)
    setting = replace(setting, beside=("eprop",), etas=(0.003, 0.01))
    data = ap.verdict("rflo", setting, replicates=8).data
    assert {"rflo", "bptt", "eprop", FIXED, TUNED, STILL, PLAIN} == set(data.method.values.tolist())
    assert data.attrs["score"] == "test cross-entropy"
    assert "against the fixed reservoir" in data.attrs["sentence"]
    assert "test cross-entropy" in data.attrs["sentence"]
    assert "with refitted read-outs it" in data.attrs["sentence"]
    assert 0 < float(data.mse_refit.sel({"method": "bptt"}).median()) < float(np.log(2))
    assert [one["floor"] for one in json.loads(data.attrs["floors"])] == list(FLOORS)
    assert data.mse_online.attrs["units"] == "nat"
    assert ((data.accuracy >= 0) & (data.accuracy <= 1)).all()
    chance = data.control_mse.sel(control="training mean")
    assert float(chance.median()) == pytest.approx(np.log(2), abs=0.1)
    head = next(line for line in data.attrs["table"].splitlines() if "accuracy" in line)
    assert "alive" in head
    exact = data.alignment.sel({"method": "bptt"}).values
    assert np.isfinite(exact).any()
    np.testing.assert_allclose(exact[np.isfinite(exact)], 1, atol=1e-9)
    alone = replace(setting, beside=())
    silent = ap.verdict("rflo", alone, replicates=8, changes={"parameters": {"v_th": 100.0}}).data
    assert not silent.alive.any()
    assert data.alive.mean() > 0.5
    assert silent.attrs["title"] == "tell left from right; changed: v_th = 100.0"
    ap.Result(silent).save(tmp_path / "verdict.nc")
    assert ap.load(tmp_path / "verdict.nc").data.equals(silent)
    assert plots.figures_of(silent, "verdict")["scores"](silent).axes


@pytest.mark.slow
def test_a_verdict_in_continuous_time_reads_networks_that_are_slow():
    setting = benchmarks()["copy-leaky"]
    setting = replace(setting, task=ap.Stretched(ap.DelayedCopy(steps=10, delay=2)), protocol=TRIALS, unscored=20)
    setting = replace(setting, beside=(), etas=(0.003, 0.01))
    data = ap.verdict("bptt", setting, replicates=8).data
    assert TUNED in data.method.values
    assert np.isfinite(data.mse_refit).all()
    other = ap.verdict("bptt", setting, replicates=8, changes={"neuron": "rate", "parameters": {"tau_m": "10 ms"}}).data
    assert not np.allclose(other.mse_refit, data.mse_refit)
    leak_free = ap.verdict("bptt", setting, replicates=8, changes={"neuron": "rate"}).data
    assert not np.allclose(other.mse_refit, leak_free.mse_refit)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (3, "changes is 3; it must map names to values"),
        ({"nuron": "leaky"}, "unknown change 'nuron'; did you mean 'neuron'"),
        ({"parameters": 3}, "parameters is 3; it must map names to values"),
        ({3: 4}, "changes"),
        ({"task": 3}, "benchmark copy: task is 3"),
    ],
)
def test_changes_that_are_none_are_refused(changes, says):
    with pytest.raises(ap.InputError, match=re.escape(says)):
        ap.verdict("bptt", "copy", changes=changes)


@pytest.mark.parametrize("worthwhile", [0, 1, 1.5])
def test_what_is_worth_speaking_of_is_a_share_of_the_error(worthwhile):
    for judge_ in ap.verdict, ap.scoreboard:
        with pytest.raises(ap.InputError, match=f"worthwhile is {worthwhile}"):
            judge_("bptt", "copy", worthwhile=worthwhile)


@pytest.mark.slow
def test_a_rule_beside_has_to_be_there_and_what_does_not_fit_is_named(tmp_path):
    few = replace(benchmarks()["copy"], protocol=TRIALS, etas=(0.01,), beside=("nope",))
    with pytest.raises(ap.InputError, match="unknown rule beside 'nope'"):
        ap.verdict("bptt", few)
    neuron = ap.Neuron("do/dt = (-o + tanh(drive + input + bias))/(1*ms) : 1\nactivity = o : 1")
    few = replace(few, circuit=replace(few.circuit, neuron=neuron), beside=("rflo",))
    data = ap.verdict("bptt", few, replicates=8).data
    assert "left out, since they do not go with it: rflo" in data.attrs["heading"]
    assert "rflo" not in data.method.values


def test_a_benchmark_may_be_changed_and_says_so():
    setting = benchmarks()["bounce-leaky"].changed(neuron="rate", feedback="random")
    assert setting.circuit.neuron == "rate"
    assert setting.parameters == {}
    assert setting.title.endswith("; changed: neuron = rate, feedback = random")
    task = ap.FlipFlop(steps=20)
    assert (benchmarks()["occlusion"].changed(task=task).scored == np.ones(20, bool)).all()
    with pytest.raises(ap.InputError, match=r"benchmark bounce: .*unknown parameter 'tau_x'"):
        ap.verdict("bptt", "bounce", changes={"parameters": {"tau_x": 1}})
    result = CliRunner().invoke(main, ["verdict", "bptt", "-t", "steps=20"])
    assert result.exit_code == 2
    assert "name it with --task" in result.output


OWN = """
from brian2 import ms
from autapse_sim import Rule
rule = Rule(
    trace="dk/dt = (activity - k)/tau : 1",
    update="w += eta * feedback_post * k_pre",  # the wrong sign
    parameters={"tau": 10*ms, "eta": 0.03},
)
"""


@pytest.mark.slow
def test_a_users_rule_is_judged(tmp_path):
    path, twin = tmp_path / "wrong.py", str(tmp_path / "right.py")
    path.write_text(OWN)
    Path(twin).write_text(OWN.replace("+=", "-="))  # of the same tau, which the autapse rule tunes
    # one learning rate: nothing grows
    setting = replace(benchmarks()["bounce"], etas=(0.01,), beside=("fa", "dfa", "rflo", twin))
    result = ap.verdict(str(path), setting, replicates=16, train=160)
    data = result.data
    assert data.method.values.tolist()[:2] == [str(path), "bptt"]
    assert "wrong on own" in data.attrs["sentence"]
    assert "learns recurrence;" not in data.attrs["sentence"]
    assert {FIXED, TUNED, STILL, PLAIN, "fa", "dfa", "rflo", twin} <= set(data.method.values.tolist())
    assert data.sizes["replicate"] == 16
    assert np.isfinite(data.mse_online.sel({"method": "bptt"})).all()
    # the sign is wrong: its first update points away from the gradient that its twin follows
    first = data.alignment.isel(updates_aligned=0).median("aligned_seed")
    mine, right, exact = (float(first.sel({"method": name})) for name in (str(path), twin, "bptt"))
    assert mine == pytest.approx(-right, abs=1e-6)
    assert right > 0.3
    assert exact == pytest.approx(1, abs=1e-6)
    result.save(tmp_path / "verdict.nc")
    again = ap.load(tmp_path / "verdict.nc").data
    assert again.attrs["table"] == data.attrs["table"]
    json.loads(again.attrs["statistics"])


@pytest.mark.slow
def test_a_users_rule_has_ablations(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text(OWN)
    setting = replace(benchmarks()["bounce"], etas=(0.01,), beside=())
    data = ap.verdict(str(path), setting, replicates=6, train=160, ablations=True).data
    names = data.ablation.values.tolist()
    assert [name for name in names if name.endswith("tau = 50")]
    assert [name for name in names if name.endswith("B random")]
    errors = data.ablation_mse.median("replicate").sel({"ablation": names})
    assert len(set(errors.values.tolist())) == len(names)  # each changes something


def test_bad_input_is_one_line():
    for arguments, wanted in (
        (["verdict", "autaspe"], "did you mean 'autapse'"),
        (["verdict", "autapse", "--benchmark", "bonce"], "did you mean 'bounce'"),
        (["verdict", "autapse", "--replicates", "1"], "at least 2"),
        (["verdict", "autapse", "--precision", "0"], "must be a finite number above 0"),
        (["verdict", "autapse", "--trajectories", "100"], "multiple of batch (16)"),
    ):
        outcome = CliRunner().invoke(main, arguments)
        assert outcome.exit_code == 2
        assert wanted in outcome.output


@pytest.mark.slow
def test_a_benchmark_of_any_task_is_judged_in_its_own_unit(monkeypatch):
    """A chaotic series has a horizon as the ball has, but no box."""
    few = ap.Protocol(train=16, validate=2, test=2, validate_every=8, update="batch", batch=8, optimiser="adam")
    circuit = ap.Circuit(neurons=4, readout="random", activation="tanh", learn=("W", "V", "c"), feedback="symmetric")
    series = Benchmark("foresee a chaotic series", ap.ChaoticSeries(steps=20, horizon=2), circuit, few, etas=(0.01,))
    ball = replace(series, task=ap.BouncingBall(steps=20, horizon=2))
    monkeypatch.setattr("autapse_sim.experiments.benchmark.benchmarks", lambda: {"series": series, "ball": ball})
    judged = {name: ap.verdict("autapse", name, replicates=2).data for name in ("series", "ball")}
    assert "linear extrapolation" in judged["series"].control
    physics = "physics: the box and two observations"
    assert physics not in judged["series"].control
    assert physics in judged["ball"].control
    for name, unit, squared in (("series", None, "1"), ("ball", "box lengths", "squared box lengths")):
        data = judged[name]
        assert data.attrs.get("unit") == unit
        assert {data[each].attrs["units"] for each in ("mse_online", "curve", "control_mse")} == {squared}
        assert data.example_target.attrs["units"] == (unit or "1")
    engines = json.loads(judged["ball"].attrs["engine"])
    assert set(engines) == {*judged["ball"].method.values.tolist()}
    assert engines[FIXED] == engines["bptt"] == "compiled"
    assert set(engines.values()) <= {"compiled", "standalone"}
