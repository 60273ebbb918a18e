"""How the updates of rules stand to the exact gradient, in circuits of any neuron."""

from dataclasses import replace

import numpy as np
import pytest
from test_spiking import EPROP, eprop_job, job_of

import autapse_sim as ap
from autapse_sim.engines.adjoint.simulate import gradients
from autapse_sim.errors import InputError
from autapse_sim.experiments.alignment import aligned, exact_gradient


@pytest.mark.parametrize("c_reg", [0.0, 30.0])
@pytest.mark.parametrize("neuron", ["lif", "alif"])
def test_the_gradient_points_along_itself(neuron, c_reg):
    """With its penalty on rates, where it has one."""
    job = job_of(neuron, "mse", True)
    job = replace(job, parameters={**job.parameters, "c_reg": np.full(len(job.source), c_reg)})
    B = np.random.default_rng(2).normal(size=job.weights.B.shape)
    found = aligned(replace(job, weights=replace(job.weights, B=B)), "numpy")
    for name in ("W", "U", "b"):
        np.testing.assert_allclose(found[name], 1, atol=1e-12)
    assert np.abs(found["blind"]).max() < 0.99
    apart = np.abs(gradients(job)["W"] - gradients(job, pulled=False)["W"]).max()
    assert (apart > 1e-3) == (c_reg > 0)


@pytest.mark.parametrize("neuron", EPROP)
def test_eprop_points_along_the_gradient_where_it_is_one(neuron):
    """And beside it where neurons reach each other, or against it where the feedback is turned around."""
    job = eprop_job(neuron)
    exact = aligned(job, "reference")
    coupled = aligned(eprop_job(neuron, scale=3.0), "reference")
    turned = aligned(replace(job, weights=replace(job.weights, B=-job.weights.B)), "reference")
    for name in ("W", "U", "b"):
        np.testing.assert_allclose(exact[name], 1, atol=1e-10)
        np.testing.assert_allclose(turned[name], -1, atol=1e-10)
        assert (coupled[name] < 0.9999).all()


def test_the_exact_gradient_is_that_of_the_circuit():
    """Of the discrete network by its own sweep, of all others along their equations."""
    job = job_of("lif", "mse", True)
    np.testing.assert_array_equal(exact_gradient(job), gradients(job)["W"])
    fa = replace(job, circuit=replace(job.circuit, rule="fa"))
    np.testing.assert_array_equal(exact_gradient(fa), gradients(job)["W"])


def test_align_holds_any_rule_against_the_gradient():
    task, protocol = ap.BouncingBall(steps=20), ap.Protocol(replicates=3, train=2, averaging=False)
    given = {"v_th": 0.01}
    circuit = ap.Circuit(neuron="lif", neurons=6, readout="random", feedback="symmetric", learn=("W", "U", "V"))
    found = {
        rule: ap.align(replace(circuit, rule=rule), task, protocol, parameters=given, engine=engine)
        for rule, engine in (("bptt", "auto"), ("fa", "auto"), ("eprop", "runtime"), ("eprop", "reference"))
    }
    np.testing.assert_allclose(found["bptt"].W, 1, atol=1e-12)
    assert found["eprop"].W.shape == (3, 2)
    assert set(found["eprop"].data_vars) == {"W", "U", "blind"}
    assert found["eprop"].U.min() > 0.1
    assert found["eprop"].U.min() < 0.9999
    assert np.abs(found["fa"].W).min() < 0.9999
    np.testing.assert_array_equal(found["fa"].blind, found["bptt"].blind)


def test_what_cannot_be_aligned_is_said():
    task = ap.BouncingBall(steps=5)
    with pytest.raises(InputError, match="train is 0"):
        ap.align(ap.Circuit(rule="bptt"), task, ap.Protocol(train=0, test=1))
    with pytest.raises(InputError, match="alignment is of the updates of W, U and b"):
        ap.align(ap.Circuit(rule="bptt", learn=("V",)), task, ap.Protocol(replicates=1, train=1))
