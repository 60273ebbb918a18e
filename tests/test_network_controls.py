"""Controls that are networks are the circuit itself: with nothing learned they score what the rule does at eta 0."""

import json
from dataclasses import replace

import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.results import table
from autapse_sim.training.draws import draw

pytestmark = pytest.mark.usefixtures("no_workers")

TASK = ap.BouncingBall(steps=30)
SMALL = ap.Protocol(replicates=3, train=4, validate=2, test=3, validate_every=2, record=1)
DRAWN = ap.Circuit(readout="random", neurons=4, learn=("W", "V", "c"))
CIRCUITS = {
    "tau_m 5 ms": (ap.Circuit(), {"tau_m": "5 ms"}),
    "substeps 4": (ap.Circuit(substeps=4), {}),
    "delay": (ap.Circuit(delay=3), {}),
    "lif": (replace(DRAWN, neuron="lif", neurons=8), {"v_th": 0.1, "eta_out": 0.0}),
    "leaky": (replace(DRAWN, neuron="leaky", activation="tanh"), {"eta_out": 0.0}),
    "returned": (replace(DRAWN, returned=True), {"eta_out": 0.0}),
}
ENGINE = "standalone" if compiler() else "runtime"


def control(data, name):
    return data.control_mse.sel(control=name).values


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[pytest.mark.slow] * (each != "tau_m 5 ms")) for each in CIRCUITS]
)
def test_a_rule_at_eta_0_scores_what_the_untrained_network_does(name):
    circuit, parameters = CIRCUITS[name]
    data = ap.compare(["autapse"], TASK, SMALL, circuit, etas=(0.0,), parameters=parameters).data
    np.testing.assert_allclose(control(data, "untrained W"), data.mse.sel(rule="autapse"), rtol=0, atol=1e-12)
    names = {"untrained W", "W = 0", "bias only", "best affine read-out, untrained W"}
    assert names <= set(data.control.values.tolist())
    # the network is alive: without W, and with tau_m of one step, it scores otherwise
    assert (np.abs(control(data, "W = 0") - control(data, "untrained W")).max(axis=1) > 1e-6).all()
    assert control(data, "bias only").std() > 0
    (row,) = [row for row in table.rows(data) if row["kind"] == "rule"]
    assert row["worse_than_untrained"] == 0


@pytest.mark.slow
def test_the_controls_are_those_of_the_neuron_and_not_of_the_discrete_network():
    plain = ap.compare(["autapse"], TASK, SMALL, etas=(0.0,)).data
    for name in ("tau_m 5 ms", "substeps 4"):
        circuit, parameters = CIRCUITS[name]
        data = ap.compare(["autapse"], TASK, SMALL, circuit, etas=(0.0,), parameters=parameters).data
        assert np.abs(control(data, "untrained W") - control(plain, "untrained W")).max() > 1e-3


@pytest.mark.slow
def test_the_discrete_network_stands_in_for_nothing_but_itself():
    """For equations without noise heun is euler, but the discrete network is asked for euler alone."""
    circuit = replace(DRAWN, learn=("W", "V"))
    numpy, brian = (
        ap.compare(["autapse"], TASK, SMALL, replace(circuit, method=method), etas=(0.0, 0.1)).data
        for method in ("euler", "heun")
    )
    for name in ("untrained W", "W = 0", "fixed W, trained read-out", "best affine read-out, untrained W"):
        np.testing.assert_allclose(control(brian, name), control(numpy, name), rtol=0, atol=1e-9)
    assert json.loads(numpy.attrs["notes"]) == []
    assert "'bias only': the biases learn by autapse" in json.loads(brian.attrs["notes"])[0]


@pytest.mark.slow
def test_w_is_0_is_what_it_says_and_the_best_read_out_is_better_than_the_drawn():
    circuit, parameters = CIRCUITS["leaky"]
    data = ap.compare(["autapse"], TASK, SMALL, circuit, etas=(0.0,), parameters=parameters).data
    drawn = draw(circuit, TASK, SMALL).weights
    still = replace(circuit, learn=())
    own = ap.train(still, TASK, SMALL, weights=replace(drawn, W=np.zeros_like(drawn.W)), engine=ENGINE).data
    np.testing.assert_allclose(control(data, "W = 0"), own.mse, rtol=0, atol=1e-12)
    assert (control(data, "best affine read-out, untrained W") < control(data, "untrained W")).mean() > 0.8


@pytest.mark.slow
def test_a_control_that_cannot_be_had_is_left_out_and_said_so(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from autapse_sim import Rule\n"
        'rule = Rule(update="w -= eta * feedback_post * v_pre", parameters={"eta": 0.01})\n'
    )
    circuit = replace(DRAWN, neuron="lif", neurons=6, learn=("W",))
    data = ap.compare([str(path)], TASK, SMALL, circuit, etas=(0.01,), parameters={"v_th": 0.1}).data
    assert "bias only" not in data.control
    (note,) = json.loads(data.attrs["notes"])
    assert "'bias only' is left out" in note
    assert "v_pre" in note
    assert note in table.text(data)
    assert np.isfinite(control(data, "untrained W")).all()


@pytest.mark.slow
def test_parameters_of_each_neuron_in_compare():
    circuit = replace(DRAWN, learn=("W",))
    tau = np.array([[1.0, 2, 4, 8]]) * 1e-3
    from brian2 import second

    given = {"tau_m": tau * second}
    data = ap.compare(["autapse"], TASK, SMALL, circuit, etas=(0.0, 0.1), parameters=given).data
    assert json.loads(data.attrs["parameters"])["autapse"]["tau_m"][0] == [0.001, 0.002, 0.004, 0.008]
    zero = ap.compare(["autapse"], TASK, SMALL, circuit, etas=(0.0,), parameters=given).data
    np.testing.assert_allclose(control(data, "untrained W"), zero.mse.sel(rule="autapse"), rtol=0, atol=1e-12)
    for bad, says in ((tau[:, :3] * second, "parameter tau_m"), (np.ones(2), "parameter tau_m")):
        with pytest.raises(ap.InputError, match=says):
            ap.compare(["autapse"], TASK, SMALL, circuit, etas=(0.1,), parameters={"tau_m": bad})
    exact = ap.compare(["bptt"], TASK, SMALL, circuit, etas=(0.1,), parameters=given).data
    np.testing.assert_allclose(control(exact, "untrained W"), control(data, "untrained W"), rtol=0, atol=1e-12)
    assert np.abs(exact.W - data.W.sel(rule="autapse")).max() > 1e-3
    with pytest.raises(ap.InputError, match="tau_m has one value per neuron"):
        ap.compare(["rtrl"], TASK, SMALL, circuit, etas=(0.1,), parameters=given)
    with pytest.raises(ap.InputError, match="give etas"):
        ap.compare(["autapse"], TASK, SMALL, circuit, etas=(0.1,), parameters={"eta": 0.1})


def test_train_has_the_controls_that_cost_nothing():
    data = ap.train(ap.Circuit(), TASK, SMALL, engine="numpy").data
    beside = ap.compare(["autapse"], TASK, SMALL, etas=(0.03,), engine="numpy").data
    assert data.control.values.tolist() == ["untrained W", "training mean", "persistence", "affine of x(t)"]
    for name in data.control.values:
        np.testing.assert_allclose(control(data, name), control(beside, name), rtol=0, atol=1e-12)
    rows = [[row for row in table.rows(each) if row["kind"] == "control"] for each in (data, beside)]
    told = [{row["name"]: row["mse"] for row in each} for each in rows]
    assert all(told[0][name] == told[1][name] for name in told[0])
    assert len({tuple(mse) for mse in told[0].values()}) == 4
    last = table.text(data).splitlines()[-1]
    assert last.startswith("In median test MSE autapse beats untrained W, training mean; autapse does not beat ")


def test_the_untrained_network_of_train_is_that_of_eta_0():
    circuit = ap.Circuit(neuron="leaky", neurons=3, readout="random")
    data, moved = (ap.train(circuit, TASK, SMALL, parameters={"eta": eta}, engine="runtime").data for eta in (0.0, 0.3))
    for each in (data, moved):
        np.testing.assert_allclose(control(each, "untrained W"), data.mse, rtol=0, atol=1e-12)
    assert np.abs(moved.mse - data.mse).max() > 1e-6


@pytest.mark.slow
def test_without_reset_the_untrained_network_goes_the_whole_way():
    circuit = ap.Circuit(neuron="leaky", neurons=3, readout="random")
    protocol = replace(SMALL, reset=False)
    data = ap.compare(["autapse"], TASK, protocol, circuit, etas=(0.0,)).data
    np.testing.assert_allclose(control(data, "untrained W"), data.mse.sel(rule="autapse"), rtol=0, atol=1e-12)
    anew = ap.compare(["autapse"], TASK, SMALL, circuit, etas=(0.0,)).data
    assert np.abs(control(data, "untrained W") - control(anew, "untrained W")).max() > 1e-6
    trained = ap.train(circuit, TASK, protocol).data
    assert "untrained W" not in trained.control
    assert "'untrained W' is left out" in table.text(trained)
    assert "worse than" not in table.text(trained)


def test_where_nothing_is_learned_there_is_no_control():
    for still in (ap.Circuit(learn=()), ap.Circuit()):
        protocol = replace(SMALL, train=0 if still.learn else 4)
        assert "control" not in ap.train(still, TASK, protocol, engine="numpy").data


def line(**medians):
    kinds = {"a": "rule", "b": "rule"}
    return table.summary([{"kind": kinds.get(k, "control"), "name": k, "mse": [v, v, v]} for k, v in medians.items()])


def test_the_last_line_says_who_beats_what():
    assert line(a=1.0, b=2.0, x=3.0, y=1.5, z=0.5) == (
        "In median test MSE every rule beats x; no rule beats z; a alone beats y."
    )
    assert line(a=1.0, b=2.0, x=3.0) == "In median test MSE every rule beats x."
    assert line(a=1.0, b=None, z=0.5, x=None) == "In median test MSE no rule beats z; a alone beats x."
    assert line(a=1.0, z=1.0) == "In median test MSE a does not beat z."
    assert line(a=1.0, z=1 + 1e-12) == "In median test MSE a does not beat z."
    assert line(a=1.0) == ""
