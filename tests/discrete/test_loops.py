"""The discrete references against loops written from the paper."""

import math
from dataclasses import replace

import numpy as np
import pytest
from discrete.jobs import EVERYTHING, NAMES, assert_alive, assert_same, make_job

from autapse_sim.engines.discrete import simulate
from autapse_sim.tasks.shown import masked


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
