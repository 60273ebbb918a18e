"""Plain uses of equations that once meant something else: each with its right value, in every engine."""

import numpy as np
import pytest
from brian2 import ms
from meaning.models import EXACT, RELAY, SAMPLED, pulses, spikes_only, trained, weights

import autapse_sim as ap

pytestmark = pytest.mark.parametrize("engine", SAMPLED)


def test_event_driven_traces_decay_exactly(files, engine):
    rule = files.rule(
        "apre += spiked_pre\nw -= eta*spiked_pre*apost\napost += spiked_post\nw += eta*spiked_post*apre",
        eligibility="dapre/dt = -apre/tau_s : 1 (event-driven)\ndapost/dt = -apost/tau_s : 1 (event-driven)",
        parameters="{'tau_s': 20*ms, 'eta': 0.01}",
    )
    # neuron 1 fires 30 steps after neuron 0; with Euler the trace would be (1 - 1/20)**30
    circuit = ap.Circuit(neuron=files.neuron(**RELAY), rule=rule, readout="random", method="euler")
    W = trained(circuit, pulses(60, 10, 40), engine=engine, start=spikes_only()).W.values[0]
    assert W[1, 0] == pytest.approx(0.01 * np.exp(-1.5), rel=1e-12)
    assert W[0, 1] == pytest.approx(-0.01 * np.exp(-1.5), rel=1e-12)
    assert abs(W[1, 0] - 0.01 * (1 - 1 / 20) ** 30) > 1e-5


def test_i_and_j_are_numbers_within_a_network(files, engine):
    n, R = 5, 3
    x, start = np.random.default_rng(0).normal(size=(1, 20, 2)), weights(n, 2, 2, replicates=R)
    y = np.random.default_rng(1).normal(size=(1, 20, 2))
    moved = {}
    for name, factor in {"all": "1", "others": "int(i != j)", "from 1": "int(i == 1)", "to 3": "int(j == 3)"}.items():
        rule = files.rule(f"w -= 0.1*feedback_post*activity_pre*{factor}", parameters="{}")
        circuit = ap.Circuit(rule=rule, neurons=n, readout="random", activation="tanh")
        moved[name] = trained(circuit, x, y, engine, start, replicates=R).W.values - start.W
    # without the diagonal the networks go other ways, but where they start the first step is the same
    assert (np.abs(moved["others"])[:, ~np.eye(n, dtype=bool)] > 1e-9).all()
    assert (moved["others"][:, np.eye(n, dtype=bool)] == 0).all()
    assert (moved["from 1"][:, :, [0, 2, 3, 4]] == 0).all()
    assert (moved["from 1"][:, :, 1] != 0).all()
    assert (moved["to 3"][:, [0, 1, 2, 4]] == 0).all()
    assert (moved["to 3"][:, 3] != 0).all()
    assert (moved["all"] != 0).all()


@pytest.mark.parametrize(("word", "count"), [("N_pre", 4), ("N_post", 4), ("N_incoming", 4), ("N_outgoing", 4)])
def test_counts_of_synapses_are_those_of_a_network(files, engine, word, count):
    x, start = np.random.default_rng(0).normal(size=(1, 10, 2)), weights(4, 2, 2, replicates=2)
    found = []
    for factor in (word, str(count)):
        rule = files.rule(f"w -= 0.1*feedback_post*activity_pre/{factor}", parameters="{}")
        circuit = ap.Circuit(rule=rule, neurons=4, readout="random", activation="tanh")
        found.append(trained(circuit, x, engine=engine, start=start, replicates=2).W.values)
    assert np.abs(found[0] - found[1]).max() <= EXACT
    assert np.abs(found[0] - start.W).max() > 1e-3


def test_counts_are_those_of_the_projection(files, engine):
    x, start = np.random.default_rng(0).normal(size=(1, 10, 3)), weights(4, 3, 3)
    moved = []
    for factor in ("N_pre*N_post", "12"):
        rule = files.rule(f"w -= feedback_post*activity_pre/({factor})", parameters="{}")
        circuit = ap.Circuit(rule=rule, neurons=4, readout="random", activation="tanh", learn=("U",))
        moved.append(trained(circuit, x, engine=engine, start=start).U.values)
    assert np.abs(moved[0] - moved[1]).max() <= EXACT
    assert np.abs(moved[0] - start.U).max() > 1e-3


def test_a_neurons_number_spreads_its_time_constant(files, engine):
    n, R = 5, 3
    neuron = files.neuron(
        "tau = tau_0*(1 + i/(N - 1)) : second\ndo/dt = (-o + drive + input + bias)/tau : 1\nactivity = o : 1",
        parameters="{'tau_0': 5*ms}",
    )
    start = ap.Weights(np.zeros((R, n, n)), np.ones((R, n, 1)), np.zeros((R, 1, n)), np.zeros((R, n, 1)))
    circuit = ap.Circuit(neuron=neuron, neurons=n, readout="random", learn=())
    data = trained(circuit, np.ones((1, 20, 1)), engine=engine, start=start, replicates=R, train=0, test=1)
    right = 1 - (1 - 1 / (5 * (1 + np.arange(n) / (n - 1)))) ** 10
    assert np.abs(data.trace_activity.values[:, 0, 9] - right).max() <= EXACT


@pytest.mark.parametrize(
    "how",
    [{}, {"update": "trajectory"}, {"update": "batch", "batch": 4}, {"optimiser": "momentum"}, {"optimiser": "adam"}],
)
@pytest.mark.parametrize(
    "code",
    [
        "w = clip(w + eta*activity_pre*activity_post, low, high)",
        "w += eta*activity_pre*activity_post\nw = clip(w, low, high)",
        "dw = eta*activity_pre*activity_post; w = clip(dw + w, low, high)",
    ],
)
def test_bounds_of_a_rule_hold(files, engine, how, code):
    rule = files.rule(code, parameters="{'eta': 0.05, 'low': 0.1, 'high': 0.9}")
    x = np.random.default_rng(0).random((8, 20, 2))
    start = ap.Weights(np.full((1, 2, 2), 0.5), np.eye(2)[None], np.zeros((1, 2, 2)), np.zeros((1, 2, 2)))
    W = trained(ap.Circuit(rule=rule), x, engine=engine, start=start, **how).W.values
    assert W.max() <= 0.9
    assert W.max() > 0.6


def test_a_bound_of_gathered_changes_holds_from_the_first_update_on(files, engine):
    rule = files.rule("w -= eta*w", parameters="{'eta': 0.1}")
    x = np.full((2, 5, 1), 0.3)
    start = ap.Weights(np.full((1, 1, 1), -2.0), np.eye(1)[None], np.zeros((1, 1, 1)), np.zeros((1, 1, 1)))
    how = {"update": "batch", "batch": 2, "bound": 1}
    W = trained(ap.Circuit(rule=rule, neurons=1), x, engine=engine, start=start, **how).W.values
    # both trajectories see w = -2: each gathers 5 steps of +0.2, whose mean the update adds before the bound is asked
    assert W.ravel() == pytest.approx([-1.0])
    start = ap.Weights(np.full((1, 1, 1), -1.25), np.eye(1)[None], np.zeros((1, 1, 1)), np.zeros((1, 1, 1)))
    W = trained(ap.Circuit(rule=rule, neurons=1), x, engine=engine, start=start, **how).W.values
    assert W.ravel() == pytest.approx([-0.625])


def test_a_bound_changes_nothing_while_nothing_is_learned(files, engine):
    rule = files.rule("w -= eta*w", parameters="{'eta': 0.1}")
    start = ap.Weights(np.full((1, 1, 1), -2.0), np.eye(1)[None], np.zeros((1, 1, 1)), np.zeros((1, 1, 1)))
    how = {"train": 1, "validate": 1, "validate_every": 1, "bound": (-1.9, 1.9), "reset": False}
    W = trained(ap.Circuit(rule=rule, neurons=1), np.ones((2, 1, 1)), engine=engine, start=start, **how).W.values
    assert W.ravel() == pytest.approx([-1.8])  # clipped before, it would be -1.71
    rule = files.rule("w -= eta*w", name="ends", finish="w -= eta*w", parameters="{'eta': 0.1}")
    how = {"bound": (-1.9, 1.9)}
    W = trained(ap.Circuit(rule=rule, neurons=1), np.ones((1, 3, 1)), engine=engine, start=start, **how).W.values
    assert W.ravel() == pytest.approx([-2 * 0.9**4])


def test_a_weight_that_is_set_is_refused_where_changes_are_gathered(files, engine):
    rule = files.rule("w = w/(1 + eta*activity_pre)", parameters="{'eta': 0.05}")
    x = np.random.default_rng(0).random((2, 20, 2))
    once = trained(ap.Circuit(rule=rule), x, engine=engine).W.values
    assert np.isfinite(once).all()
    with pytest.raises(ap.InputError, match=r"rule.py, line 4: .*sets w, but here"):
        trained(ap.Circuit(rule=rule), x, engine=engine, update="trajectory")


def test_what_arrives_with_a_delay_may_stand_in_a_logarithm(files, engine):
    x, start = np.random.default_rng(0).normal(size=(3, 15, 2)), weights(2, 2, 2)
    moved = []
    for limit in (0.1, 100):
        rule = files.rule(
            "w -= 0.1*feedback_post*late",
            eligibility=f"late = activity_pre*int(log(1 + activity_pre**2) <= {limit}) : 1",
            parameters="{}",
        )
        circuit = ap.Circuit(rule=rule, readout="random", activation="tanh", delay=[[0, 1], [3, 2]])
        moved.append(trained(circuit, x, engine=engine, start=start).W.values - start.W)
    plain = files.rule("w -= 0.1*feedback_post*activity_pre", parameters="{}")
    circuit = ap.Circuit(rule=plain, readout="random", activation="tanh", delay=[[0, 1], [3, 2]])
    assert np.abs(trained(circuit, x, engine=engine, start=start).W.values - start.W - moved[1]).max() <= EXACT
    assert np.abs(moved[0] - moved[1]).max() > 1e-3


def test_connections_learn_only_where_something_is_learned(engine):
    rng = np.random.default_rng(0)
    x, y, start = rng.normal(size=(4, 20, 2)), rng.normal(size=(4, 20, 1)), weights(5, 2, 1)
    circuit = ap.Circuit(neurons=5, readout="random", activation="tanh", learn=("V",), readout_rule="force")
    looks = [
        trained(circuit, x, y, engine, start, train=2, validate=count, validate_every=1).V.values for count in (0, 2)
    ]
    assert np.abs(looks[0] - looks[1]).max() <= 1e-11
    assert np.abs(looks[0] - start.V).max() > 1e-2


def gradient(w, x, y, delay):
    """The slope of the loss of two neurons with one connection, by differences."""

    def loss(w):
        o, total = np.zeros((len(x) + 1, 2)), 0.0
        for t in range(len(x)):
            arrives = o[t - delay, 0] if t >= delay else 0.0
            o[t + 1] = np.tanh(w * np.array([0, arrives]) + x[t])
            total += 0.5 * ((o[t + 1] - y[t]) ** 2).sum()
        return total

    return (loss(w + 1e-6) - loss(w - 1e-6)) / 2e-6


@pytest.mark.parametrize("delay", [0, 1, 3, 3 * ms, [3, 0], [[0, 1], [3, 2]]])
@pytest.mark.parametrize("rule", ["dp/dt = (f_prime_post*activity_pre - p)/step : 1", ""])
def test_rules_credit_what_has_arrived(files, engine, delay, rule):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(1, 30, 2)), rng.normal(size=(1, 30, 2))
    W, eye = np.zeros((1, 2, 2)), np.eye(2)[None]
    W[0, 1, 0] = 0.7
    if rule:
        path = files.rule("w -= 1e-3*feedback_post*p", eligibility=rule, parameters="{}")
    else:  # what arrived a step ago, kept in the presynaptic neuron
        path = files.rule(
            "w -= 1e-3*feedback_post*f_prime_post*k_pre",
            trace="dk/dt = (activity - k)/step : 1",
            parameters="{}",
        )
    circuit = ap.Circuit(rule=path, readout="random", activation="tanh", delay=delay)
    moved = trained(circuit, x, y, engine, ap.Weights(W, eye, eye, eye), update="trajectory", averaging=False).W - W
    steps = 0 if np.ndim(delay) == 0 and delay == 0 else {(): 3, (2,): 3, (2, 2): 3}[np.shape(delay)]
    steps = delay if isinstance(delay, int) else steps
    assert -moved.values[0, 1, 0] / 1e-3 == pytest.approx(gradient(0.7, x[0], y[0], steps), rel=1e-6)


NAMES = ("mean", "now", "w_before", "ends", "change", "velocity", "moment", "square", "corrected", "trace", "learning")
NAMES += ("share", "spiked_", "psi", "total", "t1", "score", "cost", "offset", "readout", "late_0", "x", "tape", "std")


@pytest.mark.parametrize("how", [{}, {"update": "trajectory"}, {"optimiser": "adam-hat"}], ids=str)
def test_names_of_the_harness_are_free(files, engine, how):
    x, start = np.random.default_rng(0).normal(size=(3, 15, 2)), weights(2, 2, 2)
    W = []
    for names in ([f"own_{k}" for k in range(len(NAMES))], NAMES):
        filters = [f"{name} += {k + 1}*(activity_pre - {name})*dt/tau" for k, name in enumerate(names)]
        rule = files.rule(
            "\n".join([*filters, f"w -= eta*feedback_post*(activity_pre - ({'+'.join(names)})/{len(names)})"]),
            eligibility="\n".join(f"{name} : 1" for name in names),
            finish=f"w -= 0.001*({'+'.join(names)})",
            parameters="{'tau': 50*ms, 'eta': 0.03}",
        )
        W.append(trained(ap.Circuit(rule=rule, readout="random"), x, engine=engine, start=start, **how).W.values)
    assert np.abs(W[0] - W[1]).max() <= EXACT
    assert np.abs(W[0] - start.W).max() > 1e-3


def test_a_learning_rate_within_another_name_is_left_alone(files, engine):
    x, start = np.random.default_rng(0).normal(size=(3, 15, 2)), weights(2, 2, 2)
    W = []
    for name in ("BETA", "slope"):
        rule = files.rule(f"w -= eta*feedback_post*activity_pre*{name}", parameters=f"{{'{name}': 2.0, 'eta': 0.03}}")
        circuit = ap.Circuit(rule=rule, readout="random")
        W.append(trained(circuit, x, engine=engine, start=start, optimiser="adam").W.values)
    assert np.abs(W[0] - W[1]).max() <= EXACT


@pytest.mark.parametrize(
    "update",
    [
        "m_post += 0.1*activity_pre\nw -= eta*feedback_post*activity_pre*m_post",
        "w -= eta*feedback_post*activity_pre*m_post\nm_post += 0.1*activity_pre",
        "w -= eta*feedback_post*activity_pre; m += 0.1*activity_pre",
        "w -= eta*feedback_post*activity_pre\nfeedback_post = 1",
    ],
)
@pytest.mark.parametrize("field", ["update", "finish"])
def test_a_synapse_writes_its_own_variables_only(files, engine, update, field):
    fields = {"update": "w -= eta*feedback_post"} | {field: update}
    rule = files.rule(**fields, postsynaptic="dm/dt = -m/tau_r : 1", parameters="{'tau_r': 10*ms, 'eta': 0.03}")
    with pytest.raises(ap.InputError, match=r"rule.py, line \d+: '.*assigns to 'm|assigns to 'feedback_post'"):
        trained(ap.Circuit(rule=rule, readout="random"), np.ones((1, 9, 2)), engine=engine)


def test_noise_needs_no_compiler_and_does_not_depend_on_looks(files, engine):
    if engine == "reference":
        pytest.skip("the reference draws no noise")
    x, start = np.random.default_rng(0).normal(size=(4, 15, 2)), weights(2, 2, 2)
    neuron = files.neuron(
        "do/dt = (-o + tanh(drive + input + bias))/tau_m + 0.1*xi/tau_m**0.5 : 1\nactivity = o : 1",
        parameters="{'tau_m': 5*ms}",
    )
    rule = files.rule(
        "w -= eta*feedback_post*activity_pre + 0.01*rand()", perturbation="0.1*randn()", parameters="{'eta': 0.1}"
    )
    circuit = ap.Circuit(neuron=neuron, rule=rule, readout="random")
    W = [
        trained(circuit, x, engine=engine, start=start, train=2, validate=count, validate_every=1).W.values
        for count in (0, 2)
    ]
    assert np.abs(W[0] - W[1]).max() <= EXACT
    assert np.abs(W[0] - trained(circuit, x, engine="runtime", start=start, train=2).W.values).max() <= EXACT
    other = trained(circuit, x, engine=engine, start=start, train=2, seed=1).W.values
    assert np.abs(W[0] - other).max() > 1e-3


def test_each_random_number_of_a_model_is_its_own(files, engine):
    if engine == "reference":
        pytest.skip("the reference draws no noise")
    neuron = files.neuron(
        "do/dt = (g1 - g2 - o)/tau_m : 1\nactivity = o : 1",
        sums={"g1": "rand()", "g2": "rand()"},
        parameters="{'tau_m': 1*ms}",
    )
    rule = files.rule("r = randn()\nw += r - w", finish="w -= randn()", eligibility="r : 1", parameters="{}")
    circuit, x = ap.Circuit(neuron=neuron, rule=rule), np.zeros((1, 3, 2))
    data, other = (trained(circuit, x, engine=name, start=spikes_only()) for name in (engine, "runtime"))
    assert all(np.abs(drawn).min() > 1e-6 for drawn in (data.W.values, data.trace_activity.values[0, 0, 1:]))
    assert np.abs(data.W.values - other.W.values).max() <= EXACT


def test_a_connections_own_state_may_be_called_like_a_parameter_given_per_neuron(files, engine):
    x, start = np.random.default_rng(0).normal(size=(2, 8, 2)), weights(2, 2, 2)
    equations = "do/dt = (tanh(drive + input + bias) - o)/pace : 1\nactivity = o : 1"
    neuron = files.neuron(equations, parameters="{'pace': 2*ms}")
    W = {}
    for state, paces in (("q", [3, 5]), ("pace", [3, 5]), ("pace", [3, 3])):
        fields = {"initial": "identity", "equations": f"{state} : 1"}
        told = ", ".join(f"{name}={value!r}" for name, value in fields.items())
        connection = f"(Connection(sums={{'own': '{state}*activity_pre'}}, pairs='self', {told}),)"
        rule = files.rule("w -= 0.1*feedback_post*own_pre", connections=connection, parameters="{}")
        circuit = ap.Circuit(neuron, rule=rule, readout="random", learn=("W", "b"))
        paces = {"pace": np.array([paces]) * ms}
        W[state, str(paces)] = trained(circuit, x, engine=engine, start=start, parameters=paces).W.values
    first, second, other = W.values()
    assert np.abs(first - second).max() <= EXACT
    assert np.abs(first - start.W).max() > 1e-3
    assert np.abs(first - other).max() > 1e-6


def test_functions_are_real(files, engine):
    # of a function of which nothing is known SymPy takes the real part: abs(exp(f)) is exp(re(f))
    x, start = np.random.default_rng(0).normal(size=(2, 6, 2)), weights(2, 2, 2)
    W = {}
    for told in ("abs(exp(-elapsed/steps))", "exp(-elapsed/steps)", "exp(-elapsed/(2*steps))"):
        rule = files.rule(f"w -= 0.1*feedback_post*activity_pre*{told}", parameters="{}")
        circuit = ap.Circuit(rule=rule, readout="random", activation="tanh")
        W[told] = trained(circuit, x, engine=engine, start=start).W.values
    first, second, other = W.values()
    assert np.abs(first - second).max() <= EXACT
    assert np.abs(first - other).max() > 1e-6
    equations = "do/dt = (tanh(drive + input + bias)*abs(exp(-1/steps)) - o)/(2*ms) : 1\nactivity = o : 1"
    neuron = files.neuron(equations, parameters="{}")
    moved = trained(ap.Circuit(neuron, readout="random"), x, engine=engine, start=start).W.values - start.W
    assert np.abs(moved).max() > 1e-6
