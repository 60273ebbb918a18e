"""The discrete references against loops written from the paper, finite differences, and themselves."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest

from autapse_sim.circuit import Circuit
from autapse_sim.discrete import RULES, simulate
from autapse_sim.errors import InputError
from autapse_sim.job import STEP, Job
from autapse_sim.protocol import Schedule
from autapse_sim.weights import Weights

ALL = ("W", "b", "V", "c")
NAMES = sorted(RULES)


def make_job(rule, n=2, N=4, T=12, learn=ALL, update="step", activation="tanh", biases=True, shown=3, seed=1):
    """N networks that learn on `shown` trajectories and are then shown one more, all of it recorded."""
    rng = np.random.default_rng(seed)
    m = c = 2
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
    learning = np.arange(shown + 1) < shown
    everything = np.ones(shown + 1, dtype=bool)
    return Job(
        circuit=Circuit(rule=rule, neurons=n, readout="random", activation=activation, learn=learn),
        x=x,
        y=y,
        source=rng.integers(0, 3, N),
        weights=weights,
        parameters={
            "eta": rng.uniform(0.02, 0.05, N),
            "eta_out": rng.uniform(0.01, 0.03, N),
            "tau": rng.uniform(2, 9, N) * STEP,
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
    for name in ALL:
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


@pytest.mark.parametrize("learn", [("W",), ("b",), ("V",), ("c",), ("W", "b"), ("W", "V"), ("b", "c"), ()])
@pytest.mark.parametrize("biases", [True, False])
@pytest.mark.parametrize("update", ["step", "trajectory"])
def test_only_what_should_learn_does(learn, biases, update):
    job = make_job("bptt", learn=learn, biases=biases, update=update)
    outcome = simulate(job)
    assert_alive(job, outcome)
    assert_same(outcome, simulate(job, form="plain"))


def loops(job, r):
    """Network r in plain Python, from the equations: its weights at the end, the mse of each trajectory."""
    rule, n, c = job.circuit.rule, job.circuit.neurons, job.y.shape[3]
    W, U, V, B, B_rec, b, cc = (
        getattr(job.weights, name)[r].tolist() for name in ("W", "U", "V", "B", "B_rec", "b", "c")
    )
    eta, eta_out = job.parameters["eta"][r], job.parameters["eta_out"][r]
    tau = job.parameters["tau"][r] / 1e-3
    mses, seen, updates = [], 0, 0
    batch = job.batch if job.update == "batch" else 1
    dW, dV = [[0.0] * (n + 1) for _ in range(n)], [[0.0] * (n + 1) for _ in range(c)]
    first, second = ([[[0.0] * (n + 1) for _ in range(rows)] for rows in (n, c)] for _ in range(2))
    for trajectory in range(job.x.shape[1]):
        seen += 1
        learning = job.schedule.learn[trajectory]
        xs, ys = job.x[job.source[r], trajectory].tolist(), job.y[job.source[r], trajectory].tolist()
        pre, slopes, squares = [[0.0] * n + [1.0]], [], []
        k, p = [0.0] * (n + 1), [[0.0] * (n + 1) for _ in range(n)]
        P = [[[0.0] * (n + 1) for _ in range(n)] for _ in range(n)]
        for t in range(1, len(xs) + 1):
            x, y = xs[t - 1], ys[t - 1]
            a = [
                sum(W[i][j] * pre[t - 1][j] for j in range(n)) + sum(U[i][j] * x[j] for j in range(len(x))) + b[i]
                for i in range(n)
            ]
            o = [1 / (1 + math.exp(-value)) for value in a]
            slopes.append([value * (1 - value) for value in o])
            pre.append([*o, 1.0])
            err = [sum(V[q][j] * o[j] for j in range(n)) + cc[q] - y[q] for q in range(c)]
            if job.scored is not None and not job.scored[t - 1]:
                err = [0.0] * c
            squares += [value**2 for value in err]
            if not learning:
                continue
            feedback = [sum(B[i][q] * err[q] for q in range(c)) for i in range(n)]
            g = [[0.0] * (n + 1) for _ in range(n)]
            share = 1 / t if job.averaging else 1
            if rule == "rflo":
                p = [
                    [p[i][j] + (slopes[-1][i] * pre[t - 1][j] - p[i][j]) / tau for j in range(n + 1)] for i in range(n)
                ]
                g = [[feedback[i] * p[i][j] for j in range(n + 1)] for i in range(n)]
            elif rule == "rtrl":
                P = [
                    [
                        [
                            slopes[-1][q]
                            * ((q == i) * pre[t - 1][j] + sum(W[q][other] * P[other][i][j] for other in range(n)))
                            for j in range(n + 1)
                        ]
                        for i in range(n)
                    ]
                    for q in range(n)
                ]
                exact = [sum(V[q][i] * err[q] for q in range(c)) for i in range(n)]
                g = [[share * sum(exact[q] * P[q][i][j] for q in range(n)) for j in range(n + 1)] for i in range(n)]
            elif rule == "autapse":
                k = [k[j] + (pre[t - 1][j] - k[j]) / tau for j in range(n + 1)]
                g = [[feedback[i] * k[j] for j in range(n + 1)] for i in range(n)]
            else:
                signal = [sum(V[q][i] * err[q] for q in range(c)) for i in range(n)] if rule == "bptt" else feedback
                for l in range(t, 0, -1):  # noqa: E741
                    d = [signal[i] * slopes[l - 1][i] for i in range(n)]
                    for i in range(n):
                        for j in range(n + 1):
                            g[i][j] += d[i] * pre[l - 1][j] * share
                    back = {"bptt": W, "fa": B_rec}.get(rule)
                    if back:
                        signal = [sum(back[q][i] * d[q] for q in range(n)) for i in range(n)]
            for i in range(n):
                for j in range(n + 1):
                    dW[i][j] += g[i][j]
            for q in range(c):
                for j in range(n + 1):
                    dV[q][j] += err[q] * pre[t][j]
            if job.update == "step" or (t == len(xs) and seen % batch == 0):
                updates += 1
                for which, change in enumerate((dW, dV)):
                    for row, values in enumerate(change):
                        for column, value in enumerate(values):
                            m, v, value = first[which][row], second[which][row], value / batch
                            if job.optimiser == "momentum":
                                m[column] = 0.9 * m[column] + value
                                values[column] = m[column]
                            elif job.optimiser == "adam":
                                m[column] = 0.9 * m[column] + 0.1 * value
                                v[column] = 0.999 * v[column] + 0.001 * value**2
                                root = math.sqrt(v[column] / (1 - 0.999**updates))
                                values[column] = m[column] / (1 - 0.9**updates) / (root + job.epsilon)
                            elif job.optimiser == "adam-hat":
                                m[column] = 0.9 * m[column] + 0.1 * value
                                v[column] = 0.999 * v[column] + 0.001 * value**2
                                corrected = math.sqrt(1 - 0.999**updates) / (1 - 0.9**updates)
                                values[column] = corrected * m[column] / (math.sqrt(v[column]) + job.epsilon)
                            else:
                                values[column] = value
                W = [[W[i][j] - eta * dW[i][j] for j in range(n)] for i in range(n)]
                b = [b[i] - eta * dW[i][n] for i in range(n)]
                V = [[V[q][j] - eta_out * dV[q][j] for j in range(n)] for q in range(c)]
                cc = [cc[q] - eta_out * dV[q][n] for q in range(c)]
                dW, dV = [[0.0] * (n + 1) for _ in range(n)], [[0.0] * (n + 1) for _ in range(c)]
        counted = len(xs) if job.scored is None else job.scored.sum()
        mses.append(sum(squares) / counted / c)
    return {"W": W, "b": b, "V": V, "c": cc}, mses


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
    ],
    ids=lambda how: (
        " ".join(f"{name}={value}" for name, value in how.items() if name != "scored") + " scored" * ("scored" in how)
    ),
)
@pytest.mark.parametrize("n", [2, 9])
@pytest.mark.parametrize("rule", NAMES)
def test_against_plain_loops(rule, n, how):
    job = replace(make_job(rule, n=n, T=9, shown=4, activation="sigmoid"), **how)
    outcome = simulate(job)
    assert_alive(job, outcome)
    assert_same(outcome, simulate(job, form="plain"), 1e-11 if job.optimiser != "sgd" else 1e-12)
    for r in range(2):
        weights, mse = loops(job, r)
        for name, value in weights.items():
            np.testing.assert_allclose(getattr(outcome.weights, name)[r], value, rtol=1e-12, atol=1e-12, err_msg=name)
        np.testing.assert_allclose(outcome.mse[r], mse, rtol=1e-12)


@pytest.mark.parametrize("averaging", [True, False])
@pytest.mark.parametrize("n", [2, 8, 10])
def test_rtrl_is_bptt_while_weights_stand_still(n, averaging):
    for update, form in (("trajectory", "plain"), ("trajectory", "fast"), ("step", "fast")):
        exact, online = (
            replace(make_job(rule, n=n, T=30, shown=1, update=update), averaging=averaging) for rule in ("bptt", "rtrl")
        )
        exact, online = (replace(job, weights=replace(job.weights, W=0.5 * job.weights.W)) for job in (exact, online))
        one, other = simulate(exact, form), simulate(online, form)
        assert_alive(exact, one)
        distance = np.abs(one.weights.W - other.weights.W).max()
        if update == "trajectory":
            assert distance <= 1e-10 * np.abs(one.weights.W - exact.weights.W).max()
        else:
            assert distance > 1e-6


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
    expected = changes[True] * (7 if rule in ("bptt", "rtrl", "fa", "dfa") else 1)
    np.testing.assert_allclose(changes[False], expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("n", [2, 10])
def test_exact_gradients_without_the_papers_mean(n):
    """Without 1/t, BPTT of a batch is the slope of its trajectories' mean summed squared error, halved."""
    h = 1e-5
    job = replace(make_job("bptt", n=n, N=2, T=8, shown=3, learn=("W", "b"), update="batch"), batch=3, averaging=False)
    still = replace(job, schedule=replace(job.schedule, learn=np.zeros(4, dtype=bool)))
    g = moved(job)
    for name, index in (("W", (0, 1)), ("W", (1, 0)), ("b", (1,))):
        place = (slice(None), *index)
        shifted = []
        for sign in (1, -1):
            value = getattr(job.weights, name).copy()
            value[place] += sign * h
            mse = simulate(replace(still, weights=replace(job.weights, **{name: value}))).mse[:, :3]
            shifted.append(mse.mean(axis=1) * 8 * 2 / 2)
        slope = (shifted[0] - shifted[1]) / (2 * h)
        assert np.abs(slope).min() > 1e-4
        np.testing.assert_allclose(g[name][place], slope, rtol=1e-6, atol=1e-8)


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
def test_networks_in_pieces_are_the_same_networks(n, monkeypatch):
    job = replace(make_job("rflo", n=n, N=7, shown=4, update="batch"), batch=2, traced=np.array([0, 3, 6]))
    whole, shares = simulate(job), []
    monkeypatch.setattr(sys.modules[simulate.__module__], "PIECE", 3 * 2 * n)
    pieces = simulate(job, progress=shares.append)
    assert_same(pieces, whole)
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
        ("fa", ("B", "B_rec"), ("tau",)),
        ("dfa", ("B",), ("B_rec", "tau")),
        ("rflo", ("B", "tau"), ("B_rec",)),
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
        moved = np.abs(simulate(changed).weights.W - base.weights.W).max()
        assert moved > 1e-3 if name in used else moved == 0, name


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
    return {"W": (job.weights.W - weights.W) / eta[:, None, None], "b": (job.weights.b - weights.b) / eta[:, None]}


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
