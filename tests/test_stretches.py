"""A training in stretches: each goes on from the one before, with its optimiser and all that lasts."""

import numpy as np

import autapse_sim as ap
from autapse_sim.training.draws import draw
from autapse_sim.training.stretches import stretches


def test_stretches_are_one_training():
    """What one run shows first and last, shown in two stretches, ends in the same weights."""
    task = ap.BouncingBall(steps=12)
    circuit = ap.Circuit(neurons=4, readout="random", activation="tanh", learn=("W", "U", "V"))
    how = {"update": "batch", "batch": 2, "optimiser": "adam", "constraints": ("sparse",)}
    short = ap.Protocol(2, 4, 0, 0, record=0, **how)
    weights = draw(circuit, task, short).weights
    seeds = [int(np.random.SeedSequence([0, number]).generate_state(1)[0]) for number in range(2)]
    shown = [draw(circuit, task, ap.Protocol(2, 4, 0, 0, seed=seed, **how), weights) for seed in seeds]
    whole = ap.ArrayTask(*(np.concatenate([getattr(one, name) for one in shown], axis=1) for name in "xy"))
    once = ap.train(circuit, whole, ap.Protocol(2, 8, 0, 0, record=0, **how), weights).data
    rounds = stretches(circuit, task, short, weights, {})
    first, second = next(rounds), next(rounds)
    assert np.allclose(np.concatenate([first.mse, second.mse], axis=1), once.mse_train, rtol=1e-12)
    assert np.allclose(second.weights.W, once.W, rtol=1e-12, atol=0)
    assert np.abs(second.weights.W - first.weights.W).max() > 1e-3
    anew = next(stretches(circuit, task, short, first.weights, {}))
    assert not np.allclose(anew.weights.W, second.weights.W, rtol=1e-6)
