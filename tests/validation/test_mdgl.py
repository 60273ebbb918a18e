"""Modulators of MDGL, against sums over pairs: what a neuron did to the errors of those that it may have driven."""

import numpy as np

import autapse_sim as ap
from autapse_sim.spec.weights import Weights

N, INPUTS, STEPS, V_TH, BETA, GAMMA = 5, 3, 40, 0.03, 0.02, 0.3
KEEP, SLOW = np.exp(-1 / 20), np.exp(-1 / 200)
GAINS = {"g_EE": 9.0, "g_EI": -21.0, "g_IE": 15.0, "g_II": -33.0}
TYPES = "EEEII"


def drawn():
    rng = np.random.default_rng(6)
    W, U, V = rng.normal(0, 1, (N, N)), rng.normal(0, 1, (N, INPUTS)), rng.normal(0, 1, (2, N))
    return W, U, V, (rng.random((STEPS, INPUTS)) < 0.3).astype(float), rng.normal(0, 0.3, (STEPS, 2))


def changes():
    """Of U in one trial: e-prop's, and that of modulators."""
    W, U, V, x, y = drawn()
    v, a, z, o, zbar, psi_filtered = *(np.zeros(N) for _ in range(4)), np.zeros(INPUTS), np.zeros(N)
    epsilon, ebar, before, earlier = (np.zeros((N, INPUTS)) for _ in range(4))
    direct, modulated, spikes, psi = np.zeros((N, INPUTS)), np.zeros((N, INPUTS)), 0.0, np.zeros(N)
    for t in range(STEPS):
        v = KEEP * v + (1 - KEEP) * (W @ z + U @ x[t]) - V_TH * z
        a = SLOW * a + z
        excess = v - V_TH - BETA * a
        z = (excess >= 0).astype(float)
        spikes += z.sum()
        o = KEEP * o + (1 - KEEP) * z
        psi_filtered = KEEP * psi_filtered + (1 - KEEP) * psi  # up to the step before
        psi = GAMMA / V_TH * np.clip(1 - np.abs(excess) / V_TH, 0, 1)
        zbar = KEEP * zbar + (1 - KEEP) * x[t]
        e = psi[:, None] * (zbar - BETA * epsilon)
        epsilon = SLOW * epsilon + e
        before, earlier = ebar, before
        ebar = KEEP * ebar + (1 - KEEP) * e
        told = V.T @ (V @ o - y[t])
        direct += told[:, None] * ebar
        for p in range(N):
            heard = sum(GAINS[f"g_{TYPES[j]}{TYPES[p]}"] * psi_filtered[j] * told[j] for j in range(N))
            modulated[p] += (1 - KEEP) * heard * earlier[p]
    return direct, modulated, spikes


def test_modulators_are_sums_over_those_that_may_have_been_driven():
    W, U, V, x, y = drawn()
    direct, modulated, spikes = changes()
    assert 10 < spikes < 0.8 * N * STEPS
    weights = Weights(W=W[None], U=U[None], V=V[None], B=V.T[None].copy())
    taus = dict.fromkeys(("tau_m", "tau_out", "tau_e"), "20 ms") | {"tau_a": "200 ms"}
    given = {**taus, "v_th": V_TH, "beta": BETA, "gamma": GAMMA, "eta": 1.0}
    protocol = ap.Protocol(1, 1, 0, 0, update="trajectory", record=0)

    def changed(rule, **more):
        circuit = ap.Circuit("alif", rule, N, "random", learn="U")
        task = ap.ArrayTask(x[None, None], y[None, None])
        return U - ap.train(circuit, task, protocol, weights, given | more, engine="reference").data.U.values[0]

    found = changed("mdgl", excitatory=0.6, **GAINS)
    size = np.abs(modulated).max()
    assert np.abs(found - direct - modulated).max() < 1e-12 * max(size, 1)
    assert size > 0.05 * np.abs(direct).max()
    assert np.abs(changed("mdgl", **dict.fromkeys(GAINS, 0.0)) - changed("eprop_alif")).max() < 1e-12
