"""Gradients of the discrete references: each other's, finite differences', and what they need of a network."""

from dataclasses import replace

import numpy as np
import pytest
from discrete.jobs import EVERYTHING, NAMES, assert_alive, make_job, moved

from autapse_sim.engines.discrete import references, simulate
from autapse_sim.engines.discrete.simulate import network_of
from autapse_sim.errors import InputError
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.protocol import Schedule
from autapse_sim.spec.weights import Weights
from autapse_sim.tasks.pattern import PatternGeneration
from autapse_sim.tasks.shown import masked


@pytest.mark.parametrize("averaging", [True, False])
@pytest.mark.parametrize("tau_m", [None, 3.0])
@pytest.mark.parametrize("n", [2, 8, 10])
def test_rtrl_is_bptt_while_weights_stand_still(n, tau_m, averaging):
    """Where nothing moves within the trajectory; the sum of rtrl's g(t) is its plain form, bptt's is one sweep."""
    for update, form in (("trajectory", "plain"), ("trajectory", "fast"), ("step", "fast")):
        exact, online = (
            replace(
                make_job(rule, n=n, T=30, shown=1, update=update, learn=EVERYTHING, m=3, tau_m=tau_m),
                averaging=averaging,
            )
            for rule in ("bptt", "rtrl")
        )
        exact, online = (replace(job, weights=replace(job.weights, W=0.5 * job.weights.W)) for job in (exact, online))
        # bptt's sum always in one sweep, so that it and rtrl's share no line
        one, other = simulate(exact), simulate(online, form)
        assert_alive(exact, one)
        for name in ("W", "U", "b"):
            before, after, online_after = (getattr(w, name) for w in (exact.weights, one.weights, other.weights))
            distance = np.abs(after - online_after).max()
            if update == "trajectory":
                assert distance <= 1e-10 * np.abs(after - before).max()
            else:
                assert distance > 1e-7


@pytest.mark.parametrize("tau_m", [None, 3.0])
@pytest.mark.parametrize("n", [2, 10])
def test_what_is_carried_forward_sums_to_the_sweep_back(n, tau_m):
    """While weights stand still: rtrl's g(t) step by step, against bptt's sum over the trajectory."""
    job = make_job("rtrl", n=n, T=30, learn=EVERYTHING, m=3, tau_m=tau_m)
    job = replace(job, weights=replace(job.weights, W=0.5 * job.weights.W), averaging=False)
    network = network_of(job)
    network.show(job.x[job.source, :1], job.y[job.source, :1])
    network.run()
    network.read(slice(None))
    network.differentiate(slice(None))
    exact, online, sparse = (
        references()[rule](network, network.learning("W"), job.parameters, averaging=False)
        for rule in ("bptt", "rtrl", "snap1")
    )
    total = exact.total()
    scale = np.abs(total).max()
    assert scale > 0.1
    summed = [sum(rule.fast(t) for t in range(30)) for rule in (exact, online, sparse)]
    assert np.abs(summed[0] - total).max() <= 1e-10 * scale
    assert np.abs(summed[1] - total).max() <= 1e-10 * scale
    assert np.abs(summed[2] - sparse.total()).max() <= 1e-10 * scale
    assert np.abs(summed[2] - total).max() > 1e-2 * scale


@pytest.mark.parametrize("update", ["step", "trajectory"])
@pytest.mark.parametrize("n", [2, 10])
def test_snap1_is_rtrl_where_neurons_see_only_themselves(n, update):
    jobs = [make_job(rule, n=n, learn=EVERYTHING, tau_m=2.0, update=update, shown=1) for rule in ("snap1", "rtrl")]
    for diagonal in (True, False):
        one, other = (
            simulate(
                replace(job, weights=replace(job.weights, W=job.weights.W * np.eye(n) if diagonal else job.weights.W))
            )
            for job in jobs
        )
        distance = np.abs(one.weights.U - other.weights.U).max()
        if diagonal and update == "trajectory":
            assert distance < 1e-13
        else:
            assert distance > 1e-5  # within a trajectory of updates W does not stay diagonal


@pytest.mark.parametrize("tau_m", [None, 2.0])
def test_uoro_has_the_mean_of_rtrl(tau_m):
    """Over many draws of the signs, to 4 standard errors; a rule with another mean is told apart."""
    N = 20000
    found = {}
    for rule in ("uoro", "rtrl", "snap1"):
        job = replace(
            make_job(rule, n=3, N=1, T=6, shown=1, learn=("W", "U", "b"), update="trajectory", tau_m=tau_m),
            averaging=False,
        )
        many = np.zeros(N if rule == "uoro" else 1, dtype=int)
        job = replace(
            job,
            source=job.source[many],
            weights=job.weights.take(many),
            parameters={name: value[many] for name, value in job.parameters.items()},
            seeds=np.arange(len(many)),
            traced=np.array([0]),
        )
        g = moved(job)
        found[rule] = np.concatenate([g["W"], g["U"], g["b"][:, :, None]], axis=2)
    draws = found["uoro"]
    error = draws.std(axis=0, ddof=1) / np.sqrt(N)
    assert (error > 0).all()
    assert (np.abs(draws.mean(axis=0) - found["rtrl"][0]) < 4 * error).all()
    assert (np.abs(draws.mean(axis=0) - found["snap1"][0]) > 4 * error).any()


def test_uoros_signs_are_a_networks_own():
    """They follow from its seed, through all trajectories, however these are shown."""
    job = replace(make_job("uoro", shown=4, update="batch"), batch=4)
    base = simulate(job).weights.W
    others = simulate(replace(job, seeds=job.seeds + np.array([0, 0, 7, 0]))).weights.W
    np.testing.assert_array_equal(others[[0, 1, 3]], base[[0, 1, 3]])
    assert np.abs(others[2] - base[2]).max() > 1e-4
    order, learn = np.array([0, 1, 4, 2, 3, 4]), np.array([1, 1, 0, 1, 1, 0], dtype=bool)
    none = np.zeros(6, dtype=bool)
    looked = simulate(replace(job, schedule=Schedule(order, learn, none, none))).weights.W
    np.testing.assert_allclose(looked, base, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("n", [2, 10])
@pytest.mark.parametrize("rule", NAMES)
def test_averaging_is_the_1_over_t_of_eq_1(rule, n):
    """It divides the g of each step, so without it an error that comes in at one step only counts t times as much."""
    job = make_job(rule, n=n, T=7, shown=1, learn=("W",), update="trajectory")
    changes = {}
    for averaging in (True, False):
        with_error = [
            simulate(replace(job, averaging=averaging, x=job.x[:, :, :T], y=job.y[:, :, :T])).weights.W for T in (6, 7)
        ]
        changes[averaging] = with_error[1] - with_error[0]
    assert np.abs(changes[True]).max() > 1e-5
    expected = changes[True] * (1 if rule in ("rflo", "rflo_exact_feedback", "autapse") else 7)
    np.testing.assert_allclose(changes[False], expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("loss", ["mse", "cross-entropy"])
@pytest.mark.parametrize("tau_m", [None, 2.5])
@pytest.mark.parametrize("n", [2, 10])
def test_exact_gradients_without_the_papers_mean(n, tau_m, loss):
    """Without 1/t, BPTT of a batch is the slope of its trajectories' mean summed loss, by W, U and b."""
    h = 1e-5
    made = {"n": n, "N": 2, "T": 8, "shown": 3, "learn": ("W", "U", "b"), "m": 3, "tau_m": tau_m, "loss": loss}
    job = replace(make_job("bptt", update="batch", **made), batch=3, averaging=False)
    still = replace(job, schedule=replace(job.schedule, learn=np.zeros(4, dtype=bool)))
    g = moved(job)
    for name, index in (("W", (0, 1)), ("W", (1, 0)), ("U", (0, 2)), ("U", (1, 1)), ("b", (1,))):
        place = (slice(None), *index)
        shifted = []
        for sign in (1, -1):
            value = getattr(job.weights, name).copy()
            value[place] += sign * h
            outcome = simulate(replace(still, weights=replace(job.weights, **{name: value})))
            summed = outcome.mse * 8 * 2 / 2 if loss == "mse" else outcome.cross_entropy * 8
            shifted.append(summed[:, :3].mean(axis=1))
        slope = (shifted[0] - shifted[1]) / (2 * h)
        assert np.abs(slope).min() > 1e-5
        np.testing.assert_allclose(g[name][place], slope, rtol=1e-5, atol=1e-8)


def test_the_softmax_of_large_sums():
    """No overflow, and shifting every output alike changes nothing."""
    job = make_job("bptt", loss="cross-entropy")
    sums = []
    for shift in (0, 1000):
        shifted = simulate(replace(job, weights=replace(job.weights, c=job.weights.c + shift)))
        np.testing.assert_allclose(shifted.prediction.sum(axis=-1), 1, rtol=1e-12)
        sums.append(shifted)
    np.testing.assert_allclose(sums[0].cross_entropy, sums[1].cross_entropy, rtol=1e-9)
    assert (sums[0].cross_entropy > 0.1).all()
    certain = replace(job, y=np.broadcast_to([0.0, 1.0], job.y.shape))
    far = simulate(replace(certain, weights=replace(job.weights, c=job.weights.c + np.array([2000, 0]))))
    np.testing.assert_allclose(far.cross_entropy[:, 0], 2000, rtol=0.05)


def test_targets_of_a_cross_entropy_are_probabilities():
    job = make_job("bptt", loss="cross-entropy")
    y = job.y.copy()
    y[1, 2, 3] = 0
    with pytest.raises(InputError, match=r"one is \[0.0, 0.0\]; give numbers of at least 0 that sum to 1"):
        simulate(replace(job, y=y))
    outcome = simulate(replace(job, y=masked(y, np.arange(12) != 3)))
    assert np.isfinite(outcome.cross_entropy).all()
    y[0, 0, 0] = [1.5, -0.5]
    with pytest.raises(InputError, match=r"one is \[1.5, -0.5\]"):
        simulate(replace(job, y=y))
    simulate(replace(job, y=y, circuit=replace(job.circuit, loss="mse")))


@pytest.mark.parametrize("rule", ["rflo", "bptt"])
def test_the_network_of_the_rflo_paper(rule):
    """Murray (2019), eqs. 1 to 5 and 10, from o = 0.1 on; here a pulse that saturates f leaves that state."""
    n, T, trials, tau, eta = 6, 30, 4, 10, 0.03
    rng = np.random.default_rng(3)
    W, V = 1.5 * rng.standard_normal((n, n)) / n**0.5, rng.uniform(-0.1, 0.1, (1, n))
    B = rng.standard_normal((n, 1))
    x, y = PatternGeneration(steps=T).sample(rng, 1, 1)
    nothing = np.zeros(trials, dtype=bool)
    rates = dict.fromkeys(("eta", "eta_out"), np.array([eta / T])) | {"tau_m": np.array([tau * STEP])}
    job = Job(
        circuit=Circuit(rule=rule, neurons=n, readout="random", activation="tanh", learn=("W", "V")),
        x=x,
        y=masked(y, np.arange(T) > 0),
        source=np.array([0]),
        weights=Weights(W=W[None], U=np.full((1, n, 1), 20.0), V=V[None], B=B[None]),
        parameters=rates,
        schedule=Schedule(np.zeros(trials, dtype=int), ~nothing, nothing, nothing),
        update="trajectory",
        traced=np.array([], dtype=int),
        seeds=np.array([0]),
        averaging=False,
    )
    outcome = simulate(job)
    for trial in range(trials):
        h, u, err = np.full((T, n), 0.1), np.zeros((T, n)), np.zeros((T, 1))
        p, dW, dV = np.zeros((n, n)), 0, 0
        for t in range(1, T):
            u[t] = W @ h[t - 1]
            h[t] = h[t - 1] + (np.tanh(u[t]) - h[t - 1]) / tau
            err[t] = V @ h[t] - y[0, 0, t]
            p = (1 - 1 / tau) * p + np.outer(1 - np.tanh(u[t]) ** 2, h[t - 1]) / tau
            dV = dV + np.outer(err[t], h[t])
            if rule == "rflo":
                dW = dW + (B @ err[t])[:, None] * p
        if rule == "bptt":
            s = np.zeros(n)
            for t in range(T - 1, 0, -1):
                s = s + V.T @ err[t]
                d = s * (1 - np.tanh(u[t]) ** 2) / tau
                dW = dW + np.outer(d, h[t - 1])
                s = (1 - 1 / tau) * s + W.T @ d
        np.testing.assert_allclose(outcome.mse[0, trial], np.square(err[1:]).mean(), rtol=1e-12)
        W, V = W - eta / T * dW, V - eta / T * dV
    np.testing.assert_allclose(outcome.weights.W[0], W, rtol=1e-12)
    assert np.abs(outcome.weights.W - job.weights.W).max() > 1e-4


@pytest.mark.parametrize("tau_m", [None, 3.0])
@pytest.mark.parametrize("update", ["step", "trajectory"])
@pytest.mark.parametrize("form", ["plain", "fast"])
def test_rflo_forgets_as_its_neurons_do(form, update, tau_m):
    """With tau_m of one step it is f' times what has just arrived: one trajectory whose error counts at its end."""
    n, T = 4, 10
    job = make_job("rflo", n=n, T=T, shown=1, learn=("W",), update=update, tau_m=tau_m)
    job = replace(job, y=np.where(np.arange(T)[:, None] == T - 1, job.y, np.nan))
    outcome, shown = simulate(job, form), {}
    moved = job.weights.W - outcome.weights.W
    for r, kept in zip(job.traced, range(2), strict=True):
        o, err = outcome.traces["activity"][0, kept], outcome.traces["error"][0, kept, -1]
        x, w = job.x[job.source[r], 0], job.weights
        before = np.concatenate([np.zeros((1, n)), o[:-1]])
        slope = 1 - np.tanh(before @ w.W[r].T + x @ w.U[r].T + w.b[r]) ** 2
        for tau in (1, 3):
            share = (1 - 1 / tau) ** np.arange(T)[::-1] / tau
            p = np.einsum("t,ti,tj->ij", share, slope, before)
            shown[tau] = job.parameters["eta"][r] * (w.B[r] @ err)[:, None] * p
        right, wrong = (1, 3) if tau_m is None else (3, 1)
        np.testing.assert_allclose(moved[r], shown[right], rtol=1e-12, atol=1e-15)
        assert np.abs(moved[r] - shown[wrong]).max() > 1e-4


@pytest.mark.parametrize("n", [2, 10])
@pytest.mark.parametrize(
    ("rule", "used", "unused"),
    [
        ("bptt", (), ("B", "B_rec", "tau")),
        ("rtrl", (), ("B", "B_rec", "tau")),
        ("snap1", (), ("B", "B_rec", "tau")),
        ("uoro", (), ("B", "B_rec", "tau")),
        ("fa", ("B", "B_rec"), ("tau",)),
        ("dfa", ("B",), ("B_rec", "tau")),
        ("rflo", ("B",), ("B_rec", "tau")),
        ("rflo_exact_feedback", (), ("B", "B_rec", "tau")),
        ("bptt_random_feedback", ("B",), ("B_rec", "tau")),
        ("autapse", ("B", "tau"), ("B_rec",)),
    ],
)
def test_what_a_rule_reads_matters_and_nothing_else(rule, used, unused, n):
    job = make_job(rule, n=n)
    base = simulate(job)
    for name in (*used, *unused):
        if name == "tau":
            changed = replace(job, parameters={**job.parameters, "tau": job.parameters["tau"] * 1.5})
        else:
            changed = replace(job, weights=replace(job.weights, **{name: getattr(job.weights, name) * 1.5}))
        distance = np.abs(simulate(changed).weights.W - base.weights.W).max()
        assert distance > 1e-3 if name in used else distance == 0, name


@pytest.mark.parametrize("n", [2, 10])
def test_bptt_is_the_gradient(n):
    """g(t) of one step is the slope of |err(t)|^2 / 2, over t, of the unrolled network; a trajectory sums them."""
    T, h = 6, 1e-5
    one = make_job("bptt", n=n, N=2, T=T, learn=("W", "b"), update="trajectory", shown=1)
    still = replace(one, schedule=replace(one.schedule, learn=np.zeros(2, dtype=bool)))

    def losses(weights):
        err = simulate(replace(still, weights=weights, traced=np.arange(2))).traces["error"][0]
        return 0.5 * np.square(err).sum(axis=2) / np.arange(1, T + 1)

    for last in range(1, T + 1):
        # a trajectory of `last` steps, of which the shorter one's update is taken away, leaves g(last)
        total = moved(replace(one, x=one.x[:, :, :last], y=one.y[:, :, :last]))
        before = moved(replace(one, x=one.x[:, :, : last - 1], y=one.y[:, :, : last - 1])) if last > 1 else None
        for name, index in (("W", (0, 1)), ("W", (1, 1)), ("b", (0,)), ("b", (1,))):
            shifted = []
            for sign in (1, -1):
                value = getattr(one.weights, name).copy()
                value[(slice(None), *index)] += sign * h
                shifted.append(losses(replace(one.weights, **{name: value})))
            slope = (shifted[0] - shifted[1]) / (2 * h)
            g = total[name][(slice(None), *index)]
            np.testing.assert_allclose(g, slope[:, :last].sum(axis=1), rtol=1e-6, atol=1e-8)
            if before is not None:
                step = g - before[name][(slice(None), *index)]
                np.testing.assert_allclose(step, slope[:, last - 1], rtol=1e-6, atol=1e-8)
                assert np.abs(step).max() > 1e-5


@pytest.mark.parametrize("update", ["step", "trajectory"])
@pytest.mark.parametrize(("rule", "whole"), [("bptt_random_feedback", "bptt"), ("rflo_exact_feedback", "rflo")])
def test_an_ablation_of_feedback_is_its_rule_where_feedback_is_symmetric(rule, whole, update):
    """With B = V^T that stays, what carries errors in does not matter; with another B it does."""
    for symmetric in (True, False):
        jobs = [make_job(each, n=5, learn=("W",), tau_m=2.0, update=update) for each in (rule, whole)]
        if symmetric:
            weights = replace(jobs[0].weights, B=jobs[0].weights.V.transpose(0, 2, 1).copy())
            jobs = [replace(job, weights=weights) for job in jobs]
        one, other = (simulate(job).weights.W for job in jobs)
        assert (np.abs(one - jobs[0].weights.W[jobs[0].source]) > 1e-6).any()
        assert np.allclose(one, other, rtol=0, atol=1e-13) == symmetric
