"""Functions that are there to keep digits keep them, whatever computer algebra could make of what they are given."""

import numpy as np
import pytest
from meaning.models import SAMPLED

import autapse_sim as ap

STEPS = 4
EXPECTED = {
    # of dm/dt = (1 - 2 m)/(4 steps), from 0
    "euler": (1 - 0.5 ** np.arange(1, STEPS + 1)) / 2,
    "rk4": (1 - (1 - 1 / 2 + 1 / 8 - 1 / 48 + 1 / 384) ** np.arange(1, STEPS + 1)) / 2,
    "exponential_euler": -np.expm1(-np.arange(1, STEPS + 1) / 2) / 2,
}
EXPREL, EXPM1 = "1/exprel(2.5 - 0.1*u)", "(2.5 - 0.1*u)/expm1(2.5 - 0.1*u)"
ONE = {EXPREL: 25.0, EXPM1: 25 - 1e-11}
"""Rates of a channel that are 1 where u is that."""


def gated(rate, method, precision="double"):
    """One neuron whose gate opens at a rate, on a trajectory that shows nothing, and its weights."""
    neuron = ap.Neuron(
        f"dm/dt = (rate*(1 - m) - m)/(4*step) : 1\nrate = {rate} : 1\nu = u_0 + 0*input : 1\nactivity = m : 1",
        method=method,
        parameters={"u_0": ONE[rate]},
    )
    one, x = np.ones((1, 1, 1)), np.zeros((1, 1, STEPS, 1))
    made = ap.Circuit(neuron, neurons=1, readout="random", learn=(), precision=precision)
    protocol = ap.Protocol(replicates=1, train=0, validate=0, test=1)
    return made, ap.ArrayTask(x, x), protocol, ap.Weights(W=0 * one, U=one, V=one, B=one)


@pytest.mark.parametrize("engine", SAMPLED)
@pytest.mark.parametrize(("rate", "method"), [*((EXPREL, method) for method in EXPECTED), (EXPM1, "euler")])
def test_a_rate_that_is_0_over_0_where_it_is_written_out(engine, rate, method):
    found = ap.train(*gated(rate, method), engine=engine).data.prediction.values.ravel()
    assert found == pytest.approx(EXPECTED[method], rel=2e-12)


def test_so_it_is_in_single_precision_and_in_a_plain_network():
    found = ap.train(*gated(EXPREL, "exponential_euler", "single"), engine="runtime").data.prediction.values.ravel()
    assert found == pytest.approx(EXPECTED["exponential_euler"], rel=1e-6)
    circuit, task, protocol, start = gated(EXPREL, "rk4")
    plain = circuit.brian2(task, protocol, start)
    plain.run()
    assert plain.prediction.ravel() == pytest.approx(EXPECTED["rk4"], rel=2e-12)
