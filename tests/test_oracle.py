"""Brian2, compiled and in runtime mode, against the discrete NumPy reference: the project's first oracle."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms

from autapse_sim.engines import discrete
from autapse_sim.engines.brian.assembly import order, parts
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.engines.choose import simulate
from autapse_sim.errors import InputError
from autapse_sim.tasks.shown import masked

pytestmark = pytest.mark.usefixtures("fast_programs")
ENGINES = ["runtime"] + (["standalone"] if compiler() else [])
SAMPLED = [pytest.param(name, marks=[pytest.mark.slow] * (name == "standalone")) for name in ENGINES]
"""What is compiled takes longer to build; some tests do it in every run."""
EXACT = 1e-12

CASES = {
    # contracting regimes: what grows without bound magnifies rounding too
    "n=2": {"neurons": 2, "replicates": 1},
    "n=2, R=7, V and c": {"neurons": 2, "replicates": 7, "learn": ("W", "V", "c")},
    "n=2, R=7, leaky, V and b": {
        "replicates": 7,
        "learn": ("W", "V", "b"),
        "activation": "tanh",
        "parameters": {"eta": 0.01, "tau_m": 3 * ms},
    },
    "n=20, V": {"neurons": 20, "replicates": 1, "learn": ("W", "V"), "activation": "tanh"},
    "n=20, R=7": {"neurons": 20, "replicates": 7},
    "n=2, R=7, trajectories": {"replicates": 7, "steps": 40, "train": 4, "validate": 2, "test": 2},
    "n=20, R=7, V, b, c, per trajectory": {
        "neurons": 20,
        "replicates": 7,
        "steps": 30,
        "train": 3,
        "validate": 1,
        "test": 1,
        "learn": ("W", "V", "b", "c"),
        "biases": True,
        "update": "trajectory",
        "parameters": {"eta": 0.001, "eta_out": 0.001},
    },
}
SMALL = {"eta": 0.01}


def difference(one, other):
    """The largest difference of two outcomes in weights, scores, predictions and traces."""
    pairs = [(a, b) for (_, a), (_, b) in zip(one.weights.items(), other.weights.items(), strict=True)]
    pairs += [(one.mse, other.mse), (one.prediction, other.prediction)]
    assert one.traces.keys() == other.traces.keys()
    pairs += [(one.traces[name], other.traces[name]) for name in one.traces]
    return max((np.abs(a - b).max(initial=0) for a, b in pairs), default=0)


def assert_alive(job, outcome):
    """Zeros agree with zeros: activity varies and every weight that learns moved."""
    assert outcome.traces["activity"].std() > 0.02
    assert (outcome.mse > 0).all()
    for name, after in outcome.weights.items():
        if name in job.circuit.learn:
            before = getattr(job.weights, name)
            moved = np.abs(after - (0 if before is None else before)).reshape(len(after), -1).max(axis=1)
            assert (moved > 1e-4).all(), name


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("rule", ["autapse", *(pytest.param(name, marks=pytest.mark.slow) for name in ("rflo", "dfa"))])
def test_brian_is_the_discrete_network(make_job, rule, case, engine):
    job = make_job(rule=rule, **{"parameters": SMALL, **CASES[case]})
    outcome = simulate(job, engine)
    assert difference(outcome, discrete.simulate(job)) <= EXACT
    assert difference(outcome, discrete.simulate(job, form="plain")) <= EXACT
    assert_alive(job, outcome)


HOW = {
    "batches": {"update": "batch", "batch": 2},
    "batches, momentum": {"update": "batch", "batch": 2, "optimiser": "momentum"},
    "trajectories, Adam": {"update": "trajectory", "optimiser": "adam", "parameters": {"eta": 0.01, "eta_out": 0.01}},
    "steps, Adam": {"update": "step", "optimiser": "adam"},
    "trajectories, Adam in the other order": {
        "update": "trajectory",
        "optimiser": "adam-hat",
        "epsilon": 1e-3,
        "parameters": {"eta": 0.01, "eta_out": 0.01},
    },
    "no 1/t": {"averaging": False},
    "no 1/t, some steps scored": {"update": "trajectory", "averaging": False, "scored": np.arange(30) % 3 > 0},
}


@pytest.mark.parametrize("engine", SAMPLED)
@pytest.mark.parametrize("how", HOW)
def test_how_a_change_is_made(make_job, how, engine):
    changed = dict(HOW[how])
    given = {"parameters": {"eta": 0.002, "eta_out": 0.002}, "update": "step", "learn": ("W", "V", "b", "c")}
    given |= {name: changed.pop(name) for name in list(changed) if name in given}
    job = make_job(rule="dfa", replicates=3, steps=30, train=4, validate=1, test=1, biases=True, **given)
    whole = job.y
    job = replace(job, y=masked(whole, changed.pop("scored", None)), **changed)
    outcome = simulate(job, engine)
    assert difference(outcome, discrete.simulate(job)) <= EXACT
    assert_alive(job, outcome)
    plain = replace(job, y=whole, batch=1, optimiser="sgd", averaging=True)
    if plain.update == "batch":
        plain = replace(plain, update="trajectory")
    assert difference(outcome, discrete.simulate(plain)) > 1e-5


@pytest.mark.parametrize("engine", SAMPLED)
@pytest.mark.parametrize("optimiser", ["adam", pytest.param("adam-hat", marks=pytest.mark.slow)])
@pytest.mark.parametrize("precision", ["double", "single"])
def test_adam_leaves_alone_what_has_no_gradient(make_job, precision, optimiser, engine):
    """Without epsilon, in the first step (nothing was sent before), and where eta is 0."""
    given = {"parameters": {"eta": np.array([0.0, 0.002])}, "replicates": 2, "precision": precision}
    job = make_job(rule="dfa", steps=30, train=2, test=1, **given)
    for epsilon in (0.0, 1e-8):
        changed = replace(job, optimiser=optimiser, epsilon=epsilon)
        outcome = simulate(changed, engine)
        assert difference(outcome, discrete.simulate(changed)) <= (EXACT if precision == "double" else 1e-3)
        moved = np.abs(outcome.weights.W - job.weights.W).max(axis=(1, 2))
        assert moved[0] < 1e-6 < 1e-3 < moved[1]


def test_single_precision_runs_without_a_warning(make_job, recwarn):
    simulate(make_job(steps=5, precision="single"), "runtime")
    assert [str(each.message) for each in recwarn if each.category is RuntimeWarning] == []


@pytest.mark.parametrize("engine", SAMPLED)
@pytest.mark.parametrize("rule", ["autapse", *(pytest.param(name, marks=pytest.mark.slow) for name in ("rflo", "dfa"))])
@pytest.mark.parametrize("activation", ["relu", "linear"])
def test_other_activations(make_job, rule, activation, engine):
    job = make_job(rule=rule, parameters={"eta": 0.001}, activation=activation, steps=60)
    job = replace(job, weights=replace(job.weights, W=0.3 * job.weights.W))
    outcome = simulate(job, engine)
    assert difference(outcome, discrete.simulate(job)) <= EXACT
    assert_alive(job, outcome)


@pytest.mark.parametrize(
    ("one", "other"), [("drive", "state"), ("error", "feedback"), ("readout", "error"), ("feedback", "update")]
)
def test_swapped_slots_are_seen(make_job, monkeypatch, one, other):
    job = make_job(replicates=2, steps=50)
    swapped_slots = {**order.SLOTS, one: order.SLOTS[other], other: order.SLOTS[one]}
    monkeypatch.setattr(parts, "SLOTS", swapped_slots)
    monkeypatch.setattr("autapse_sim.engines.brian.runtime.check_order", lambda network: None)
    swapped = simulate(job, "runtime")
    assert np.abs(swapped.weights.W - discrete.simulate(job).weights.W).max() > 1e-6


def test_order_is_asserted_on_brians_own_objects(make_job, monkeypatch):
    job = make_job(steps=5)
    slots = {**order.SLOTS}
    shown = order.check_order

    def check(network):
        monkeypatch.setattr(order, "SLOTS", dict(reversed(slots.items())))
        shown(network)

    monkeypatch.setattr("autapse_sim.engines.brian.runtime.check_order", check)
    with pytest.raises(AssertionError, match="order inside a step"):
        simulate(job, "runtime")


@pytest.mark.parametrize("change", ["tau", "B", "eta"])
def test_what_must_matter_matters(make_job, change):
    job = make_job(replicates=2, steps=100, parameters=SMALL)
    if change == "B":
        other = replace(job, weights=replace(job.weights, B=-job.weights.B))
    else:
        other = replace(job, parameters={**job.parameters, change: 1.1 * job.parameters[change]})
    changed = simulate(other, "runtime")
    assert difference(changed, discrete.simulate(job)) > 1e-6


@pytest.mark.parametrize("rule", ["autapse", "rflo", "dfa"])
def test_smaller_steps_converge_at_first_order(make_job, rule):
    """dt -> 0 converges because the update is scaled by dt/step: halving dt halves the distance."""
    jobs = [make_job(rule=rule, steps=20, parameters=SMALL, substeps=k, train=2) for k in (4, 8, 16, 64)]
    weights = [simulate(job, "runtime").weights.W for job in jobs]
    distance = [np.abs(w - weights[-1]).max() for w in weights[:-1]]
    # against dt/64 the distances of first order stand as (1/4 - 1/64) : (1/8 - 1/64) : (1/16 - 1/64)
    assert distance[0] > 1e-6
    assert distance[0] / distance[1] == pytest.approx(15 / 7, rel=0.15)
    assert distance[1] / distance[2] == pytest.approx(7 / 3, rel=0.15)


def test_integrators_agree_as_dt_shrinks(make_job):
    job = make_job(steps=20, substeps=64)
    euler = simulate(job, "runtime")
    for method in ("rk4", "exponential_euler"):
        other = replace(job, circuit=replace(job.circuit, method=method))
        outcome = simulate(other, "runtime")
        assert 1e-9 < np.abs(outcome.weights.W - euler.weights.W).max() < 1e-3


@pytest.mark.skipif(not compiler(), reason="no C++ compiler")
def test_compiled_runs_are_the_same_bits(make_job):
    job = make_job(replicates=3, steps=50, train=2)
    one, other = simulate(job, "standalone"), simulate(job, "standalone")
    assert difference(one, other) == 0
    assert_alive(job, one)


@pytest.mark.skipif(not compiler(), reason="no C++ compiler")
def test_divergence_reaches_the_result(make_job):
    job = make_job(replicates=3, steps=400, activation="linear", parameters=SMALL)
    W = 0.1 * job.weights.W
    W[1] = 10 * np.eye(2)
    job = replace(job, weights=replace(job.weights, W=W))
    outcome = simulate(job, "standalone")
    finite = np.isfinite(outcome.weights.W).all(axis=(1, 2))
    assert finite.tolist() == [True, False, True]


F_PRIME = """
from brian2 import ms
from autapse_sim import Rule
rule = Rule(
    eligibility="dp/dt = (f_prime_post*activity_pre - p)/tau : 1",
    update="w -= eta * feedback_post * p",
    parameters={"tau": 10*ms, "eta": 0.03},
)
"""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("own", [True, False], ids=["a user's file", "the package's"])
def test_the_autapse_rule_with_f_prime_does_what_its_equations_say(make_job, tmp_path, engine, own):
    """A trace of f' times activity, given as a file and as it comes, against a loop written from its equations."""
    path = tmp_path / "mine.py"
    path.write_text(F_PRIME)
    job = make_job(rule=str(path) if own else "autapse_f_prime", replicates=2, steps=50, train=3)
    outcome = simulate(job, engine)
    assert_alive(job, outcome)
    for r in range(2):
        W, B = job.weights.W[r].copy(), job.weights.B[r]
        for trajectory in range(3):
            o, p = np.zeros(2), np.zeros((2, 2))
            for x, y in zip(job.x[r, trajectory], job.y[r, trajectory], strict=True):
                new = 1 / (1 + np.exp(-(W @ o + x)))
                p += (np.outer(new * (1 - new), o) - p) / 10
                o = new
                W -= 0.03 * (B @ (o - y))[:, None] * p
        assert np.abs(W - outcome.weights.W[r]).max() <= EXACT


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("tau_m", [1, 4])
def test_with_the_membranes_time_constant_that_rule_is_rflo(make_job, engine, tau_m):
    shape = {"neurons": 6, "replicates": 2, "steps": 50, "train": 3, "activation": "tanh", "learn": ("W", "U")}
    rflo = discrete.simulate(make_job(rule="rflo", parameters={"tau_m": tau_m * ms}, **shape))
    for tau, same in ((tau_m, True), (10, False)):
        job = make_job(rule="autapse_f_prime", parameters={"tau_m": tau_m * ms, "tau": tau * ms}, **shape)
        outcome = simulate(job, engine)
        assert_alive(job, outcome)
        assert (difference(outcome, rflo) <= EXACT) == same


@pytest.mark.parametrize("engine", ENGINES)
def test_rflo_says_which_neurons_it_is_not_for(make_job, engine):
    with pytest.raises(InputError, match=r"rflo\.py, line \d+: .*tau_m_post"):
        simulate(make_job(rule="rflo", neuron="hh", steps=5), engine)
