"""The reference interpreter against the engines: the same numbers for every neuron, rule, update and option."""

from dataclasses import replace

import numpy as np
import pytest
from brian2 import ms, nA

import autapse_sim as ap
from autapse_sim.engines import reference
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.errors import InputError
from autapse_sim.spec.model import library, read_rule
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import draw
from autapse_sim.training.train import ENGINES, choose_engine, prepare, simulated

EXACT = 1e-10
COMPILED = [pytest.mark.slow, pytest.mark.skipif(not compiler(), reason="needs a C++ compiler")]
STANDALONE = pytest.param("standalone", marks=COMPILED)
SUBSTEPS = {"adex": 10, "hh": 20, "autaptic": 20}
"""Integration steps in a step that a neuron needs."""
LIVELY = {"lif": {"v_th": 0.01}, "alif": {"v_th": 0.01}, "adex": {"I_scale": 20 * nA}, "hh": {"I_scale": 5 * nA}}
LIVELY |= {"autaptic": {"I_scale": 3 * nA}}
"""What lets a neuron spike within a few steps."""
NOISY = {"node_perturbation", "three_factor", "calcium", "miconi"}
TAUGHT = {"delta": ("V", "c"), "force": ("V",), "kolen_pollack": ("W", "V", "B")}
"""What the rules for read-outs and feedback teach here; the others teach W, U and b."""


def job_of(rule="autapse", neuron="rate", learn=("W", "U", "b", "V"), parameters=None, steps=8, how=None, **circuit):
    """A job of two networks of four neurons: three training trajectories, looks at validation data, one test."""
    rules = {"rule": rule}
    if rule in TAUGHT:
        rules = {"rule": "autapse", "feedback_rule" if rule == "kolen_pollack" else "readout_rule": rule}
        learn = TAUGHT[rule]
    options = {"neurons": 4, "readout": "random", "activation": "tanh", "feedback": "random"}
    options |= {"substeps": SUBSTEPS.get(neuron, 1)} | rules | circuit
    description = ap.Circuit(neuron=neuron, learn=learn, **options)
    protocol = ap.Protocol(replicates=2, train=4, validate=1, test=1, validate_every=2, record=2, **(how or {}))
    weights = draw(description, ap.BouncingBall(steps=steps), protocol).weights
    rng = np.random.default_rng(5)
    weights = replace(weights, b=rng.normal(0.2, 0.2, (2, 4)), c=rng.normal(0, 0.2, (2, 2)))
    drawn = replace(draw(description, ap.BouncingBall(steps=steps), protocol), weights=weights)
    known = resolve_parameters(description, {}, 2)
    given = {name: value for name, value in LIVELY.get(neuron, {}).items() if name in known}
    values = resolve_parameters(description, given | (parameters or {}), 2)
    return prepare(description, drawn, protocol, values, np.arange(2))


def difference(one, other):
    """The largest difference of two outcomes, relative to the largest number of its kind."""
    assert one.traces.keys() == other.traces.keys()
    assert dict(one.units) == dict(other.units)
    pairs = [(a, b) for (_, a), (_, b) in zip(one.weights.items(), other.weights.items(), strict=True)]
    pairs += [(one.mse, other.mse), (one.prediction, other.prediction)]
    pairs += [(one.traces[name], other.traces[name]) for name in one.traces]
    for name in ("cross_entropy", "spikes"):
        a, b = getattr(one, name), getattr(other, name)
        assert (a is None) == (b is None)
        pairs += [] if a is None else [(a, b)]
    assert all(a.shape == b.shape for a, b in pairs)
    return max(np.abs(a - b).max(initial=0) / max(np.abs(b).max(initial=0), 1e-300) for a, b in pairs)


def assert_alive(job, outcome):
    """Zeros agree with zeros: activity varies, and every weight that learns moved in every network."""
    assert np.isfinite(outcome.mse).all()
    assert outcome.traces["activity"].std() > 1e-6
    for name in job.circuit.learn:
        before = getattr(job.weights, name)
        moved = np.abs(getattr(outcome.weights, name) - (0 if before is None else before))
        assert (moved.reshape(len(moved), -1).max(axis=1) > 0).all(), name


def assert_same(job, engine="runtime"):
    """The reference and an engine agree; returns the outcome of the reference."""
    mine = reference.simulate(job)
    assert difference(mine, simulated(job, engine)) <= EXACT
    assert_alive(job, mine)
    return mine


NEURONS = sorted(library("neurons"))
EVENTS = {name for name in library("rules") if read_rule(name).on_pre}
RULES = sorted(library("rules").keys() - NOISY)
WITHOUT = {("rflo", "autaptic"), ("dfa", "autaptic"), ("eprop", "autaptic"), ("literal_autapse", "autaptic")}
WITHOUT |= {(rule, neuron) for rule in ("eprop", "eprop_alif", "rflo") for neuron in ("adex", "hh")}
WITHOUT |= {("autapse_f_prime", "autaptic")}
WITHOUT |= {
    (rule, neuron) for rule in ("eprop_alif", "eprop_diffusion", "mdgl") for neuron in NEURONS if neuron != "alif"
}
WITHOUT |= {("lr0", neuron) for neuron in NEURONS if neuron not in ("lif", "alif")}
WITHOUT |= {(rule, neuron) for rule in EVENTS for neuron in ("rate", "leaky")}
WITHOUT |= {("clopath", neuron) for neuron in ("lif", "alif", "lif_hard")}
"""Rules that read what a neuron does not have (spikes, f', tau_m, beta), or share a parameter's name with it."""


SLOW = [pytest.mark.slow]
PAIRS = [
    pytest.param(rule, neuron, marks=SLOW if neuron not in ("rate", "lif") else [])
    for rule in RULES
    for neuron in NEURONS
    if (rule, neuron) not in WITHOUT
]


@pytest.mark.parametrize(("rule", "neuron"), PAIRS)
def test_every_rule_means_the_same_in_every_neuron(rule, neuron):
    learn = ("W", "V") if rule in EVENTS else ("W", "U", "b", "V")  # the stimulus is no spikes
    assert_same(job_of(rule, neuron, learn, steps=3 if neuron in SUBSTEPS else 8))


HOW = {
    "trajectories": {"update": "trajectory"},
    "batches": {"update": "batch", "batch": 2},
    "steps, momentum": {"optimiser": "momentum"},
    "steps, Adam": {"optimiser": "adam"},
    "batches, momentum": {"update": "batch", "batch": 2, "optimiser": "momentum"},
    "trajectories, Adam": {"update": "trajectory", "optimiser": "adam"},
    "batches, Adam in the other order": {"update": "batch", "batch": 2, "optimiser": "adam-hat", "epsilon": 1e-3},
    "no 1/t": {"averaging": False},
    "sparse and Dale": {"constraints": ("sparse", "dale")},
    "sparse, Dale in the read-out": {"constraints": ("sparse", "dale-readout")},
    "bound": {"bound": (-0.3, 0.4)},
    "bound, trajectories, Dale": {"bound": 0.4, "constraints": "dale", "update": "trajectory"},
    "going on": {"reset": False},
    "going on, trajectories": {"reset": False, "update": "trajectory"},
}


def changed(rule, neuron, how, substeps):
    """A job in which everything learns, and in which W has synapses that are missing."""
    given = {"eta": 0.02} if rule == "dfa" else {"eta": 0.02, "c_reg": 0.1}
    job = job_of(rule, neuron, ("W", "U", "b", "V", "c"), given, substeps=substeps, how=HOW[how])
    W = job.weights.W.copy()
    W[:, np.arange(4), np.arange(4)] = 0
    return replace(job, weights=replace(job.weights, W=W))


@pytest.mark.parametrize("substeps", [1, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize("how", HOW)
def test_how_a_change_is_made(how, substeps):
    job = changed("dfa", "rate", how, substeps)
    outcome = assert_same(job)
    if how != "no 1/t":
        plain = {name: getattr(ap.Protocol(), name) for name in HOW[how] if name != "batch"}
        assert difference(outcome, reference.simulate(replace(job, **plain, batch=1))) > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
def test_how_a_change_is_made_with_spikes(how):
    assert_same(changed("eprop", "lif", how, 1))


@pytest.mark.slow
@pytest.mark.parametrize("how", HOW)
def test_how_a_change_is_made_with_spikes_in_substeps(how):
    assert_same(changed("eprop", "lif", how, 3))


CIRCUITS = {
    "softmax": {"loss": "cross-entropy"},
    "returned": {"returned": True, "learn": ("W", "V")},
    "feedback that learns": {"rule": "kolen_pollack"},
    "read-out by least squares": {"rule": "force", "returned": True},
    "rk2": {"method": "rk2", "substeps": 2, "rule": "rflo"},
    "rk4": {"method": "rk4", "substeps": 2, "rule": "rflo", "neuron": "leaky"},
    "heun": {"method": "heun", "rule": "rflo"},
    "milstein": {"method": "milstein", "rule": "rflo"},
    "exponential": {"method": "exponential_euler", "substeps": 2, "rule": "rflo"},
    "a delay": {"delay": 2, "rule": "rflo", "neuron": "leaky"},
    "a delay of spikes": {"delay": 3, "rule": "eprop", "neuron": "lif"},
    "a delay from each neuron": {"delay": np.arange(4), "rule": "autapse", "neuron": "leaky"},
    "a delay of each synapse": {"delay": np.arange(16).reshape(4, 4) % 3, "rule": "rflo", "neuron": "lif"},
    "nothing learns": {"learn": (), "neuron": "leaky"},
}


@pytest.mark.parametrize("engine", ["runtime", STANDALONE])
@pytest.mark.parametrize("circuit", CIRCUITS)
def test_other_circuits(circuit, engine):
    job = job_of(**CIRCUITS[circuit])
    if job.circuit.loss == "cross-entropy":
        y = np.exp(job.y)
        job = replace(job, y=y / y.sum(axis=-1, keepdims=True))
    assert_same(job, engine)


@pytest.mark.parametrize("engine", ["runtime", STANDALONE])
def test_what_does_not_count_is_the_same(engine):
    job = job_of(rule="rflo")
    y = job.y.copy()
    y[:, :, ::3] = np.nan
    y[1, 2, 4, 0] = np.nan
    job = replace(job, y=y)
    outcome = assert_same(job, engine)
    assert difference(outcome, reference.simulate(replace(job, y=np.nan_to_num(y)))) > 1e-3


def written(tmp_path, text, name="rule"):
    """The path of a model file."""
    path = tmp_path / f"{name}.py"
    path.write_text(
        f"from brian2 import ms, nA\nfrom autapse_sim import Activation, Connection, Neuron, Rule\n\n{text}\n"
    )
    return str(path)


OWN = {
    "bounds of its own": """rule = Rule(update="w = clip(w - eta*feedback_post*activity_pre, -0.3, 0.3)",
        parameters={"eta": 0.1})""",
    "a normalisation": """rule = Rule(update="w -= eta*feedback_post*activity_pre; w = w/(1 + abs(w)/N_incoming)",
        parameters={"eta": 0.1})""",
    "numbers": """rule = Rule(update="w -= eta*(i - 2*j + N_pre/N_post + N_outgoing)*feedback_post*sin(t/step)*steps",
        parameters={"eta": 0.001})""",
    "states that last": """rule = Rule(
        postsynaptic="dmean/dt = (activity - mean)/tau : 1\\nseen : 1",
        eligibility="dp/dt = (activity_pre - p)/tau : 1\\nheld : 1",
        initial={"mean": 0.5, "p": "0.1*w"}, lasting=("mean", "held"), finish_postsynaptic="seen += mean; mean *= 0.9",
        update="held += 0.1*p; w -= eta*feedback_post*(held + mean_post)", parameters={"eta": 0.01, "tau": 5*ms})""",
    "driven by events": """rule = Rule(eligibility="dp/dt = -p/tau : 1 (event-driven)\\nlate = p*2 : 1",
        update="p += activity_pre; w -= eta*feedback_post*late", parameters={"eta": 0.01, "tau": 3*ms})""",
    "a sum": """rule = Rule(postsynaptic="weighed : 1", eligibility="weighed_post = w**2*activity_pre : 1 (summed)",
        update="w -= eta*feedback_post*weighed_post*activity_pre", parameters={"eta": 0.01})""",
    "a perturbation without noise": """rule = Rule(perturbation="0.1*sin(t/step + i)",
        update="w -= eta*loss_post*perturbation_post*activity_pre", parameters={"eta": 0.1})""",
    "a lasting trace of the stimulus": """rule = Rule(trace="dk/dt = (activity - k)/tau : 1", lasting=("k",),
        update="w -= eta*feedback_post*k_pre", parameters={"eta": 0.01, "tau": 5*ms})""",
    "a trace that starts from what is shown": """rule = Rule(trace="dk/dt = (activity - k)/tau : 1",
        initial={"k": "activity"}, update="w -= eta*feedback_post*k_pre", parameters={"eta": 0.01, "tau": 5*ms})""",
    "a state that starts from what arrives": """rule = Rule(eligibility="dk/dt = (activity_pre - k)/tau : 1",
        initial={"k": "activity_pre + i"}, update="w -= eta*feedback_post*k", parameters={"eta": 0.01, "tau": 5*ms})""",
    "connections": """rule = Rule(connections=(
        Connection(sums={"total": "q*activity_pre"}, equations="q : 1", update="q += eta*activity_pre*(1 - q)"),
        Connection(sums={"own": "total_pre*a"}, equations="a : 1", initial="identity", update="a *= 0.9",
        when="drive")),
        update="w -= eta*total_post*own_post*feedback_post*activity_pre", parameters={"eta": 0.1})""",
    "autapses that are connections": """rule = Rule(connections=(
        Connection(sums={"own": "k*activity_pre"}, equations="k : 1", initial="identity", update="k *= 0.9",
        pairs="self"),), update="w -= eta*own_post*feedback_post*activity_pre", parameters={"eta": 0.1})""",
    "a shrinking weight": """rule = Rule(update="w -= eta*feedback_post*activity_pre; w *= 0.99",
        parameters={"eta": 0.01})""",
    "terms": """rule = Rule(eligibility="quick = spiked_pre*activity_post : 1",
        update="a = eta*quick - 0.1*eta*sent_pre*w; w += a; w -= eta*spiked_post*activity_pre + eta*activity_pre",
        parameters={"eta": 0.01})""",
}


@pytest.mark.parametrize("engine", ["runtime", STANDALONE])
@pytest.mark.parametrize("rule", OWN)
def test_rules_of_ones_own(tmp_path, rule, engine):
    neuron = "lif" if rule == "terms" else "leaky"
    alone = ("a sum", "terms", "a state that starts from what arrives", "a trace that starts from what is shown")
    learn = ("W",) if rule in alone else ("W", "U")
    assert_same(job_of(written(tmp_path, OWN[rule]), neuron, learn, activation="sigmoid", substeps=3), engine)


@pytest.mark.parametrize("engine", ["runtime", STANDALONE])
def test_a_neuron_of_ones_own(tmp_path, engine):
    neuron = """neuron = Neuron(
        equations='''dv/dt = (-v + up - down + input + bias + 0.1*feedback)/tau_m : 1 (unless refractory)
            dz/dt = -z/(2*tau_m) + sin(t/step)/tau_m : 1
            activity = choose(z > 0.1 and not (v < 0), z, 0.5*z) + i/N : 1
            sent = spiked*step/dt : 1''',
        threshold="v > 0.02", reset="v = 0; z += 0.5", refractory="2*ms", initial={"v": "0.01*i"},
        pseudo_derivative="exp(-abs(v))", method="rk2",
        sums={"up": "clip(w, 0, inf)*sent_pre", "down": "-clip(w, -inf, 0)*sent_pre"}, parameters={"tau_m": 10*ms})"""
    job = job_of("rflo", written(tmp_path, neuron, "neuron"), ("W", "V"), substeps=2)
    assert assert_same(job, engine).spikes.min() > 0


@pytest.mark.parametrize("engine", ["runtime", STANDALONE])
def test_exponential_euler_holds_what_functions_make_of_a_state(tmp_path, engine):
    neuron = """neuron = Neuron(
        equations='''dv/dt = (0.1*gate**2*(2 - v) - leak*(v + 1)/(1 + v**2) + drive + input)/step : 1
            gate = 1/(1 + exp(-shifted)) : 1
            shifted = (v - 0.5)/0.3 : 1
            leak = 0.2 + 0.1*(v > 0) : 1
            activity = tanh(v) : 1''',
        method="exponential_euler", parameters={})"""
    job = job_of("autapse", written(tmp_path, neuron, "neuron"), ("W", "V"), substeps=2)
    assert_same(job, engine)


def test_one_network_is_as_it_is_among_others():
    job = job_of("rflo")
    one = replace(job.part(np.array([1]), 1), traced=np.array([0]))
    both, alone = reference.simulate(job), reference.simulate(one)
    np.testing.assert_array_equal(both.weights.W[1], alone.weights.W[0])
    np.testing.assert_array_equal(both.traces["activity"][:, 1], alone.traces["activity"][:, 0])


def test_looking_changes_nothing_in_what_is_learned():
    job = job_of("rflo", "leaky")
    learns = job.schedule.learn
    schedule = replace(job.schedule, **{name: getattr(job.schedule, name)[learns] for name in vars(job.schedule)})
    np.testing.assert_array_equal(
        reference.simulate(job).weights.W, reference.simulate(replace(job, schedule=schedule)).weights.W
    )


@pytest.mark.parametrize("pair", [("drive", "integrate"), ("compare", "feed_back"), ("spike", "predict")])
def test_another_order_in_a_step_gives_other_numbers(monkeypatch, pair):
    job = job_of("rflo", "lif", ("W", "V"))
    before = reference.simulate(job)
    order = list(reference.network.ORDER)
    a, b = map(order.index, pair)
    order[a], order[b] = order[b], order[a]
    monkeypatch.setattr(reference.network, "ORDER", tuple(order))
    assert difference(reference.simulate(job), before) > 1e-4


def test_another_step_or_parameter_gives_other_numbers():
    job = job_of("autapse", "leaky")
    before = reference.simulate(job)
    finer = replace(job, circuit=replace(job.circuit, substeps=2))
    assert difference(reference.simulate(finer), before) > 1e-4
    slower = replace(job, parameters=job.parameters | {"tau": 1.01 * job.parameters["tau"]})
    assert difference(reference.simulate(slower), before) > 1e-6


def test_train_takes_it_as_an_engine():
    assert "reference" in ENGINES
    circuit, task = ap.Circuit(learn=("W", "V")), ap.BouncingBall(steps=10)
    protocol = ap.Protocol(replicates=2, train=2, validate=1, test=1, record=1)
    mine = ap.train(circuit, task, protocol, parameters={"tau": 5 * ms}, engine="reference").data
    other = ap.train(circuit, task, protocol, parameters={"tau": 5 * ms}, engine="runtime").data
    assert mine.attrs["engine"] == "reference"
    assert mine.data_vars.keys() == other.data_vars.keys()
    for name in mine.data_vars:
        np.testing.assert_allclose(mine[name].astype(float), other[name].astype(float), rtol=EXACT, atol=EXACT)
    assert mine.mse.min() > 0


REFUSED = {
    "'nothing' means nothing": ("""rule = Rule(update="w -= nothing*activity_pre")""", {}),
    "draws no random numbers": ("""rule = Rule(update="w -= randn()*activity_pre")""", {}),
    "its changes are gathered": ("""rule = Rule(update="w = w/(1 + w)")""", {"how": {"update": "trajectory"}}),
    "unknown method": ("""rule = Rule(update="w -= 0.1*activity_pre")""", {"method": "exact"}),
    "a synapse writes its own variables only": ("""rule = Rule(update="w -= 0.1; feedback_post = 0")""", {}),
    "not linear in itself": (
        """rule = Rule(eligibility="dp/dt = (1 - p**2)/step : 1", update="w -= p*activity_pre")""",
        {"method": "exponential_euler"},
    ),
    "that could start": ("""rule = Rule(update="w -= 0.1*activity_pre", initial={"p": 1})""", {}),
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_has_no_meaning_is_refused(tmp_path, said):
    rule, options = REFUSED[said]
    with pytest.raises(InputError, match=said):
        reference.simulate(job_of(written(tmp_path, rule), learn=("W",), **options))


def test_rules_without_equations_are_refused():
    with pytest.raises(InputError, match="has no equations for engine 'reference'"):
        choose_engine(ap.Circuit(rule="bptt"), "reference")
