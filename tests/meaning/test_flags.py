"""What is said of equations in brackets, names of temporaries, and Equations that Brian2 has read already."""

import numpy as np
import pytest
from brian2 import Equations, ms
from meaning.models import SAMPLED, trained, weights

import autapse_sim as ap

LIF = "dv/dt = (2*drive + 3*input + 1 - v)/(2*ms) : 1{}\ndo/dt = -o/(4*ms) : 1\nactivity = o : 1"
SPIKES = ap.Neuron(LIF.format(""), threshold="v > 0.3", reset="v = 0; o += 0.5", refractory="2*ms")
K = "dk/dt = (activity + 0.3 - k)/(2*ms) : 1{}"
UPDATE = "w -= 0.1*feedback_post*k_pre"
FLAG = " (unless refractory)"
X = np.random.default_rng(3).normal(size=(3, 9, 2))


def W(engine="reference", neuron=SPIKES, rule=None, learn=("W",), **protocol):
    rule = rule or ap.Rule(UPDATE, trace=K.format(""))
    circuit = ap.Circuit(neuron, rule, neurons=3, readout="random", feedback="random", learn=learn)
    found = trained(circuit, X, engine=engine, start=weights(3, 2, 2), **protocol)
    return np.concatenate([found[name].values.ravel() for name in learn])


@pytest.mark.parametrize("engine", SAMPLED)
def test_a_trace_of_a_refractory_neuron_stands_still_with_it(engine):
    flagged, by_hand = K.format(FLAG), K.format("").replace("= (", "= int(not_refractory)*(")
    right = W(rule=ap.Rule(UPDATE, trace=by_hand))
    assert np.abs(W(engine, rule=ap.Rule(UPDATE, trace=flagged)) - right).max() <= 1e-12
    assert np.abs(W() - right).max() > 1e-3


@pytest.mark.parametrize("engine", SAMPLED)
@pytest.mark.parametrize("learn", [("W",), ("U", "b")])
def test_what_is_never_refractory_never_stands_still(engine, learn):
    neuron = SPIKES.replace(refractory="") if learn == ("W",) else SPIKES  # else the stimulus, which is none
    flagged = W(engine, neuron, ap.Rule(UPDATE, trace=K.format(FLAG)), learn)
    assert np.abs(flagged - W(neuron=neuron, learn=learn)).max() <= 1e-12


@pytest.mark.parametrize("engine", SAMPLED)
def test_what_is_assigned_is_assigned_in_a_refractory_neuron_too(engine):
    def rule(flag):
        q = f"dq/dt = (activity + 0.3 - q)/(2*ms) : 1{flag}"
        return ap.Rule("w -= 0.1*feedback_post*q_post", postsynaptic=q, finish_postsynaptic="q = 3", lasting=("q",))

    neuron = SPIKES.replace(refractory="100*ms")  # all are refractory in the end
    found = W(engine, neuron, rule(FLAG))
    assert np.abs(found - W(neuron=neuron, rule=rule(FLAG))).max() <= 1e-12
    assert np.abs(found - W(neuron=neuron, rule=rule(FLAG).replace(finish_postsynaptic=""))).max() > 1e-3


@pytest.mark.parametrize("engine", SAMPLED)
def test_traces_of_synapses_keep_their_flags_where_steps_may_be_too_long(engine):
    text = "dk/dt = (spiked_pre/step - k/ms)/3 : 1 (clock-driven)\ndq/dt = -q/(3*ms) : 1 (event-driven)"
    rule = ap.Rule("w -= 0.1*feedback_post*(k + q); q += spiked_post", eligibility=text)
    plain = rule.replace(eligibility=text.replace(" (clock-driven)", ""))
    assert np.abs(W(engine, rule=rule) - W(rule=plain)).max() <= 1e-12
    by_euler = plain.replace(eligibility=plain.eligibility.replace(" (event-driven)", ""))
    assert np.abs(W(rule=plain) - W(rule=by_euler)).max() > 1e-3


REFUSED = {
    "a synapse is not refractory itself": {"eligibility": f"dk/dt = -k/ms + spiked_pre/step : 1{FLAG}"},
    "equations of neurons are integrated at every step": {"trace": "dk/dt = (activity - k)/ms : 1 (event-driven)"},
    "synapses sum in the eligibility of a rule": {"postsynaptic": "k = activity : 1 (summed)"},
    "written where it is read, or kept in a state": {"postsynaptic": "k = rand() : 1 (constant over dt)"},
    "'pre' cannot be a temporary: it is a name of Brian2's": {"update": "pre = 0.1*activity_pre; w += pre"},
    "'double' cannot be a temporary: it is a word of C..": {"update": "double = activity_pre; w += double"},
}


@pytest.mark.parametrize("said", REFUSED)
@pytest.mark.parametrize("engine", ["runtime", "reference"])
def test_what_means_nothing_in_its_place_is_refused_with_what_to_write(engine, said):
    rule = ap.Rule(**{"update": "w += 0.1*activity_pre", **REFUSED[said]})
    with pytest.raises(ap.InputError, match=rf"line \d+: .*{said}"):
        W(engine, rule=rule)


def test_equations_that_brian2_has_read_are_those_that_were_written():
    text = "dv/dt = (input*mV - v)/(2*ms) : volt (unless refractory)\nq : 1\nhigh = v > 0*mV : boolean\n"
    text += "r = v/(3*ms) : volt/second\nactivity = v/mV + int(high) : 1"
    rest = {"threshold": "high", "reset": "v = 0*mV; q = 1", "refractory": "tau", "parameters": {"tau": 2 * ms}}
    rule = ap.Rule("w += 0.1*activity_pre*(1 + r_post*ms/mV)")
    found, right = (W("runtime", ap.Neuron(each, **rest), rule) for each in (Equations(text), text))
    assert np.array_equal(found, right)
    other = ap.Neuron(Equations(text.replace("2*ms", "3*ms")), **rest)
    assert np.abs(W("runtime", other, rule) - right).max() > 1e-3
