"""Units that do not fit are refused before anything runs, by every engine in the same words."""

import numpy as np
import pytest
from brian2 import mV
from meaning.models import ENGINES, Files, trained

import autapse_sim as ap

NEURON = dict(
    equations="dv/dt = (drive*mV - v)/tau : volt\nactivity = v/mV : 1",
    parameters="{'tau': 10*ms}",
)
SPIKING = NEURON | {"threshold": "v > 20*mV", "reset": "v = 0*mV", "refractory": "2*ms"}
RULE = dict(
    update="w -= eta*feedback_post*k_pre",
    trace="dk/dt = (activity - k)/tau_k : 1",
    parameters="{'eta': 0.1, 'tau_k': 5*ms}",
)


def refused(tmp_path, engine="reference", neuron=NEURON, rule=RULE):
    files = Files(tmp_path)
    circuit = ap.Circuit(neuron=files.neuron(**neuron), rule=files.rule(**rule), readout="random")
    with pytest.raises(ap.InputError) as caught:
        trained(circuit, np.zeros((1, 5, 2)), engine=engine)
    return str(caught.value).replace(str(tmp_path), "")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"equations": NEURON["equations"].replace("/tau", "/mV")}, "it is 1, and should be V per second"),
        ({"equations": NEURON["equations"].replace("v/mV", "v")}, "it is V, and should be 1"),
        ({"equations": NEURON["equations"].replace("drive*mV", "drive")}, "do not fit"),
        ({"threshold": "v > 20"}, "do not fit"),
        ({"reset": "v = 0"}, "it is 1, and should be V"),
        ({"reset": "old = v\nv = old*mV"}, "should be V"),
        ({"refractory": "2"}, "should be s"),
        ({"initial": {"v": "1"}}, "it is 1, and should be V"),
        ({"sums": {"given": "w*v_pre"}}, "it is V, and should be 1"),
        ({"pseudo_derivative": "v"}, "it is V, and should be 1"),
    ],
)
def test_units_in_a_neuron(tmp_path, wrong, word):
    said = refused(tmp_path, neuron=SPIKING | wrong)
    assert said.startswith("/neuron.py, line")
    assert word in said


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"trace": "dk/dt = activity - k : 1"}, "it is 1, and should be 1 per second"),
        ({"update": "w -= eta*feedback_post*v_pre"}, "it is V, and should be 1"),
        ({"update": "d = v_post - v_pre\nw -= eta*d"}, "it is V, and should be 1"),
        ({"eligibility": "dp/dt = -p/tau_k : volt", "update": "w -= eta*p"}, "it is V, and should be 1"),
        ({"finish": "w -= eta*second"}, "it is s, and should be 1"),
        ({"connections": "(Connection(sums={'total': 'v_pre'}),)"}, "it is V, and should be 1"),
        ({"eligibility": "p : volt", "update": "p = 1\nw -= eta*p/mV"}, "it is 1, and should be V"),
    ],
)
def test_units_in_a_rule(tmp_path, wrong, word):
    said = refused(tmp_path, rule=RULE | wrong)
    assert said.startswith("/rule.py, line")
    assert word in said


def test_every_engine_says_the_same(tmp_path):
    wrong = NEURON | {"equations": NEURON["equations"].replace("/tau", "")}
    assert len({refused(tmp_path, engine, wrong) for engine in ENGINES}) == 1


@pytest.mark.parametrize("start", [0, "0", "-2*mV", -2 * mV, "tau*0.5*mV/ms"])
def test_what_has_the_right_unit_runs(tmp_path, start):
    files = Files(tmp_path)
    neuron = SPIKING | {"initial": {"v": start}} if isinstance(start, str) else SPIKING
    rule = RULE | {"update": "d = v_post/mV\nw -= eta*feedback_post*choose(d > 0, k_pre, 0)"}
    circuit = ap.Circuit(neuron=files.neuron(**neuron), rule=files.rule(**rule), readout="random")
    x = np.random.default_rng(0).normal(size=(1, 20, 2)) * 50
    runs = [trained(circuit, x, x, engine).W.values for engine in ("reference", "runtime")]
    assert np.abs(runs[0] - runs[1]).max() <= 1e-12
    assert np.ptp(runs[0]) > 0
