"""Conditions among numbers: what is true counts as 1, in every engine."""

import numpy as np
import pytest

import autapse_sim as ap

ONE = ap.Weights(W=np.zeros((1, 1, 1)), U=np.ones((1, 1, 1)), V=np.ones((1, 1, 1)), B=np.ones((1, 1, 1)))
ENGINES = ("runtime", "reference", pytest.param("standalone", marks=pytest.mark.slow))
CASES = {
    "w += (activity_post > 0) + (activity_post > 0.5)": 2,
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
