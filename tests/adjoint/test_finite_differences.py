"""Exact gradients against finite differences of the loss, for every neuron in runs where that is smooth."""

import re
from dataclasses import replace

import numpy as np
import pytest
from brian2 import Hz, ms, nA

import autapse_sim as ap
from autapse_sim.engines.adjoint.network import Network
from autapse_sim.engines.adjoint.simulate import gradients, models_of, simulate
from autapse_sim.engines.adjoint.step import step_of
from autapse_sim.spec.model import library, read_neuron
from autapse_sim.spec.written import model_text
from autapse_sim.tasks.shown import masked
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import draw
from autapse_sim.training.train import prepare

CLOSE = 1e-6
WEIGHTS = ("W", "U", "b", "V", "c")


def job_of(neuron, parameters=None, scale=1.0, steps=12, averaging=False, neurons=4, scored=None, **circuit):
    """A job of one network and one trajectory."""
    options = {"neurons": neurons, "readout": "random", "activation": "tanh", "feedback": "random", **circuit}
    description = ap.Circuit(neuron=str(neuron), rule="bptt", learn=WEIGHTS, **options)
    protocol = ap.Protocol(replicates=1, train=1, validate=0, test=0, averaging=averaging, update="trajectory")
    drawn = draw(description, ap.BouncingBall(steps=steps), protocol)
    rng = np.random.default_rng(5)
    weights = drawn.weights
    weights = replace(weights, W=scale * weights.W, U=scale * weights.U, b=scale * rng.normal(0.2, 0.2, (1, neurons)))
    weights = replace(weights, c=rng.normal(0, 0.2, (1, 2)))
    y = drawn.y
    if description.loss == "cross-entropy":
        y = np.exp(2 * y) / np.exp(2 * y).sum(axis=-1, keepdims=True)
    values = resolve_parameters(description, parameters or {}, 1)
    return prepare(description, replace(drawn, weights=weights, y=masked(y, scored)), protocol, values, np.arange(1))


def loss(job):
    """The loss (N,) of the trajectory in each network, and its states."""
    network = Network(job, step_of(models_of(job), job.circuit))
    network.show(job.x[job.source], job.y[job.source])
    network.run()
    total = 0.0
    for k, (share, prediction, err) in enumerate(
        zip(network.shares(job.averaging), network.prediction, network.err, strict=True)
    ):
        t = k // network.substeps
        nats = -np.where(network.counts[:, :, t], network.y[:, :, t] * np.log(prediction), 0) if network.softmax else 0
        total = total + share * (nats if network.softmax else err**2 / 2).sum(axis=(1, 2))
    sent = np.mean([each["sent"] for each in network.states[1:]], axis=0)
    excess = sent - network.given["f_target"] / 1000
    return total + (network.given["c_reg"] * excess**2 / 2).sum(axis=(1, 2)), network


def differences(job, step):
    """The finite differences of the loss by every weight, all perturbed networks beside each other."""
    sizes = {name: getattr(job.weights, name)[0].size for name in WEIGHTS}
    networks = 4 * sum(sizes.values())
    many = job.part(np.zeros(networks, dtype=int), networks)
    first = 0
    for name, size in sizes.items():
        flat = getattr(many.weights, name).reshape(networks, size)
        for number, sign in enumerate((1, -1, 2, -2)):
            rows = first + number * size + np.arange(size)
            flat[rows, np.arange(size)] += sign * step * np.maximum(1, np.abs(flat[0]))
        first += 4 * size
    losses, network = loss(many)
    found, first = {}, 0
    for name, size in sizes.items():
        up, down, far_up, far_down = losses[first : first + 4 * size].reshape(4, size)
        width = step * np.maximum(1, np.abs(getattr(job.weights, name)[0].ravel()))
        slope = (8 * (up - down) - (far_up - far_down)) / (12 * width)  # of fourth order
        found[name] = slope.reshape(getattr(job.weights, name)[0].shape)
        first += 4 * size
    return found, network


def assert_differences(job, step=1e-4, silent=(), close=CLOSE):
    """The gradient by every weight is the finite difference, and none of them is nothing."""
    mine, (theirs, network) = gradients(job), differences(job, step)
    for name in WEIGHTS:
        largest = np.abs(theirs[name]).max()
        assert (largest > 1e-7) == (name not in silent), (name, largest)
        assert np.abs(mine[name][0] - theirs[name]).max() <= close * max(largest, 1e-6), name
    assert np.std([each["activity"] for each in network.states[1:]]) > 1e-4
    return mine, network


@pytest.mark.parametrize("averaging", [False, True])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "linear"])
@pytest.mark.parametrize("neuron", ["rate", "leaky"])
def test_rates(neuron, activation, averaging):
    assert_differences(job_of(neuron, {"tau_m": 3 * ms}, activation=activation, averaging=averaging, scale=0.7))


CIRCUITS = {
    "softmax": {"loss": "cross-entropy"},
    "returned": {"returned": True},
    "returned, softmax": {"returned": True, "loss": "cross-entropy"},
    "a delay": {"delay": 2},
    "a delay from each neuron": {"delay": np.arange(4)},
    "a delay of each synapse, returned": {"delay": np.arange(16).reshape(4, 4) % 3, "returned": True},
    "rk2": {"method": "rk2", "substeps": 2},
    "rk4, a delay": {"method": "rk4", "substeps": 3, "delay": 4},
    "heun": {"method": "heun"},
    "milstein": {"method": "milstein"},
    "exponential": {"method": "exponential_euler", "substeps": 2, "averaging": True},
    "exact": {"method": "exact", "substeps": 2},
    "some steps scored": {"scored": np.arange(12) % 3 == 0},
    "each neuron another": {"parameters": {"tau_m": np.linspace(2, 9, 4)[None] * ms}},
}


@pytest.mark.parametrize("circuit", CIRCUITS)
def test_other_circuits(circuit):
    options = {"parameters": {"tau_m": 3 * ms}, **CIRCUITS[circuit]}
    assert_differences(job_of("leaky", **options))


SMOOTH = {
    # what stands for activity and sent where these would be made of spikes; substeps, parameters, size of the weights
    "lif": (("5*v", "v*2"), {}, {}, 0.02),
    "alif": (("5*v + 0.1*a", "tanh(9*v)"), {}, {}, 0.02),
    "adex": (("(v - E_L)/(20*mV)", "(v - E_L)/(20*mV) + I_w/nA"), {"substeps": 10}, {"I_scale": 0.2 * nA}, 1.0),
    "hh": (("20*m + 5*n", "9*m*h"), {"substeps": 20}, {"I_scale": 0.1 * nA}, 0.5),
    "autaptic": (("20*m + 5*n", "9*m*h"), {"substeps": 20}, {"I_scale": 0.01 * nA}, 0.5),
}
"""Each in a run without a spike. A membrane near the threshold has a pseudo-derivative; with gamma = 0 it has none."""


def smooth(neuron, path):
    """The file of a neuron that shows and sends what is smooth."""
    model = read_neuron(neuron)
    (activity, sent), *_ = SMOOTH[neuron]
    lines = model.equations.split("\n")
    kept = [line for line in lines if line.split("=")[0].strip() not in ("activity", "sent")]
    text = "\n".join([*kept, f"activity = {activity} : 1", f"sent = {sent} : 1"])
    path.write_text(model_text("Neuron", replace(model, equations=text)))
    return path


@pytest.mark.parametrize("neuron", SMOOTH)
def test_spiking_neurons_in_runs_without_a_spike(neuron, tmp_path):
    _, circuit, parameters, scale = SMOOTH[neuron]
    job = job_of(smooth(neuron, tmp_path / f"{neuron}.py"), parameters | {"gamma": 0}, scale, steps=8, **circuit)
    _, network = assert_differences(job, step=1e-3 if neuron == "adex" else 1e-4)
    assert not np.sum(network.spikes)


FIRING = {
    "lif": {"v_th": 0.01},
    "alif": {"v_th": 0.01},
    "adex": {"I_scale": 6 * nA},
    "hh": {"I_scale": 2 * nA},
    "autaptic": {"I_scale": 1 * nA},
}


@pytest.mark.parametrize("neuron", FIRING)
def test_where_spikes_have_no_slope_they_are_constants(neuron, tmp_path):
    """Between spikes the loss is smooth, with spikes that move by less than an integration step."""
    _, circuit, *_ = SMOOTH[neuron]
    path = smooth(neuron, tmp_path / f"{neuron}.py")
    job = job_of(path, FIRING[neuron] | {"gamma": 0}, 0.5, steps=20, **circuit)
    mine, network = assert_differences(job, step=1e-6, close=2e-5)
    assert (np.sum(network.spikes, axis=0).min(axis=(0, 1)) >= 1).sum() >= 2
    if neuron not in ("autaptic", "hh"):  # whose spikes change nothing that is shown or sent here
        other = gradients(replace(job, parameters={**job.parameters, "gamma": np.full(1, 0.3)}))
        assert np.abs(other["W"] - mine["W"]).max() > 1e-5 * np.abs(mine["W"]).max()


OWN = """
from brian2 import ms
from autapse_sim import Neuron
neuron = Neuron(
    equations='''
        dv/dt = (-v + tanh(up - down) + input + clip(bias, -0.3, 0.5) - 0.4*q*r)/tau_v : 1
        dq/dt = (choose(v > 0.2 and not (r < -5), v**2, exp(v) - 0.5) - q)/tau_q*(1 + 0.2*sin(t/step)) : 1
        dr/dt = (clip(q - v, -0.4, 0.1) - r + abs(v - 0.1))/(2*tau_v)/(1 + exp(-q)) : 1
        mixed = v*q + r/(1 + i/N) : 1
        activity = mixed + activity_before : 1
        activity_before = 0.3*sqrt(1 + q**2) : 1
        sent = choose(mixed > 0.05, mixed, log(1 + abs(mixed))) : 1
    ''',
    initial={"v": "0.1*i - 0.1", "q": "v + 0.2"},
    sums={"up": "clip(w, 0.2, inf)*sent_pre*(1 + 0.1*v_post)", "down": "-clip(w, -inf, 0)*(mixed_pre + 0.3*sent_pre)"},
    method="METHOD",
    parameters={"tau_v": 4*ms, "tau_q": 7*ms},
)
"""


@pytest.mark.parametrize("circuit", ["plain", "softmax", "a delay of each synapse, returned"])
@pytest.mark.parametrize("method", ["euler", "rk2", "rk4"])
def test_a_neuron_of_ones_own(method, circuit, tmp_path):
    """Three coupled variables, clip, choose, sums over synapses by w's sign, starting values and time."""
    path = tmp_path / "own.py"
    path.write_text(OWN.replace("METHOD", method))
    given = {"tau_v": np.linspace(3, 6, 4)[None] * ms}
    mine, _ = assert_differences(job_of(path, given, substeps=2, averaging=True, **CIRCUITS.get(circuit, {})), 1e-6)
    assert np.count_nonzero(mine["W"]) > 8


ITSELF = [
    "v*(v > 0.02)",
    "choose(v > 0.02, 0.4*v, sin(v))",
    "v/(2 + sign(v - 0.02))**2",
    "v/(1 + floor(abs(v)))**2",
    "v/choose(v > 0.02, 1, 2)**3",
    "2**(-int(v > 0.02))*v",
]


@pytest.mark.parametrize("method", ["euler", "rk2"])
def test_a_state_may_ask_for_itself_and_powers_are_real(method, tmp_path):
    for form, name in zip(ITSELF, ["v", "np", "real", "np", "real", "v"], strict=True):
        path = tmp_path / "own.py"
        equations = f"dv/dt = (drive + input + bias + {form} - v)/(3*ms) : 1\nactivity = tanh(v)*(v > -9 and v < 9) : 1"
        equations = re.sub(r"\bv\b|(?<=\bd)v\b", name, equations)
        path.write_text(
            f"from brian2 import ms\nfrom autapse_sim import Neuron\nneuron = Neuron({equations!r}, method={method!r})"
        )
        assert_differences(job_of(path), 1e-6)


@pytest.mark.parametrize("g", [0.0, 1e-7, 0.4])
def test_a_rate_of_exponential_euler_may_be_0(g, tmp_path):
    path = tmp_path / "own.py"
    path.write_text(
        "from brian2 import ms\nfrom autapse_sim import Neuron\nneuron = Neuron(\n"
        "    'dv/dt = (drive + input + bias - g*q*v)/(3*ms) : 1\\n"
        "dq/dt = (v - g*q)/(5*ms) : 1\\nactivity = tanh(v + q) : 1',\n"
        "    method='exponential_euler', parameters={'g': 1.0})"
    )
    assert_differences(job_of(path, {"g": g}), 1e-6)


TOLD = """
from brian2 import ms
from autapse_sim import Neuron
neuron = Neuron(
    equations='''do/dt = (tanh(drive + input + bias - 0.3*feedback) - o)/(3*ms) : 1
        dr/dt = (loss/(1 + loss) - r)/(5*ms) : 1
        activity = o + 0.4*r : 1''')
"""


@pytest.mark.parametrize("circuit", ["plain", "softmax", "returned, softmax", "some steps scored"])
def test_a_neuron_that_is_told_of_its_error(circuit, tmp_path):
    path = tmp_path / "told.py"
    path.write_text(TOLD)
    job = job_of(path, substeps=2, **CIRCUITS.get(circuit, {}))
    mine, _ = assert_differences(job)
    other = gradients(replace(job, weights=replace(job.weights, B=-job.weights.B)))
    assert np.abs(other["W"] - mine["W"]).max() > 1e-3 * np.abs(mine["W"]).max()


PENALISED = {
    "one target": {},
    "substeps and a delay": {"substeps": 2, "delay": 3, "method": "rk4"},
    "cross-entropy, eq. 1's 1/t": {"loss": "cross-entropy", "averaging": True},
    "another target for each": {"c_reg": np.array([[3.0, 0.0, 5.0, 1.0]]), "f_target": np.linspace(-200, 300, 4)[None]},
}


@pytest.mark.parametrize("neuron", ["rate", "leaky"])
@pytest.mark.parametrize("circuit", PENALISED)
def test_a_penalty_on_what_is_sent(circuit, neuron):
    options = {"c_reg": 4.0, "f_target": np.array(300.0), **PENALISED[circuit]}
    given = {"c_reg": options.pop("c_reg"), "f_target": options.pop("f_target") * Hz}
    job = job_of(neuron, given, scale=0.5, **options)
    mine, _ = assert_differences(job)
    without = gradients(job, pulled=False)
    for name in WEIGHTS:  # the read-out has none
        apart = np.abs(mine[name] - without[name]).max()
        assert (apart == 0) if name in ("V", "c") else (apart > 1e-2 * np.abs(mine[name]).max()), name


def test_a_wrong_gradient_is_seen():
    """The negative control: of a circuit with another activation, or in which delays are shorter."""
    job = job_of("leaky", delay=2)
    theirs, _ = differences(job, 1e-4)
    for change in ({"activation": "sigmoid"}, {"delay": 1}):
        mine = gradients(replace(job, circuit=replace(job.circuit, **change)))
        assert np.abs(mine["W"][0] - theirs["W"]).max() > 1e-3 * np.abs(theirs["W"]).max()


@pytest.mark.parametrize("neuron", [*sorted(library("neurons"))])
def test_every_neuron_learns_along_its_gradient(neuron):
    """A step along the gradient is what training takes, with spikes that have pseudo-derivatives."""
    circuit = SMOOTH[neuron][1] if neuron in SMOOTH else {}
    job = job_of(neuron, FIRING.get(neuron), steps=20, **circuit)
    mine = gradients(job)
    outcome = simulate(job)
    for name in WEIGHTS[:3]:
        assert np.abs(mine[name]).max() > 0
        moved = getattr(job.weights, name) - getattr(outcome.weights, name)
        np.testing.assert_allclose(moved, job.parameters["eta"] * mine[name], rtol=1e-9, atol=1e-14)
