"""How the updates of rules stand to the exact gradient, in circuits of any neuron."""

from dataclasses import replace

import numpy as np
import pytest
from test_spiking import EPROP, eprop_job, job_of

from autapse_sim.engines.adjoint.simulate import gradients
from autapse_sim.experiments.alignment import aligned, exact_gradient


@pytest.mark.parametrize("neuron", ["lif", "alif"])
def test_the_gradient_points_along_itself(neuron):
    job = job_of(neuron, "mse", True)
    B = np.random.default_rng(2).normal(size=job.weights.B.shape)
    found = aligned(replace(job, weights=replace(job.weights, B=B)), "numpy")
    for name in ("W", "U", "b"):
        np.testing.assert_allclose(found[name], 1, atol=1e-12)
    assert np.abs(found["blind"]).max() < 0.99


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
