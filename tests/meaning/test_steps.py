"""What happens within a step: events, rates and terms, temporaries and copies, whatever the substeps."""

import contextlib

import numpy as np
import pytest
from meaning.models import EXACT, RELAY, SAMPLED, pulses, spikes_only, trained, weights

import autapse_sim as ap

pytestmark = pytest.mark.parametrize("engine", SAMPLED)


@pytest.mark.parametrize("substeps", [1, 2, 5])
def test_what_happens_at_spikes_does_not_depend_on_substeps(files, engine, substeps):
    codes = {
        "plain": "apre = apre*exp(-dt/tau_s) + spiked_pre\nw += eta*spiked_post*apre",
        "temporary": "apre = apre*exp(-dt/tau_s) + spiked_pre\ngot = eta*spiked_post\nw += got*apre",
        "normalised": "apre = apre*exp(-dt/tau_s) + spiked_pre\nw = w + spiked_post*(eta*apre - w)",
    }
    for name, code in codes.items():
        rule = files.rule(code, eligibility="apre : 1", parameters="{'tau_s': 20*ms, 'eta': 0.01}")
        circuit = ap.Circuit(neuron=files.neuron(**RELAY), rule=rule, readout="random", substeps=substeps)
        W = trained(circuit, pulses(60, 10, 30), engine=engine, start=spikes_only()).W.values[0]
        assert W[1, 0] == pytest.approx(0.01 * np.exp(-1), rel=1e-11), name


@pytest.mark.parametrize(
    ("update", "trace"), [("w += 0.1*spiked_pre", ""), ("w += 0.05*twice_pre", "twice = 2*spiked : 1")]
)
def test_spikes_of_the_stimulus_are_events(files, engine, update, trace):
    rule = files.rule(update, trace=trace, parameters="{}")
    circuit = ap.Circuit(neuron=files.neuron(**RELAY), rule=rule, learn=("U",), substeps=4)
    U = trained(circuit, [[[1, 0], [1, 0], [1, 1]]], engine=engine, start=spikes_only()).U.values[0]
    assert np.abs(U - np.eye(2) - [[0.3, 0.1], [0.3, 0.1]]).max() <= EXACT


@pytest.mark.parametrize(
    "code",
    [
        "w_new = w + rate; w = clip(w_new, 0, 10)",
        "w_new = clip(w + rate, 0, 10); w = w_new",
        "w_new = w; w_new += rate; w_new = clip(w_new, 0, 10); w = w_new",
        "change = rate; w_new = w - change; w = w_new + 2*rate",
    ],
)
@pytest.mark.parametrize("how", [{}, {"update": "trajectory"}])
def test_a_temporary_that_is_w_and_terms_counts_by_its_terms(files, engine, code, how):
    rule = files.rule(code.replace("rate", "(0.1 + 0*activity_post)") + "; w += 0.5*spiked_post", parameters="{}")
    circuit = ap.Circuit(neuron=files.neuron(**RELAY), rule=rule, substeps=10)
    W = trained(circuit, pulses(3, 0, 1), engine=engine, start=spikes_only(), **how).W.values
    assert W.ravel() == pytest.approx(3 * 0.1 + 0.5)


def test_a_temporary_that_holds_a_w_of_before_is_refused(files, engine):
    rule = files.rule("w_new = w + 0.1*activity_post\nw += 1\nw = w_new", parameters="{}")
    with pytest.raises(ap.InputError, match=r"rule.py, line \d+: .*'w_new', which holds a w of before; write w = w \+"):
        trained(ap.Circuit(rule=rule, substeps=2), np.ones((1, 3, 2)), engine=engine)


@pytest.mark.parametrize("substeps", [1, 4])
def test_rates_events_and_terms_with_dt_add_up(files, engine, substeps):
    rule = files.rule(
        "both = 0.01 - 0.02*spiked_pre\nw += both - 0.5*spiked_post + 3*dt/step*int(activity_pre >= 0)",
        parameters="{}",
    )
    circuit = ap.Circuit(neuron=files.neuron(**RELAY), rule=rule, readout="random", substeps=substeps)
    W = trained(circuit, pulses(20, 5, 9), engine=engine, start=spikes_only()).W.values[0]
    # 20 steps of 0.01 and of 3; one spike on each side
    assert np.abs(W - (20 * 3.01 - 0.02 - 0.5)).max() <= 1e-10


def test_a_mixture_within_a_product_is_refused_with_substeps(files, engine):
    rule = files.rule("both = 1 + spiked_pre\nw += 0.1*both", parameters="{}")
    neuron = files.neuron(**RELAY)
    assert trained(ap.Circuit(neuron=neuron, rule=rule, readout="random"), pulses(9, 1, 2), engine=engine).W.size == 4
    with pytest.raises(ap.InputError, match="mixes what happens at spikes"):
        trained(ap.Circuit(neuron=neuron, rule=rule, readout="random", substeps=2), pulses(9, 1, 2), engine=engine)


def test_a_mixture_is_quoted_with_the_sign_that_it_was_written_with(files, engine):
    neuron, said = files.neuron(**RELAY), []
    for update in ("w += -eta*both*activity_pre", "w -= eta*both*activity_pre", "w += -(eta + 1)*both"):
        rule = files.rule(f"both = 1 + spiked_pre\n{update}", parameters="{'eta': 0.1}")
        with pytest.raises(ap.InputError, match="mixes what happens at spikes") as caught:
            trained(ap.Circuit(neuron=neuron, rule=rule, readout="random", substeps=2), pulses(9, 1, 2), engine=engine)
        said.append(str(caught.value).partition(": ")[2].partition(" mixes")[0])
    assert said == ["-eta * both * activity_pre", "eta * both * activity_pre", "-(eta + 1) * both"]


@pytest.mark.parametrize(
    ("update", "mixed"),
    [
        ("w -= eta*(k_pre*spiked_post - 0.1*w)", True),
        ("w += 2*(k_pre*(spiked_post - 0.1))/eta", True),
        ("part = eta*(k_pre*spiked_post - 0.1*w)\nw += part", True),
        ("w += eta*k_pre*(activity_post - exp(-dt/step)*w)", True),
        ("w += eta*(1 - exp(-dt/step))*k_pre", False),
        ("w += eta*(spiked_post + 2*spiked_pre)*(k_pre - w)", False),
        ("w += eta*k_pre*spiked_post - eta*0.1*w", False),
    ],
)
def test_a_sum_of_both_kinds_within_a_product_is_refused_with_substeps(files, engine, update, mixed):
    rule = files.rule(update, trace="dk/dt = (activity - k)/(5*ms) : 1", parameters="{'eta': 0.1}")
    neuron = files.neuron(**RELAY)
    for substeps in (1, 2):
        circuit = ap.Circuit(neuron=neuron, rule=rule, readout="random", substeps=substeps)
        refused = pytest.raises(ap.InputError, match="mixes what happens at spikes") if mixed and substeps > 1 else None
        with refused or contextlib.nullcontext():
            assert trained(circuit, pulses(9, 1, 2), engine=engine).W.size == 4


def test_a_temporary_of_one_model_is_no_state_of_the_other(files, engine):
    x, start, found = np.ones((2, 12, 2)), weights(2, 2, 2), []
    rule = files.rule(
        "w -= 0.01*z_post*k_pre",
        trace="dk/dt = (activity - k)/(5*ms) : 1",
        postsynaptic="dz/dt = (0.5 - z)/(9*ms) : 1",
        parameters="{}",
    )
    for old in ("z", "k", "old"):
        neuron = files.neuron(**RELAY | {"reset": f"{old} = o; o += 1 - 0.1*{old}"})
        circuit = ap.Circuit(neuron=neuron, rule=rule, readout="random")
        data = trained(circuit, x, engine=engine, start=start, train=1, test=1)
        found.append(np.concatenate([data[name].values.ravel() for name in ("W", "trace_k", "trace_z")]))
    assert max(np.abs(each - found[2]).max() for each in found) <= EXACT
    assert np.abs(data.W.values - start.W).max() > 1e-3


@pytest.mark.parametrize("substeps", [1, 2])
def test_a_temporary_that_is_the_same_for_all_synapses(files, engine, substeps):
    rule = files.rule(
        "half = 1/(1 + steps)\nhalf *= 0.5\nw += half*dt/step; gone = half; gone *= 2; w += 0*gone", parameters="{}"
    )
    circuit = ap.Circuit(rule=rule, readout="random", substeps=substeps)
    W = trained(circuit, np.ones((1, 4, 2)), engine=engine, start=spikes_only()).W.values[0]
    assert np.abs(W - 0.5 * sum(1 / (1 + step) for step in (1, 2, 3, 4))).max() <= EXACT


def test_one_variable_assigned_to_another_is_a_copy(files, engine):
    rule = files.rule("a += 1; b = a; b *= 2; w += 0.001*a - 0.0001*b", eligibility="a : 1\nb : 1", parameters="{}")
    W = trained(
        ap.Circuit(rule=rule, readout="random"), np.ones((1, 4, 2)), engine=engine, start=spikes_only()
    ).W.values
    assert np.abs(W - (0.001 - 0.0002) * (1 + 2 + 3 + 4)).max() <= EXACT


def test_a_temporary_is_a_real_number(files, engine):
    x, start = np.random.default_rng(0).normal(size=(2, 12, 2)), weights(2, 2, 2)
    W = []
    for code in ("gate = int(activity_pre > 0)\ngate *= 0.7\ngate += 0.1", "gate = 0.1 + 0.7*int(activity_pre > 0)"):
        rule = files.rule(f"{code}\nw -= 0.03*feedback_post*gate", parameters="{}")
        circuit = ap.Circuit(rule=rule, readout="random", activation="tanh", learn=("W", "b"))
        W.append(trained(circuit, x, engine=engine, start=start).W.values)
    assert np.abs(W[0] - W[1]).max() <= EXACT
    assert np.abs(W[0] - start.W).max() > 1e-3


def test_a_sum_of_events_is_an_event_and_names_of_the_readout_are_free(files, engine):
    x, start = pulses(20, 5, 9), spikes_only()
    found = {}
    for substeps in (1, 4):
        rule = files.rule(
            "w += 0.01*got_post",
            postsynaptic="got : 1",
            eligibility="got_post = spiked_pre : 1 (summed)",
            parameters="{}",
        )
        circuit = ap.Circuit(neuron=files.neuron(**RELAY), rule=rule, readout="random", substeps=substeps)
        found[substeps] = trained(circuit, x, engine=engine, start=start).W.values[0]
    assert found[1][0, 0] == pytest.approx(0.02, rel=1e-11)
    np.testing.assert_allclose(found[4], found[1], rtol=1e-11)
    W = []
    for name in ("readout", "slow"):
        rule = files.rule(
            "w -= 0.1*err_post*trail",
            eligibility=f"dtrail/dt = (activity_pre - trail)/{name} : 1",
            parameters=f"{{'{name}': 5*ms}}",
        )
        circuit = ap.Circuit(rule="dfa", readout_rule=rule, readout="random", learn=("W", "V"))
        result = trained(circuit, np.random.default_rng(0).random((2, 9, 2)), engine=engine, start=weights(2, 2, 2))
        W.append(result.V.values)
    assert np.isfinite(W).all()
    assert np.abs(W[0] - W[1]).max() <= EXACT


SHOWN = (
    "activity = v : 1",
    "activity = 1.0*v : 1",
    "activity = a : 1\na = v : 1",
    "activity = 1.0*v : 1\nsent = v : 1",
)
SHOWING = "w -= 0.05*feedback_post*k_pre*q_pre"


@pytest.mark.parametrize("method", ["euler", "rk4", "exact"])
def test_what_is_shown_moves_within_a_step_as_it_is_made(engine, method):
    if (engine, method) == ("reference", "exact"):
        pytest.skip("the reference integrates by formulas of one line")
    rule = ap.Rule(
        trace="dk/dt = (activity - k)/(4*ms) : 1\ndq/dt = (rate - q)/(5*ms) : 1\nrate = sent : 1", update=SHOWING
    )
    x, start, found = np.random.default_rng(5).normal(size=(2, 9, 2)), weights(3, 2, 2), []
    for shown in (*SHOWN, "activity = tanh(v) : 1"):
        neuron = ap.Neuron(f"dv/dt = (-v + drive + input)/(3*ms) : 1\n{shown}", method=method)
        circuit = ap.Circuit(neuron=neuron, rule=rule, neurons=3, readout="random")
        data = trained(circuit, x, engine=engine, start=start, train=1, test=1)
        found.append(np.concatenate([data[name].values.ravel() for name in ("W", "trace_k", "trace_q")]))
    for each in found[1:-1]:
        np.testing.assert_allclose(each, found[0], rtol=0, atol=EXACT)
    assert np.abs(found[-1] - found[0]).max() > 1e-3
    assert np.abs(data.W.values - start.W).max() > 1e-4
