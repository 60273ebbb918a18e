"""Spiking neurons in compiled circuits against plain Brian2 scripts and a loop in NumPy, and what is said of them."""

import subprocess
import sys
from pathlib import Path

import brian2 as b2
import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.spec.model import library, read_neuron
from autapse_sim.spec.quantities import unit_of

R, N, M, C, T = 4, 5, 3, 2, 60
SILENT, SATURATED = 2, 3
pytestmark = pytest.mark.usefixtures("fast_programs")
ENGINES = ["runtime"] + (["standalone"] if compiler() else [])
COMPILED = ENGINES[-1]
MS = 1e-3

CASES = {
    # what the plain script reads, written once more by hand; substeps, size of inputs, parameters by neuron and network
    "lif": {
        "substeps": 2,
        "scale": 0.08,
        "equations": "dv/dt = (-v + 2*arriving + shown(t, i))/tau_m : 1",
        "threshold": "v >= v_th",
        "reset": "v -= v_th*exp(dt/tau_m)",
        "refractory": "t_ref",
        "method": "exponential_euler",
        "parameters": {
            "tau_m": np.linspace(10, 40, N)[None] * b2.ms,
            "v_th": np.linspace(0.02, 0.05, R * N).reshape(R, N),
            "t_ref": 3 * b2.ms,
        },
    },
    "adex": {
        "substeps": 10,
        "scale": 1.5,
        "equations": """
            dv/dt = (g_L*(E_L - v) + g_L*Delta_T*exp((v - V_T)/Delta_T) - w + (10*arriving + shown(t, i))*nA)/C
                : volt (unless refractory)
            dw/dt = (a*(v - E_L) - w)/tau_w : amp""",
        "threshold": "v > v_cut",
        "reset": "v = v_reset; w += b",
        "refractory": "t_ref",
        "method": "euler",
        "parameters": {
            "tau_w": np.linspace(30, 300, N)[None] * b2.ms,
            "b": np.linspace(10, 100, R * N).reshape(R, N) * b2.pA,
            "t_ref": 2 * b2.ms,
        },
    },
    "hh": {
        "substeps": 20,
        "scale": 1.5,
        "equations": """
            dv/dt = (g_L*(E_L - v) - g_Na*m*m*m*h*(v - E_Na) - g_K*n*n*n*n*(v - E_K)
                + 0.2*nA*(20*arriving + shown(t, i)) + I_bias)/C : volt
            dm/dt = a_m*(1 - m) - b_m*m : 1
            dh/dt = a_h*(1 - h) - b_h*h : 1
            dn/dt = a_n*(1 - n) - b_n*n : 1
            a_m = 0.32/mV*4*mV/exprel((13*mV - v + V_T)/(4*mV))/ms : Hz
            b_m = 0.28/mV*5*mV/exprel((v - V_T - 40*mV)/(5*mV))/ms : Hz
            a_h = 0.128*exp((17*mV - v + V_T)/(18*mV))/ms : Hz
            b_h = 4./(1 + exp((40*mV - v + V_T)/(5*mV)))/ms : Hz
            a_n = 0.032/mV*5*mV/exprel((15*mV - v + V_T)/(5*mV))/ms : Hz
            b_n = .5*exp((10*mV - v + V_T)/(40*mV))/ms : Hz""",
        "threshold": "v > -20*mV",
        "reset": "",
        "refractory": "v > -20*mV",
        "method": "exponential_euler",
        "parameters": {
            "V_T": np.linspace(-64, -60, N)[None] * b2.mV,
            "g_K": np.linspace(4, 8, R * N).reshape(R, N) * b2.uS,
            "I_bias": np.where(np.arange(R)[:, None] == SILENT, 0, np.full((R, N), 0.05)) * b2.nA,
        },
    },
}


def task_and_weights(scale):
    """A noisy stimulus and networks that it drives; of the last two, one has no input and one far too much."""
    rng = np.random.default_rng(3)
    x, y = rng.random((R, 2, T, M)), rng.random((R, 2, T, C))
    W = scale * rng.normal(size=(R, N, N)) / 2
    U, V, B = scale * rng.random((R, N, M)), rng.normal(size=(R, C, N)), rng.normal(size=(R, N, C))
    b = np.zeros((R, N))
    for part in (W, U):
        part[[SILENT, SATURATED]] = 0
    b[SATURATED] = 1e3 * scale
    return ap.ArrayTask(x, y), ap.Weights(W, U, V, B, b=b)


def trained(neuron, learn=(), parameters=None, engine=COMPILED):
    """A circuit of the case, all of whose networks are recorded."""
    case = CASES[neuron]
    task, weights = task_and_weights(case["scale"])
    circuit = ap.Circuit(neuron=neuron, neurons=N, readout="random", learn=learn, substeps=case["substeps"])
    protocol = ap.Protocol(replicates=R, train=1, validate=0, test=1, record=R)
    return ap.train(circuit, task, protocol, weights, case["parameters"] | (parameters or {}), engine=engine).data


def plain(neuron):
    """The first two networks in the second trajectory as a Brian2 script: spikes in and v after each step, (4, T, n).

    The other two are the same networks, whose neurons are all alike.
    """
    case, networks = CASES[neuron], 4
    task, weights = task_and_weights(case["scale"])
    values = {**read_neuron(neuron).parameters, **case["parameters"]}
    constants = "\n".join(f"{name} : {unit_of(value)} (constant)" for name, value in values.items())
    twice = np.array([0, 1, 0, 1])
    currents = np.einsum("rni,rti->trn", weights.U[twice], task.x[twice, 1]).reshape(T, -1)
    namespace = {"shown": b2.TimedArray(currents, dt=1 * b2.ms)}
    clock = b2.Clock(dt=1 * b2.ms / case["substeps"])
    model = f"{case['equations']}\narriving : 1\n{constants}"
    options = {name: case[name] for name in ("threshold", "reset", "refractory", "method")}
    group = b2.NeuronGroup(networks * N, model, clock=clock, namespace=namespace, **options)
    for name, value in values.items():
        full = np.broadcast_to(np.asarray(value, dtype=float), (R, N))[twice].copy()
        full[2:] = full[0, 0]
        group.variables[name].set_value(full.ravel())
    if "E_L" in values:
        group.v = "E_L"
    if neuron == "hh":
        for gate in "mhn":
            setattr(group, gate, f"a_{gate}/(a_{gate} + b_{gate})")
    group.run_regularly("arriving = 0", when="after_groups")
    synapses = b2.Synapses(group, group, "weight : 1", on_pre="arriving_post += weight", clock=clock)
    synapses.connect(condition=f"i//{N} == j//{N}")
    synapses.weight = np.array(
        [weights.W[twice][i // N, j % N, i % N] for i, j in zip(synapses.i, synapses.j, strict=True)]
    )
    spikes = b2.SpikeMonitor(group)
    states = b2.StateMonitor(group, "v", record=True, clock=clock, when="end")
    b2.Network(group, synapses, spikes, states).run(T * b2.ms, namespace={})
    counts = np.zeros((T, networks * N))
    steps = np.floor(np.asarray(spikes.t) / MS + 1e-6).astype(int)
    np.add.at(counts, (steps, np.asarray(spikes.i)), 1)
    v = np.asarray(states.v)[:, case["substeps"] - 1 :: case["substeps"]]
    return counts.reshape(T, networks, N).swapaxes(0, 1), v.T.reshape(T, networks, N).swapaxes(0, 1)


@pytest.fixture(autouse=True)
def numpy_target():
    """The plain scripts run without compiling."""
    before = b2.prefs.codegen.target
    b2.prefs.codegen.target = "numpy"
    yield
    b2.prefs.codegen.target = before


RUNS = [("lif", "runtime")]
if COMPILED != "runtime":
    RUNS += [pytest.param(name, COMPILED, marks=pytest.mark.slow) for name in ("lif", "adex", "hh")]


@pytest.mark.parametrize(("neuron", "engine"), RUNS)
def test_circuits_spike_as_plain_brian_scripts_do(neuron, engine):
    data = trained(neuron, engine=engine)
    both, v = plain(neuron)
    counts, alike = both[:2], both[2:]
    rate = data.rate[:2].mean("neuron")
    assert ((rate > 5) & (rate < 150)).all()
    assert (np.ptp(counts.sum(axis=1), axis=1) > 0).all()
    np.testing.assert_array_equal(data.trace_spikes.sel(phase="test 1")[:2], counts)
    np.testing.assert_allclose(data.trace_v.sel(phase="test 1")[:2], v[:2], rtol=1e-9, atol=1e-12)
    # the first trajectory has left nothing, and is another one
    assert (data.trace_spikes.sel(phase="training 1")[:2] != counts).any()
    assert (alike != counts).any(axis=(1, 2)).all()
    np.testing.assert_array_equal(data.alive[:3], [True, True, False])
    assert (data.rate[SILENT] == 0).all()
    if neuron != "hh":  # its sodium channels stay shut when the current is too strong
        assert not data.alive[SATURATED]
        assert (data.rate[SATURATED] > 200).all()


def looped(data, parameters, update):
    """Two networks of lif neurons that learn W and V in the first trajectory, as a loop: spikes, v, and W, V after."""
    task, weights = task_and_weights(CASES["lif"]["scale"])
    tau_m, tau_out, tau, t_ref = 20.0, 30.0, 10.0, 3
    v_th = np.asarray(parameters["v_th"])[:2]
    W, U, V, B = (getattr(weights, name)[:2].copy() for name in "WUVB")
    v, o, k, z = (np.zeros((2, N)) for _ in range(4))
    free_from = np.zeros((2, N))
    spikes, voltage = np.zeros((2, T, N)), np.zeros((2, T, N))
    change = np.zeros_like(W), np.zeros_like(V)
    for t in range(T):
        current = np.einsum("rij,rj->ri", W, z) + np.einsum("rij,rj->ri", U, task.x[:2, 0, t])
        k = o + (k - o) * np.exp(-1 / tau)
        v = current + (v - current) * np.exp(-1 / tau_m)
        o = o * np.exp(-1 / tau_out)
        z = 1.0 * ((v >= v_th) & (t >= free_from))
        free_from[z > 0] = t + t_ref
        v = v - z * v_th * np.exp(1 / tau_m)
        o = o + z * (1 - np.exp(-1 / tau_out))
        err = np.einsum("rcj,rj->rc", V, o) - task.y[:2, 0, t]
        feedback = np.einsum("rnc,rc->rn", B, err)
        for part, g in zip(change, (feedback[:, :, None] * k[:, None], err[:, :, None] * o[:, None]), strict=True):
            part -= parameters["eta"] * g
        if update == "step" or t == T - 1:
            W, V = W + change[0], V + change[1]
            change = np.zeros_like(W), np.zeros_like(V)
        spikes[:, t], voltage[:, t] = z, v
    return spikes, voltage, W, V


@pytest.mark.parametrize("update", ["step", "trajectory"])
def test_learning_lif_neurons_are_a_loop_in_numpy(update):
    task, weights = task_and_weights(CASES["lif"]["scale"])
    given = {"eta": 1e-3, "eta_out": 1e-3, "tau_m": 20 * b2.ms, "t_ref": 3 * b2.ms}
    given |= {"v_th": CASES["lif"]["parameters"]["v_th"]}
    circuit = ap.Circuit(neuron="lif", neurons=N, readout="random", learn=("W", "V"))
    protocol = ap.Protocol(replicates=R, train=1, validate=0, test=0, record=R, update=update)
    data = ap.train(circuit, task, protocol, weights, given, engine="runtime").data
    spikes, v, W, V = looped(data, given, update)
    assert 5 < spikes.mean() / MS < 150
    assert np.abs(W - weights.W[:2]).max() > 1e-4
    np.testing.assert_array_equal(data.trace_spikes[:2, 0], spikes)
    np.testing.assert_allclose(data.trace_v[:2, 0], v, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(data.W[:2], W, rtol=0, atol=1e-12)
    np.testing.assert_allclose(data.V[:2], V, rtol=0, atol=1e-12)
    still = looped(data, given | {"eta": 0.0}, update)
    assert (still[0] != spikes).any() == (update == "step")
    assert np.abs(still[2] - W).max() > 1e-4


def rates(spikes, begin, end):
    """Spikes a second of each neuron from the first to the last in a window of steps, (n,); 0 where there are none."""
    times = [np.flatnonzero(train) for train in spikes[begin:end].T]
    return np.array([(len(t) - 1) / np.ptp(t) / MS if len(t) > 1 else 0 for t in times])


@pytest.mark.slow
@pytest.mark.skipif(COMPILED == "runtime", reason="100,000 time steps need a compiler")
def test_a_tuned_autapse_holds_rates_and_a_mistuned_one_loses_them():
    begins, pulse, hold, window = (300, 1850, 3400), 150, 1400, 400
    x = np.zeros((1, 1, begins[-1] + pulse + hold, 1))
    for begin in begins:
        x[:, :, begin : begin + pulse] = 0.3
    w_a = np.array([[0.9, 1.0, 1.1]]) * read_neuron("autaptic").parameters["w_a"]
    n = w_a.size
    weights = ap.Weights(np.zeros((1, n, n)), np.ones((1, n, 1)), np.zeros((1, 1, n)), np.zeros((1, n, 1)))
    circuit = ap.Circuit(neuron="autaptic", neurons=n, readout="random", learn=(), substeps=20)
    protocol = ap.Protocol(replicates=1, train=0, validate=0, test=1, record=1)
    data = ap.train(circuit, ap.ArrayTask(x, np.zeros_like(x)), protocol, weights, {"w_a": w_a}).data
    spikes = data.trace_spikes.values[0, 0]
    ends = [begin + pulse for begin in begins]
    before = np.array([rates(spikes, end, end + window) for end in ends])
    after = np.array([rates(spikes, end + hold - window, end + hold) for end in ends])
    drift = after[:, 1] / before[:, 1] - 1  # in a second, from the middle of one window to that of the other
    assert (np.abs(drift) < 0.1).all()
    assert (before[:, 1] > (5, 15, 25)).all()
    assert (before[:, 1] < (15, 25, 45)).all()
    assert (after[:, 0] == 0).all()
    assert before[0, 0] > 0
    assert after[0, 2] > 2 * before[0, 2] > 0
    assert (spikes[: begins[0]] == 0).all()


@pytest.mark.slow
def test_the_figure_of_the_autapse_is_drawn(tmp_path):
    script = Path(__file__).parents[1] / "figures" / "autapse_memory.py"
    subprocess.run([sys.executable, script, tmp_path], check=True)
    assert {path.name for path in tmp_path.iterdir()} == {"autapse_memory.pdf", "autapse_memory.png"}


GOOD = {
    "equations": "dv/dt = (drive + input + bias - v)/tau_m : 1\nactivity = v : 1",
    "threshold": "v > 1",
    "reset": "v = 0",
    "refractory": "2*ms",
}


def file_of(tmp_path, **changes):
    """A user's model file, and its text."""
    given = {**GOOD, **changes}
    lines = [f"    {name}={text!r}," for name, text in given.items() if text]
    lines = ["from brian2 import ms", "from autapse_sim import Neuron", "neuron = Neuron(", *lines]
    path = tmp_path / "mine.py"
    path.write_text("\n".join([*lines, "    parameters={'tau_m': 10*ms},", ")", ""]))
    return path


def shown(path):
    """Five steps of a user's neuron."""
    protocol = ap.Protocol(replicates=1, train=1, validate=0, test=0)
    return ap.train(ap.Circuit(neuron=str(path)), ap.BouncingBall(steps=5), protocol, engine="runtime")


@pytest.mark.parametrize(
    ("changes", "line", "said"),
    [
        ({"reset": "v > 0"}, 6, "'v > 0' is no assignment"),
        ({"reset": "v == 0"}, 6, "is no assignment"),
        ({"threshold": "v > theta"}, 5, "'theta' means nothing in the neuron"),
        ({"reset": "v = rest"}, 6, "'rest' means nothing in the neuron"),
        ({"refractory": "2"}, 7, "wrong unit: it is 1, and should be s"),
        ({"threshold": "", "reset": ""}, 5, r"refractory=\.\.\.\) needs a threshold"),
        ({"threshold": "", "refractory": ""}, 5, r"reset=\.\.\.\) needs a threshold"),
        ({"initial": {"u": "1"}}, 8, "'u'"),
    ],
)
def test_mistakes_in_a_users_file_are_told_with_its_line(tmp_path, changes, line, said):
    path = file_of(tmp_path, **changes)
    with pytest.raises(ap.InputError, match=said) as caught:
        shown(path)
    assert f"{path}, line {line}:" in str(caught.value)


def test_a_users_file_without_mistakes_runs(tmp_path):
    assert "rate" in shown(file_of(tmp_path)).data


@pytest.mark.parametrize("name", library("neurons"))
def test_every_neuron_says_what_its_parameters_are(name):
    neuron = read_neuron(name)
    text = neuron.path.read_text().split('"""')[1]
    for parameter in neuron.parameters:
        assert f"\n{parameter} " in text


def test_a_parameter_per_neuron_is_not_taken_for_one_per_input():
    circuit = ap.Circuit(rule="autapse", neurons=2, learn=("W", "U"))
    protocol = ap.Protocol(replicates=1, train=1, validate=0, test=0)
    with pytest.raises(ap.InputError, match="tau is given per neuron"):
        ap.train(circuit, ap.BouncingBall(steps=5), protocol, parameters={"tau": np.array([[20, 30]]) * b2.ms})
