"""The discrete references against themselves: both forms, networks beside each other, and what comes back."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from discrete.jobs import EVERYTHING, NAMES, assert_alive, assert_same, make_job

from autapse_sim.engines.discrete import simulate
from autapse_sim.errors import InputError
from autapse_sim.spec.job import STEP
from autapse_sim.spec.protocol import Schedule


@pytest.mark.parametrize("update", ["step", "trajectory"])
@pytest.mark.parametrize("n", [2, 5, 10])
@pytest.mark.parametrize("rule", NAMES)
def test_the_fast_form_is_the_definition(rule, n, update):
    job = make_job(rule, n=n, update=update)
    fast = simulate(job)
    assert_alive(job, fast)
    assert_same(fast, simulate(job, form="plain"))


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "linear"])
@pytest.mark.parametrize("rule", NAMES)
def test_every_activation_in_both_forms(rule, activation):
    job = make_job(rule, activation=activation, T=8, shown=2)
    assert_same(simulate(job), simulate(job, form="plain"))


@pytest.mark.parametrize(
    "learn",
    [("W",), ("b",), ("V",), ("c",), ("W", "b"), ("W", "V"), ("b", "c"), (), ("U",), ("U", "b"), ("U", "W", "c")],
)
@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("update", ["step", "trajectory"])
def test_only_what_should_learn_does(learn, biases, update):
    job = make_job("bptt", learn=learn, biases=biases, update=update)
    outcome = simulate(job)
    assert_alive(job, outcome)
    assert_same(outcome, simulate(job, form="plain"))


@pytest.mark.parametrize("n", [2, 10])
def test_a_look_in_the_middle_of_a_batch_changes_nothing(n):
    job = replace(make_job("rflo", n=n, shown=4, update="batch"), batch=4)
    order = [0, 1, 4, 4, 2, 3, 4]
    learn = np.array([1, 1, 0, 0, 1, 1, 0], dtype=bool)
    none = np.zeros(7, dtype=bool)
    plain, looked = simulate(job), simulate(replace(job, schedule=Schedule(np.array(order), learn, none, none)))
    np.testing.assert_allclose(looked.weights.W, plain.weights.W, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(looked.mse[:, [0, 1, 4, 5, 6]], plain.mse, rtol=1e-12)
    assert (np.abs(looked.mse[:, 2] / looked.mse[:, 6] - 1) > 1e-6).all()
    np.testing.assert_array_equal(looked.mse[:, 2], looked.mse[:, 3])
    assert np.abs(simulate(replace(job, batch=2)).weights.W - plain.weights.W).max() > 1e-4


@pytest.mark.parametrize("n", [2, 10])
def test_looks_cut_no_sum_of_a_batch(n):
    """To the last bit, and everything that is kept stands where it belongs."""
    job = replace(make_job("bptt", n=n, shown=10, update="batch"), batch=5)
    order = np.array([0, 10, 1, 2, 3, 10, 10, 4, 5, 6, 7, 10, 8, 9, 10])
    every = np.ones(15, dtype=bool)
    plain, looked = simulate(job), simulate(replace(job, schedule=Schedule(order, order < 10, every, every)))
    assert_alive(job, looked)
    np.testing.assert_array_equal(looked.weights.W, plain.weights.W)
    np.testing.assert_allclose(looked.mse[:, order < 10], plain.mse[:, :10], rtol=1e-12)
    squares = (looked.prediction - job.y[job.source][:, order].transpose(1, 0, 2, 3)) ** 2
    np.testing.assert_allclose(squares.mean(axis=(2, 3)).T, looked.mse, rtol=1e-12)
    squares = looked.traces["error"] ** 2
    np.testing.assert_allclose(squares.mean(axis=(2, 3)).T, looked.mse[job.traced], rtol=1e-12)


@pytest.mark.parametrize("rule", ["rflo", "uoro"])
@pytest.mark.parametrize("n", [2, 10])
def test_networks_in_pieces_are_the_same_networks(n, rule, monkeypatch):
    job = make_job(rule, n=n, N=7, shown=4, update="batch", loss="cross-entropy", tau_m=2.0, learn=EVERYTHING)
    job = replace(job, batch=2, traced=np.array([0, 3, 6]))
    whole, shares = simulate(job), []
    monkeypatch.setattr(sys.modules[simulate.__module__], "PIECE", 3 * 2 * n)
    pieces = simulate(job, progress=shares.append)
    assert_same(pieces, whole)
    np.testing.assert_allclose(pieces.cross_entropy, whole.cross_entropy, rtol=1e-12)
    assert shares[-1] == 1
    assert len(shares) == 9
    assert (np.diff(shares) > 0).all()
    assert np.abs(whole.traces["activity"][:, 0] - whole.traces["activity"][:, 1]).max() > 0.1


def test_the_first_change_of_adam_is_eta():
    job = replace(make_job("bptt", shown=1, update="trajectory"), optimiser="adam")
    change = np.abs(simulate(job).weights.W - job.weights.W)
    np.testing.assert_allclose(change, np.broadcast_to(job.parameters["eta"][:, None, None], change.shape), rtol=1e-4)


@pytest.mark.parametrize("update", ["step", "trajectory"])
@pytest.mark.parametrize("n", [2, 10])
@pytest.mark.parametrize("rule", NAMES)
def test_a_network_does_not_see_the_others(rule, n, update):
    job = make_job(rule, n=n, N=5, update=update)
    together = simulate(job)
    for r in (0, 3):
        alone = simulate(
            replace(
                job,
                source=job.source[[r]],
                weights=job.weights.take([r]),
                parameters={name: value[[r]] for name, value in job.parameters.items()},
                traced=np.array([0]),
                seeds=job.seeds[[r]],
            )
        )
        np.testing.assert_allclose(alone.mse[0], together.mse[r], rtol=1e-12)
        np.testing.assert_allclose(alone.prediction[:, 0], together.prediction[:, r], rtol=1e-12, atol=1e-12)
        for name, value in alone.weights.items():
            np.testing.assert_allclose(value[0], getattr(together.weights, name)[r], rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("update", ["step", "trajectory"])
@pytest.mark.parametrize("n", [2, 10])
@pytest.mark.parametrize("rule", NAMES)
def test_divergence_is_contained(rule, n, update):
    job = make_job(rule, n=n, activation="linear", T=30, shown=4, update=update)
    slow = {**job.parameters, "eta": job.parameters["eta"] * 1e-3, "eta_out": job.parameters["eta_out"] * 1e-2}
    calm = replace(job, weights=replace(job.weights, W=0.2 * job.weights.W), parameters=slow)
    wild = calm.weights.W.copy()
    wild[1] = 1e30
    for form in ("fast", "plain"):
        outcome, reference = (
            simulate(replace(calm, weights=replace(calm.weights, W=W)), form) for W in (wild, calm.weights.W)
        )
        assert not np.isfinite(outcome.mse[1, -1])
        assert not np.isfinite(outcome.weights.W[1]).all()
        rest = [0, 2, 3]
        assert np.isfinite(outcome.mse[rest]).all()
        np.testing.assert_allclose(outcome.mse[rest], reference.mse[rest], rtol=1e-12)
        np.testing.assert_allclose(outcome.weights.W[rest], reference.weights.W[rest], rtol=1e-12)


@pytest.mark.parametrize("n", [2, 10])
def test_what_comes_back(n):
    job = make_job("autapse", n=n)
    before = {name: value.copy() for name, value in job.weights.items()}
    shares = []
    outcome = simulate(job, progress=shares.append)
    assert shares == [0.25, 0.5, 0.75, 1.0]
    assert outcome.engine == "numpy"
    assert outcome.mse.shape == (4, 4)
    assert outcome.prediction.shape == (4, 4, 12, 2)
    for name, value in job.weights.items():
        np.testing.assert_array_equal(value, before[name])
        assert not np.shares_memory(value, getattr(outcome.weights, name))
    traces = outcome.traces
    assert {name: value.shape for name, value in traces.items()} == {
        "activity": (4, 2, 12, n),
        "feedback": (4, 2, 12, n),
        "error": (4, 2, 12, 2),
        "k": (4, 2, 12, n),
    }
    for q, r in enumerate(job.traced):
        y = job.y[job.source[r]]
        np.testing.assert_allclose(traces["error"][:, q], outcome.prediction[:, r] - y, atol=1e-13)
        np.testing.assert_allclose(traces["feedback"][:, q], traces["error"][:, q] @ job.weights.B[r].T, atol=1e-13)
        np.testing.assert_allclose(outcome.mse[r], np.square(traces["error"][:, q]).mean(axis=(1, 2)), rtol=1e-12)
        tau, k = job.parameters["tau"][r] / STEP, np.zeros((4, n))
        for t in range(12):
            presynaptic = traces["activity"][:, q, t - 1] if t else 0
            k += (presynaptic - k) / tau
            np.testing.assert_allclose(traces["k"][:, q, t], k, atol=1e-13)


def test_nothing_kept_where_nothing_is_asked_for():
    job = make_job("dfa")
    none = np.zeros(4, dtype=bool)
    outcome = simulate(replace(job, schedule=replace(job.schedule, keep=none, trace=none)))
    assert outcome.prediction.shape == (0, 4, 12, 2)
    assert outcome.traces == {}


def test_unknown_names_are_refused():
    with pytest.raises(InputError, match="did you mean 'autapse'"):
        simulate(make_job("autaps"))
    with pytest.raises(InputError, match="unknown optimiser 'adm'; did you mean 'adam'"):
        simulate(replace(make_job("dfa"), optimiser="adm"))
    with pytest.raises(InputError, match="form"):
        simulate(make_job("dfa"), form="slow")
    job = make_job("fa")
    with pytest.raises(InputError, match="B_rec"):
        simulate(replace(job, weights=replace(job.weights, B_rec=None)))
