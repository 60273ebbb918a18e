"""Compiled gradients against the way in NumPy: all that a run gives back, and what is refused."""

from dataclasses import replace

import numpy as np
import precompiled
import pytest
import test_discrete
from brian2 import Hz, ms

import autapse_sim as ap
from autapse_sim.engines import discrete
from autapse_sim.engines.adjoint import simulate as in_numpy
from autapse_sim.engines.adjoint.compiled import files
from autapse_sim.engines.adjoint.compiled.run import lanes_of, simulate
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.errors import InputError
from autapse_sim.tasks.shown import masked
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import draw
from autapse_sim.training.train import choose_engine, prepare

pytestmark = pytest.mark.skipif(not compiler(), reason="needs a C++ compiler")

EXACT = 1e-12
"""Measured: 1e-14; exp and tanh of eight lanes at once are within 4 units in the last place of those of NumPy."""
ALL = ("W", "U", "b", "V", "c")
ETA = {"sigmoid": 0.03, "tanh": 0.01, "relu": 0.003, "linear": 0.001}
HOW = {"Own<2>": {"update": "trajectory"}, "Shared<1>": {"update": "batch", "batch": 5}}
HOW |= {"Shared<2>": {"update": "batch", "batch": 16}, "Single": {"update": "trajectory"}}


def job_of(neuron, neurons=6, replicates=3, parameters=None, steps=20, updates=20, learn=ALL, activation="tanh", **how):
    """A job of 20 updates of all weights, with looks in between that interrupt batches."""
    fields = {"loss", "substeps", "through_reset", "rule", "delay", "returned", "precision"}
    circuit = ap.Circuit(
        **{"rule": "bptt", **{name: how.pop(name) for name in fields & how.keys()}},
        neuron=neuron,
        neurons=neurons,
        readout="random",
        learn=learn,
        activation=activation,
        feedback="random",
    )
    how = {"update": "trajectory", "batch": 1, **how}
    train = 1 if how["update"] == "step" else updates * how["batch"]
    rates = {"eta": ETA[activation], "eta_out": 0.01} if {"V", "c"} & {*learn} else {"eta": ETA[activation]}
    protocol = ap.Protocol(replicates=replicates, train=train, validate=1, test=2, record=2, validate_every=7, **how)
    drawn = draw(circuit, ap.BouncingBall(steps=steps), protocol)
    values = resolve_parameters(circuit, {**rates, **(parameters or {})}, replicates)
    drawn = replace(drawn, weights=replace(drawn.weights, W=0.5 * drawn.weights.W))  # in a contracting regime
    job = prepare(circuit, drawn, protocol, values, np.arange(replicates))
    if circuit.loss == "cross-entropy":
        odds = np.exp(job.y)
        job = replace(job, y=odds / odds.sum(axis=-1, keepdims=True))
    return job


def difference(one, other):
    """The largest difference in all that a run gives back."""
    pairs = [(one.spikes, other.spikes)] if other.spikes is not None else []
    pairs += [(one.states[name].values, each.values) for name, each in other.states.items() if name in one.states]
    pairs += [(one.checkpoints[name], each) for name, each in other.checkpoints.items()]
    assert one.traces.keys() == other.traces.keys()
    return max([test_discrete.difference(one, other), *(np.abs(a - b).max() for a, b in pairs if a.size)])


def assert_alive(job, outcome):
    """All weights moved, activity varies, and neurons that can spike do."""
    assert outcome.engine == "compiled"
    assert outcome.traces["activity"].std() > 1e-3
    for name in job.circuit.learn:
        before = getattr(job.weights, name)
        assert np.abs(getattr(outcome.weights, name) - (0 if before is None else before)).max() > 1e-5, name
    assert outcome.spikes is None or outcome.spikes.sum() > 100


NEURONS = {
    **{f"rate, {f}": ("rate", {"activation": f}) for f in ("tanh", "sigmoid", "relu", "linear")},
    "rate, tau_m = 10": ("rate", {"parameters": {"tau_m": 10 * ms}}),
    "leaky": ("leaky", {}),
    "leaky from where it is told": ("leaky", {"parameters": {"a_0": 0.3}}),
    "lif": ("lif", {}),
    "lif, reset detached": ("lif", {"through_reset": False}),
    "lif, refractory": ("lif", {"parameters": {"t_ref": 2 * ms}}),
    "alif": ("alif", {}),
    "alif, reset detached, refractory": ("alif", {"through_reset": False, "parameters": {"t_ref": 3 * ms}}),
    "alif, each another": ("alif", {"parameters": {"beta": np.linspace(0, 0.01, 18).reshape(3, 6)}}),
}


QUICK = ("rate, tanh", "lif, reset detached", "alif, each another")
"""What a default run takes."""
CASES = [
    pytest.param(case, lanes, marks=[] if case in QUICK else [pytest.mark.slow]) for case in NEURONS for lanes in HOW
]


@pytest.mark.parametrize(("case", "lanes"), CASES)
def test_after_twenty_updates_all_is_as_in_numpy(case, lanes):
    neuron, options = NEURONS[case]
    if lanes == "Single":
        if case == "alif, each another":
            options = {"parameters": {"beta": np.linspace(0, 0.01, 60).reshape(3, 20)}}
        options = {**options, "neurons": 20}
    job = job_of(neuron, **options, **HOW[lanes])
    assert lanes_of(job) == lanes
    outcome = simulate(job)
    assert difference(outcome, in_numpy.simulate(job)) <= EXACT
    assert_alive(job, outcome)


@pytest.mark.parametrize("batch", [1, 16])
@pytest.mark.parametrize("replicates", [pytest.param(1, marks=pytest.mark.slow), 7])
@pytest.mark.parametrize("neurons", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (8, 12)), 33])
@pytest.mark.parametrize("neuron", ["rate", "alif"])
def test_so_it_is_for_sizes_of_any_kind(neuron, neurons, replicates, batch):
    job = job_of(neuron, neurons, replicates, update="batch", batch=batch, updates=8)
    outcome = simulate(job)
    assert difference(outcome, in_numpy.simulate(job)) <= EXACT
    assert_alive(job, outcome)
    if neuron == "rate":
        assert test_discrete.difference(outcome, discrete.simulate(job)) <= EXACT


AS_USERS = [
    ("rate, tanh", "Own<2>"),
    *(
        pytest.param(*each, marks=pytest.mark.slow)
        for each in (("rate, sigmoid", "Shared<2>"), ("alif", "Shared<1>"), ("alif", "Single"))
    ),
]


@pytest.mark.parametrize(("case", "lanes"), AS_USERS)
def test_so_it_is_in_programs_as_users_have_them(case, lanes, shared_folder, monkeypatch):
    """With the vector functions of the C library, and sums in any order."""
    monkeypatch.setenv("AUTAPSE_CXXFLAGS", precompiled.flags(shared_folder))
    neuron, options = NEURONS[case]
    job = job_of(neuron, 20 if lanes == "Single" else 6, **options, **HOW[lanes])
    outcome = simulate(job)
    assert difference(outcome, in_numpy.simulate(job)) <= EXACT
    assert_alive(job, outcome)


PENALTY = {"c_reg": np.linspace(0.0, 5.0, 18).reshape(3, 6), "f_target": np.linspace(5.0, 100.0, 6)[None] * Hz}
OTHERS = {
    "fa": {"rule": "fa"},
    "fa, each step": {"rule": "fa", "update": "step"},
    "each step": {"update": "step"},
    "each step of a larger network": {"update": "step", "neurons": 20},
    "each step of three": {"update": "step", "substeps": 3},
    "each step of three, momentum": {"update": "step", "substeps": 3, "optimiser": "momentum"},
    "three integration steps": {"substeps": 3},
    "a delay": {"delay": 3},
    "a delay beyond a trajectory": {"delay": 30, "learn": ("U", "V", "b")},
    "a delay, each step": {"delay": 2, "update": "step"},
    "a delay, a batch": {"delay": 5, "update": "batch", "batch": 5, "updates": 4, "substeps": 2},
    "softmax": {"loss": "cross-entropy"},
    "softmax, a batch": {"loss": "cross-entropy", "update": "batch", "batch": 16, "updates": 3},
    "momentum": {"optimiser": "momentum"},
    "Adam": {"optimiser": "adam"},
    "Adam in the other order": {"optimiser": "adam-hat", "epsilon": 1e-3},
    "no 1/t": {"averaging": False},
    "W alone": {"learn": ("W",)},
    "U alone": {"learn": ("U",)},
    "b and c": {"learn": ("b", "c")},
    "the read-out alone": {"learn": ("V",)},
    "sparse, Dale, within bounds": {"constraints": ("sparse", "dale"), "bound": (-0.5, 0.3)},
    "sparse, Dale in the read-out": {"constraints": ("dale", "sparse-readout", "dale-readout")},
    "a penalty": {"parameters": PENALTY, "averaging": False},
    "a penalty, a batch": {"parameters": PENALTY, "update": "batch", "batch": 5, "updates": 4, "substeps": 2},
    "a penalty, a delay": {"parameters": PENALTY, "delay": 3},
    "a penalty where nothing is carried back": {"parameters": PENALTY, "learn": ("U",), "apart": True},
    "a penalty along fa": {"parameters": PENALTY, "rule": "fa"},
    "checkpoints": {"checkpoints": 3, "checkpoint_states": True, "optimiser": "adam"},
    "two to a batch": {"update": "batch", "batch": 2, "checkpoints": 4, "updates": 8},
}


@pytest.mark.parametrize("neuron", ["rate", "lif"])
@pytest.mark.parametrize("how", OTHERS)
def test_so_it_is_however_one_learns(how, neuron):
    options = dict(OTHERS[how])
    apart = options.pop("apart", False)
    job = job_of(neuron, **options)
    W = np.where(np.abs(job.weights.W) < 0.2, 0, job.weights.W) if "sparse" in job.constraints else job.weights.W
    V = job.weights.V * (np.arange(6) != 2) if "sparse-readout" in job.constraints else job.weights.V
    job = replace(job, weights=replace(job.weights, W=0 * W if apart else W, V=V))
    outcome = simulate(job)
    assert difference(outcome, in_numpy.simulate(job)) <= EXACT
    assert_alive(job, outcome)
    if "penalty" in how:
        plain = in_numpy.simulate(replace(job, parameters={**job.parameters, "c_reg": np.zeros(3)}))
        assert np.abs(outcome.weights.U - plain.weights.U).max() > 1e-4


@pytest.mark.parametrize("run", [simulate, in_numpy.simulate])
@pytest.mark.parametrize("neuron", ["leaky", "lif"])
def test_looks_cut_no_sum_of_a_batch(neuron, run):
    """To the last bit; a rounded sum can be the spike that changes all that follows."""
    job = job_of(neuron, update="batch", batch=16, updates=3)
    plain, looked = run(replace(job, schedule=job.schedule.part(job.schedule.learn))), run(job)
    assert job.schedule.look.sum() > 3
    for name in ALL:
        np.testing.assert_array_equal(getattr(looked.weights, name), getattr(plain.weights, name), err_msg=name)
    np.testing.assert_array_equal(looked.mse[:, job.schedule.learn], plain.mse)
    assert np.abs(plain.weights.W - job.weights.W).max() > 1e-5


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("loss", ["mse", "cross-entropy"])
def test_steps_that_are_not_scored_do_not_count(loss, batch):
    job = job_of("lif", loss=loss, update="batch", batch=batch, updates=5)
    partly = replace(job, y=masked(job.y, np.arange(20) % 3 > 0))
    outcome = simulate(partly)
    assert difference(outcome, in_numpy.simulate(partly)) <= EXACT
    assert difference(outcome, simulate(job)) > 1e-6


@pytest.mark.parametrize("neuron", ["rate", "alif"])
@pytest.mark.parametrize("changed", ["W", "B_rec", "tau_m", "eta", "through_reset"])
def test_what_must_matter_matters(changed, neuron):
    """The negative control: each makes another result."""
    job = job_of(neuron, rule="fa" if changed == "B_rec" else "bptt")
    if changed in ("W", "B_rec"):
        other = replace(job, weights=replace(job.weights, **{changed: 1.01 * getattr(job.weights, changed)}))
    elif changed == "through_reset":
        other = replace(job, circuit=replace(job.circuit, through_reset=False))
    else:
        other = replace(job, parameters={**job.parameters, changed: 1.01 * job.parameters[changed]})
    right = in_numpy.simulate(job)
    assert difference(simulate(job), right) <= EXACT
    if neuron == "rate" and changed == "through_reset":
        assert difference(simulate(other), right) <= EXACT  # there is no reset
    else:
        assert difference(simulate(other), right) > 1e-6


@pytest.mark.parametrize("batch", [1, 5])
@pytest.mark.parametrize("neuron", ["leaky", "lif"])
def test_long_trajectories_are_computed_in_segments(neuron, batch, monkeypatch):
    job = job_of(neuron, steps=23, substeps=2, update="batch", batch=batch, updates=4)
    whole = simulate(job)
    monkeypatch.setattr(files, "ROOM", 1000)
    parts = simulate(job)
    assert difference(parts, whole) <= 1e-14
    assert difference(parts, in_numpy.simulate(job)) <= EXACT
    assert 0 < parts.memory < 10**8


def test_a_network_does_not_depend_on_those_beside_it():
    job = job_of("lif", replicates=11, updates=4)
    whole, shared = simulate(job, processes=1), simulate(job, processes=3)
    alone = simulate(job.part(np.array([9]), 1))
    for name in ALL:
        np.testing.assert_array_equal(getattr(shared.weights, name), getattr(whole.weights, name))
        np.testing.assert_array_equal(getattr(alone.weights, name)[0], getattr(whole.weights, name)[9])
    np.testing.assert_array_equal(shared.prediction, whole.prediction)
    assert np.abs(whole.weights.W[9] - whole.weights.W[8]).max() > 1e-2


def test_networks_that_diverge_do_so_alone():
    job = job_of("rate", activation="linear", updates=5, averaging=False)
    wild = job.weights.W.copy()
    wild[1] *= 1e60
    diverging = simulate(replace(job, weights=replace(job.weights, W=wild)))
    assert not np.isfinite(diverging.weights.W[1]).all()
    for kept in (0, 2):
        np.testing.assert_array_equal(diverging.weights.W[kept], simulate(job).weights.W[kept])


FILE = """from brian2 import ms
from autapse_sim import Neuron
neuron = Neuron(
    equations='''dv/dt = (-v + drive - 0.5*z + input + bias + gain*exprel(-abs(v)))/tau_m : 1
        dz/dt = (-z + clip(v, -0.5, 0.5)**3 + 0.1*sin(t/step))/(2*tau_m) : 1
        activity = choose(z > 0.1 and not (v < 0), z, 0.5*z) + i/N : 1
        sent = tanh(v + 0.3*bias) + arctan(z) % 0.3 : 1''',
    initial={"v": "0.1*i"}, method="rk2", parameters={"tau_m": 5*ms, "gain": 0.2})"""


@pytest.mark.parametrize("delay", [0, 2])
@pytest.mark.parametrize("lanes", HOW)
def test_a_neuron_of_a_user(lanes, delay, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    job = job_of(str(path), 20 if lanes == "Single" else 5, delay=delay, substeps=2, updates=4, **HOW[lanes])
    outcome = simulate(job)
    assert difference(outcome, in_numpy.simulate(job)) <= EXACT
    assert_alive(job, outcome)


TWICE = """from brian2 import ms
from autapse_sim import Neuron
neuron = Neuron(
    equations='''dv/dt = (-v + drive + input)/(3*ms) : 1
        du/dt = (-u + 2*{arrives} + bias)/(3*ms) : 1
        activity = tanh(v) + tanh(u) : 1''')"""


@pytest.mark.parametrize("arrives", ["drive", "input"])
def test_what_arrives_in_one_state_like_all_else_and_in_another_alone(arrives, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(TWICE.format(arrives=arrives))
    job = job_of(str(path), updates=4)
    outcome = simulate(job)
    assert difference(outcome, in_numpy.simulate(job)) <= EXACT
    assert_alive(job, outcome)


@pytest.mark.parametrize("rule", ["bptt", pytest.param("fa", marks=pytest.mark.slow)])
@pytest.mark.parametrize("lanes", HOW)
def test_neurons_that_nothing_joins(lanes, rule):
    job = job_of("rate", rule=rule, learn=("U", "b", "V", "c"), parameters={"tau_m": 3 * ms}, **HOW[lanes])
    apart = replace(job, weights=replace(job.weights, W=0 * job.weights.W))
    assert difference(simulate(apart), discrete.simulate(apart)) < EXACT
    assert difference(simulate(apart), discrete.simulate(job)) > 1e-4


@pytest.mark.parametrize("neuron", ["rate", pytest.param("lif", marks=pytest.mark.slow)])
@pytest.mark.parametrize("lanes", HOW)
def test_single_precision_is_that_of_double_to_its_digits(lanes, neuron):
    job = job_of(neuron, neurons=20 if lanes == "Single" else 6, updates=4, **HOW[lanes])
    double, single = simulate(job), simulate(replace(job, circuit=replace(job.circuit, precision="single")))
    assert_alive(job, single)
    assert 1e-12 < difference(single, double) < 2e-5
    for name, each in single.weights.items():
        moved = np.abs(getattr(double.weights, name) - (getattr(job.weights, name) if name not in "bc" else 0)).max()
        assert np.abs(each - getattr(double.weights, name)).max() <= 1e-4 * moved


@pytest.mark.parametrize("precision", ["double", "single"])
def test_refractory_times_are_kept_to_the_step_in_seconds_of_small_steps(precision):
    """By a plain loop; the weights are 0, so that each neuron hears its bias alone."""
    bias, steps, substeps = np.array([0.4, 0.7, 1.0]), 3000, 10
    neuron = ap.Neuron(
        "dv/dt = (-v + drive + input + bias)/(5*ms) : 1\nactivity = v : 1\nsent = spiked*step/dt : 1",
        threshold="v > 0.2",
        reset="v -= 0.2",
        refractory="2*ms",
        pseudo_derivative="0.3",
    )
    circuit = ap.Circuit(neuron, "bptt", neurons=3, readout="random", substeps=substeps, precision=precision)
    zeros = {"W": np.zeros((1, 3, 3)), "U": np.zeros((1, 3, 1)), "V": np.zeros((1, 1, 3)), "B": np.zeros((1, 3, 1))}
    x = np.zeros((1, 1, steps, 1))
    given = ap.Weights(**zeros, b=bias[None])
    found = ap.train(circuit, ap.ArrayTask(x, x), ap.Protocol(1, 0, 0, 1, record=1), weights=given, engine="compiled")
    v, since, spikes = np.zeros(3), np.full(3, 10**6), np.zeros(3)
    for _ in range(steps * substeps):
        v += (bias - v) * 0.1 / 5
        since += 1
        spiked = (v > 0.2) & (since >= 20)
        v, since, spikes = v - 0.2 * spiked, np.where(spiked, 0, since), spikes + spiked
    assert np.abs(found.data.trace_spikes.values.sum(axis=(0, 1, 2)) - spikes).max() <= 1
    assert (spikes > 500).all()


def test_single_precision_is_compiled_or_refused(monkeypatch):
    circuit = ap.Circuit(rule="bptt", neuron="rate", precision="single")
    assert choose_engine(circuit, "auto") == "compiled"
    with pytest.raises(InputError, match="single precision in compiled programs alone: engine numpy was asked for"):
        choose_engine(circuit, "numpy")
    monkeypatch.setattr("autapse_sim.engines.brian.compiler.compiler", lambda: None)
    with pytest.raises(InputError, match="alone: there is no C\\+\\+ compiler"):
        choose_engine(circuit, "auto")


TOLD = {
    "lanes that share": ("rate", {"update": "batch", "batch": 16}),
    "networks side by side": ("leaky", {"update": "trajectory"}),
    "a network alone": ("rate", {"update": "trajectory", "neurons": 20, "replicates": 1}),
    "at each step": ("rate", {"update": "step"}),
    "at each step, odds": ("lif", {"update": "step", "loss": "cross-entropy", "parameters": {"v_th": 0.01}}),
    "spikes, odds": ("alif", {"update": "batch", "batch": 5, "loss": "cross-entropy"}),
    "substeps, delays": ("leaky", {"update": "trajectory", "substeps": 2, "delay": 3}),
    "along B": ("rate", {"update": "batch", "batch": 5, "rule": "fa"}),
    "of long trajectories": ("rate", {"update": "trajectory", "steps": 70}),
}
"""Predictions that are returned to neurons, whatever else there is."""
LATE = {
    "lanes that share": ("rate", {"update": "batch", "batch": 16}),
    "networks side by side": ("leaky", {"update": "trajectory", "parameters": {"a_0": 0.3}}),
    "a network alone": ("rate", {"update": "trajectory", "neurons": 20, "replicates": 1}),
    "at each step": ("alif", {"update": "step"}),
    "along B": ("lif", {"update": "batch", "batch": 5, "rule": "fa"}),
    "returned": ("rate", {"update": "batch", "batch": 5, "returned": True}),
}
"""Delays of each synapse, whatever else there is."""


@pytest.mark.parametrize(
    "case", [pytest.param(c, marks=[pytest.mark.slow] if i > 1 else []) for i, c in enumerate(LATE)]
)
def test_delays_of_each_synapse_are_as_in_numpy(case):
    neuron, options = LATE[case]
    n = options.get("neurons", 6)
    late = (3 * np.arange(n)[:, None] + np.arange(n)) % 4  # of those that a neuron hears some are later
    job, at_once, senders = (job_of(neuron, delay=delay, **options) for delay in (late, 0, np.arange(n) % 4))
    outcome = simulate(job)
    assert difference(outcome, in_numpy.simulate(job)) <= EXACT
    assert_alive(job, outcome)
    for other in (at_once, senders):
        assert np.abs(simulate(other).weights.W - outcome.weights.W).max() > 1e-6
    assert difference(simulate(senders), in_numpy.simulate(senders)) <= EXACT


QUICKLY = ("lanes that share", "networks side by side")


@pytest.mark.parametrize("case", [pytest.param(c, marks=[] if c in QUICKLY else [pytest.mark.slow]) for c in TOLD])
def test_predictions_that_are_returned_go_around_as_in_numpy(case):
    neuron, options = TOLD[case]
    job = job_of(neuron, returned=True, **options)
    job = replace(job, weights=replace(job.weights, F=0.3 * job.weights.F))
    outcome = simulate(job)
    assert difference(outcome, in_numpy.simulate(job)) <= EXACT
    assert_alive(job, outcome)
    other = simulate(replace(job, weights=replace(job.weights, F=1.1 * job.weights.F)))
    assert np.abs(other.weights.W - outcome.weights.W).max() > 1e-6
    if neuron not in ("lif", "alif"):
        rough = simulate(replace(job, circuit=replace(job.circuit, precision="single")))
        assert 0 < np.abs(rough.weights.W - outcome.weights.W).max() < 1e-4


def test_a_result_says_what_ran():
    circuit, task = ap.Circuit(rule="bptt", neuron="leaky", learn=ALL), ap.BouncingBall(steps=10)
    protocol = ap.Protocol(replicates=2, train=4, validate=1, test=1, record=1, update="trajectory")
    compiled, plain = (ap.train(circuit, task, protocol, engine=engine).data for engine in ("auto", "numpy"))
    assert (compiled.attrs["engine"], plain.attrs["engine"]) == ("compiled", "numpy")
    assert compiled.data_vars.keys() == plain.data_vars.keys()
    for name in plain.data_vars:
        np.testing.assert_allclose(compiled[name].astype(float), plain[name].astype(float), rtol=0, atol=EXACT)
    assert np.abs(compiled.W - ap.train(circuit, task, replace(protocol, train=0)).data.W).max() > 1e-4


def test_training_goes_on_as_if_never_interrupted():
    circuit = ap.Circuit(rule="bptt", neuron="alif", learn=("W", "V", "b"))
    task = ap.BouncingBall(steps=8)
    how = {"replicates": 2, "validate": 0, "test": 1, "update": "batch", "batch": 2, "optimiser": "adam", "record": 1}
    whole = ap.train(circuit, task, ap.Protocol(train=8, **how))
    first = ap.train(circuit, task, ap.Protocol(train=4, **how))
    rest = ap.train(circuit, task, ap.Protocol(train=4, **how), start=first)
    assert whole.data.attrs["engine"] == "compiled"
    for name in ("W", "V", "b", "mse"):
        np.testing.assert_array_equal(rest.data[name], whole.data[name])
    assert np.abs(rest.data.W - first.data.W).max() > 1e-4
