"""What Brian2 finds wrong is blamed on the file in which it stands, and on its line where that can be found."""

import re

import pytest

import autapse_sim as ap

GOOD = "do/dt = (-o + drive + input + bias)/tau_m : 1"
NEURON = """from brian2 import *
from autapse_sim import *
neuron = Neuron(
    \"\"\"{}
    activity = o : 1
    \"\"\",
    {{"tau_m": 5*ms}},
    {}
)
"""
RULE = """from brian2 import *
from autapse_sim import *
rule = Rule(
    "w -= eta*feedback_post*k_pre",
    {},
    parameters={{"eta": 0.1, "tau": 10*ms}},
)
"""
SPIKES = "threshold='o > 1', reset='o = 0'"


def refused(path, **circuit):
    """What is said of a circuit, that begins with the file."""
    protocol = ap.Protocol(replicates=1, train=1, validate=0, test=0)
    with pytest.raises(ap.InputError) as caught:
        ap.train(ap.Circuit(**circuit), ap.BouncingBall(steps=3), protocol, engine="runtime")
    where = re.match(rf"{re.escape(str(path))}, line (\d+): ", str(caught.value))
    assert where, str(caught.value)
    assert "models/" not in str(caught.value).removeprefix(str(path))
    return int(where[1])


@pytest.mark.parametrize(
    ("equation", "fields", "line"),
    [
        (GOOD, "method='gsl_rkf45'", 8),
        (GOOD, "method='gsl'", 8),
        (GOOD, "method='nothing'", 8),
        (GOOD.replace("-o", "-o**2"), "method='exponential_euler'", 4),
        (GOOD.replace("-o", "-exp(o)"), "method='exponential_euler'", 4),
        (GOOD.replace("-o", "-o**2"), "method='exact'", 4),
        (GOOD.replace("-o", "-o*t/ms"), "method='exact'", 4),
        (GOOD.replace("-o", "-o + xi*o*sqrt(tau_m)"), "method='euler'", 4),
        (GOOD.replace("-o", "-o + xi*sqrt(tau_m)"), "method='rk4'", 4),
        (GOOD.replace("-o", "-o*mV"), "", 4),
        (GOOD, f"{SPIKES[:-2]}o*mV'", 8),
        (GOOD, f"{SPIKES}, pseudo_derivative='o*mV'", 8),
        (GOOD, f"{SPIKES}, refractory='5'", 8),
        (GOOD, "sums={'q': 'w*mV'}", 8),
        (f"{GOOD}\n    dz/dt = not o/ms : 1", "", 5),
    ],
)
def test_what_is_wrong_in_a_neurons_file_is_told_of_that_file(tmp_path, equation, fields, line):
    path = tmp_path / "mine.py"
    path.write_text(NEURON.format(equation, fields))
    assert refused(path, neuron=path) == line


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ("trace='dk/dt = (activity - k**2)/tau : 1'", 5),
        ("trace='dk/dt = (activity - k)/tau**2 : 1'", 5),
        ("trace='dk/dt = (activity - k)/tau : 1', perturbation='0.1*mV'", 5),
        ("trace='dk/dt = (activity - k)/tau : 1', finish='w += 1*mV'", 5),
        ("trace='dk/dt = (activity - k)/tau : 1', initial={'k': '1*mV'}", 5),
    ],
)
def test_what_is_wrong_in_a_rules_file_is_told_of_that_file(tmp_path, fields, line):
    path = tmp_path / "mine.py"
    path.write_text(RULE.format(fields))
    assert refused(path, rule=path, method="exponential_euler") == line
