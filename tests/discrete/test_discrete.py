"""The discrete references against loops written from the paper, finite differences, and themselves."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest

from autapse_sim.engines.discrete import references, simulate
from autapse_sim.engines.discrete.simulate import network_of
from autapse_sim.errors import InputError
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.protocol import Schedule
from autapse_sim.spec.weights import Weights
from autapse_sim.tasks.pattern import PatternGeneration
from autapse_sim.tasks.shown import masked

ALL = ("W", "b", "V", "c")
EVERYTHING = ("U", *ALL)
NAMES = sorted(references())


def make_job(
    rule,
    n=2,
    N=4,
    T=12,
    learn=ALL,
    update="step",
    activation="tanh",
    biases=True,
    shown=3,
    seed=1,
    m=2,
    tau_m=None,
    loss="mse",
):
    """N networks that learn on `shown` trajectories and are then shown one more, all of it recorded."""
    rng = np.random.default_rng(seed)
    c = 2
    weights = Weights(
        W=rng.normal(0, n**-0.5, (N, n, n)),
        U=rng.normal(0, 1, (N, n, m)),
        V=rng.normal(0, n**-0.5, (N, c, n)),
        B=rng.normal(0, 1, (N, n, c)),
        B_rec=rng.normal(0, n**-0.5, (N, n, n)),
        b=rng.normal(0, 0.5, (N, n)) if biases else None,
        c=rng.normal(0, 0.5, (N, c)) if biases else None,
    )
    x, y = rng.normal(0, 1, (3, shown + 1, T, m)), rng.normal(0, 1, (3, shown + 1, T, c))
    if loss == "cross-entropy":
        y = np.abs(y) / np.abs(y).sum(axis=-1, keepdims=True)
    leak = {} if tau_m is None else {"tau_m": np.full(N, tau_m) * STEP}
    learning = np.arange(shown + 1) < shown
    everything = np.ones(shown + 1, dtype=bool)
    return Job(
        circuit=Circuit(rule=rule, neurons=n, readout="random", activation=activation, learn=learn, loss=loss),
        x=x,
        y=y,
        source=rng.integers(0, 3, N),
        weights=weights,
        parameters={
            "eta": rng.uniform(0.02, 0.05, N),
            "eta_out": rng.uniform(0.01, 0.03, N),
            "tau": rng.uniform(2, 9, N) * STEP,
            **leak,
        },
        schedule=Schedule(np.arange(shown + 1), learning, everything, everything),
        update=update,
        traced=np.array([0, N - 1]),
        seeds=np.arange(N),
    )


def assert_same(one, two, tolerance=1e-12):
    np.testing.assert_allclose(one.mse, two.mse, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(one.prediction, two.prediction, rtol=tolerance, atol=tolerance)
    assert dict(one.weights.items()).keys() == dict(two.weights.items()).keys()
    for name, value in one.weights.items():
        np.testing.assert_allclose(value, getattr(two.weights, name), rtol=tolerance, atol=tolerance, err_msg=name)
    assert one.traces.keys() == two.traces.keys()
    for name, value in one.traces.items():
        np.testing.assert_allclose(value, two.traces[name], rtol=tolerance, atol=tolerance, err_msg=name)


def assert_alive(job, outcome):
    """Every learning weight moved, every other one stayed, and the activity varied."""
    for name in EVERYTHING:
        before = getattr(job.weights, name)
        after = getattr(outcome.weights, name)
        if name in job.circuit.learn:
            before = 0 if before is None else before
            assert np.abs(after - before).max() > 1e-3, name
        elif before is None:
            assert after is None, name
        else:
            np.testing.assert_array_equal(after, before)
    assert outcome.traces["activity"].std(axis=2).max() > 0.05


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


def loops(job, r):
    """Network r in plain Python, from the equations: its weights at the end, the scores of each trajectory."""
    rule, n, c, m = job.circuit.rule, job.circuit.neurons, job.y.shape[3], job.x.shape[3]
    W, U, V, B, B_rec, b, cc = (
        getattr(job.weights, name)[r].tolist() for name in ("W", "U", "V", "B", "B_rec", "b", "c")
    )
    eta, eta_out = job.parameters["eta"][r], job.parameters["eta_out"][r]
    tau = job.parameters["tau"][r] / 1e-3
    tau_m = job.parameters["tau_m"][r] / 1e-3 if "tau_m" in job.parameters else 1.0
    keep = 1 - 1 / tau_m
    signs = np.random.default_rng(job.seeds[r])
    mses, nats, seen, updates = [], [], 0, 0
    batch = job.batch if job.update == "batch" else 1
    columns = n + 1 + m  # of o, 1 and x
    dW, dV = [[0.0] * columns for _ in range(n)], [[0.0] * (n + 1) for _ in range(c)]
    first, second = ([[[0.0] * columns for _ in range(rows)] for rows in (n, c)] for _ in range(2))
    for trajectory in range(job.x.shape[1]):
        seen += 1
        learning = job.schedule.learn[trajectory]
        xs, ys = job.x[job.source[r], trajectory].tolist(), job.y[job.source[r], trajectory].tolist()
        o, pre, slopes, squares, entropies = [0.0] * n, [], [], [], []
        k, p = [0.0] * columns, [[0.0] * columns for _ in range(n)]
        P = [[[0.0] * columns for _ in range(n)] for _ in range(n)]
        M = [[0.0] * columns for _ in range(n)]
        s, q_ = [0.0] * n, [[0.0] * columns for _ in range(n)]
        nus = np.where(signs.random((len(xs), n)) < 0.5, -1.0, 1.0).tolist() if learning else []
        for t in range(1, len(xs) + 1):
            x, y = xs[t - 1], ys[t - 1]
            pre.append([*o, 1.0, *x])
            a = [
                sum(W[i][j] * o[j] for j in range(n)) + sum(U[i][j] * x[j] for j in range(len(x))) + b[i]
                for i in range(n)
            ]
            f = [1 / (1 + math.exp(-value)) for value in a]
            slopes.append([value * (1 - value) for value in f])
            o = [o[i] + (f[i] - o[i]) / tau_m for i in range(n)]
            prediction = [sum(V[q][j] * o[j] for j in range(n)) + cc[q] for q in range(c)]
            if job.circuit.loss == "cross-entropy":
                whole = sum(math.exp(value) for value in prediction)
                prediction = [math.exp(value) / whole for value in prediction]
                if y[0] == y[0]:
                    entropies.append(-sum(y[q] * math.log(prediction[q]) for q in range(c)))
            err = [prediction[q] - y[q] for q in range(c)]
            err = [value if value == value else 0.0 for value in err]  # where a target is NaN it does not count
            squares += [value**2 for value in err]
            if not learning:
                continue
            feedback = [sum(B[i][q] * err[q] for q in range(c)) for i in range(n)]
            exact = [sum(V[q][i] * err[q] for q in range(c)) for i in range(n)]
            gain = [value / tau_m for value in slopes[-1]]
            z, every = pre[-1], range(columns)
            g = [[0.0] * columns for _ in range(n)]
            share = 1 / t if job.averaging else 1
            if rule.startswith("rflo"):
                signal = exact if rule == "rflo_exact_feedback" else feedback
                p = [[p[i][j] + (slopes[-1][i] * z[j] - p[i][j]) / tau_m for j in every] for i in range(n)]
                g = [[signal[i] * p[i][j] for j in every] for i in range(n)]
            elif rule == "rtrl":
                P = [
                    [
                        [
                            keep * P[q][i][j]
                            + gain[q] * ((q == i) * z[j] + sum(W[q][other] * P[other][i][j] for other in range(n)))
                            for j in every
                        ]
                        for i in range(n)
                    ]
                    for q in range(n)
                ]
                g = [[share * sum(exact[q] * P[q][i][j] for q in range(n)) for j in every] for i in range(n)]
            elif rule == "snap1":
                M = [[keep * M[i][j] + gain[i] * (W[i][i] * M[i][j] + z[j]) for j in every] for i in range(n)]
                g = [[share * exact[i] * M[i][j] for j in every] for i in range(n)]
            elif rule == "uoro":
                nu = nus[t - 1]
                Js = [keep * s[i] + gain[i] * sum(W[i][j] * s[j] for j in range(n)) for i in range(n)]
                learned = 1 + n + m * ("U" in job.circuit.learn)  # r0 and r1 are of what learns
                fresh = [[nu[i] * gain[i] * z[j] * (j < learned) for j in every] for i in range(n)]
                r0 = (norm(q_) / norm([Js])) ** 0.5 if norm([Js]) else 1
                r1 = (norm(fresh) / math.sqrt(n)) ** 0.5
                s = [r0 * Js[i] + r1 * nu[i] for i in range(n)]
                q_ = [[q_[i][j] / r0 + fresh[i][j] / r1 for j in every] for i in range(n)]
                along = sum(exact[i] * s[i] for i in range(n))
                g = [[share * along * q_[i][j] for j in every] for i in range(n)]
            elif rule == "autapse":
                k = [k[j] + (z[j] - k[j]) / tau for j in every]
                g = [[feedback[i] * k[j] for j in every] for i in range(n)]
            elif rule == "dfa":
                for l in range(t):  # noqa: E741
                    for i in range(n):
                        for j in every:
                            g[i][j] += share * feedback[i] * slopes[l][i] * pre[l][j]
            else:
                signal = exact if rule == "bptt" else feedback
                back = B_rec if rule == "fa" else W
                for l in range(t, 0, -1):  # noqa: E741
                    d = [signal[i] * slopes[l - 1][i] / tau_m for i in range(n)]
                    for i in range(n):
                        for j in every:
                            g[i][j] += d[i] * pre[l - 1][j] * share
                    signal = [keep * signal[i] + sum(back[q][i] * d[q] for q in range(n)) for i in range(n)]
            for i in range(n):
                for j in every:
                    dW[i][j] += g[i][j]
            for q in range(c):
                for j, value in enumerate([*o, 1.0]):
                    dV[q][j] += err[q] * value
            if job.update == "step" or (t == len(xs) and seen % batch == 0):
                updates += 1
                for which, change in enumerate((dW, dV)):
                    for row, values in enumerate(change):
                        for column, value in enumerate(values):
                            m1, v, value = first[which][row], second[which][row], value / batch
                            if job.optimiser == "momentum":
                                m1[column] = 0.9 * m1[column] + value
                                values[column] = m1[column]
                            elif job.optimiser == "adam":
                                m1[column] = 0.9 * m1[column] + 0.1 * value
                                v[column] = 0.999 * v[column] + 0.001 * value**2
                                root = math.sqrt(v[column] / (1 - 0.999**updates))
                                values[column] = m1[column] / (1 - 0.9**updates) / (root + job.epsilon)
                            elif job.optimiser == "adam-hat":
                                m1[column] = 0.9 * m1[column] + 0.1 * value
                                v[column] = 0.999 * v[column] + 0.001 * value**2
                                corrected = math.sqrt(1 - 0.999**updates) / (1 - 0.9**updates)
                                values[column] = corrected * m1[column] / (math.sqrt(v[column]) + job.epsilon)
                            else:
                                values[column] = value
                W = [[W[i][j] - eta * dW[i][j] for j in range(n)] for i in range(n)]
                b = [b[i] - eta * dW[i][n] for i in range(n)]
                if "U" in job.circuit.learn:
                    U = [[U[i][j] - eta * dW[i][n + 1 + j] for j in range(m)] for i in range(n)]
                V = [[V[q][j] - eta_out * dV[q][j] for j in range(n)] for q in range(c)]
                cc = [cc[q] - eta_out * dV[q][n] for q in range(c)]
                dW, dV = [[0.0] * columns for _ in range(n)], [[0.0] * (n + 1) for _ in range(c)]
        counted = sum(value == value for y in ys for value in y)
        mses.append(sum(squares) / counted)
        nats.append(sum(entropies) / (counted / c))
    return {"W": W, "U": U, "b": b, "V": V, "c": cc}, mses, nats


def norm(rows):
    return math.sqrt(sum(value**2 for row in rows for value in row))


@pytest.mark.parametrize(
    "how",
    [
        {"update": "step"},
        {"update": "step", "optimiser": "adam"},
        {"update": "trajectory"},
        {"update": "trajectory", "optimiser": "momentum", "averaging": False},
        {"update": "batch", "batch": 2, "optimiser": "adam", "averaging": False},
        {"update": "batch", "batch": 2, "optimiser": "adam-hat", "epsilon": 1e-4},
        {"update": "batch", "batch": 4},
        {"update": "step", "scored": np.arange(9) % 3 > 0},
        {"update": "batch", "batch": 4, "scored": np.arange(9) > 4},
        {"update": "batch", "batch": 2, "scored": np.arange(9) < [[3], [9], [5], [7], [8]]},
        {"update": "step", "learn": EVERYTHING, "m": 3},
        {"update": "batch", "batch": 2, "optimiser": "adam", "learn": EVERYTHING, "m": 3},
        {"update": "step", "tau_m": 3.0},
        {"update": "batch", "batch": 4, "averaging": False, "tau_m": 3.0, "learn": EVERYTHING},
        {"update": "step", "loss": "cross-entropy", "scored": np.arange(9) % 3 > 0},
        {"update": "batch", "batch": 2, "loss": "cross-entropy", "learn": EVERYTHING, "tau_m": 2.0},
    ],
    ids=lambda how: (
        " ".join(f"{name}={value}" for name, value in how.items() if name != "scored") + " scored" * ("scored" in how)
    ),
)
@pytest.mark.parametrize("n", [2, 9])
@pytest.mark.parametrize("rule", NAMES)
def test_against_plain_loops(rule, n, how):
    made = {name: how[name] for name in ("learn", "m", "tau_m", "loss") if name in how}
    job = make_job(rule, n=n, T=9, shown=4, activation="sigmoid", **made)
    job = replace(job, **{name: value for name, value in how.items() if name not in {*made, "scored"}})
    job = replace(job, y=masked(job.y, how.get("scored")))
    outcome = simulate(job)
    assert_alive(job, outcome)
    assert_same(outcome, simulate(job, form="plain"), 1e-11 if job.optimiser != "sgd" else 1e-12)
    for r in range(2):
        weights, mse, nats = loops(job, r)
        for name, value in weights.items():
            np.testing.assert_allclose(getattr(outcome.weights, name)[r], value, rtol=1e-12, atol=1e-12, err_msg=name)
        np.testing.assert_allclose(outcome.mse[r], mse, rtol=1e-12)
        if job.circuit.loss == "cross-entropy":
            np.testing.assert_allclose(outcome.cross_entropy[r], nats, rtol=1e-12)
        else:
            assert outcome.cross_entropy is None


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


def moved(job):
    """The gradient that a job's one learning trajectory applied."""
    weights = simulate(job).weights
    eta = job.parameters["eta"]
    changes = {name: getattr(job.weights, name) - getattr(weights, name) for name in ("W", "U", "b")}
    return {name: (change.T / eta).T for name, change in changes.items()}


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
