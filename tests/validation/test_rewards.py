"""Rules that are told a reward at the end of a trial, against loops over the equations of their papers."""

import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.spec.weights import Weights

N, STEPS, WINDOW, TRIALS, TAU = 12, 80, 20, 3, 30
KICK = "8*sin(3*i + t/ms)*int(sin(5*i + 0.7*t/ms) > 0.97)"
"""A perturbation that is no random number, so that a loop can have the same."""


def kick(t):
    i = np.arange(N)
    return 8 * np.sin(3 * i + t) * (np.sin(5 * i + 0.7 * t) > 0.97)


def shown():
    """Weights, stimuli and targets."""
    rng = np.random.default_rng(2)
    W, U = 1.5 * rng.normal(size=(N, N)) / np.sqrt(N), rng.uniform(-1, 1, (N, 2))
    return W, U, rng.normal(size=(TRIALS, STEPS, 2)), rng.choice([-1, 1], TRIALS)


def miconi(power, eta=2.0, alpha=0.5, max_dw=1e-3):
    """W after some trials; the neuron 0 is to be at the target at the end of each."""
    W, U, x, y = shown()
    mean, average = 0.0, np.zeros(N)
    for trial in range(TRIALS):
        a, average, p, error = np.zeros(N), np.zeros(N), np.zeros((N, N)), 0.0
        for t in range(STEPS):
            r = np.tanh(a)
            a = a + (-a + W @ r + U @ x[trial, t] + kick(t)) / TAU
            p += np.outer(a - average, r) ** power
            average = 0.05 * average + 0.95 * a
            error += abs(np.tanh(a[0]) - y[trial]) / WINDOW * (t >= STEPS - WINDOW)
        W = W - np.clip(eta * mean * (error - mean) * p, -max_dw, max_dw)
        mean = alpha * mean + (1 - alpha) * error
    return W


@pytest.mark.parametrize("power", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_miconi_as_published(power):
    W, U, x, y = shown()
    rule = ap.read_rule("miconi").replace(perturbation=KICK)
    rule = rule if power == 3 else rule.replace(update=rule.update.replace("**3", ""))
    circuit = ap.Circuit("leaky", rule, N, "random", "tanh", learn="W")
    target = np.where(np.arange(STEPS) >= STEPS - WINDOW, y[:, None], np.nan)[None, :, :, None]
    weights = Weights(W=W[None], U=U[None], V=np.eye(1, N)[None], B=np.zeros((1, N, 1)))
    given = {"tau_m": f"{TAU} ms", "T": f"{WINDOW} ms", "eta": 2.0, "alpha": 0.5, "max_dw": 1e-3}
    protocol = ap.Protocol(1, TRIALS, 0, 0, record=0)
    found = ap.train(circuit, ap.ArrayTask(x[None], target), protocol, weights, given, engine="reference").data.W[0]
    expected = miconi(power)
    assert np.abs(found - expected).max() < 1e-12
    assert np.abs(expected - W).max() <= TRIALS * 1e-3
    assert np.abs(expected - W).max() > 1e-5
    assert np.abs(expected - miconi(4 - power)).max() > 1e-5


def test_what_a_synapse_sums_does_not_grow_with_the_substeps():
    W, U, x, y = shown()
    rule = ap.read_rule("miconi").replace(perturbation="2*sin(3*i + 0.2*t/ms)")
    target = np.where(np.arange(STEPS) >= STEPS - WINDOW, y[:, None], np.nan)[None, :, :, None]
    weights = Weights(W=W[None], U=U[None], V=np.eye(1, N)[None], B=np.zeros((1, N, 1)))
    given = {"tau_m": f"{TAU} ms", "T": f"{WINDOW} ms", "eta": 2.0, "alpha": 0.5, "max_dw": 1.0}
    task, protocol = ap.ArrayTask(x[None], target), ap.Protocol(1, TRIALS, 0, 0, record=0)

    def changed(substeps):
        circuit = ap.Circuit("leaky", rule, N, "random", "tanh", learn="W", substeps=substeps)
        return ap.train(circuit, task, protocol, weights, given).data.W.values[0] - W

    few, many = changed(8), changed(16)
    assert np.abs(few).max() > 1e-4
    assert np.abs(many - few).max() < 0.05 * np.abs(few).max()


def test_the_cube_keeps_a_perturbation_that_the_way_back_cancels():
    x = np.zeros(2000)
    for t in range(1, len(x)):
        x[t] = x[t - 1] * (1 - 1 / TAU) + 0.5 * (t == 10)
    fluctuation = np.diff(x)
    assert abs(fluctuation.sum()) < 1e-9
    assert (fluctuation**3).sum() > 0.99 * 0.5**3


def lr0(x, right, W, steps):
    """The change of U of one neuron in a trial, as LR0 has it; spikes as `lif` has them."""
    tau_m, tau_s, tau_E, v_th, delta, rho = 30.0, 2.0, 500.0, 0.03, 1 / 3, 0.01
    decay = np.exp(-1 / tau_m)
    v, current, psp, E, spikes, z, c = 0.0, np.zeros(W.size), np.zeros(W.size), np.zeros(W.size), 0, 0.0, 0.0
    for t in range(steps):
        v = decay * v + (1 - decay) * W @ x[t] - v_th * z
        psp, current = decay * psp + (1 - decay) * current, np.exp(-1 / tau_s) * (current - tau_s * x[t]) + tau_s * x[t]
        z = float(v >= v_th)
        at_spike = v - v_th * z / decay  # the reset comes before the update
        phi = min(rho * np.exp((at_spike / v_th - 1) / delta), 1.0)
        E = E + (1 - np.exp(-1 / tau_E)) * (psp / delta * (z - phi) - E)
        c = decay * c + (1 - decay) * z
        spikes += z
    R = 1 - 2 * (c - right) ** 2
    return (R - 1) * E, spikes


def test_lr0_as_published():
    rng = np.random.default_rng(4)
    steps, m = 120, 6
    x, U = (rng.random((steps, m)) < 0.2).astype(float), rng.normal(0.1, 0.1, m)
    weights = Weights(W=np.zeros((1, 1, 1)), U=U[None, None], V=np.ones((1, 1, 1)), B=np.zeros((1, 1, 1)))
    target = np.where(np.arange(steps) == steps - 1, 0.5, np.nan)[None, None, :, None]
    circuit = ap.Circuit("lif", "lr0", 1, "random", learn="U")
    protocol = ap.Protocol(1, 1, 0, 0, record=0)
    result = ap.train(circuit, ap.ArrayTask(x[None, None], target), protocol, weights, {}, engine="reference").data
    expected, spikes = lr0(x, 0.5, U, steps)
    assert spikes > 3
    assert np.abs(result.U[0, 0] - U - expected).max() < 1e-12
    assert np.abs(expected).max() > 1e-4
