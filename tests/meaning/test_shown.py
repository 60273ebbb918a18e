"""What a neuron shows: computed wherever its own texts read it, and nothing of one trajectory in the next."""

import numpy as np
import pytest
from meaning.models import SAMPLED, trained, weights

import autapse_sim as ap

STATE = "dv/dt = (1.3*drive + 2*input + 0.2 - v)/(2*ms) : 1\n"
HEBB = ap.Rule(update="w -= 0.1*feedback_post*activity_pre")
X = np.random.default_rng(1).normal(size=(3, 6, 2))


def W(neuron, engine, rule=HEBB, **circuit):
    made = ap.Circuit(neuron, rule, neurons=3, readout="random", feedback="random", activation="tanh", **circuit)
    return trained(made, X, engine=engine, start=weights(3, 2, 2)).W.values


SPIKING = {
    "equations": STATE + "q : 1\nsent = spiked*step/dt : 1",
    "threshold": "{} > 0.4",
    "reset": "v -= 0.5*{}; q = {}",
    "refractory": "(1 + int({} > 1))*1.2*ms",
    "pseudo_derivative": "clip({}, 0.1, 1)",
}
OWN = {
    "spiking": (SPIKING, "w -= 0.1*feedback_post*activity_pre*f_prime_post*(1 + q_post)"),
    "rk4": ({"equations": STATE + "dq/dt = ({} - q)/(3*ms) : 1\nsent = tanh(q) : 1", "method": "rk4"}, ""),
    "initial": ({"equations": STATE + "q : 1\nsent = tanh(v + q) : 1", "initial": {"v": "0.3", "q": "{}"}}, ""),
}


def written(fields, word):
    """The fields of a neuron in which a word stands for what it shows."""
    put = {name: text.replace("{}", word) for name, text in fields.items() if name != "initial"}
    put["equations"] += "\nactivity = 0.9*v : 1"
    initial = {name: text.replace("{}", word) for name, text in fields.get("initial", {}).items()}
    return ap.Neuron(**put, initial=initial)


@pytest.mark.parametrize("where", OWN)
@pytest.mark.parametrize("engine", SAMPLED)
def test_a_neuron_reads_what_it_shows_as_the_expression_that_it_is(engine, where):
    fields, update = OWN[where]
    rule = ap.Rule(update=update) if update else HEBB
    right = W(written(fields, "(0.9*v)"), "reference", rule)
    assert np.abs(W(written(fields, "activity"), engine, rule) - right).max() <= 1e-12


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_traces_read_what_was_shown_where_that_follows_what_arrives(method):
    def moved(shown, read):
        rule = ap.Rule(update="w -= 0.1*feedback_post*k_pre", trace=f"dk/dt = ({read} - k)/(2*ms) : 1")
        return W(ap.Neuron(STATE + f"activity = {shown} : 1\nsent = 0.9*v : 1", method=method), "runtime", rule)

    states, arriving = "0.9*v", "0.9*v + 0.1*drive"
    assert np.abs(moved(states, "activity") - moved(states, states)).max() <= 1e-12
    assert np.abs(moved(arriving, "activity") - moved(arriving, arriving)).max() > 1e-3


@pytest.mark.parametrize("engine", SAMPLED)
def test_a_state_is_shown_as_it_is_however_it_is_written(engine):
    plain = ap.Neuron(SPIKING["equations"] + "\nactivity = v : 1", threshold="activity > 0.4", reset="v -= 1; q = v")
    brackets = plain.replace(equations=plain.equations.replace("activity = v", "activity = (v)"))
    assert np.array_equal(W(brackets, engine), W(plain, engine))
    assert np.abs(W(plain, engine) - W(plain.replace(threshold="activity > 0.3"), engine)).max() > 1e-3


def test_exact_gradients_read_what_is_shown_so_too():
    made = [written(SPIKING, word) for word in ("activity", "(0.9*v)", "(0.8*v)")]
    mine, right, other = [W(neuron.replace(refractory=""), "auto", "bptt") for neuron in made]
    assert np.abs(mine - right).max() <= 1e-12
    assert np.abs(mine - other).max() > 1e-3


@pytest.mark.parametrize("engine", SAMPLED)
def test_nothing_of_a_trajectory_is_in_the_next(engine):
    # what it shows follows the drive at once, and is sent in the first step of a trajectory
    neuron = ap.Neuron("activity = tanh(drive + input + bias) : 1")
    still = ap.Rule(update="w += 0*activity_pre")
    circuit = ap.Circuit(neuron, still, neurons=3, readout="random")

    def mse(x, **protocol):
        found = trained(circuit, x, engine=engine, start=weights(3, 2, 2), **protocol)
        return found.mse_train.values.ravel()

    alone = [mse(x[None])[0] for x in X]
    assert mse(X) == pytest.approx(alone, rel=1e-12)
    assert np.abs(mse(X, reset=False) - alone)[1:].min() > 1e-3


NESTED = "dv/dt = (1.3*drive + 2*input + 0.2 - v)/(2*ms) : 1\nq : 1\na = 0.5*v : 1\nb = 2*a + q : 1\nactivity = v : 1"
CHANGED = {
    "by the statement itself": ("v = 0.3 + 0.5*b; q = b", "v = 0.3 + 0.5*(v + q); q = v + q"),
    "between two that read": ("q = b; v = 0.4; v += 0.3*b + 0.2*q", "q = v + q; v = 0.4; v += 0.3*(v + q) + 0.2*q"),
}


@pytest.mark.parametrize("engine", SAMPLED)
@pytest.mark.parametrize("how", CHANGED)
def test_an_expression_is_what_it_is_made_of_where_it_is_read(how, engine):
    def of(reset):
        return W(ap.Neuron(equations=NESTED, threshold="v > 0.5", reset=reset), engine)

    told, written_out = map(of, CHANGED[how])
    np.testing.assert_allclose(told, written_out, rtol=1e-12)
    assert np.abs(told - of("v = 0.4; q = 0.1")).max() > 1e-4


@pytest.mark.parametrize("engine", SAMPLED)
def test_an_expression_of_a_synapse_is_what_it_is_made_of_where_it_is_read(engine):
    def of(update):
        equations = "p : 1\na = 0.5*p : 1\nb = 2*a + 0.1 : 1"
        neuron = ap.Neuron(equations="dv/dt = (1.3*drive + 2*input - v)/(2*ms) : 1\nactivity = v : 1")
        return W(neuron, engine, ap.Rule(eligibility=equations, update=update))

    told = of("w -= 0.01*feedback_post*b; p = 0.3*b + activity_pre; w -= 0.01*b*feedback_post")
    same = "w -= 0.01*feedback_post*(p + 0.1); p = 0.3*(p + 0.1) + activity_pre; w -= 0.01*(p + 0.1)*feedback_post"
    np.testing.assert_allclose(told, of(same), rtol=1e-12)
    assert np.abs(told - of(same.replace("0.3", "0.2"))).max() > 1e-4
