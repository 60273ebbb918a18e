"""Alignment: exact rules align exactly, others as their equations say, and the control is beside them."""

from dataclasses import replace

import numpy as np
import pytest

from autapse_sim.engines.discrete import simulate
from autapse_sim.errors import InputError
from autapse_sim.experiments.alignment import aged, align, cosine, exact_gradient
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.protocol import Schedule
from autapse_sim.spec.weights import Weights, draw_weights
from autapse_sim.tasks.ball import BouncingBall


def make_job(rule, n=4, N=5, T=12, K=3, learn=("W", "b", "V", "c"), update="step", **fields):
    rng = np.random.default_rng(0)
    V = rng.normal(0, n**-0.5, (N, 2, n))
    weights = Weights(
        W=rng.normal(0, n**-0.5, (N, n, n)),
        U=rng.normal(0, 1, (N, n, 2)),
        V=V,
        B=rng.normal(0, 1, (N, n, 2)),
        B_rec=rng.normal(0, n**-0.5, (N, n, n)),
    )
    nothing = np.zeros(K, dtype=bool)
    return Job(
        circuit=Circuit(rule=rule, neurons=n, readout="random", activation="tanh", learn=learn),
        x=rng.normal(0, 1, (N, K, T, 2)),
        y=rng.normal(0, 1, (N, K, T, 2)),
        source=np.arange(N),
        weights=weights,
        parameters={"eta": np.full(N, 0.05), "eta_out": np.full(N, 0.05), "tau": np.full(N, 3 * STEP)},
        schedule=Schedule(np.arange(K), ~nothing, nothing, nothing),
        update=update,
        traced=np.arange(0),
        seeds=np.arange(N),
        **fields,
    )


def symmetric(job):
    """The same with the feedback of exact back-propagation, as far as it is fixed."""
    V, W = job.weights.V, job.weights.W
    return replace(job, weights=replace(job.weights, B=V.transpose(0, 2, 1).copy(), B_rec=W.copy()))


@pytest.mark.parametrize("n", [4, 10])
@pytest.mark.parametrize("update", ["step", "trajectory"])
def test_exact_rules_align_exactly(n, update):
    for rule, other in (("bptt", "rtrl"), ("rtrl", "bptt")):
        found = align(make_job(rule, n=n, update=update), trajectory=1)
        np.testing.assert_allclose(found.step[rule], 1, atol=1e-12)
        np.testing.assert_allclose(found.trajectory[rule], 1, atol=1e-12)
        if update == "step":
            assert 1e-8 < (1 - found.step[other][:, 1:]).max() < 0.2
        else:
            np.testing.assert_allclose(found.step[other], 1, atol=1e-12)
        assert np.abs(found.control_trajectory[rule]).max() < 0.95


@pytest.mark.parametrize("n", [4, 10])
def test_feedback_alignment_with_the_true_weights_is_the_gradient(n):
    job = make_job("fa", n=n, update="trajectory")
    for averaging in (True, False):
        exact = align(replace(symmetric(job), averaging=averaging))
        np.testing.assert_allclose(exact.step["bptt"], 1, atol=1e-12)
        np.testing.assert_allclose(exact.trajectory["rtrl"], 1, atol=1e-12)
        np.testing.assert_allclose(exact.angle, 0, atol=1e-5)
    random = align(job)
    assert np.abs(random.trajectory["bptt"]).max() < 0.99
    assert (random.angle > 5).all()
    opposite = symmetric(job)
    opposite = replace(opposite, weights=replace(opposite.weights, B=-opposite.weights.B))
    np.testing.assert_allclose(align(opposite).trajectory["bptt"], -1, atol=1e-12)
    np.testing.assert_allclose(align(opposite).angle, 180, atol=1e-5)


@pytest.mark.parametrize("rule", ["autapse", "rflo", "dfa", "fa"])
@pytest.mark.parametrize("n", [4, 10])
def test_sums_are_what_the_runs_themselves_move(rule, n):
    """The cosine over a trajectory, from the weights of two runs: one of the rule and one of bptt."""
    job = make_job(rule, n=n, update="trajectory", averaging=False)
    first = np.arange(3) < 1
    moved = {}
    for name in (rule, "bptt"):
        run = replace(job, circuit=replace(job.circuit, rule=name), schedule=replace(job.schedule, learn=first))
        after = simulate(run).weights
        moved[name] = np.concatenate([job.weights.W - after.W, -after.b[:, :, None]], axis=2)
    found = align(job)
    np.testing.assert_allclose(found.trajectory["bptt"], cosine(moved[rule], moved["bptt"]), atol=1e-12)
    assert found.step["bptt"].shape == (5, 12)
    assert found.step["bptt"].std() > 0.05
    np.testing.assert_allclose(exact_gradient(job), moved["bptt"][:, :, :n] / 0.05, rtol=1e-10, atol=1e-12)


def test_weights_move_along_with_the_rule():
    job = make_job("autapse")
    for fields in ({}, {"optimiser": "adam"}):
        moving = replace(job, **fields)
        still = align(replace(moving, update="trajectory"))
        assert np.abs(align(moving).step["bptt"] - still.step["bptt"])[:, -1].max() > 1e-4
        np.testing.assert_allclose(align(moving).step["bptt"][:, 0], still.step["bptt"][:, 0], atol=1e-12)


def test_the_control_is_blind_to_the_presynaptic_side():
    """Against a loop: bptt by hand at the second step, and (B err) 1^T."""
    job = make_job("autapse", learn=("W",), update="trajectory")
    found = align(job)
    assert np.isnan(found.step["bptt"][:, 0]).all()  # o(0) = 0: no weight has a gradient yet
    for r in range(5):
        W, U, V, B = (getattr(job.weights, name)[r] for name in "WUVB")
        o1 = np.tanh(U @ job.x[r, 0, 0])
        o2 = np.tanh(W @ o1 + U @ job.x[r, 0, 1])
        err = V @ o2 - job.y[r, 0, 1]
        exact = np.outer((V.T @ err) * (1 - o2**2), o1)
        control = np.outer(B @ err, np.ones(4))
        expected = (exact * control).sum() / np.linalg.norm(exact) / np.linalg.norm(control)
        np.testing.assert_allclose(found.control_step["bptt"][r, 1], expected, atol=1e-12)
        k = o1 / 3
        rule = np.outer(B @ err, k)
        expected = (exact * rule).sum() / np.linalg.norm(exact) / np.linalg.norm(rule)
        np.testing.assert_allclose(found.step["bptt"][r, 1], expected, atol=1e-12)


def test_age_is_what_training_has_left():
    job = make_job("rflo", update="trajectory")
    old = aged(job, 3)
    np.testing.assert_array_equal(old.weights.W, simulate(job).weights.W)
    np.testing.assert_array_equal(aged(job, 0).weights.W, job.weights.W)
    between = aged(job, 2).weights.W
    assert np.abs(between - old.weights.W).max() > 1e-4
    assert np.abs(between - job.weights.W).max() > 1e-4
    batched = replace(job, update="batch", batch=3)
    np.testing.assert_array_equal(aged(batched, 2).weights.W, job.weights.W)


def test_random_feedback_comes_to_align_where_the_read_out_learns():
    """The read-out turns towards the feedback's transpose, and the updates towards the gradient (Lillicrap 2016)."""
    rng = np.random.default_rng(1)
    job = make_job("rflo", n=16, N=20, T=20, K=300, update="trajectory", averaging=False)
    job = replace(job, x=rng.normal(size=(20, 300, 20, 2)))
    seen = np.cumsum(job.x, axis=2) / 5
    job = replace(job, y=np.tanh(seen), parameters={**job.parameters, "eta": np.full(20, 0.003)})
    job = replace(job, parameters={**job.parameters, "eta_out": np.full(20, 0.003)})
    young, old = align(job), align(aged(job, 299), trajectory=299)
    assert np.abs(np.median(young.trajectory["bptt"])) < 0.2
    assert np.median(old.trajectory["bptt"]) > np.median(young.trajectory["bptt"]) + 0.1
    assert np.median(old.angle) < np.median(young.angle) - 5
    assert np.abs(np.median(old.control_trajectory["bptt"])) < np.median(old.trajectory["bptt"])


def test_how_dfa_aligns_hangs_on_the_mean_error():
    """DFA hands the sum of all later errors to every step: a read-out that is off by a constant makes it point right.

    Without that constant it is at right angles to the gradient, while RFLO, to which no sum is handed, stays as it is.
    """
    N, rng = 96, np.random.default_rng(0)
    x, y = BouncingBall(horizon=5, speed=0.05, centred=True).sample(rng, N, 1)
    weights = draw_weights(rng, N, 32, 2, 2, "random", "symmetric")
    found = {}
    for rule in ("dfa", "rflo"):
        job = make_job(rule, n=32, N=N, K=1, learn=("W",), update="trajectory", averaging=False)
        for offset in (0, 0.5):
            start = replace(weights, c=np.full((N, 2), float(offset)))
            shown = replace(job, x=x, y=y, weights=start)
            update = start.W - simulate(shown).weights.W
            found[rule, offset] = np.median(cosine(update, exact_gradient(shown)))
    assert found["dfa", 0] > 0.2
    assert abs(found["dfa", 0.5]) < 0.15
    np.testing.assert_allclose([found["rflo", 0], found["rflo", 0.5]], 0.8, atol=0.05)


def test_something_must_learn():
    with pytest.raises(InputError, match="alignment is of the updates of W, but V learns"):
        align(make_job("dfa", learn=("V",)))
