"""Exponential Euler where a rate is 0, or next to it."""

import numpy as np
import pytest
from meaning.models import SAMPLED
from scipy.special import exprel

import autapse_sim as ap


def steady(engine, g, method="exponential_euler", rate="input - g*v"):
    """What dv/dt = 1 - g v is after each of five steps of 1 ms from 0, summed, for each network's g."""
    neuron = ap.Neuron(f"dv/dt = ({rate})/ms : 1\nactivity = v : 1", method=method, parameters={"g": 1.0})
    circuit = ap.Circuit(neuron, ap.Rule(update="w += activity_post"), neurons=1, readout="random")
    count, one = len(g), np.ones((len(g), 1, 1))
    x = np.ones((count, 1, 5, 1))
    protocol = ap.Protocol(replicates=count, train=1, validate=0, test=0)
    start = ap.Weights(W=0 * one, U=one, V=one, B=one)
    data = ap.train(circuit, ap.ArrayTask(x, x), protocol, start, {"g": np.array(g)}, engine=engine).data
    return data.W.values.ravel()


RATES = [0.0, 1e-12, 1e-8, 9e-6, 1.1e-5, 1e-3, 0.7, -1e-9, -0.2]


@pytest.mark.parametrize("engine", SAMPLED)
def test_exponential_euler_where_a_rate_is_0_or_next_to_it(engine):
    right = [sum(t * exprel(-g * t) for t in range(1, 6)) for g in RATES]
    assert steady(engine, RATES) == pytest.approx(right, rel=2e-11)


@pytest.mark.parametrize("engine", SAMPLED)
def test_so_it_is_where_all_else_stops_with_the_rate(engine):
    right = [sum(1 - np.exp(-g * t) for t in range(1, 6)) for g in RATES]
    assert steady(engine, RATES, rate="g*(input + bias - v)") == pytest.approx(right, rel=2e-11)


def test_brians_own_step_is_no_number_at_0(monkeypatch):
    monkeypatch.setattr("autapse_sim.engines.brian.assembly.equations.stepper", lambda method: method)
    assert np.isnan(steady("runtime", [0.0, 0.5])).tolist() == [True, False]


@pytest.mark.parametrize("g", [0.0, 1e-12])
def test_a_solution_that_divides_by_a_rate_of_0_is_refused(g):
    with pytest.raises(ap.InputError, match=r"v decays at the rate .*; method 'exact' divides by it"):
        steady("runtime", [0.5, g], "exact")
    assert np.isfinite(steady("runtime", [0.5, -0.5], "exact")).all()
