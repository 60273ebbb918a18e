"""Modulators of MDGL, against sums over pairs: what a neuron did to the errors of those that it may have driven."""

import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.experiments.reproductions import mdgl_cues
from autapse_sim.spec.model import read_rule
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
    epsilon, ebar = (np.zeros((N, INPUTS)) for _ in range(2))
    direct, modulated, spikes = np.zeros((N, INPUTS)), np.zeros((N, INPUTS)), 0.0
    for t in range(STEPS):
        v = KEEP * v + (1 - KEEP) * (W @ z + U @ x[t]) - V_TH * z
        a = SLOW * a + z
        excess = v - V_TH - BETA * a
        z = (excess >= 0).astype(float)
        spikes += z.sum()
        o = KEEP * o + (1 - KEEP) * z
        psi = GAMMA / V_TH * np.clip(1 - np.abs(excess) / V_TH, 0, 1)
        psi_filtered = KEEP * psi_filtered + (1 - KEEP) * psi
        zbar = KEEP * zbar + (1 - KEEP) * x[t]
        e = psi[:, None] * (zbar - BETA * epsilon)
        epsilon = SLOW * epsilon + e
        before = ebar
        ebar = KEEP * ebar + (1 - KEEP) * e
        told = V.T @ (V @ o - y[t])
        direct += told[:, None] * ebar
        for p in range(N):
            heard = sum(GAINS[f"g_{TYPES[j]}{TYPES[p]}"] * psi_filtered[j] * told[j] for j in range(N))
            modulated[p] += (1 - KEEP) * heard * before[p]
    return direct, modulated, spikes


def test_modulators_are_sums_over_those_that_may_have_been_driven():
    W, U, V, x, y = drawn()
    direct, modulated, spikes = changes()
    assert 10 < spikes < 0.8 * N * STEPS
    weights = Weights(W=W[None], U=U[None], V=V[None], B=V.T[None].copy())
    taus = dict.fromkeys(("tau_m", "tau_out", "tau_e"), "20 ms") | {"tau_a": "200 ms"}
    given = {**taus, "v_th": V_TH, "beta": BETA, "gamma": GAMMA, "eta": 1.0}
    protocol = ap.Protocol(1, 1, 0, 0, update="trajectory", record=0)

    def changed(rule, substeps=1, **more):
        circuit = ap.Circuit("alif", rule, N, "random", learn="U", substeps=substeps)
        task = ap.ArrayTask(x[None, None], y[None, None])
        return U - ap.train(circuit, task, protocol, weights, given | more, engine="reference").data.U.values[0]

    found = changed("mdgl", excitatory=0.6, **GAINS)
    size = np.abs(modulated).max()
    assert np.abs(found - direct - modulated).max() < 1e-12 * max(size, 1)
    assert size > 0.05 * np.abs(direct).max()
    for substeps in (1, 3):
        silent = changed("mdgl", substeps, **dict.fromkeys(GAINS, 0.0))
        assert np.abs(silent - changed("eprop_alif", substeps)).max() < 1e-12


def test_an_eligibility_that_feels_the_reset_is_the_gradient_of_neurons_without_synapses_among_them():
    rng = np.random.default_rng(8)
    _, U, V, x, y = drawn()
    weights = Weights(W=np.zeros((1, N, N)), U=U[None], V=V[None], B=V.T[None].copy())
    given = {**dict.fromkeys(("tau_m", "tau_out"), "20 ms"), "tau_a": "200 ms", "t_ref": "3 ms", "v_th": V_TH}
    given |= {"beta": BETA * (rng.random((1, N)) < 0.5), "gamma": GAMMA, "eta": 1.0}
    protocol = ap.Protocol(1, 1, 0, 0, update="trajectory", record=0, averaging=False)
    eprop = read_rule("eprop_alif")

    def changed(rule, **more):
        circuit = ap.Circuit("alif", rule, N, "random", learn="U")
        result = ap.train(circuit, ap.ArrayTask(x[None, None], y[None, None]), protocol, weights, given | more)
        return result.data.U.values[0] - weights.U[0]

    exact = changed("bptt")
    felt = changed(eprop.replace(update=eprop.update.rstrip() + mdgl_cues.RESET), tau_e="20 ms")
    size = np.abs(exact).max()
    assert size > 1e-3
    assert np.abs(felt - exact).max() < 1e-12 * size
    assert np.abs(changed(eprop, tau_e="20 ms") - exact).max() > 0.01 * size


def test_networks_of_the_published_run_keep_dales_law_and_the_last_step_alone_counts():
    weights = mdgl_cues.drawn(np.random.default_rng(3))
    W, U, V = weights.W[0], weights.U[0], weights.V[0]
    signs = np.where(np.arange(100) < mdgl_cues.EXCITATORY, 1, -1)
    for w in (W, V):
        assert (w * signs >= 0).all()
    assert (
        (np.sign(U) == 1).any(axis=0) != (np.sign(U) == -1).any(axis=0)
    ).all()  # an input that excites some excites all
    assert all(0.07 < (w != 0).mean() <= 0.1 for w in (W, U))
    assert 10 < (V != 0).sum() <= 20
    gains = mdgl_cues.gains(W)
    assert gains["g_EE"] > 0 > gains["g_EI"]
    assert gains["g_EE"] == W[:81, :81].mean()
    task = mdgl_cues.LastStep()
    assert (task.steps, task.inputs, np.flatnonzero(task.scored).tolist()) == (2000, 40, [1999])
    x, y = task.sample(np.random.default_rng(0), 1, 40)
    told = x[0].reshape(40, 2000, 4, 10).sum(axis=-1)
    assert (told[:, 1850:, 2].sum(axis=1) > 0).all()
    assert not told[:, :1850, 2].any()
    starts = [told[:, 150 * cue : 150 * cue + 100, :2].sum(axis=1) for cue in range(7)]
    assert all(((side > 0).sum(axis=1) == 1).all() for side in starts)
    more = sum((side[:, 1] > 0).astype(int) for side in starts) > 3
    assert (y[0, :, -1].argmax(axis=-1) == more).all()


@pytest.mark.parametrize("name", mdgl_cues.RULES)
def test_synapses_keep_their_signs_and_places_and_errors_come_back_as_they_went(name):
    weights = mdgl_cues.drawn(np.random.default_rng(3))
    how = {"optimiser": "adam-hat", "constraints": mdgl_cues.CONSTRAINTS, "averaging": False}
    protocol = ap.Protocol(1, 8, 0, 0, update="batch", batch=2, record=0, **how)
    given = {"v_th": 0.01, "eta": 0.03, "eta_out": 0.1, **({} if name == "gradient" else {"eta_back": 0.1})}
    given |= {"excitatory": 0.81, **mdgl_cues.gains(weights.W[0])} if name == "MDGL" else {}
    task = mdgl_cues.LastStep(cues=1, delay=10, recall=20)
    data = ap.train(mdgl_cues.circuit(name), task, protocol, weights, given).data
    assert not data.diverged.any()
    for each in ("W", "U", "V"):
        before, after = getattr(weights, each)[0], data[each].values[0]
        assert np.abs(after - before).max() > 0.01
        assert not after[before == 0].any()
        assert (after * np.sign(before) >= -1e-12).all()
        assert (after * np.sign(before) <= 1e-12).sum() > (before == 0).sum() or each == "U"  # some came to 0
    if name != "gradient":
        assert np.abs(data.B.values[0] - data.V.values[0].T).max() < 1e-12
