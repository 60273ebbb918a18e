"""Read-outs that tell classes: logistic regression against a search without it, and against what is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from autapse_sim.results.scores import accuracy, cross_entropy
from autapse_sim.spec.weights import Weights
from autapse_sim.training.logistic import logistic_maps, softmax
from autapse_sim.training.readouts import penalised_readout
from autapse_sim.training.reservoir import tune_reservoir


def classes(rng, samples, neurons, count):
    """Standardised columns, and classes that follow an affine map of them, by chance."""
    columns = rng.normal(size=(samples, neurons))
    columns = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    true = rng.normal(size=(neurons, count))
    chances = softmax(columns @ true + rng.normal(size=count))
    drawn = (chances.cumsum(axis=1) < rng.random((samples, 1))).sum(axis=1)
    return columns, np.eye(count)[np.minimum(drawn, count - 1)], true


@pytest.mark.parametrize("count", [2, 3])
def test_maps_are_those_of_the_least_cost_by_a_search_of_another_kind(count):
    columns, wanted, _ = classes(np.random.default_rng(3), 150, 4, count)
    penalties = (1e-3, 0.3, 1e-6)
    matrices, offsets = logistic_maps(columns, wanted, penalties)

    def cost(flat, penalty):
        matrix, offset = flat[: 4 * count].reshape(4, count), flat[4 * count :]
        nats = -(wanted * np.log(softmax(columns @ matrix + offset))).sum() / 150
        return nats + penalty * (matrix**2).sum() / 4

    for matrix, offset, penalty in zip(matrices, offsets, penalties, strict=True):
        mine = cost(np.concatenate([matrix.ravel(), offset]), penalty)
        best = minimize(cost, np.zeros(5 * count), args=(penalty,), method="BFGS", options={"gtol": 1e-7}).fun
        assert mine <= best + 1e-7
        assert mine < cost(np.zeros(5 * count), penalty) - 0.03  # it tells more than how many there are of each class
    assert np.abs(matrices[0]).max() > 1.5 * np.abs(matrices[1]).max()


def test_many_samples_show_the_map_that_made_them():
    columns, wanted, true = classes(np.random.default_rng(0), 40_000, 3, 3)
    (matrix,), _ = logistic_maps(columns, wanted, [1e-9])
    np.testing.assert_allclose(
        matrix - matrix.mean(axis=1, keepdims=True), true - true.mean(axis=1, keepdims=True), atol=0.1
    )


def test_a_penalty_costs_at_least_what_noise_of_its_variance_does():
    """And no more than the bound of the curvature says: where classes are even, half of each, as much."""
    rng = np.random.default_rng(1)
    columns, wanted = rng.normal(size=(2000, 3)), np.full((2000, 2), 0.5)
    matrix = 0.05 * rng.normal(size=(3, 2))
    matrix -= matrix.mean(axis=1, keepdims=True)
    noisy = columns + np.sqrt(0.1) * rng.normal(size=(200, *columns.shape))
    nats = [-(wanted * np.log(softmax(seen @ matrix))).sum() / 2000 for seen in (columns, *noisy)]
    np.testing.assert_allclose(np.mean(nats[1:]) - nats[0], 0.1 * (matrix**2).sum() / 4, rtol=0.05)


def test_a_read_out_of_classes_chooses_its_penalty_and_counts_what_counts():
    rng = np.random.default_rng(4)
    o = rng.normal(2, 3, size=(2, 12, 30, 6))
    target = np.eye(2)[(o[..., 0] > 2 + 3 * rng.normal(size=o.shape[:-1])).astype(int)]
    gaps = target.copy()
    gaps[:, :, :20] = np.nan
    fit, select, test = slice(0, 3), slice(3, 8), slice(8, 12)

    def told(y, penalties):
        return penalised_readout(
            (o[:, fit], y[:, fit]), (o[:, select], y[:, select]), o[:, test], penalties, "cross-entropy"
        )

    penalties = (1e-8, 0.03, 1e3)
    alone = {p: told(gaps, (p,)) for p in penalties}
    for r in range(2):
        chosen, errors = told(gaps, penalties)[r], []
        for penalty in penalties:
            seen = penalised_readout(
                (o[:, fit], gaps[:, fit]), (o[:, select], gaps[:, select]), o[:, select], (penalty,), "cross-entropy"
            )
            errors.append(cross_entropy(seen[r], gaps[r, select]).mean())
        best = penalties[int(np.argmin(errors))]
        np.testing.assert_allclose(chosen, alone[best][r], atol=1e-4)
        assert np.abs(chosen - alone[penalties[int(np.argmax(errors))]][r]).max() > 0.1
    found = told(gaps, penalties)
    np.testing.assert_allclose(found.sum(axis=-1), 1)
    assert accuracy(found, target[:, test]).mean() > 0.65
    # it beats least squares, whose predictions are no probabilities
    squares = penalised_readout((o[:, fit], gaps[:, fit]), (o[:, select], gaps[:, select]), o[:, test], penalties)
    assert cross_entropy(found, target[:, test]).mean() < cross_entropy(squares, target[:, test]).mean()
    # what does not count is not looked at
    np.testing.assert_array_equal(found, told(np.where(np.isnan(gaps), np.nan, target), penalties))
    assert np.abs(found - told(target, penalties)).max() > 0.01


def test_a_reservoir_is_tuned_by_what_is_to_be_small():
    """Of networks whose activity tells the class at one scale only, that scale is chosen."""
    rng = np.random.default_rng(5)
    label = rng.integers(0, 2, size=(4, 20, 5))
    y = np.eye(2)[label]
    weights = Weights(*(np.ones((4, *shape)) for shape in ((3, 3), (3, 2), (3,), (2, 3), (2,), (3, 2))))

    def run(scaled):
        gain, scale = scaled.W[0, 0, 0], scaled.U[0, 0, 0]
        tells = 1.0 if (gain, scale) == (0.8, 3.0) else 0.2
        return np.random.default_rng(6).normal(size=(4, 20, 5, 3)) + tells * (2 * label[..., None] - 1)

    (found,) = tune_reservoir(
        weights, y, slice(0, 12), slice(12, 20), run, penalties=[(1e-3, 1.0)], loss="cross-entropy"
    )
    assert (found.gain, found.input_scale) == (0.8, 3.0)
    assert 0.02 < np.median(found.error[1, 3]) < 0.3 < np.log(2) * 0.9 < np.median(found.error[1, 2]) + 0.1
