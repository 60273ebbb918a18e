"""The adjoint of the rate neuron's equations against the discrete network, which is written by hand."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms

import autapse_sim as ap
from autapse_sim.engines import discrete
from autapse_sim.engines.adjoint.simulate import simulate
from autapse_sim.tasks.shown import masked
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import draw
from autapse_sim.training.train import prepare

EXACT = 1e-12
ETA = {"sigmoid": 0.03, "tanh": 0.02, "relu": 0.005, "linear": 0.002}


def job_of(rule="bptt", neurons=2, replicates=1, activation="sigmoid", tau_m=1, learn=("W",), steps=20, train=1, **how):
    """A job of at least 20 updates, in a contracting regime, that goes on from biases that are not 0."""
    circuit = ap.Circuit(
        rule=rule,
        neurons=neurons,
        readout="identity" if neurons == 2 else "random",
        activation=activation,
        learn=learn,
        feedback="random",
        loss=how.pop("loss", "mse"),
    )
    how = {"update": "step", **how}
    protocol = ap.Protocol(replicates=replicates, train=train, validate=1, test=1, record=2, **how)
    drawn = draw(circuit, ap.BouncingBall(steps=steps), protocol)
    rng = np.random.default_rng(7)
    biases = {"b": rng.normal(0, 0.3, (replicates, neurons)), "c": rng.normal(0, 0.3, (replicates, 2))}
    weights = drawn.weights
    weights = replace(weights, W=0.5 * weights.W, B_rec=0.5 * weights.B_rec, **biases)
    given = {"eta": ETA[activation] * (5 if tau_m > 1 else 1), "tau_m": tau_m * ms} | (
        {"eta_out": 0.01} if {"V", "c"} & {*learn} else {}
    )
    values = resolve_parameters(circuit, given, replicates)
    return prepare(circuit, replace(drawn, weights=weights), protocol, values, np.arange(replicates))


def difference(one, other):
    """The largest difference in weights, scores, predictions, traces, and what goes on."""
    pairs = [(a, b) for (_, a), (_, b) in zip(one.weights.items(), other.weights.items(), strict=True)]
    pairs += [(one.mse, other.mse), (one.prediction, other.prediction)]
    pairs += [(one.traces[name], other.traces[name]) for name in other.traces]
    pairs += [] if other.cross_entropy is None else [(one.cross_entropy, other.cross_entropy)]
    return max(np.abs(a - b).max() for a, b in pairs)


def assert_alive(job, outcome):
    assert outcome.traces["activity"].std() > 0.02
    for name in job.circuit.learn:
        moved = np.abs(getattr(outcome.weights, name) - getattr(job.weights, name))
        assert (moved.reshape(len(moved), -1).max(axis=1) > 1e-4).all(), name


@pytest.mark.parametrize("replicates", [1, 7])
@pytest.mark.parametrize("neurons", [2, 8])
@pytest.mark.parametrize("activation", ETA)
@pytest.mark.parametrize("tau_m", [1, 10])
@pytest.mark.parametrize("rule", ["bptt", "fa"])
def test_after_twenty_updates_the_weights_are_those_of_the_discrete_network(
    rule, tau_m, activation, neurons, replicates
):
    job = job_of(rule, neurons, replicates, activation, tau_m)
    outcome = simulate(job)
    assert difference(outcome, discrete.simulate(job, form="plain")) <= EXACT
    assert_alive(job, outcome)


HOW = {
    "trajectories": {"update": "trajectory", "train": 20},
    "batches": {"update": "batch", "batch": 2, "train": 40},
    "batches, momentum": {"update": "batch", "batch": 2, "train": 8, "optimiser": "momentum"},
    "trajectories, Adam": {"update": "trajectory", "train": 6, "optimiser": "adam"},
    "steps, Adam in the other order": {"optimiser": "adam-hat", "epsilon": 1e-3},
    "no 1/t": {"averaging": False, "update": "trajectory", "train": 4},
    "softmax": {"loss": "cross-entropy"},
    "softmax, trajectories": {"loss": "cross-entropy", "update": "trajectory", "train": 4},
    "some steps scored": {"update": "trajectory", "train": 4},
    "some steps scored, each": {},
}


@pytest.mark.parametrize("rule", ["bptt", "fa"])
@pytest.mark.parametrize("how", HOW)
def test_how_a_change_is_made(how, rule):
    job = job_of(rule, 3, 4, "tanh", 3, learn=("W", "U", "b", "V", "c"), **HOW[how])
    if job.circuit.loss == "cross-entropy":
        odds = np.exp(job.y)
        job = replace(job, y=odds / odds.sum(axis=-1, keepdims=True))
    if how.startswith("some"):
        job = replace(job, y=masked(job.y, np.arange(20) % 3 > 0))
    outcome = simulate(job)
    assert difference(outcome, discrete.simulate(job)) <= EXACT
    assert_alive(job, outcome)


@pytest.mark.parametrize("change", ["W", "B_rec", "tau_m", "eta", "averaging"])
def test_what_must_matter_matters(change):
    """The negative control: another way back, time constant or rate gives other weights."""
    job = job_of("fa", 3, 2, "tanh", 3, update="trajectory", train=4)
    right = discrete.simulate(job)
    if change in ("W", "B_rec"):
        other = replace(job, weights=replace(job.weights, **{change: 1.01 * getattr(job.weights, change)}))
    elif change == "averaging":
        other = replace(job, averaging=False)
    else:
        other = replace(job, parameters={**job.parameters, change: 1.01 * job.parameters[change]})
    assert difference(simulate(job), right) <= EXACT
    assert difference(simulate(other), right) > 1e-7


def test_training_goes_on_as_if_never_interrupted():
    circuit = ap.Circuit(rule="bptt", neuron="leaky", learn=("W", "V", "b"), activation="tanh")
    task = ap.BouncingBall(steps=8)
    how = {"replicates": 2, "validate": 0, "test": 1, "update": "batch", "batch": 2, "optimiser": "adam", "record": 1}
    whole = ap.train(circuit, task, ap.Protocol(train=8, **how))
    first = ap.train(circuit, task, ap.Protocol(train=4, **how))
    rest = ap.train(circuit, task, ap.Protocol(train=4, **how), start=first)
    for name in ("W", "V", "b", "mse"):
        np.testing.assert_array_equal(rest.data[name], whole.data[name])
    assert np.abs(rest.data.W - first.data.W).max() > 1e-4
