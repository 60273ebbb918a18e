"""What happens at spikes: the numbers of a plain Brian2 network, in its order, in every engine; what is refused."""

from dataclasses import replace
from functools import cache

import brian2 as b2
import numpy as np
import pytest
from brian2 import ms

import autapse_sim as ap
from autapse_sim.engines.brian.assembly.kept import kept_by_neurons
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import draw
from autapse_sim.training.train import prepare

EXACT = 1e-12
STEPS, R, N, M = 240, 2, 12, 5
ENGINES = ["reference", "runtime"] + (["standalone"] if compiler() else [])
EQUATIONS = """
    dApre/dt = -Apre / taupre : 1 (event-driven)
    dApost/dt = -Apost / taupost : 1 (event-driven)
"""
ON_PRE = """
    Apre += dApre
    w = clip(w + Apost, 0, gmax)
"""
ON_POST = """
    Apost += dApost
    w = clip(w + Apre, 0, gmax)
"""
GIVEN = {"taupre": 20 * ms, "taupost": 15 * ms, "dApre": 0.02, "dApost": -0.021, "gmax": 0.12}


@pytest.fixture(autouse=True)
def in_numpy():
    before, b2.prefs.codegen.target = b2.prefs.codegen.target, "numpy"
    yield
    b2.prefs.codegen.target = before


STDP = ap.Rule(eligibility=EQUATIONS, on_pre=ON_PRE, on_post=ON_POST, parameters=GIVEN)
"""The rule of Brian2's example of STDP, as its documentation writes it, but for what transmits."""
NEURON = {"v_th": 0.3, "tau_m": 8 * ms, "tau_out": 5 * ms}


def shown(rate=0.15):
    """Spikes to show (R, 1, T, M), and no target."""
    x = (np.random.default_rng(3).random((R, 1, STEPS, M)) < rate) * 1.0
    return ap.ArrayTask(x, np.zeros((R, 1, STEPS, 1)))


def weights(n=N):
    rng = np.random.default_rng(4)
    silent = {"V": np.zeros((R, 1, n)), "B": np.zeros((R, n, 1))}
    return ap.Weights(W=rng.uniform(0, 0.1, (R, n, n)), U=rng.uniform(0, 0.6, (R, n, M)), **silent)


def bench(rule, engine, n=N, how=None, parameters=None, task=None, **circuit):
    """A run of one training trajectory, all recorded."""
    options = {"learn": ("W",), "readout": "random", "feedback": "random"} | circuit
    described = ap.Circuit(neuron="lif", rule=rule, neurons=n, **options)
    protocol = ap.Protocol(replicates=R, train=1, validate=0, test=0, record=R, **(how or {}))
    given = NEURON | (parameters or {})
    return ap.train(described, task or shown(), protocol, weights(n), given, engine=engine).data


@cache
def plain(rule_equations=EQUATIONS, on_pre=ON_PRE, on_post=ON_POST, given=None, delay=0, n=N, first=True, before=True):
    """The same in Brian2 as it comes: LIF neurons, spikes that reach them by their synapses, W after learning."""
    x = shown().x[:, 0]
    found = []
    for replicate in range(R):
        b2.start_scope()
        clock = b2.Clock(dt=1 * ms)
        w, drawn = weights(n), {**GIVEN, **(given or {})}
        current = b2.TimedArray(x[replicate] @ w.U[replicate].T, dt=1 * ms)
        names = {**drawn, **NEURON, "current": current}
        neurons = b2.NeuronGroup(
            n,
            "dv/dt = (-v + drive + current(t, i))/tau_m : 1\ndrive : 1",
            threshold="v >= v_th",
            reset="v -= v_th*exp(dt/tau_m)",
            method="exponential_euler",
            clock=clock,
            namespace=names,
        )
        # what arrived drove the neurons in their state update
        neurons.run_regularly("drive = 0", when="before_synapses", clock=clock)
        pathways = {"learn": on_pre, "transmit": "drive_post += w"}
        synapses = b2.Synapses(
            neurons,
            neurons,
            f"w : 1\n{rule_equations}",
            on_pre=pathways,
            on_post={"post": on_post} if on_post else {},
            clock=clock,
            namespace=names,
        )
        synapses.connect()
        synapses.learn.order, synapses.transmit.order = -1 if first else 2, 3
        if on_post:
            synapses.post.order = 1
            synapses.post.when = "synapses" if before else "after_resets"
        synapses.learn.when = "synapses" if before else "after_resets"
        synapses.learn.delay = synapses.transmit.delay = delay * ms
        synapses.w = w.W[replicate].T.ravel()  # from pre to post
        spikes = b2.SpikeMonitor(neurons)
        b2.Network(neurons, synapses, spikes).run(STEPS * ms)
        counts = np.zeros((STEPS, n))
        np.add.at(counts, (np.rint(spikes.t / ms).astype(int), np.asarray(spikes.i)), 1)
        found.append((np.asarray(synapses.w).reshape(n, n).T, counts))
    W, counts = map(np.array, zip(*found, strict=True))
    return W, counts


@cache
def as_it_is(engine, n=N):
    return bench(STDP, engine, n)


def differ(data, W):
    return np.abs(data.W.values - W).max()


def assert_lively(counts, W, n=N):
    """Neurons spike, often enough in the same step, and most weights moved by much more than what is compared."""
    assert 10 < counts.sum(axis=1).mean() < STEPS / 2
    assert (counts.sum(axis=2) >= 2).mean() > 0.05
    assert np.median(np.abs(W - weights(n).W)) > 1e-3


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("n", [3, N])
def test_stdp_of_brian2s_documentation_gives_the_numbers_of_plain_brian2(engine, n):
    W, counts = plain(n=n)
    assert_lively(counts, W, n) if n == N else None
    data = as_it_is(engine, n)
    assert np.array_equal(data.trace_spikes.values[:, 0], counts)
    assert differ(data, W) <= EXACT


def test_traces_driven_by_the_clock_are_those_driven_by_events():
    clocked = EQUATIONS.replace("event-driven", "clock-driven")
    W, _ = plain(clocked)
    rule = STDP.replace(eligibility=clocked)
    assert differ(bench(rule, "runtime"), W) <= EXACT
    assert differ(as_it_is("runtime"), W) <= EXACT


@pytest.mark.parametrize("engine", ENGINES)
def test_a_spike_arrives_with_its_delay(engine):
    W, counts = plain(delay=3)
    data = bench(STDP, engine, delay=3)
    assert np.array_equal(data.trace_spikes.values[:, 0], counts)
    assert differ(data, W) <= EXACT
    assert differ(data, plain(delay=2)[0]) > 1e-3


BOTH = {
    "rule_equations": "dApre/dt = -Apre / taupre : 1 (event-driven)",
    "on_pre": "Apre += dApre; w = 0.9*w",
    "on_post": "w = clip(w + Apre, 0, gmax)",
}
"""A rule that gives other numbers where both neurons spike in one step and on_post comes first."""


@pytest.mark.parametrize("engine", ENGINES)
def test_where_both_neurons_spike_in_one_step_on_pre_comes_first(engine):
    W, counts = plain(**BOTH)
    rule = ap.Rule(eligibility=BOTH["rule_equations"], on_pre=BOTH["on_pre"], on_post=BOTH["on_post"], parameters=GIVEN)
    data = bench(rule, engine)
    assert (counts.sum(axis=2) >= 2).mean() > 0.05
    assert differ(data, W) <= EXACT
    assert differ(data, plain(**BOTH, first=False)[0]) > 1e-3


@pytest.mark.parametrize("engine", ENGINES)
def test_an_event_reads_neurons_before_their_reset(engine):
    texts = {"rule_equations": "", "on_pre": "w = clip(w - 0.003*v_post, 0, gmax)"}
    texts["on_post"] = "w = clip(w + 0.01*v_post, 0, gmax)"
    W, _ = plain(**texts)
    rule = ap.Rule(on_pre=texts["on_pre"], on_post=texts["on_post"], parameters=GIVEN)
    data = bench(rule, engine)
    assert differ(data, W) <= EXACT
    assert differ(data, plain(**texts, before=False)[0]) > 1e-3


@pytest.mark.parametrize("name", ["taupre", "taupost", "dApre", "dApost", "gmax"])
def test_every_parameter_matters(name):
    W, _ = plain()
    assert differ(as_it_is("runtime"), W) <= EXACT
    assert differ(bench(STDP, "runtime", parameters={name: 1.1 * GIVEN[name]}), W) > 1e-5


LOUD = {"gmax": 0.8}
"""What lets neurons spike whose inputs learn."""


def u_by_hand(task, counts):
    """U of pair STDP from the spikes of inputs and neurons, step by step, on_pre before on_post."""
    dt, U = 1 * ms, weights().U.copy()
    pre, post = np.zeros_like(U), np.zeros_like(U)
    for step in range(STEPS):
        pre *= np.exp(-dt / GIVEN["taupre"])
        post *= np.exp(-dt / GIVEN["taupost"])
        arrived = np.broadcast_to(task.x[:, 0, step][:, None, :] > 0, U.shape)
        spiked = np.broadcast_to(counts[:, step][:, :, None] > 0, U.shape)
        pre += GIVEN["dApre"] * arrived
        U = np.where(arrived, np.clip(U + post, 0, LOUD["gmax"]), U)
        post += GIVEN["dApost"] * spiked
        U = np.where(spiked, np.clip(U + pre, 0, LOUD["gmax"]), U)
    return U


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_shown_may_be_spikes(engine):
    task = shown()
    data = bench(STDP, engine, task=task, parameters=LOUD, learn=("U",))
    U = u_by_hand(task, data.trace_spikes.values[:, 0])
    assert np.abs(data.U.values - U).max() <= EXACT
    assert np.abs(U - weights().U).mean() > 1e-2
    assert data.trace_spikes.sum() > 100


@cache
def finer(engine):
    return bench(STDP, engine, parameters=LOUD, learn=("U",), substeps=4)


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_so_they_are_in_finer_steps(engine):
    data = finer(engine)
    assert np.abs(data.U - finer("reference").U).max() <= EXACT
    assert np.abs(data.U - weights().U).mean() > 1e-2
    assert data.trace_spikes.sum() > 100


@pytest.mark.parametrize("engine", ENGINES[1:])
@pytest.mark.parametrize(
    ("how", "circuit"),
    [
        ({"update": "trajectory"}, {}),
        ({"update": "step", "optimiser": "momentum"}, {"delay": 1}),
        ({"constraints": ("sparse", "dale"), "bound": 0.4}, {"learn": ("W", "U"), "n": 3}),
        ({"bound": 0.1, "reset": False}, {"substeps": 3}),
        ({}, {"delay": tuple(map(tuple, np.arange(N * N).reshape(N, N) % 4))}),
        ({}, {"delay": tuple(range(N))}),
        ({"validate_every": 1, "reset": False}, {"learn": ("U",)}),
    ],
)
def test_engines_agree(engine, how, circuit):
    loud = LOUD if "U" in circuit.get("learn", ()) else {}
    one, other = (bench(STDP, each, how=how, parameters=loud, **circuit) for each in ("reference", engine))
    for name in ("W", "U"):
        assert np.abs(one[name] - other[name]).max() <= EXACT
    learned = circuit.get("learn", ("W",))[0]
    assert one.trace_spikes.sum() > 20
    assert np.abs(one[learned] - getattr(weights(circuit.get("n", N)), learned)).max() > 1e-3


@pytest.mark.parametrize("engine", ENGINES)
def test_gathered_changes_are_the_sum_of_what_events_add(engine):
    """w stands still meanwhile, so that a rule that adds what does not depend on w adds the same, in one piece."""
    texts = {"eligibility": EQUATIONS, "on_pre": "Apre += dApre; w += Apost", "on_post": "Apost += dApost; w += Apre"}
    rule = ap.Rule(**texts, parameters={key: GIVEN[key] for key in GIVEN if key != "gmax"})
    silent = {"parameters": {"v_th": 0.25}, "learn": ("U",)}
    gathered = bench(rule, engine, how={"update": "trajectory"}, **silent)
    dt, at = 1 * ms, gathered.trace_spikes.values[:, 0]
    task, moved = shown(), np.zeros((R, N, M))
    pre, post = np.zeros((R, M)), np.zeros((R, N))
    for step in range(STEPS):
        pre, post = pre * np.exp(-dt / GIVEN["taupre"]), post * np.exp(-dt / GIVEN["taupost"])
        x, s = task.x[:, 0, step], at[:, step]
        pre = pre + GIVEN["dApre"] * x
        moved += post[:, :, None] * x[:, None, :]
        post = post + GIVEN["dApost"] * s
        moved += s[:, :, None] * pre[:, None, :]
    assert np.abs(gathered.U.values - weights().U - moved).max() <= EXACT
    assert np.abs(moved).mean() > 1e-3


REFUSED = {
    "transmits": ({"on_pre": "ge += w; w += 0.1"}, {}, r"'ge \+= w' transmits the spike, which the circuit does by it"),
    "v_post": ({"on_pre": "v_post += w; w += 0.1"}, {}, r"'v_post \+= w' transmits the spike"),
    "writes": ({"on_pre": "v_post = 0; w += 0.1"}, {}, "changes variables of the synapse only"),
    "declares w": ({"on_pre": "w += 0.1", "eligibility": "w : 1"}, {}, "w is there already; take it away"),
    "sent": ({"on_pre": "w += 0.1*sent_pre"}, {}, "on_pre reads 'sent_pre', which is not sent yet"),
    "rates": ({"on_post": "w += 0.1"}, {"neuron": "rate"}, "on_post of W never happens: neurons without a threshold"),
    "bias": ({"on_pre": "w += 0.1"}, {"learn": ("W", "b")}, "on_pre of b never happens: the unit of a bias"),
    "late": ({"on_pre": "w += 0.1*v_pre"}, {"delay": 2}, "reads 'v_pre', but with a delay the spike alone arrives"),
    "unknown": ({"on_pre": "w += 0.1*Apre"}, {}, "'Apre' means nothing in the synapses of W"),
    "still": ({"on_pre": "a += 0.1", "eligibility": "a : 1"}, {}, "does not change the weight w"),
    "no w": ({"on_pre": "w += lastupdate"}, {}, "'lastupdate' means nothing"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("engine", ["reference", "runtime"])
def test_what_means_nothing_is_refused(case, engine):
    texts, circuit, said = REFUSED[case]
    circuit = {"neuron": "lif", "neurons": 3, "readout": "random"} | circuit
    protocol = ap.Protocol(replicates=R, train=1, validate=0, test=0)
    with pytest.raises(ap.InputError, match=said):
        ap.train(ap.Circuit(rule=ap.Rule(**texts), **circuit), shown(), protocol, engine=engine)


def test_other_stimuli_than_spikes_are_refused_where_they_are_taken_for_such():
    circuit = ap.Circuit(neuron="lif", rule=STDP, neurons=2, learn=("U",))
    with pytest.raises(ap.InputError, match=r"the rule of U asks for spikes, and the stimulus holds 0\."):
        ap.train(circuit, ap.BouncingBall(), ap.Protocol(replicates=1, train=1, validate=0, test=0), engine="runtime")


def test_what_sets_w_is_refused_where_changes_are_gathered():
    rule = ap.Rule(on_pre="w *= 0.9")
    for engine in ENGINES:
        with pytest.raises(ap.InputError, match="sets w, but here its changes are gathered"):
            bench(rule, engine, how={"update": "trajectory"})


NOT_SHARED = {
    "read before and after": {"on_pre": "w += Apost - 0.1*Apre; Apre += dApre; w -= 0.1*Apre"},
    "set on both sides": {"on_post": "Apost += dApost; Apre = 0.5*Apre; w = clip(w + Apre, 0, gmax)"},
    "reads the neuron": {"on_post": "Apost += dApost*v_post; w = clip(w + Apre, 0, gmax)"},
    "reads the weight": {"on_pre": "Apre += dApre*w; w = clip(w + Apost, 0, gmax)"},
    "read by another": {
        "eligibility": f"{EQUATIONS}\ndslow/dt = (Apre - slow)/taupre : 1",
        "on_pre": "Apre += dApre; w += slow",
    },
    "set in update": {"update": "Apre = 0.99*Apre"},
}


@pytest.mark.parametrize("case", ["as it is", *NOT_SHARED])
def test_traces_that_all_synapses_of_a_neuron_share_are_kept_by_it(case):
    rule = STDP.replace(**NOT_SHARED.get(case, {}))
    circuit = ap.Circuit("lif", rule, neurons=N, learn="W", readout="random", feedback="random")
    protocol = ap.Protocol(replicates=R, train=1, validate=0, test=0)
    drawn = draw(circuit, shown(), protocol, weights())
    job = prepare(circuit, drawn, protocol, resolve_parameters(circuit, NEURON, R), np.arange(R))
    kept = {name: each.slot for name, each in kept_by_neurons(job, rule, "W", late=False).items()}
    if case == "as it is":
        assert kept == {"Apre": "before_on_pre", "Apost": "before_on_post"}
        assert kept_by_neurons(job, rule, "W", late=True).keys() == {"Apost"}
        assert not kept_by_neurons(replace(job, reset=False), rule, "W", late=False)
        own = {**job.parameters, "taupre": np.ones((R, N))}
        assert kept_by_neurons(replace(job, parameters=own), rule, "W", late=False).keys() == {"Apost"}
    else:
        assert len(kept) == 1
    one, other = (bench(rule, engine) for engine in ("reference", "runtime"))
    assert np.abs(one.W - other.W).max() <= EXACT


def test_a_change_may_be_made_of_w():
    rule = ap.Rule(on_pre="w += 0.01*w", on_post="w -= 0.02*w**2")
    one, other = (bench(rule, engine) for engine in ("reference", "runtime"))
    assert np.abs(one.W - other.W).max() <= EXACT
    assert np.abs(one.W - weights().W).max() > 1e-3


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_parameters_of_each_neuron_are_those_of_the_neuron_that_a_synapse_ends_in(engine):
    each = {"taupre": np.linspace(5, 40, N)[None] * ms, "dApost": np.linspace(-0.03, -0.01, N)[None]}
    one, other = (bench(STDP, where, parameters=each) for where in ("reference", engine))
    assert np.abs(one.W - other.W).max() <= EXACT
    assert np.abs(one.W - as_it_is("runtime").W).max() > 1e-3
