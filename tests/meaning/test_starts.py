"""What a trajectory starts from: zero, what a model says, or what was left."""

import numpy as np
import pytest
from meaning.models import EXACT, RELAY, SAMPLED, pulses, spikes_only, trained, weights

import autapse_sim as ap

pytestmark = pytest.mark.parametrize("engine", SAMPLED)


def test_loss_and_feedback_begin_at_zero(files, engine):
    rng = np.random.default_rng(0)
    n, T, K = 3, 12, 3
    x, y, start = rng.normal(size=(K + 1, T, 2)), 3 * rng.normal(size=(K + 1, T, 1)), weights(3, 2, 1, scale=0.7)
    rule = files.rule(
        "heard += activity_post*activity_pre",
        postsynaptic="dspent/dt = loss/step : 1\ndpushed/dt = feedback/step : 1",
        eligibility="heard : 1",
        finish="w -= eta*(spent_post + pushed_post)*heard",
        parameters="{'eta': 0.001}",
    )
    right = start.W[0].copy()
    for k in range(K):
        o, spent, pushed, loss, back, heard = np.zeros(n), 0.0, np.zeros(n), 0.0, np.zeros(n), np.zeros((n, n))
        for t in range(T):
            spent, pushed = spent + loss, pushed + back  # what the step before left behind; nothing in the first
            o = np.tanh(right @ o + start.U[0] @ x[k, t])
            err = start.V[0] @ o - y[k, t]
            loss, back = 0.5 * (err**2).sum(), start.B[0] @ err
            heard += np.outer(o, o)
        right = right - 0.001 * (spent + pushed)[:, None] * heard
    circuit = ap.Circuit(rule=rule, neurons=n, readout="random", activation="tanh")
    for looks in (0, 1):
        W = trained(circuit, x, y, engine, start, train=K, validate=looks, validate_every=1).W.values[0]
        assert np.abs(W - right).max() <= 1e-11
    assert np.abs(right - start.W[0]).max() > 0.1


def test_states_without_an_equation_begin_anew_and_are_recorded(files, engine):
    neuron = files.neuron(
        "dv/dt = (-v + drive + input + bias)/tau_m : 1\ndo/dt = -o/tau_m : 1\nfired : 1\nactivity = o : 1",
        threshold="v > 0.5 and fired < 0.5",
        reset="gone = v - v; v = gone; fired = 1; o += 1",
        parameters="{'tau_m': 10*ms}",
    )
    circuit = ap.Circuit(neuron=neuron, readout="random", learn=())
    data = trained(circuit, np.ones((4, 40, 2)), engine=engine, start=spikes_only(), train=3, test=1)
    assert (data.trace_spikes.sum("step").values[0] == 1).all()
    assert (data.trace_fired.values[0, :, -1] == 1).all()
    assert (data.trace_fired.values[0, :, 0] == 0).all()


@pytest.mark.parametrize("rule", ["autapse", "rflo", "dfa", "eprop", "three_factor"])
def test_a_stream_may_be_shown_in_pieces(engine, rule):
    if engine == "reference" and rule == "three_factor":
        pytest.skip("the reference draws no noise")
    rng = np.random.default_rng(0)
    x, y, start = rng.normal(size=(1, 40, 2)), rng.normal(size=(1, 40, 1)), weights(4, 2, 1)
    W = []
    for parts in (1, 2, 4):
        circuit = ap.Circuit(rule=rule, neurons=4, readout="random", activation="tanh")
        shown = (array.reshape(parts, -1, array.shape[-1]) for array in (x, y))
        given = {"eta": 0.01} | ({"sigma": 1e-9} if rule == "three_factor" else {})
        W.append(trained(circuit, *shown, engine, start, given, reset=False, averaging=False).W.values)
    assert max(np.abs(W[0] - other).max() for other in W[1:]) <= (1e-8 if rule == "three_factor" else EXACT)
    assert np.abs(W[0] - start.W).max() > 1e-3


@pytest.mark.parametrize(
    ("initial", "right"),
    [({"b1": "0.5", "a1": "b1"}, 0.5), ({"a1": "b1 + 0.1", "b1": "0.5"}, 0.1), ({"a1": "b1 + q1 + 0.1"}, 0.1)],
)
@pytest.mark.parametrize("field", ["eligibility", "trace", "postsynaptic", "equations"])
def test_what_starts_reads_zero_or_what_started_before(files, engine, field, initial, right):
    states = "a1 : 1\ndq1/dt = 1/step : 1\n" + ("b1 : 1" if "b1" in initial else "db1/dt = 1/step : 1")
    side = {"eligibility": "", "trace": "_pre"}.get(field, "_post")
    reads, neuron = f"w += a1{side}", {**RELAY}
    if field == "equations":
        neuron |= {"equations": f"{neuron['equations']}\n{states}", "initial": initial}
        rule = files.rule(reads, parameters="{}")
    else:
        rule = files.rule(reads, **{field: states}, initial=initial, parameters="{}")
    W = trained(
        ap.Circuit(neuron=files.neuron(**neuron), rule=rule), np.zeros((3, 2, 2)), engine=engine, start=spikes_only()
    ).W
    assert W.values.ravel() == pytest.approx(3 * 2 * right)


def test_what_starts_reads_what_was_left(files, engine):
    rule = files.rule(
        "w += 0.01*b1_post",
        postsynaptic="b1 : 1\ndkept/dt = 1/step : 1",
        initial={"b1": "kept", "kept": "2"},
        lasting=("kept",),
        finish_postsynaptic="kept += 1; b1 = 0",
        parameters="{}",
    )
    how = {"train": 2, "validate": 2, "validate_every": 1}
    W = trained(ap.Circuit(rule=rule), np.zeros((4, 1, 2)), engine=engine, start=spikes_only(), **how).W
    # first 0, while nothing is learned; then the 2 that was said, and the 4 of the end of that trajectory
    assert W.values.ravel() == pytest.approx(0.01 * (2 + 4))


def test_a_trace_that_another_reads_where_it_starts_is_the_synapses_own(files, engine):
    rule = files.rule(
        "w += a1",
        eligibility="a1 : 1\ndapre/dt = -apre/tau_s : 1 (event-driven)",
        on_pre="apre += 1",
        initial={"a1": "apre", "apre": "0.5"},
        parameters="{'tau_s': 20*ms}",
    )
    circuit = ap.Circuit(neuron=files.neuron(**RELAY), rule=rule)
    assert not trained(circuit, pulses(3, 0, 1), engine=engine, start=spikes_only()).W.values.any()


def test_the_error_of_a_read_out_begins_at_zero(files, engine):
    rng = np.random.default_rng(0)
    x, y, start = rng.normal(size=(2, 6, 2)), 3 * rng.normal(size=(2, 6, 1)), weights(3, 2, 1)
    rule = files.rule(
        "w -= eta*mean_err", eligibility="dmean_err/dt = (err_post - mean_err)/(2*ms) : 1", parameters="{'eta': 0.1}"
    )
    V = start.V[0].copy()
    for k in range(2):
        o, err, mean = np.zeros(3), 0.0, 0.0
        for t in range(6):
            mean += (err - mean) / 2  # the error of the step before; none in the first
            o = np.tanh(start.W[0] @ o + start.U[0] @ x[k, t])
            err = (V @ o - y[k, t])[0]
            V -= 0.1 * mean
    circuit = ap.Circuit(neurons=3, readout="random", activation="tanh", learn=("V",), readout_rule=rule)
    found = trained(circuit, x, y, engine, start).V.values[0]
    assert np.abs(found - V).max() <= EXACT
    assert np.abs(found - start.V[0]).max() > 0.1


def test_autapses_may_begin_at_one(files, engine):
    x, y, start = np.ones((1, 6, 2)), np.zeros((1, 6, 2)), weights(3, 2, 2)
    W = []
    for value in ("q*activity_pre", "activity_pre"):
        connection = f"(Connection(sums={{'own': {value!r}}}, equations='q : 1', initial='identity', pairs='self'),)"
        rule = files.rule("w -= 0.1*feedback_post*own_pre", connections=connection, parameters="{}")
        circuit = ap.Circuit(rule=rule, neurons=3, readout="random", activation="tanh")
        W.append(trained(circuit, x, y, engine, start).W.values)
    assert np.abs(W[0] - W[1]).max() <= EXACT
    assert np.abs(W[0] - start.W).max() > 1e-3
