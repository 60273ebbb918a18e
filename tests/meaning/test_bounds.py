"""Bounds that a rule writes within bounds: they count by their terms, with substeps and where changes are gathered."""

import numpy as np
import pytest
from meaning.models import SAMPLED, trained, weights

import autapse_sim as ap

TERM = "0.02*feedback_post*activity_pre"
NESTED = [
    "w = clip(clip(w - {}, -0.5, 0.6), -0.4, 1)",
    "w_new = clip(w - {}, -0.5, 0.6); w = clip(w_new, -0.4, 1)",
    "w_new = w - {}; w_2 = clip(w_new, -0.5, 0.6); w = clip(clip(w_2, -0.45, 0.7), -0.4, 1)",
]
X = np.random.default_rng(4).normal(size=(4, 7, 2))


def W(text, engine="runtime", substeps=1, **protocol):
    circuit = ap.Circuit(
        rule=ap.Rule(text), neurons=3, readout="random", feedback="random", activation="tanh", substeps=substeps
    )
    return trained(circuit, X, 3 * X, engine=engine, start=weights(3, 2, 2), **protocol).W.values


@pytest.mark.parametrize("update", NESTED)
@pytest.mark.parametrize("protocol", [{"substeps": 3}, {"update": "trajectory"}, {"optimiser": "momentum"}])
@pytest.mark.parametrize("engine", SAMPLED)
def test_bounds_within_bounds_are_the_narrower_ones(engine, protocol, update):
    right = W(f"w = clip(w - {TERM}, -0.4, 0.6)", **protocol)
    assert np.abs(W(update.format(TERM), engine, **protocol) - right).max() <= 1e-12
    assert np.isclose(right, -0.4).any() or np.isclose(right, 0.6).any()
    # taken as written, each integration step would count as a whole one
    if "substeps" in protocol:
        assert np.abs(right - W(f"w = clip(w - 3*{TERM}, -0.4, 0.6)", **protocol)).max() > 1e-3


@pytest.mark.parametrize("engine", SAMPLED)
def test_bounds_may_read_the_weight_of_before(engine):
    update = "w = clip(w - {}, w - 0.01, w + 0.01)"
    by_hand = f"d = clip({TERM}/3, -0.01, 0.01); w -= 3*d"
    right = W(by_hand, substeps=3)
    assert np.abs(W(update.format(TERM), engine, substeps=3) - right).max() <= 1e-12
    assert np.abs(W(f"w -= {TERM}", substeps=3) - right).max() > 1e-3
    with pytest.raises(ap.InputError, match=r"line \d+: .*sets w, but here its changes are gathered"):
        W(update.format(TERM), engine, update="trajectory")
