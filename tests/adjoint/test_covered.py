"""What the compiled sweeps cover, and what is said of the rest."""

import pytest

import autapse_sim as ap
from autapse_sim.engines.adjoint.compiled.run import covers
from autapse_sim.errors import InputError
from autapse_sim.training.train import choose_engine

TOLD_FEEDBACK = ap.Neuron("dv/dt = (-v + drive + input + 0.1*feedback)/(10*ms) : 1\nactivity = tanh(v) : 1")
SUMMING = ap.Neuron("dv/dt = (-v + up + input)/(10*ms) : 1\nactivity = tanh(v) : 1", sums={"up": "abs(w)*sent_pre"})
REFUSED = {
    "what reads feedback": ({"neuron": TOLD_FEEDBACK}, "its neuron reads feedback or loss"),
    "sums": ({"neuron": SUMMING}, "its neuron has sums of its own"),
    "another rule": ({"rule": "rtrl", "neuron": "rate"}, "is for exact gradients, the rules bptt and fa"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_covered_is_refused_or_runs_in_numpy(case):
    options, said = REFUSED[case]
    circuit = ap.Circuit(**{"rule": "bptt", "neuron": "lif", **options})
    with pytest.raises(InputError, match=said):
        choose_engine(circuit, "compiled")
    assert choose_engine(circuit, "auto") == "numpy"
    assert covers(circuit)


def test_without_a_compiler_it_runs_in_numpy(monkeypatch):
    monkeypatch.setattr("autapse_sim.engines.brian.compiler.compiler", lambda: None)
    circuit = ap.Circuit(rule="bptt", neuron="lif")
    assert choose_engine(circuit, "auto") == "numpy"
    with pytest.raises(InputError, match="there is no C\\+\\+ compiler"):
        choose_engine(circuit, "compiled")
