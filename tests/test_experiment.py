"""train and compare: draws, splits, scores and what a result says of itself."""

import json
from dataclasses import replace

import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.results import table
from autapse_sim.spec.protocol import Schedule
from autapse_sim.spec.weights import draw_weights
from autapse_sim.training.draws import draw

pytestmark = pytest.mark.usefixtures("no_workers")
TASK = ap.BouncingBall(steps=30)
SMALL = ap.Protocol(replicates=4, train=6, validate=2, test=3, validate_every=3, record=2)


def test_a_replicate_does_not_depend_on_how_many_run_beside_it():
    many = ap.train(ap.Circuit(), TASK, SMALL, engine="numpy").data
    few = ap.train(ap.Circuit(), TASK, replace(SMALL, replicates=2), engine="numpy").data
    np.testing.assert_allclose(many.W[:2], few.W, rtol=0, atol=1e-12)
    np.testing.assert_allclose(many.mse[:2], few.mse, rtol=0, atol=1e-12)
    assert np.ptp(many.W.values, axis=0).min() > 0


@pytest.mark.parametrize("engine", ["numpy", "runtime", *(["standalone"] if compiler() else [])])
def test_the_same_seed_gives_the_same_bits_and_another_does_not(engine):
    one, other = (ap.train(ap.Circuit(), TASK, SMALL, engine=engine).data for _ in range(2))
    np.testing.assert_array_equal(one.W, other.W)
    np.testing.assert_array_equal(one.mse, other.mse)
    assert one.attrs["engine"] == engine
    seeded = ap.train(ap.Circuit(), TASK, replace(SMALL, seed=1), engine=engine).data
    assert np.abs(seeded.W - one.W).max() > 0.01


def test_training_validation_and_test_never_overlap():
    schedule = Schedule.of(SMALL)
    train = set(schedule.trajectory[schedule.learn])
    test = set(schedule.trajectory[schedule.keep])
    validate = set(schedule.trajectory[~schedule.learn & ~schedule.keep])
    assert (train, validate, test) == ({0, 1, 2, 3, 4, 5}, {6, 7}, {8, 9, 10})
    drawn = draw(ap.Circuit(), TASK, SMALL)
    starts = drawn.x[:, :, 0].reshape(-1, 2)
    assert len(np.unique(starts, axis=0)) == len(starts)


@pytest.mark.parametrize("parts", [{"train": 0}, {"validate": 0}, {"test": 0}, {"train": 0, "validate": 0}])
def test_any_part_may_be_left_out(parts):
    data = ap.train(ap.Circuit(), TASK, replace(SMALL, **parts), engine="numpy").data
    for part, name in {"train": "mse_train", "validate": "mse_validate", "test": "mse"}.items():
        assert (name in data) == (part not in parts)


def test_parameters_ride_the_replicate_axis():
    etas = np.array([0.0, 0.01, 0.1, 1.0])
    together = ap.train(ap.Circuit(), TASK, SMALL, parameters={"eta": etas}, engine="numpy").data
    alone = ap.train(ap.Circuit(), TASK, SMALL, parameters={"eta": 0.1}, engine="numpy").data
    np.testing.assert_allclose(together.W[2], alone.W[2], rtol=0, atol=1e-12)
    moved = np.abs(together.W - draw(ap.Circuit(), TASK, SMALL).weights.W).max(axis=(1, 2))
    assert moved[0] == 0
    assert (np.diff(moved) > 0).all()


def test_your_own_arrays_and_weights():
    rng = np.random.default_rng(0)
    x, y = rng.random((4, 11, 30, 3)), rng.random((4, 11, 30, 1))
    task, circuit = ap.ArrayTask(x, y), ap.Circuit(neurons=5, readout="random", learn=("W", "V"))
    weights = draw_weights(rng, 4, 5, 3, 1, "random", "symmetric")
    data = ap.train(circuit, task, SMALL, weights=weights, engine="numpy").data
    assert data.V.dims == ("replicate", "coordinate", "neuron")
    assert np.abs(data.V - weights.V).max() > 1e-3
    with pytest.raises(ap.InputError, match=r"W has shape \(3, 5, 5\), expected \(4, 5, 5\)"):
        ap.train(circuit, task, SMALL, weights=weights.take(np.arange(3)), engine="numpy")
    bad = weights.V.copy()
    bad[0, 0, 0] = np.nan
    with pytest.raises(ap.InputError, match="V holds NaN"):
        ap.train(circuit, task, SMALL, weights=replace(weights, V=bad), engine="numpy")
    with pytest.raises(ap.InputError, match="readout 'identity' needs"):
        ap.train(ap.Circuit(neurons=5), task, SMALL, engine="numpy")
    with pytest.raises(ap.InputError, match=r"one per replicate \(4\)"):
        ap.train(circuit, task, SMALL, parameters={"eta": [0.1, 0.2]}, engine="numpy")


def test_a_diverged_replicate_is_named_and_never_averaged_away():
    circuit = ap.Circuit(activation="linear")
    weights = draw(circuit, TASK, SMALL).weights
    weights.W[:] *= 0.1
    weights.W[2] = 1e9
    result = ap.train(circuit, TASK, SMALL, weights=weights, engine="numpy")
    assert result.data.diverged.values.tolist() == [False, False, True, False]
    row, *_ = table.rows(result.data)
    assert row["diverged"] == [2]
    assert row["mean_mse"] is None
    assert "diverged replicates, counted as infinite: autapse: 2" in table.text(result.data)


def test_conditioned_feedback_has_real_positive_eigenvalues():
    weights = draw_weights(np.random.default_rng(0), 50, 2, 2, 2, "identity", "conditioned")
    eigenvalues = np.linalg.eigvals(weights.B)
    assert np.isreal(eigenvalues).all()
    assert (eigenvalues.real > 0).all()
    random = draw_weights(np.random.default_rng(0), 50, 2, 2, 2, "identity", "random")
    assert (np.linalg.eigvals(random.B).real < 0).any()


@pytest.mark.parametrize("neurons", [2, 16])
def test_feedback_of_either_sign(neurons):
    readout = "identity" if neurons == 2 else "random"
    for kind, positive in (("mixed", (False, True)), ("negative", (False, False))):
        weights = draw_weights(np.random.default_rng(0), 20, neurons, 2, 2, readout, kind)
        eigenvalues = np.linalg.eigvals(weights.V @ weights.B)
        assert np.isreal(eigenvalues).all()
        np.testing.assert_array_equal(np.sort(eigenvalues.real > 0, axis=1), [positive] * 20)
    with pytest.raises(ap.InputError, match="at least 2 outputs"):
        draw_weights(np.random.default_rng(0), 2, 8, 1, 1, "random", "mixed")


def test_a_result_says_what_made_it(tmp_path):
    result = ap.train(ap.Circuit(rule="dfa"), TASK, SMALL, engine="numpy")
    result.save(tmp_path / "run.nc")
    attributes = ap.load(tmp_path / "run.nc").data.attrs
    assert "ds/dt" in attributes["equations"]
    assert json.loads(attributes["protocol"])["seed"] == 0
    assert json.loads(attributes["parameters"]) == {"tau_m": 0.001, "eta": 0.03}
    assert json.loads(attributes["task"])["speed"] == 0.05
    assert {"numpy", "brian2", "python", "git", "command"} <= json.loads(attributes["provenance"]).keys()


def test_compare_chooses_eta_on_validation_and_shares_everything_else():
    rules = ("fa", "autapse")
    result = ap.compare(rules, TASK, SMALL, etas=(0.001, 0.1, 1000.0), engine="numpy").data
    medians = result.grid_mse.median("replicate")
    for rule in rules:
        best = int(medians.sel(rule=rule).values.argmin())
        assert float(result.eta.sel(rule=rule)) == result.eta_grid[best]
        alone = ap.train(
            ap.Circuit(rule=rule), TASK, SMALL, parameters={"eta": float(result.eta.sel(rule=rule))}, engine="numpy"
        ).data
        np.testing.assert_allclose(result.mse.sel(rule=rule), alone.mse, rtol=0, atol=1e-12)
        np.testing.assert_allclose(result.prediction.sel(rule=rule), alone.prediction, rtol=0, atol=1e-12)
    still = ap.train(ap.Circuit(rule="fa"), TASK, SMALL, parameters={"eta": 0.0}, engine="numpy").data
    np.testing.assert_allclose(result.control_mse.sel(control="untrained W"), still.mse, rtol=0, atol=1e-12)
    expected = {"W = 0", "bias only", "best affine read-out, untrained W", "training mean", "persistence"}
    expected |= {"linear extrapolation", "affine of x(t)", "affine of 2 lags", "affine of 20 lags"}
    assert expected < set(result.control.values)


def test_a_trained_read_out_is_compared_with_the_same_network_at_fixed_w():
    circuit = ap.Circuit(learn=("W", "V", "c"))
    data = ap.compare(("dfa",), TASK, SMALL, circuit, etas=(0.01, 0.1), engine="numpy").data
    assert "fixed W, trained read-out" in data.control


def test_compare_refuses_what_it_cannot_do():
    with pytest.raises(ap.InputError, match="needs test trajectories"):
        ap.compare(("fa",), TASK, replace(SMALL, test=0))
    with pytest.raises(ap.InputError, match="needs training and validation"):
        ap.compare(("fa",), TASK, replace(SMALL, validate=0))
    with pytest.raises(ap.InputError, match="no rule of fa has a parameter 'tau'"):
        ap.compare(("fa",), TASK, SMALL, parameters={"tau": 1.0})
    with pytest.raises(ap.InputError, match="learn is V, c, and rules teach W, U and b: there is nothing to compare"):
        ap.compare(("dfa",), TASK, SMALL, ap.Circuit(learn=("V", "c")))


@pytest.mark.slow
def test_the_papers_numbers_stand_where_an_independent_study_found_them():
    """Mean test MSE at the best eta: W = 0 0.064, mean 0.084, persistence 0.0012, extrapolation 0.0001, bptt 0.036."""
    data = ap.compare().data
    control = data.control_mse.mean(("replicate", "trajectory"))
    assert float(control.sel(control="W = 0")) == pytest.approx(0.064, abs=0.002)
    assert float(control.sel(control="training mean")) == pytest.approx(0.084, abs=0.002)
    assert float(control.sel(control="persistence")) == pytest.approx(0.0012, abs=0.0001)
    assert float(control.sel(control="linear extrapolation")) == pytest.approx(0.0001, abs=0.0001)
    mse = data.mse.mean("trajectory").median("replicate")
    assert float(mse.sel(rule="bptt")) == pytest.approx(0.036, abs=0.002)
    assert mse.sel(rule="bptt") < mse.sel(rule="fa") < mse.sel(rule="autapse") < mse.sel(rule="dfa")
    assert float(mse.max()) < float(control.sel(control="W = 0"))


@pytest.mark.parametrize("test", [0, 3])
def test_the_stimuli_of_the_recorded_phases_are_those_that_were_shown(test):
    protocol = replace(SMALL, test=test)
    data = ap.train(ap.Circuit(), TASK, protocol, engine="numpy").data
    shown = draw(ap.Circuit(), TASK, protocol).x[:2]
    phases = {"training 1": 0, "training 6": 5, "test 1": 8}
    assert data.phase.values.tolist() == [phase for phase in phases if test or phase != "test 1"]
    for phase in data.phase.values:
        np.testing.assert_array_equal(data.trace_stimulus.sel(phase=phase), shown[:, phases[phase]])


def test_traces_name_their_units():
    circuit = ap.Circuit(neuron="lif", rule="eprop", neurons=3, readout="random", learn=("W", "V"))
    few = ap.Protocol(replicates=1, train=1, validate=0, test=0, record=1)
    data = ap.train(circuit, ap.BouncingBall(steps=3), few, engine="runtime").data
    units = {name: data[name].attrs["units"] for name in data if str(name).startswith("trace_")}
    assert {units.pop(f"trace_{name}") for name in ("stimulus", "error")} == {"box lengths"}
    assert set(units.values()) == {"1"}
    assert {"trace_spikes", "trace_v"} < units.keys()


def test_errors_have_the_unit_of_the_task():
    units = {}
    for task in (TASK, ap.BouncingBall(steps=30, centred=True), ap.ChaoticSeries(steps=30)):
        circuit = ap.Circuit(neurons=3, readout="random")
        data = ap.train(circuit, task, SMALL, engine="numpy").data
        names = ("mse_train", "mse", "control_mse", "prediction", "target", "trace_error", "stimulus")
        units[task] = [data[name].attrs["units"] for name in names]
    square, box = "squared box lengths", "box lengths"
    assert list(units.values()) == [[square] * 3 + [box] * 4, [square] * 3 + [box] * 3 + ["1"], ["1"] * 7]


def test_a_stimulus_is_compared_in_the_units_of_the_target():
    data = ap.train(ap.Circuit(), ap.BouncingBall(steps=30, centred=True), SMALL, engine="numpy").data
    plain = ap.train(ap.Circuit(), TASK, SMALL, engine="numpy").data
    persistence = [each.control_mse.sel(control="persistence") for each in (data, plain)]
    np.testing.assert_allclose(*persistence, atol=1e-12)
    assert np.abs(data.stimulus - plain.stimulus).max() > 0.1


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_what_diverges_is_judged_by_the_scale_of_the_task(scale):
    x, y = ap.BouncingBall(steps=30).sample(np.random.default_rng(0), 4, 11)
    data = ap.train(ap.Circuit(), ap.ArrayTask(x, scale * y), SMALL, engine="numpy").data
    # of order 1, the network is as far off from small targets as from large ones
    assert data.diverged.values.tolist() == [scale < 1] * 4


def test_numbers_of_numpys_and_texts_with_units_are_as_good_as_pythons(tmp_path):
    circuit = ap.Circuit(neurons=np.int64(2), substeps=np.int32(1), delay=np.int64(0))
    task, protocol = ap.BouncingBall(steps=np.int64(30)), replace(SMALL, replicates=np.int64(4))
    given = ap.train(circuit, task, protocol, parameters={"tau": "5 ms", "eta": "0.1"}, engine="numpy")
    from brian2 import ms

    plain = ap.train(ap.Circuit(), TASK, SMALL, parameters={"tau": 5 * ms, "eta": 0.1}, engine="numpy")
    np.testing.assert_array_equal(given.data.W, plain.data.W)
    for name in ("circuit", "task", "protocol", "parameters"):
        assert given.data.attrs[name] == plain.data.attrs[name]
    given.save(tmp_path / "run.nc")
    wrong = {"5": "second", "5 mV": "expected second", "5 quux": "unknown unit 'quux'", "five ms": "tau"}
    for bad, says in wrong.items():
        with pytest.raises(ap.InputError, match=says):
            ap.train(ap.Circuit(), TASK, SMALL, parameters={"tau": bad}, engine="numpy")
    for bad in (2.0, True, np.array([2, 2]), "2"):
        with pytest.raises(ap.InputError, match="neurons is"):
            ap.Circuit(neurons=bad)


NEURON = '''from brian2 import ms
from numpy import array
from autapse_sim import Activation, Neuron
neuron = Neuron(
    equations="""
        do/dt = (-o + f)/tau_m : 1
        a = drive + input + bias : 1
        activity = o : 1
    """,
    activations={"cube": Activation(f="a**3", f_prime="3*a**2"), "sine": Activation(f="sin(a)", f_prime="cos(a)")},
    parameters={"tau_m": array([[5, 10, 20]])*ms},
)
'''


def test_a_neuron_may_have_activations_of_its_own_and_defaults_of_each_neuron(tmp_path, monkeypatch):
    path = tmp_path / "mine.py"
    path.write_text(NEURON)
    circuit = ap.Circuit(neuron=str(path), neurons=3, readout="random", activation="sine")
    data = ap.train(circuit, TASK, SMALL, engine="runtime").data
    steps = data.trace_activity.sel(phase="test 1").isel(recorded=0).values[:, :3]
    assert json.loads(data.attrs["parameters"])["tau_m"][0] == [0.005, 0.01, 0.02]
    # neurons with shorter time constants move faster
    assert (np.diff(np.abs(np.diff(steps, axis=0)).max(axis=0)) != 0).all()
    one = ap.train(circuit, TASK, SMALL, parameters={"tau_m": "5 ms"}, engine="runtime").data
    other = one.trace_activity.sel(phase="test 1").isel(recorded=0).values
    np.testing.assert_allclose(steps[0, 0], other[0, 0], atol=1e-12)
    assert np.abs(steps[0, 1:] - other[0, 1:]).min() > 1e-3
    monkeypatch.setattr("autapse_sim.training.train.draws", None)  # nothing is drawn before the name is known
    for run in (ap.train, lambda wrong, *more: ap.compare(["autapse"], *more, circuit=wrong)):
        with pytest.raises(ap.InputError, match="unknown activation 'sin'; did you mean 'sine'"):
            run(replace(circuit, activation="sin"), TASK, SMALL)
        with pytest.raises(ap.InputError, match="unknown activation 'tan'; did you mean 'tanh'"):
            run(ap.Circuit(activation="tan"), TASK, SMALL)


def test_cxx_names_a_compiler_or_is_refused(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(ap.InputError, match="CXX is 'no-such-compiler'"):
        compiler()
    with pytest.raises(ap.InputError, match="CXX is 'no-such-compiler'"):
        ap.train(ap.Circuit(), TASK, SMALL)
    with pytest.raises(ap.InputError, match="CXX is 'no-such-compiler'"):
        ap.train(ap.Circuit(rule="bptt"), TASK, SMALL)
    ap.train(ap.Circuit(rule="bptt"), TASK, SMALL, engine="numpy")
    monkeypatch.setenv("CXX", "")
    found = compiler()
    monkeypatch.delenv("CXX")
    assert found == compiler()
