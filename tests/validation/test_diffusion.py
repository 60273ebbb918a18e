"""e-prop with a diffusing signal, against a loop over the equations of Barretto-Bittar et al. 2026 as they trained."""

import numpy as np

import autapse_sim as ap
from autapse_sim.spec.weights import Weights

SIDE, INPUTS, OUTPUTS, STEPS, WINDOW, TRIALS = 4, 5, 2, 60, 10, 2
N = SIDE**2
V_TH, BETA, GAMMA, K, C_REG, REFRACTORY = 0.03, 1.8, 0.3, 0.75, 0.2, 5
ALPHA, RHO = np.exp(-1 / 20), np.exp(-1 / 200)


def drawn():
    """Weights, which neurons adapt, input spikes and targets."""
    rng = np.random.default_rng(3)
    W = rng.normal(0, 1 / 4, (N, N)) * ~np.eye(N, dtype=bool)
    U, V = rng.normal(0, 1, (N, INPUTS)), rng.normal(0, 1, (OUTPUTS, N)) * (rng.random((OUTPUTS, N)) < 0.2)
    x = (rng.random((TRIALS, STEPS, INPUTS)) < 0.2).astype(float)
    y = np.repeat(np.eye(2)[rng.integers(2, size=TRIALS)][:, None], STEPS, axis=1)
    return W, U, V, np.arange(N) % 2, x, y


def spread(signal, k):
    """k times the mean over a cell and its eight neighbours on the torus."""
    grid = signal.reshape(SIDE, SIDE)
    return k / 9 * sum(np.roll(grid, (a, b), (0, 1)) for a in (-1, 0, 1) for b in (-1, 0, 1)).ravel()


def gradients(k):
    """Of W and U, means over trials, in which errors are summed over the window; and the spikes of each trial."""
    W, U, V, adapts, x, y = drawn()
    total, counts = {"W": np.zeros(W.shape), "U": np.zeros(U.shape)}, []
    for trial in range(TRIALS):
        v, a, z, r, out, signal, psi = *(np.zeros(N) for _ in range(4)), np.zeros(OUTPUTS), np.zeros(N), np.zeros(N)
        beta, spikes = BETA * adapts, np.zeros(N)
        keep = {
            name: [np.zeros(w.shape[1]), *(np.zeros(w.shape) for _ in range(4))] for name, w in (("W", W), ("U", U))
        }
        for t in range(STEPS):
            arrived = {"W": z, "U": x[trial, t]}
            r = np.where(z > 0, REFRACTORY, np.maximum(0, r - 1))
            v = ALPHA * v + (1 - ALPHA) * (W @ z + U @ arrived["U"]) - V_TH * z
            a = RHO * a + (1 - RHO) * z
            excess = (v - V_TH - beta * a) / V_TH
            z = ((excess > 0) & (r == 0)).astype(float)
            before, psi = psi, (r == 0) * GAMMA / V_TH * np.maximum(0, 1 - np.abs(excess))
            spikes += z
            out = ALPHA * out + (1 - ALPHA) * V @ z
            p = np.exp(out) / np.exp(out).sum()
            error = (p - y[trial, t]) * (t >= STEPS - WINDOW)
            signal = spread(signal, k) + V.T @ error
            for name, (ev, ea, low, moved, sum_) in keep.items():
                ea = before[:, None] * (1 - RHO) * ev + (RHO - (1 - RHO) * (beta * before)[:, None]) * ea
                ev = ALPHA * ev + (1 - ALPHA) * arrived[name]
                e = psi[:, None] * (ev - beta[:, None] * ea)
                low = ALPHA * low + (1 - ALPHA) * e
                keep[name] = [ev, ea, low, moved + signal[:, None] * low, sum_ + e]
        for name, (*_, moved, sum_) in keep.items():
            total[name] += (moved + C_REG / STEPS * (spikes / STEPS - 0.01)[:, None] * sum_) / TRIALS
        counts.append(spikes)
    return total, np.array(counts)


def test_the_signal_diffuses_as_published():
    W, U, V, adapts, x, y = drawn()
    y = np.where(np.arange(STEPS)[:, None] >= STEPS - WINDOW, y, np.nan)
    weights = Weights(W=W[None], U=U[None], V=V[None], B=V.T[None].copy())
    taus = {"tau_m": "20 ms", "tau_out": "20 ms", "tau_e": "20 ms", "tau_a": "200 ms", "t_ref": "6 ms"}
    given = {**taus, "v_th": V_TH, "beta": BETA * (1 - RHO) * adapts[None], "gamma": GAMMA, "c_reg": C_REG}
    protocol = ap.Protocol(1, TRIALS, 0, 0, update="batch", batch=TRIALS, record=1)

    def changes(rule, **more):
        circuit = ap.Circuit("alif", rule, N, "random", learn=("W", "U"), loss="cross-entropy")
        values = {**given, "eta": 1.0, **more}
        result = ap.train(circuit, ap.ArrayTask(x[None], y[None]), protocol, weights, values, engine="reference").data
        return {"W": W - result.W.values[0], "U": U - result.U.values[0]}

    expected, counts = gradients(K)
    assert counts.sum() > 50
    found = changes("eprop_diffusion", k=K, side=SIDE)
    without = changes("eprop_alif")
    for name, gradient in expected.items():
        size = np.abs(gradient).max()
        assert np.abs(found[name] - gradient).max() < 1e-12 * max(size, 1)
        assert np.abs(without[name] - gradients(0.0)[0][name]).max() < 1e-12 * max(size, 1)
        assert np.abs(found[name] - without[name]).max() > 0.05 * size
