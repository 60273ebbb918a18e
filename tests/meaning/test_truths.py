"""Conditions among numbers: what is true counts as 1, in every engine."""

import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.engines.brian.assembly import truths
from autapse_sim.engines.brian.compiler import compiler

ONE = ap.Weights(W=np.zeros((1, 1, 1)), U=np.ones((1, 1, 1)), V=np.ones((1, 1, 1)), B=np.ones((1, 1, 1)))
ENGINES = ("runtime", "reference", pytest.param("standalone", marks=pytest.mark.slow))
CASES = {
    "w += (activity_post > 0) + (activity_post > 0.5)": 2,
    "w += 1.e-1*activity_post + 2.E0 - 2.5e+0 + 1_0.e0*activity_pre": 0.1 - 0.5 + 10,
    "g = activity_post > 0; h = activity_post > 0.5; w += g + h": 2,
    "g = activity_post > 0; h = activity_post > 0.5; w += g + h - 2*g*h": 0,
    "g = activity_post > 0; g = 0.5*g; w += g": 0.5,
    "g = activity_post > 0; g *= 0.5; w += g": 0.5,
    "w += clip(activity_post > 0, 0, 0.5)": 0.5,
    "w += exp(activity_post > 0)": np.e,
    "w += (activity_post > 0) - (activity_post > 5)": 1,
    "w += -(activity_post > 0)": -1,
    "w += clip(sign(activity_post), -0.5, 0.5)": 0.5,
    "w += clip(int(5*activity_post), 0, 2.5)": 2.5,
    "w += clip(choose(activity_post > 0, 3, -3), -0.5, 1.5)": 1.5,
    "g = True; w += 0.5*g - False + 0.2*(activity_post > 0 and True)": 0.7,
    "g = activity_post > 0; h = activity_post > 3; k = g and not h; w += 0.3*int(k) + choose(g or h, 0.1, 0.2)": 0.4,
}


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_true_counts_as_one(engine):
    x = np.ones((1, 1, 1, 1))
    once = ap.Protocol(replicates=1, train=1, validate=0, test=0)
    for update, right in CASES.items():
        circuit = ap.Circuit(rule=ap.Rule(update=update), neurons=1, activation="linear", readout="random")
        data = ap.train(circuit, ap.ArrayTask(x, x), once, weights=ONE, engine=engine).data
        assert float(data.W.squeeze()) == pytest.approx(right, rel=1e-12), update


VALUES = {
    # what stands in equations, of a = 0.7; all of it once meant another number, in one engine or in all
    "clip(sign(a), -0.5, 0.5)": 0.5,
    "clip(int(5*a), 0, 2.5)": 2.5,
    "clip(a > 0, 0, 0.5)": 0.5,
    "clip(a, 1, -1)": -1,
    "(a > 0) + (a > 0.5)": 2,
    "(a > 0)*a + 2*(not a > 1)": 2.7,
    "exp(a > 0)": np.e,
    "high + high + (high and a > 0)": 3,
    "some + some + 0.5*(not some) + choose(some, 3, 5)": 5,
    "choose(a and high, a > 0, 5)": 1,
    "a > 0": 1,
    "(2 - (not a > 1) > 0.5) + (choose(a > 0, a, 5) < 1)": 2,
    "True + True": 2,
    "int(1e10*a)": 7e9,
    "2**(-int(5*a))": 0.125,
    "2**(-timestep(t + 3*ms, dt))": 0.125,
    "int(5*a)/2": 1.5,
    "(-a)**(1/3)": np.nan,
    "(a - 1.7)**2": 1,
    "(a + 0.3)//0.1 + 100*((a + 0.3) % 0.1)": 10,
    "(-a)//0.5 + 10*((-a) % 0.5)": 1,
    "(a // -0.5) + 10*(a % -0.5)": -5,
    "(t + 30*ms)/ms//10 + ((t + 30*ms) % (7*ms))/ms": 5,
}
COMPILED = ["standalone"] if compiler() else []


def of_equations(engine, values=VALUES):
    """The values as subexpressions, as rates of one step, in a trace, an eligibility and activations."""
    n = len(values)
    neuron = "a = input : 1\nhigh = a > 0.5 : boolean\nsome = a : boolean\nactivity = f : 1\n"
    neuron += "\n".join(f"q{k} = {value} : 1\ndr{k}/dt = ({value})/ms : 1" for k, value in enumerate(values))
    trace = "\n".join(f"s{k} = {value} : 1" for k, value in enumerate(values))
    eligibility = "\n".join(f"p{k} = {value} : 1" for k, value in enumerate(values))
    # each synapse gets one value of one kind, by the number of its presynaptic neuron
    kinds = [name for kind in ("q{}_post", "r{}_post", "s{}_post", "p{}") for name in map(kind.format, range(n))]
    chosen = [f"choose(i == {k}, {name}, 0)" for k, name in enumerate([*kinds, "f_post", "f_prime_post"])]
    rule = ap.Rule(update="\n".join(f"w += {each}" for each in chosen), trace=trace, eligibility=eligibility)
    relu = {"relu": ap.Activation(f="a*(a > 0)", f_prime="a > 0")}
    size = len(chosen)
    circuit = ap.Circuit(
        ap.Neuron(equations=neuron, activations=relu), rule, neurons=size, activation="relu", readout="random"
    )
    start = ap.Weights(
        W=np.zeros((1, size, size)),
        U=np.ones((1, size, 1)),
        V=np.zeros((1, 1, size)),
        B=np.zeros((1, size, 1)),
    )
    x = np.full((1, 1, 1, 1), 0.7)
    once = ap.Protocol(replicates=1, train=1, validate=0, test=0)
    found = ap.train(circuit, ap.ArrayTask(x, x), once, weights=start, engine=engine).data.W.values[0, 0]
    return found[: 4 * n].reshape(4, n), found[4 * n :]


@pytest.mark.parametrize("engine", ["runtime", "reference", *COMPILED])
def test_what_is_true_counts_as_one_in_equations_and_whole_numbers_are_real(engine):
    found, activation = of_equations(engine)
    for kind, values in zip(("subexpression", "rate", "trace", "eligibility"), found, strict=True):
        assert values == pytest.approx(list(VALUES.values()), rel=1e-12, nan_ok=True), kind
    assert activation == pytest.approx([0.7, 1])


ITSELF = {
    # what v goes by in a step from 0 on: the sum of v after each of six steps
    "int(v < 2.5)": 1 + 2 + 3 + 3 + 3 + 3,
    "(v < 2.5)": 1 + 2 + 3 + 3 + 3 + 3,
    "choose(v > 1.5, -1, 1)": 1 + 2 + 1 + 2 + 1 + 2,
    "1 + v*(v > 0.5 and not v > 4.5)": 1 + 3 + 7 + 8 + 9 + 10,
    "(1 - 0.5*v)*int(v < 1.7) + (v > 1.7 or v < -5)": 1 + 1.5 + 1.75 + 2.75 + 3.75 + 4.75,
}


@pytest.mark.parametrize("engine", ["runtime", "reference", *COMPILED])
def test_a_state_may_ask_for_itself(engine):
    x = np.ones((1, 1, 6, 1))
    once = ap.Protocol(replicates=1, train=1, validate=0, test=0)
    names = [f"v{k}" for k in range(len(ITSELF))]
    lines = [f"d{v}/dt = ({form.replace('v', v)})/ms : 1" for v, form in zip(names, ITSELF, strict=True)]
    neuron = ap.Neuron("\n".join([*lines, f"activity = {' + '.join(names)} + 0*input : 1"]), method="euler")
    rule = ap.Rule(update="\n".join(f"w += {10.0**-k}*{v}_post" for k, v in enumerate(names)))
    circuit = ap.Circuit(neuron, rule, neurons=1, readout="random")
    found = float(ap.train(circuit, ap.ArrayTask(x, x), once, weights=ONE, engine=engine).data.W.squeeze())
    assert found == pytest.approx(sum(10.0**-k * right for k, right in enumerate(ITSELF.values())), rel=1e-12)


def test_brians_own_quotients_differ_from_place_to_place(monkeypatch):
    monkeypatch.setattr(truths, "OF_OPERATORS", {})
    found, _ = of_equations("runtime", ["(a + 0.3)//0.1"])
    assert set(found[:, 0]) == {9, 10}


def test_brians_own_whole_numbers_end(monkeypatch):
    monkeypatch.setattr(truths, "REAL", {})
    found, _ = of_equations("runtime", ["int(1e10*a)"])
    assert np.all(found == -(2**31))


def test_exact_gradients_know_a_condition_as_a_factor():
    def W(shown):
        neuron = ap.Neuron(f"dv/dt = (drive + 2*input - v)/(2*ms) : 1\nactivity = {shown} : 1")
        circuit = ap.Circuit(neuron, "bptt", neurons=3, readout="random")
        x = np.random.default_rng(0).normal(size=(1, 3, 6, 2))
        protocol = ap.Protocol(replicates=1, train=3, validate=0, test=0, seed=1)
        return ap.train(circuit, ap.ArrayTask(x, x), protocol, parameters={"eta": 0.1}).data.W.values

    assert np.abs(W("v*(v > 0.1)") - W("choose(v > 0.1, v, 0)")).max() <= 1e-12
    assert np.abs(W("v*(v > 0.1)") - W("v*(v > 0.6)")).max() > 1e-6
