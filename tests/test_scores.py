"""Scores: known answers, degenerate input, diverged replicates."""

import warnings

import numpy as np
import pytest

from autapse_sim.results.scores import (
    DIVERGED,
    LEVEL,
    accuracy,
    affine_r2,
    diverged,
    divergence,
    interval_name,
    mean_squared_error,
    median_interval,
)

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_affine_r2_is_one_for_an_affine_map():
    prediction = RNG.normal(size=(4, 3, 50, 2))
    target = prediction @ RNG.normal(size=(2, 2)) + [3, -400]
    np.testing.assert_allclose(affine_r2(prediction, target), np.ones((4, 3)), rtol=1e-9)


def test_affine_r2_matches_least_squares():
    prediction, target = RNG.normal(size=(5, 40, 2)), RNG.normal(size=(5, 40, 2)) * [1, 10]
    for p, y, r2 in zip(prediction, target, affine_r2(prediction, target), strict=True):
        design = np.column_stack([p, np.ones(40)])
        residual = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
        np.testing.assert_allclose(r2, 1 - (residual**2).sum() / ((y - y.mean(axis=0)) ** 2).sum(), rtol=1e-10)


@pytest.mark.parametrize("scale", [1e-200, 1e-8, 1.0, 1e150])
def test_affine_r2_does_not_depend_on_scale(scale):
    prediction, target = RNG.normal(size=(40, 2)), RNG.normal(size=(40, 2))
    expected = affine_r2(prediction, target)
    np.testing.assert_allclose(affine_r2(scale * prediction, target), expected, rtol=1e-9)
    np.testing.assert_allclose(affine_r2(prediction, scale * target), expected, rtol=1e-9)


@pytest.mark.parametrize("constant", [0.0, 1 / 3, 1e20])
def test_affine_r2_of_a_constant_is_zero(constant):
    assert affine_r2(np.full((30, 2), constant) * (1 + 1e-16), RNG.normal(size=(30, 2))) == 0


def test_affine_r2_survives_equal_columns():
    target = RNG.normal(size=(200, 2))
    one = target[:, :1]
    only_first = (target[:, 0].var()) / target.var(axis=0).sum()
    np.testing.assert_allclose(affine_r2(np.hstack([one, one / 3]), target), only_first, atol=0.02)


def test_affine_r2_is_nan_where_it_is_undefined():
    target = RNG.normal(size=(4, 30, 2))
    prediction = target.copy()
    prediction[1, 3, 0], prediction[2, 0, 0] = np.nan, np.inf
    target[3] = 1 / 3
    np.testing.assert_array_equal(np.isnan(affine_r2(prediction, target)), [False, True, True, True])


def test_diverged():
    mse = np.array([[0.1, 0.2], [0.1, np.inf], [0.1, 0.2], [10, 11], [0, 11]])
    W = np.ones((5, 2, 2))
    W[2, 0, 1] = np.nan
    np.testing.assert_array_equal(diverged(mse, 10.0, W), [False, True, True, True, False])
    np.testing.assert_array_equal(diverged(mse[:, 0], 10.0), [False, False, False, False, False])
    each = np.array([0.1, 1, 1, 11, 5])
    np.testing.assert_array_equal(diverged(mse, each), [True, True, False, False, True])


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_what_diverged_is_a_matter_of_the_targets_scale(scale):
    target = scale * RNG.uniform(size=(3, 40, 50, 2))
    target[:, :, 40:] = np.nan
    limit = divergence(target)
    np.testing.assert_allclose(limit, DIVERGED * scale**2 / 12, rtol=0.1)
    np.testing.assert_array_equal(diverged(np.outer([0.9, 1.1, 0.5], limit[:1]), limit[0]), [False, True, False])
    assert np.isinf(divergence(np.ones((1, 2, 3, 1)))).all()


def test_a_coordinate_that_never_counts_says_nothing_of_what_diverged():
    target = np.random.default_rng(0).normal(size=(3, 4, 5, 2))
    half = np.where([True, False], target, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(divergence(half), divergence(target[..., :1]), rtol=1e-12)


def test_diverged_without_a_test_looks_at_the_weights():
    W = np.array([[1.0], [np.nan]])
    np.testing.assert_array_equal(diverged(np.empty((2, 0)), np.inf, W), [False, True])


SPREADS = {
    "normal": lambda rng, size: rng.normal(size=size),
    "skewed": lambda rng, size: rng.exponential(size=size) - np.log(2),
    "heavy-tailed": lambda rng, size: rng.standard_cauchy(size),
}


@pytest.mark.parametrize("spread", SPREADS)
@pytest.mark.parametrize("count", [6, 8, 16, 20, 48, 200])
def test_median_interval_covers_the_true_median(count, spread):
    values = SPREADS[spread](np.random.default_rng(1), (4000, count))
    median, low, high = median_interval(values)
    np.testing.assert_array_equal(median, np.median(values, axis=-1))
    assert ((low <= median) & (median <= high)).all()
    assert 0.94 < ((low <= 0) & (high >= 0)).mean() < 0.97
    assert ((low <= 2) & (high >= 2)).mean() < 0.95


def test_median_interval_of_few_values_is_what_they_span():
    values = RNG.normal(size=(4000, 5))
    _, low, high = median_interval(values)
    np.testing.assert_array_equal([low, high], [values.min(axis=-1), values.max(axis=-1)])
    assert ((low <= 0) & (high >= 0)).mean() == pytest.approx(1 - 2 / 2**5, abs=0.02)


def test_median_interval_is_between_two_that_are_exact():
    """Of 20 values it takes the 6th smallest to miss the median at 4.1%, the 7th at 11.5%: binomial tails by hand."""
    values = np.random.default_rng(3).permutation(np.arange(1.0, 21.0)) ** 2
    _, low, high = median_interval(values)
    assert 6**2 < low < 7**2
    assert 14**2 < high < 15**2


def test_median_interval_of_one_value_and_of_constants():
    np.testing.assert_array_equal(median_interval(np.array([[0.3], [np.nan]])), [[0.3, np.inf]] * 3)
    np.testing.assert_array_equal(median_interval(np.full(9, 0.3)), [0.3] * 3)


def test_median_interval_counts_diverged_replicates_as_worst():
    values = np.linspace(0, 1, 20)
    few, many = values.copy(), values.copy()
    few[-1], many[-12:] = np.nan, np.nan
    np.testing.assert_array_equal(median_interval(few)[0], np.median(values))
    assert np.isfinite(median_interval(few)).all()
    median, low, high = median_interval(many)
    assert median == high == np.inf
    assert np.isfinite(low)
    np.testing.assert_array_equal(median_interval(np.full(5, np.nan)), [np.inf] * 3)
    np.testing.assert_array_equal(median_interval(np.full(5, np.nan), worst=-np.inf), [-np.inf] * 3)


def test_affine_r2_leaves_out_what_does_not_count():
    prediction, target = RNG.normal(size=(4, 40, 2)), RNG.normal(size=(4, 40, 2)) * [1, 10] + 5
    steps = np.where(RNG.random((4, 40, 1)) < 0.6, target, np.nan)
    apart = np.where(RNG.random(target.shape) < 0.6, target, np.nan)
    for gaps in (steps, apart):
        for p, y, r2 in zip(prediction, gaps, affine_r2(prediction, gaps), strict=True):
            left = total = 0
            for q in range(2):
                known = ~np.isnan(y[:, q])
                design, wanted = np.column_stack([p, np.ones(40)])[known], y[known, q]
                left += ((wanted - design @ np.linalg.lstsq(design, wanted, rcond=None)[0]) ** 2).sum()
                total += ((wanted - wanted.mean()) ** 2).sum()
            np.testing.assert_allclose(r2, 1 - left / total, rtol=1e-10)
    assert np.abs(affine_r2(prediction, steps) - affine_r2(prediction, target)).min() > 1e-3
    assert np.isnan(affine_r2(prediction, np.full_like(target, np.nan))).all()


def test_the_mean_squared_error_is_over_what_counts():
    prediction, target = RNG.normal(size=(2, 3, 7, 2)), RNG.normal(size=(2, 3, 7, 2))
    gaps = np.where(RNG.random(target.shape) < 0.5, target, np.nan)
    found = mean_squared_error(prediction, gaps, axis=(2, 3))
    for r, k in np.ndindex(2, 3):
        known = ~np.isnan(gaps[r, k])
        np.testing.assert_allclose(found[r, k], np.square(prediction[r, k] - target[r, k])[known].mean(), rtol=1e-13)
    whole = mean_squared_error(prediction, target, axis=(2, 3))
    np.testing.assert_array_equal(whole, ((prediction - target) ** 2).mean(axis=(2, 3)))
    assert np.abs(found - whole).max() > 0.1


@pytest.mark.parametrize(("count", "name"), [(2, "range"), (5, "range"), (6, "95%"), (200, "95%")])
def test_the_range_of_few_is_not_called_an_interval(count, name):
    assert interval_name(count) == name
    missed = 2 * 0.5**count  # all on one side of the true median
    assert (missed <= LEVEL) == (name == "95%")


def test_networks_that_diverged_classify_nothing_right():
    right = np.eye(2)[[0, 0, 0, 1]]
    odds = np.array([right, np.full((4, 2), np.nan), np.where(np.arange(4)[:, None] < 2, right, np.inf)])
    np.testing.assert_allclose(accuracy(odds, right), [1, 0, 0.5])
