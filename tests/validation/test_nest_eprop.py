"""e-prop for 100 LIF neurons against NEST's, on the sine task of tests/data/nest_eprop_sine.npz."""

from pathlib import Path

import numpy as np
import pytest
from brian2 import ms

import autapse_sim as ap
from autapse_sim.engines.brian.compiler import compiler

pytestmark = [
    pytest.mark.skipif(not compiler(), reason="no C++ compiler"),
    pytest.mark.usefixtures("fast_programs"),
]

SAME = 8
"""Iterations in which no spike falls differently through rounding."""


@pytest.fixture(scope="module")
def nest():
    """What NEST was given, and its losses."""
    with np.load(Path(__file__).parents[1] / "data" / "nest_eprop_sine.npz") as data:
        return dict(data)


def trained(nest, iterations=SAME, **parameters):
    """The result of some iterations with NEST's parameters, and the losses."""
    x = np.unpackbits(nest["input_spikes"], axis=1).T[: len(nest["target"])]
    shown = (np.broadcast_to(one, (1, iterations, *one.shape)) for one in (x, nest["target"][:, None]))
    names = {"W": "w_rec_rec", "U": "w_in_rec", "V": "w_rec_out", "B": "b_out_rec"}
    weights = ap.Weights(**{name: nest[key][None] for name, key in names.items()})
    circuit = ap.Circuit(neuron="lif", rule="eprop", neurons=100, readout="random", learn=("W", "U", "V"))
    protocol = ap.Protocol(
        replicates=1,
        train=iterations,
        validate=0,
        test=0,
        update="trajectory",
        constraints="sparse",
        record=0,
    )
    given = {"eta": 1e-4, "eta_out": 1e-4, "c_reg": 300.0, **parameters}
    result = ap.train(circuit, ap.ArrayTask(*shown), protocol, weights, given, engine="standalone")
    return result.data, result.data.mse_train.values[0] * len(nest["target"]) / 2


def test_losses_of_nest(nest):
    data, losses = trained(nest)
    np.testing.assert_allclose(losses, nest["loss"][:SAME], rtol=1e-9)
    assert (np.diag(data.W.values[0]) == 0).all()
    assert 10 < float(data.rate.mean()) < 60
    for name, key in {"W": "w_rec_rec", "U": "w_in_rec", "V": "w_rec_out"}.items():
        assert 1e-4 < np.abs(data[name].values[0] - nest[key]).max() < 0.1, name


@pytest.mark.parametrize("changed", [{"tau_e": 25 * ms}, {"c_reg": 250.0}, {"gamma": 0.25}], ids=lambda one: min(one))
def test_what_must_matter_matters(nest, changed):
    data, losses = trained(nest, **changed)
    assert np.abs(losses / nest["loss"][:SAME] - 1).max() > 1e-4
    assert 10 < float(data.rate.mean()) < 60


@pytest.mark.slow
def test_it_learns(nest):
    data, losses = trained(nest, iterations=200)
    assert losses[0] == pytest.approx(101.964357, rel=1e-8)
    assert 55 < losses[-1] < 70
    assert losses[-20:].mean() < losses[90:110].mean() < losses[:20].mean()
    assert 5 < float(data.rate.mean()) < 60
