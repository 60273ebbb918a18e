"""LIF and ALIF neurons, spike by spike, against a NumPy loop of their equations and of the rules that teach them."""

import numpy as np
import pytest
from brian2 import Hz, ms

import autapse_sim as ap
from autapse_sim.engines.brian.compiler import compiler

pytestmark = pytest.mark.usefixtures("fast_programs")
ENGINES = ["runtime"] + (["standalone"] if compiler() else [])
EXACT = 1e-12
INPUTS, OUTPUTS, STEPS, TRAJECTORIES = 5, 2, 60, 3

NEURON = {"tau_m": 20.0, "tau_out": 15.0, "v_th": 0.03, "gamma": 0.3, "t_ref": 0.0}
ADAPTING = {"tau_a": 50.0, "beta": 0.01}
RULES = {
    "eprop": {"tau_e": 12.0, "eta": 2e-3, "c_reg": 5.0, "f_target": 20.0},
    "eprop_alif": {"tau_e": 12.0, "eta": 2e-3, "c_reg": 5.0, "f_target": 20.0},
    "autapse": {"tau": 10.0, "eta": 2e-3},
    "rflo": {"eta": 2e-3},
    "autapse_f_prime": {"tau": 10.0, "eta": 2e-3},
    "dfa": {"eta": 2e-3},
}
"""The parameters of neurons and rules, in ms and Hz."""
UNITS = {"tau_m": ms, "tau_out": ms, "tau_a": ms, "t_ref": ms, "tau_e": ms, "tau": ms, "f_target": Hz}


def oracle(rule, update, x, y, weights, p, sender=False):
    """Weights, losses and spikes of one network after its trajectories.

    With `sender`, W's eligibility decays with the time constant of the neuron that sends: wrong, as a control.
    """
    W, U, V, B = (one.copy() for one in weights)
    n, eta = len(W), p["eta"]
    alpha, kappa, filtered = np.exp(-1 / p["tau_m"]), np.exp(-1 / p["tau_out"]), np.exp(-1 / p.get("tau_e", 1))
    slow, beta = np.exp(-1 / p.get("tau_a", 1)), p.get("beta", 0.0)
    low = np.exp(-1 / p.get("tau", 1))
    # of the synapses W and U: what has arrived decays with the membrane of the neuron that receives
    arrived = np.broadcast_to(alpha, n)[:, None].repeat(n + x.shape[-1], axis=1)
    if sender:
        arrived[:, :n] = alpha
    losses, counts = [], np.zeros(n)
    for stimulus, target in zip(x, y, strict=True):
        v, o, z, a, psi, spikes, last = (np.zeros(n) for _ in range(7))
        last -= 1e7
        trace, zbar, e, S, epsilon = np.zeros(n + x.shape[-1]), *np.zeros((4, n, n + x.shape[-1]))
        gathered, gathered_V, loss = 0.0, 0.0, 0.0
        for t in range(STEPS):
            sent, active = np.r_[z, stimulus[t]], np.r_[o, stimulus[t]]
            # equations of the synapse come before those of the neuron: with f' and activity of the step before
            if rule in ("rflo", "autapse_f_prime"):
                e += (1 - (arrived if rule == "rflo" else low)) * (np.outer(psi, active) - e)
            if rule == "dfa":
                e += np.outer(psi, active)
            v = alpha * v + (1 - alpha) * (np.c_[W, U] @ sent) - p["v_th"] * z
            a = slow * a + z
            free = t - last >= p["t_ref"]
            excess = v - p["v_th"] - beta * a
            psi = free * p["gamma"] / p["v_th"] * np.maximum(0, 1 - np.abs(excess) / p["v_th"])
            z = 1.0 * (free & (excess >= 0))
            last[z > 0] = t
            spikes += z
            o = kappa * o + (1 - kappa) * z
            err = V @ o - target[t]
            loss += (err**2).mean() / STEPS
            signal = (B @ err)[:, None]
            if rule in ("eprop", "eprop_alif"):
                zbar = arrived * zbar + (1 - arrived) * sent
                new = psi[:, None] * (zbar - np.reshape(beta, (-1, 1)) * epsilon * (rule == "eprop_alif"))
                epsilon = slow * epsilon + new
                e = filtered * e + (1 - filtered) * new
                S += new
                g = signal * e
                if t == STEPS - 1:
                    mean = spikes[:, None] / STEPS
                    g = g + p["c_reg"] * (mean - p["f_target"] / 1000) / STEPS * S
            elif rule == "autapse":
                trace = low * trace + (1 - low) * active
                g = signal * trace
            elif rule in ("rflo", "autapse_f_prime"):
                g = signal * e
            else:
                g = signal * e / (t + 1)
            gathered, gathered_V = gathered + eta * g, gathered_V + p["eta_out"] * np.outer(err, o)
            if update == "step" or t == STEPS - 1:
                W -= gathered[:, :n]
                U -= gathered[:, n:]
                V -= gathered_V
                gathered, gathered_V = 0.0, 0.0
        losses.append(loss)
        counts += spikes
    return {"W": W, "U": U, "V": V, "mse_train": np.array(losses), "spikes": counts}


def given(n, replicates):
    """Stimulus, target and weights that keep the neurons alive."""
    rng = np.random.default_rng(3)
    x = (rng.random((replicates, TRAJECTORIES, STEPS, INPUTS)) < 0.1).astype(float)
    y = np.sin(np.arange(STEPS) / 9 + rng.uniform(0, 6, (replicates, TRAJECTORIES, 1)))[..., None].repeat(OUTPUTS, 3)
    sizes = {"W": (n, n), "U": (n, INPUTS), "V": (OUTPUTS, n), "B": (n, OUTPUTS)}
    scale = {"W": 0.7 * n**-0.5, "U": 0.6, "V": 0.4, "B": 1.0}
    return x, y, ap.Weights(**{name: scale[name] * rng.normal(size=(replicates, *sizes[name])) for name in sizes})


def parameters(neuron, rule, n, replicates, **changed):
    """The parameters in words of the oracle, eta one per replicate and beta one per neuron."""
    p = {**NEURON, **RULES[rule], "eta_out": 1e-2, **(ADAPTING if neuron == "alif" else {}), **changed}
    p["eta"] = p["eta"] * np.linspace(1, 2, replicates)
    if "beta" in p:
        p["beta"] = p["beta"] * (np.arange(n) % 3)[None]
    return p


def found(neuron, rule, update, engine, n, replicates, p):
    """What the engine computes, as `oracle` names it."""
    x, y, weights = given(n, replicates)
    circuit = ap.Circuit(neuron=neuron, rule=rule, neurons=n, readout="random", learn=("W", "U", "V"))
    protocol = ap.Protocol(replicates=replicates, train=TRAJECTORIES, validate=0, test=0, update=update, record=0)
    units = {name: value * UNITS.get(name, 1) for name, value in p.items()}
    data = ap.train(circuit, ap.ArrayTask(x, y), protocol, weights, units, engine=engine).data
    values = {name: data[name].values for name in ("W", "U", "V", "mse_train")}
    return values | {"spikes": data.rate.values * STEPS * TRAJECTORIES / 1000}


def expected(rule, update, n, replicates, p, sender=False):
    """What the oracle computes for all replicates."""
    x, y, weights = given(n, replicates)
    outcomes = []
    for r in range(replicates):
        one = {name: value[0] if np.ndim(value) == 2 else value for name, value in p.items()} | {"eta": p["eta"][r]}
        mine = (getattr(weights, name)[r] for name in ("W", "U", "V", "B"))
        outcomes.append(oracle(rule, update, x[r], y[r], mine, one, sender))
    return {name: np.stack([one[name] for one in outcomes]) for name in outcomes[0]}


def assert_alive(n, replicates, outcome):
    """Spikes fall, but not everywhere, and all that learns moved."""
    weights = given(n, replicates)[2]
    rate = outcome["spikes"].mean(axis=1) / (STEPS * TRAJECTORIES) * 1000
    assert (rate > 10).all()
    assert (rate < 250).all()
    for name in ("W", "U", "V"):
        moved = np.abs(outcome[name] - getattr(weights, name)).reshape(replicates, -1).max(axis=1)
        assert (moved > 1e-4).all(), name


def distance(one, other):
    """The largest difference."""
    return max(np.abs(one[name] - other[name]).max() for name in other)


CASES = {
    "eprop, R=1, step": ("lif", "eprop", "step", 7, 1, {}),
    "eprop, R=3, step": ("lif", "eprop", "step", 7, 3, {}),
    "eprop, R=1, trajectory": ("lif", "eprop", "trajectory", 7, 1, {}),
    "eprop, R=3, trajectory": ("lif", "eprop", "trajectory", 7, 3, {}),
    "eprop, n=12, trajectory": ("lif", "eprop", "trajectory", 12, 3, {}),
    "eprop, refractory, step": ("lif", "eprop", "step", 7, 3, {"t_ref": 2.0}),
    "eprop, refractory, trajectory": ("lif", "eprop", "trajectory", 7, 3, {"t_ref": 2.0}),
    "eprop for alif, step": ("alif", "eprop_alif", "step", 7, 3, {"t_ref": 2.0}),
    "eprop for alif, trajectory": ("alif", "eprop_alif", "trajectory", 7, 3, {"t_ref": 2.0}),
    "eprop for alif, beta=0": ("alif", "eprop_alif", "trajectory", 7, 3, {"beta": 0.0}),
    "autapse, step": ("lif", "autapse", "step", 7, 3, {}),
    "autapse, trajectory": ("lif", "autapse", "trajectory", 7, 3, {}),
    "rflo, step": ("lif", "rflo", "step", 7, 3, {}),
    "f' put back, step": ("lif", "autapse_f_prime", "step", 7, 3, {}),
    "dfa, step": ("lif", "dfa", "step", 7, 3, {}),
}
QUICK = {
    "standalone": ("eprop, R=3, step", "eprop, refractory, trajectory", "eprop for alif, trajectory"),
    "runtime": ("eprop, R=3, trajectory", "eprop for alif, step", "autapse, step", "rflo, step", "dfa, step"),
}
"""What a default run looks at."""


@pytest.mark.parametrize(
    ("case", "engine"),
    [
        pytest.param(case, engine, marks=[pytest.mark.slow] * (case not in QUICK[engine]))
        for engine in ENGINES
        for case in CASES
    ],
)
def test_engines_do_what_the_equations_say(case, engine):
    neuron, rule, update, n, replicates, changed = CASES[case]
    p = parameters(neuron, rule, n, replicates, **changed)
    outcome = found(neuron, rule, update, engine, n, replicates, p)
    assert distance(outcome, expected(rule, update, n, replicates, p)) <= EXACT
    assert_alive(n, replicates, outcome)


MEMBRANES = np.linspace(8.0, 40.0, 7)[None]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("neuron", "rule"), [("lif", "eprop"), ("alif", "eprop_alif"), ("lif", "rflo")])
def test_a_synapse_forgets_as_the_neuron_that_receives(neuron, rule, engine):
    """With a membrane of each neuron's own, where W and U learn."""
    p = parameters(neuron, rule, 7, 2, tau_m=MEMBRANES)
    outcome = found(neuron, rule, "trajectory", engine, 7, 2, p)
    assert distance(outcome, expected(rule, "trajectory", 7, 2, p)) <= EXACT
    assert distance(outcome, expected(rule, "trajectory", 7, 2, p, sender=True)) > 1e-6
    assert_alive(7, 2, outcome)


@pytest.fixture(scope="module")
def adapting():
    """Parameters of refractory ALIF neurons, and what the runtime engine computes with them."""
    p = parameters("alif", "eprop_alif", 7, 1, t_ref=2.0)
    return p, found("alif", "eprop_alif", "trajectory", "runtime", 7, 1, p)


@pytest.mark.parametrize("changed", ["tau_m", "tau_out", "tau_e", "tau_a", "v_th", "beta", "gamma", "t_ref", "c_reg"])
def test_what_must_matter_matters(adapting, changed):
    p, outcome = adapting
    other = p | {changed: p[changed] * (2 if changed == "t_ref" else 1.05)}
    assert distance(outcome, expected("eprop_alif", "trajectory", 7, 1, p)) <= EXACT
    assert distance(outcome, expected("eprop_alif", "trajectory", 7, 1, other)) > 1e-6
