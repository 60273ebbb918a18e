"""What the form of a rule says of the weights that it can reach: dW = -eta (B e) k^T stays in the column space of B."""

from types import MappingProxyType

import numpy as np
import pytest

import autapse_sim as ap

PROTOCOL = ap.Protocol(replicates=3, train=30, validate=0, test=1, update="step", averaging=False)
TASK = ap.BouncingBall(steps=30, horizon=3)


def spectrum(rule, engine="numpy", parameters=MappingProxyType({}), **neuron):
    """Singular values of W - W0, over the largest, (R, n), and B."""
    circuit = ap.Circuit(rule=rule, neurons=12, readout="random", feedback="random", **neuron)
    result, start = (
        ap.train(circuit, TASK, PROTOCOL, engine=engine, parameters={**parameters, "eta": eta}) for eta in (0.01, 0.0)
    )
    change = result.data.W.values - start.data.W.values
    assert np.abs(change).max() > 1e-3
    values = np.linalg.svd(change, compute_uv=False)
    return values / values[:, :1], change, result.data.B.values


FAMILIES = {
    "leak-free": {"activation": "tanh"},
    "continuous": {"neuron": "leaky", "activation": "tanh", "parameters": {"tau_m": "10 ms"}, "engine": "runtime"},
    "spiking": {"neuron": "lif", "parameters": {"tau_m": "20 ms", "v_th": 0.1}, "engine": "runtime"},
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_rank_of_what_autapse_learns_is_that_of_the_error(family):
    values, change, B = spectrum("autapse", **FAMILIES[family])
    assert (values[:, TASK.outputs :] < 1e-13).all()
    assert (values[:, TASK.outputs - 1] > 1e-4).all()
    for W, b in zip(change, B, strict=True):  # in the column space of B
        inside = b @ np.linalg.lstsq(b, W, rcond=None)[0]
        np.testing.assert_allclose(inside, W, atol=1e-13)


@pytest.mark.parametrize("rule", ["bptt", "fa", "rflo", "dfa"])
def test_rules_that_tell_neurons_apart_reach_more(rule):
    values, *_ = spectrum(rule, activation="tanh")
    assert (values[:, TASK.outputs] > 1e-6).all()
