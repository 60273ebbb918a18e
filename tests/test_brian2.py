"""The plain Brian2 network of a circuit: the numbers of `train`, for anyone's monitors."""

import sys
import warnings
from dataclasses import replace

import brian2
import numpy as np
import pytest
from brian2 import SpikeMonitor, StateMonitor, ms, second

import autapse_sim as ap
from autapse_sim.errors import InputError

STEPS = 40
BALL = ap.BouncingBall(steps=STEPS)
SHORT = ap.Protocol(replicates=3, train=3, validate=1, test=2, record=3, validate_every=2, record_tests=2)
ALIF = {"v_th": 0.1, "eta": 0.03, "eta_out": 0.01, "t_ref": 3 * ms}
CASES = {
    "rate": (ap.Circuit(rule="autapse"), {"eta": 0.1}, SHORT),
    "spikes": (
        ap.Circuit(rule="eprop", neuron="lif", neurons=8, readout="random", learn=("W", "U", "V", "c")),
        ALIF,
        SHORT,
    ),
    "adam": (
        ap.Circuit(rule="dfa", neurons=4, readout="random", learn=("W", "b"), substeps=2, delay=1),
        {},
        ap.Protocol(**{**vars(SHORT), "train": 4, "update": "batch", "batch": 2, "optimiser": "adam", "reset": False}),
    ),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    circuit, parameters, protocol = CASES[request.param]
    return circuit, {"task": BALL, "protocol": protocol, "parameters": parameters}


@pytest.fixture(scope="module")
def trained(case):
    """What `train` gives of a case."""
    circuit, given = case
    return ap.train(circuit, **given, engine="runtime")


def difference(plain, result):
    """By how much weights, errors and predictions differ at most."""
    pairs = [(values, result.data[name].values) for name, values in plain.weights.items() if name in result.data]
    pairs.append((plain.prediction, result.data.prediction.values))
    pairs.append((plain.mse[:, -SHORT.test :], result.data.mse.values))
    return max(np.abs(one - other).max() for one, other in pairs)


def test_it_gives_the_numbers_of_train(case, trained):
    circuit, given = case
    plain = circuit.brian2(**given)
    before = plain.weights.W
    plain.run()
    assert np.abs(plain.weights.W - before).max() > 1e-4  # it learns
    assert difference(plain, trained) <= 1e-12
    other = circuit.brian2(**{**given, "parameters": {**given["parameters"], "eta": 0.5}})
    other.run()
    assert difference(other, trained) > 1e-4


def test_monitors_and_parts_change_no_number(case, trained):
    circuit, given = case
    between = {**given, "protocol": replace(given["protocol"], train=2, validate=0, test=0)}
    plain = circuit.brian2(**given)
    weight = StateMonitor(plain.synapses["W"], "w", record=[0], when="end", order=9)
    plain.network.add(StateMonitor(plain.neurons, "activity", record=True), weight)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        plain.network.run(plain.duration / 4)
        ap.train(circuit, **between, engine="runtime")  # what runs in between is of no matter
        plain.network.run(plain.duration - plain.done)
    assert plain.done == plain.duration
    assert weight.w[0, -1] == plain.weights.W[0, 0, 0]
    assert difference(plain, trained) <= 1e-12


@pytest.mark.slow
def test_monitors_see_what_train_records():
    circuit, parameters, protocol = CASES["spikes"]
    trained = ap.train(circuit, BALL, protocol, parameters=parameters, engine="runtime").data
    plain = circuit.brian2(BALL, protocol, parameters=parameters)
    states = StateMonitor(plain.neurons, ["activity", "v", "feedback"], record=True, when="end", order=5)
    errors = StateMonitor(plain.outputs, ["err", "target", "prediction"], record=True, when="end", order=5)
    spikes, first = SpikeMonitor(plain.neurons), plain.duration / second / STEPS * 1000 - 2
    plain.network.add(states, errors, spikes)
    plain.run()

    def seen(values, phase):
        """(replicates, neurons, steps) of a trajectory: tests are the last ones."""
        start = int(first + phase) * STEPS
        return values.reshape(3, -1, values.shape[1])[:, :, start : start + STEPS].transpose(0, 2, 1)

    for phase, name in enumerate(("test 1", "test 2")):
        part = trained.isel(phase=trained.phase.values.tolist().index(name))
        for kept in ("activity", "v", "feedback"):
            np.testing.assert_allclose(seen(getattr(states, kept), phase), part[f"trace_{kept}"], atol=1e-12)
        np.testing.assert_allclose(seen(errors.err, phase), part["trace_error"], atol=1e-12)
        counts = np.zeros((24, round(float(plain.duration / ms))))
        np.add.at(counts, (np.asarray(spikes.i), np.rint(spikes.t / ms).astype(int)), 1)
        np.testing.assert_array_equal(seen(counts, phase), part["trace_spikes"])
    assert len(spikes.i) == round(float(trained.rate.sum() * plain.duration / second)) > 100
    assert np.all(np.diff(states.t / ms) > 0)  # time goes on from trajectory to trajectory


@pytest.fixture
def cython():
    """The user lets Brian2 compile."""
    before, brian2.prefs.codegen.target = brian2.prefs.codegen.target, "cython"
    yield
    brian2.prefs.codegen.target = before


def test_it_runs_whatever_brian2_is_told_to_prefer(cython):
    circuit, parameters, protocol = CASES["rate"]
    trained = ap.train(circuit, BALL, protocol, parameters=parameters, engine="runtime")
    plain = circuit.brian2(BALL, protocol, parameters=parameters)
    plain.network.run(plain.duration)
    assert brian2.prefs.codegen.target == "cython"
    assert difference(plain, trained) <= 1e-12


def test_no_part_of_it_asks_for_a_compiler(case, monkeypatch):
    def asked():
        raise AssertionError("Brian2 looks for Cython")

    circuit, given = case
    # by its module, whose name is that of an object, too
    monkeypatch.setattr(sys.modules["brian2.devices.device"], "auto_target", asked)
    plain = circuit.brian2(**given)
    plain.run()
    assert difference(plain, ap.train(circuit, engine="runtime", **given)) <= 1e-12


def test_without_anything_it_shows_the_ball():
    plain = ap.Circuit().brian2()
    assert (len(plain.neurons), set(plain.synapses)) == (2, {"W", "U", "V", "B"})
    assert plain.duration == (100 + 11 * 20 + 20) * 100 * ms
    assert repr(plain).startswith("Brian2 network of 2 neurons, synapses ")


def test_what_cannot_be_run_is_refused():
    with pytest.raises(InputError, match="rule 'bptt' has no equations that Brian2 could run"):
        ap.Circuit(rule="bptt").brian2()
    with pytest.raises(InputError, match="unknown parameter 'etta'"):
        ap.Circuit().brian2(parameters={"etta": 1})
    plain = ap.Circuit().brian2(BALL, ap.Protocol(replicates=1, train=1, validate=0, test=0))
    plain.run()
    with pytest.raises(InputError, match="all 1 trajectories of the protocol have been run"):
        plain.network.run(1 * ms, namespace={})


def test_mistakes_in_equations_are_told_with_their_place():
    rule = ap.Rule(update="w -= eta*feedback_post*q_pre", trace="dq/dt = (v - q)/tau : 1", parameters={"eta": 1})
    with pytest.raises(InputError, match="tau"):
        ap.Circuit(rule=rule).brian2()
