"""Rules with equations that are swept: the numbers of the discrete network and of their own synapses, or not swept."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms
from test_compiled import ALL, HOW, assert_alive, job_of

import autapse_sim as ap
from autapse_sim.engines import discrete
from autapse_sim.engines.adjoint.compiled.run import covers_local, simulate
from autapse_sim.engines.adjoint.local import filter_of
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.errors import InputError
from autapse_sim.training.train import simulated

needs_compiler = pytest.mark.skipif(not compiler(), reason="needs a C++ compiler")
EXACT = 1e-12
SAME = dict(trace="dk/dt = (activity - k)/tau : 1", parameters={"eta": 0.1, "tau": 5.0})
PAIR = dict(parameters={"eta": 0.1}, eligibility="dp/dt = f_prime_post*activity_pre/step : 1")
NO_FILTER = {
    "another power": ap.Rule(update="w -= eta*feedback_post*k_pre**2", **SAME),
    "another factor": ap.Rule(update="w -= eta*feedback_post*k_pre*f_prime_post", **SAME),
    "a sum": ap.Rule(update="w -= eta*feedback_post*k_pre + 0.1*w", **SAME),
    "a second line": ap.Rule(update="w -= eta*feedback_post*k_pre\nw *= 0.9", **SAME),
    "the other way": ap.Rule(update="w += eta*feedback_post*k_pre", **SAME),
    "activity of now": ap.Rule(update="w -= eta*feedback_post*activity_pre", parameters={"eta": 0.1}),
    "a start": ap.Rule(update="w -= eta*feedback_post*k_pre", initial={"k": "0.5"}, **SAME),
    "noise": ap.Rule(update="w -= eta*feedback_post*k_pre", perturbation="0.1*randn()", **SAME),
    "no line": ap.Rule(update="w -= eta*feedback_post*p", **{**PAIR, "eligibility": "dp/dt = activity_pre**2 : 1"}),
    "a weight": ap.Rule(update="w -= eta*feedback_post*p", **{**PAIR, "eligibility": "dp/dt = w*activity_pre*p : 1"}),
}


def numbers_of(outcome):
    """All weights, and all errors."""
    return np.concatenate([*(np.ravel(value) for _, value in outcome.weights.items()), np.ravel(outcome.mse)])


@needs_compiler
@pytest.mark.parametrize("activation", ["sigmoid", pytest.param("tanh", marks=pytest.mark.slow)])
@pytest.mark.parametrize("lanes", HOW)
@pytest.mark.parametrize("rule", ["autapse", pytest.param("dfa", marks=pytest.mark.slow), "rflo"])
def test_as_the_discrete_network(rule, lanes, activation):
    size = {"neurons": 20, "updates": 4} if lanes == "Single" else {}  # before it would explode
    given = {"tau_m": [1, 2, 10] * ms} | ({"tau": [3, 10, 50] * ms} if rule == "autapse" else {})
    averaging = lanes != "Own<2>"
    job = job_of("rate", **size, activation=activation, rule=rule, parameters=given, averaging=averaging, **HOW[lanes])
    swept, plain = simulate(job), discrete.simulate(job)
    assert_alive(job, swept)
    assert np.abs(numbers_of(swept) - numbers_of(plain)).max() < EXACT
    if rule != "rflo":  # a parameter that must matter
        name, other = ("tau", 0.02) if rule == "autapse" else ("tau_m", 0.003)
        job = replace(job, parameters={**job.parameters, name: np.full(3, other)})
    else:
        job = replace(job, weights=replace(job.weights, B=-job.weights.B))
    assert np.abs(numbers_of(simulate(job)) - numbers_of(plain)).max() > 1e-6


@needs_compiler
@pytest.mark.slow
@pytest.mark.parametrize("rule", ["autapse", "autapse_f_prime", "dfa", "rflo"])
def test_as_the_synapses(rule):
    job = job_of("rate", rule=rule, parameters={"tau_m": 4 * ms}, optimiser="adam", learn=ALL, **HOW["Shared<2>"])
    swept, plain = simulate(job), simulated(job, "standalone")
    assert_alive(job, swept)
    assert np.abs(numbers_of(swept) - numbers_of(plain)).max() < EXACT


@pytest.mark.parametrize("case", NO_FILTER)
def test_what_is_no_filter_is_not_taken_for_one(case):
    assert filter_of(NO_FILTER[case]) is None
    assert "no linear filter" in covers_local(ap.Circuit(rule=NO_FILTER[case]))


def test_the_filters_of_the_library():
    rates = {name: filter_of(ap.read_rule(name)) for name in ("autapse", "rflo", "dfa")}
    assert rates["autapse"].rate == "(-activity + arrived)/tau"
    assert not rates["autapse"].timed
    assert rates["rflo"].rate == "(-activity + arrived*f_prime)/tau_m"
    assert rates["dfa"].rate == "arrived*f_prime/step"
    assert rates["dfa"].timed


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"neuron": "lif"}, "spikes"),
        ({"neuron": "leaky", "rule": "rflo"}, "hangs on more"),
        ({"substeps": 2}, "substeps"),
        ({"delay": 1}, "delays"),
        ({"returned": True}, "returned"),
        ({"method": "exponential_euler"}, "Euler"),
        ({"rule": "bptt"}, "exact gradient"),
    ],
)
def test_what_is_not_swept(changes, said):
    assert said in covers_local(ap.Circuit(**{"rule": "autapse", "neuron": "rate", **changes}))


@needs_compiler
def test_weights_that_move_within_a_trajectory_are_refused():
    job = job_of("rate", rule="autapse", update="step")
    with pytest.raises(InputError, match="where weights stand still"):
        simulate(job)
    job = job_of("rate", rule="autapse", update="trajectory")
    each = replace(job, parameters={**job.parameters, "tau": np.full((3, 6), 0.01)})
    with pytest.raises(InputError, match="parameter tau has one value per neuron"):
        simulate(each)
