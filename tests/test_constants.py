"""Expressions that come to no number whatever is shown: refused with file and line, by all engines alike."""

import re
import time

import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.engines.brian.compiler import compiler

ENGINES = ("standalone", "runtime", "reference")
PROTOCOL = ap.Protocol(replicates=1, train=1, validate=0, test=0)
RULE = """from brian2 import *
from autapse_sim import *
rule = Rule(
    "w -= eta*feedback_post*activity_pre",
    {},
    parameters={{"eta": 0.1, "tau": 10*ms}},
)
"""
NEURON = """from brian2 import *
from autapse_sim import *
neuron = Neuron(
    "do/dt = (-o + drive + input + bias)/tau_m : 1\\nactivity = o : 1",
    {{"tau_m": 5*ms}},
    {},
)
"""
TOO_LARGE, WHOLE = "holds a number that is too large, or not real", "holds a whole number that is too large"
NO_NUMBER = "divides by zero, or comes to what is no real number"


def said(engine, path, **circuit):
    """What an engine says of a circuit, in a moment."""
    begin = time.process_time()
    with pytest.raises(ap.InputError) as caught:
        ap.train(ap.Circuit(**circuit), ap.BouncingBall(steps=3), PROTOCOL, engine=engine)
    assert time.process_time() - begin < 10
    assert str(caught.value).isprintable()
    assert re.match(rf"{re.escape(str(path))}, line [3-6]: ", str(caught.value))
    return str(caught.value)


@pytest.fixture
def same(tmp_path):
    """What all engines say of a file."""

    def ask(text, kind="rule"):
        path = tmp_path / "mine.py"
        path.write_text(text)
        answers = {said(engine, path, **{kind: path}) for engine in ENGINES}
        assert len(answers) == 1
        return answers.pop()

    return ask


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("2**2**2**2**N", f"'2**2**2**2**N' {TOO_LARGE}, where N is 2"),
        ("2**(2**(2**(2**N)))", TOO_LARGE),
        ("N**10**9", TOO_LARGE),
        ("2**100*bias", f"{WHOLE}; write it with a point"),
        ("123456789012345678901234567890", WHOLE),
        ("1/(N - N)", "'1/(N - N)' divides by zero, where N is 2"),
        ("3 % (N - 2)", "divides by zero"),
        ("(N - 2)**-1", "divides by zero"),
        ("int(inf)", TOO_LARGE),
        ("floor(inf)", TOO_LARGE),
        ("inf - inf", TOO_LARGE),
        ("exp(exp(1000))", TOO_LARGE),
        ("sqrt(-1)", TOO_LARGE),
        ("log(0)", TOO_LARGE),
        ("arcsin(2)*bias", TOO_LARGE),
        ("exp(1, 2)", r"exp has 2 arguments in 'exp(1, 2)'; it takes 1"),
        ("clip(bias, 1)", "clip has 2 arguments"),
    ],
)
def test_all_engines_refuse_what_is_no_number_in_the_same_words(same, expression, says):
    assert says in same(RULE.format(f"perturbation={expression!r}"))


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ('trace="dk/dt = (activity - k)/tau/(N - 2) : 1"', "divides by zero, where N is 2"),
        ('trace="dk/dt = (activity/(k - k) - k)/tau : 1"', NO_NUMBER),
        ('trace="z = k - k : 1\\ndk/dt = (activity/z - k)/tau : 1"', NO_NUMBER),
        ('trace="dk/dt = (activity - k)/(0*ms) : 1"', NO_NUMBER),
        ('eligibility="dq/dt = -q/tau/(N_pre - N_post) : 1"', "divides by zero, where N_post is 2 and N_pre is 2"),
        ('connections=Connection({"s": "activity_pre/(N_incoming - 2)"})', "divides by zero, where N_incoming is 2"),
        ('finish="w += eta/(N_pre - N_pre)"', "'eta/(N_pre - N_pre)' divides by zero, where N_pre is 2"),
        ('postsynaptic="dp/dt = -p/tau/(N - 2) : 1"', "divides by zero"),
    ],
)
def test_every_text_of_a_rule_comes_to_numbers(same, field, says):
    assert says in same(RULE.format(field))


@pytest.mark.parametrize(
    "field",
    ["initial={'o': '1/(N - 2)'}", "sums={'q': 'w/(N_pre - 2)'}", "threshold='o > 1/(N - 2)', reset='o = 0'"],
)
def test_every_text_of_a_neuron_comes_to_numbers(same, field):
    assert "divides by zero, where N" in same(NEURON.format(field), kind="neuron")


def test_a_neuron_alone_in_its_network_is_told_of_the_division_by_the_others(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(RULE.format('trace="dk/dt = (activity/(N - 1) - k)/tau : 1"'))
    ap.train(ap.Circuit(rule=path), ap.BouncingBall(steps=3), PROTOCOL, engine="runtime")
    assert "divides by zero, where N is 1" in said("runtime", path, rule=path, neurons=1, readout="random")


def test_infinity_where_it_is_written_is_a_number(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(RULE.format('trace="dk/dt = (clip(activity, -inf, inf) + exp(-inf) - k)/tau : 1"'))
    for engine in ENGINES[1:]:
        data = ap.train(ap.Circuit(rule=path), ap.BouncingBall(steps=3), PROTOCOL, engine=engine).data
        assert np.isfinite(data.W).all()


@pytest.mark.parametrize(
    "update",
    [
        "w = w - eta*feedback_post*(exp(-0.5) + floor(2.5) - ceil(0.2)*sign(1/N_incoming - 0.6))",
        "w = w*abs(-0.9) - eta*feedback_post*log(1.0 + sqrt(N_pre*2.0)) + eta*cos(0.0)*int(0.5 > 0.3)",
        "w = w + eta*clip(-2.0, -1, 1)*feedback_post*tanh(sinh(0.5))",
        "w = w - eta*feedback_post/(1 + exp(-log(1 + k_pre**2))) + 0*tanh(activity_post)*pi",
    ],
)
def test_functions_that_sympy_does_without_are_called(update, tmp_path):
    """It puts numbers in the place of those of numbers alone, and log undoes exp."""
    path = tmp_path / "mine.py"
    text = RULE.format("trace='dk/dt = (activity - k)/tau : 1'").replace("w -= eta*feedback_post*activity_pre", update)
    path.write_text(text)
    engines = ENGINES if compiler() and "log(1 + k_pre**2)" in update else ENGINES[1:]
    found = [
        ap.train(ap.Circuit(rule=path), ap.BouncingBall(steps=5), PROTOCOL, engine=engine).data.W.values
        for engine in engines
    ]
    for each in found[1:]:
        np.testing.assert_allclose(each, found[0], rtol=0, atol=1e-13)
    path.write_text(text.replace("eta*", "0*eta*"))
    still = ap.train(ap.Circuit(rule=path), ap.BouncingBall(steps=5), PROTOCOL, engine="reference").data.W.values
    assert (np.abs(still - found[0]) > 1e-6).all()


@pytest.mark.parametrize("engine", ENGINES if compiler() else ENGINES[1:])
def test_whole_numbers_have_all_their_powers(engine, tmp_path):
    """In C++ those with a negative exponent are 0, and large ones overflow."""
    path = tmp_path / "mine.py"

    def learned(power, of_size):
        texts = f'trace="shown = activity*({of_size}) : 1\\ndk/dt = (shown*({power}) - k)/tau : 1"'
        rule = RULE.format(texts).replace("activity_pre", f"({power})*(k_pre + {of_size.replace('N', 'N_pre')})")
        path.write_text(rule)
        circuit = ap.Circuit(rule=path, neurons=6, readout="random")
        return ap.train(circuit, ap.BouncingBall(steps=5), PROTOCOL, engine=engine).data.W.values

    found = learned("2**-1 + (5 - 3)**-2 - 10**(1 - 2) + 7**20*1e-17 + int(2.9)**-1", "(N - 4)**-2")
    known = learned("0.5 + 0.25 - 0.1 + 0.79792266297612 + 0.5", "0.25")
    np.testing.assert_allclose(found, known, rtol=0, atol=1e-12)
    assert np.abs(found - learned("0.25 - 0.1 + 0.79792266297612 + 0.5", "0.25")).min() > 1e-4
