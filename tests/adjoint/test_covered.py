"""What the compiled sweeps cover, and what is said of the rest."""

import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.engines.adjoint.compiled.run import covers
from autapse_sim.engines.brian.compiler import compiler
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


WITHOUT_B_REC = ap.Weights(W=np.zeros((1, 2, 2)), U=np.ones((1, 2, 2)), V=np.ones((1, 2, 2)), B=np.ones((1, 2, 2)))
RUNS = ["numpy", pytest.param("compiled", marks=pytest.mark.skipif(not compiler(), reason="needs a C++ compiler"))]
ONE = ap.Protocol(replicates=1, train=1, validate=1, test=1, update="trajectory")


@pytest.mark.parametrize("engine", RUNS)
@pytest.mark.parametrize("neuron", ["rate", "leaky"])
def test_fa_needs_b_rec_where_it_teaches_and_nowhere_else(neuron, engine):
    def trained(learn):
        return ap.train(
            ap.Circuit(rule="fa", neuron=neuron, learn=learn),
            ap.BouncingBall(steps=5),
            ONE,
            WITHOUT_B_REC,
            None,
            engine,
        )

    with pytest.raises(InputError, match="'fa' needs the recurrent feedback B_rec"):
        trained("W")
    assert np.isfinite(trained("V").data.mse).all()


@pytest.mark.parametrize("engine", RUNS)
def test_a_penalty_asks_for_no_b_rec(engine):
    circuit, ball = ap.Circuit(rule="bptt", learn=("W", "V")), ap.BouncingBall(steps=5)
    result = ap.train(circuit, ball, ONE, WITHOUT_B_REC, {"c_reg": 1.0}, engine)
    assert "untrained W" in result.data.control
    assert np.isfinite(result.data.control_mse).all()
