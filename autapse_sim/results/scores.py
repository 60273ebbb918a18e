"""Scores of predictions and statistics over replicates; a replicate that diverged is counted, never averaged away."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

DIVERGED = 100.0
"""A mean test MSE above so many times the variance of the targets counts as diverged: it is off by ten times their
spread, and who predicts their mean has 1. For the ball (a variance of 1/12) that is an MSE of 8, three box lengths
off; no prediction inside the box has one above 1."""

LEAST = 1e-3
"""The least odds of a class in a cross-entropy of fitted maps: a step of which a map was sure, and wrong, counts about
7 nats. Of networks whose prediction is a softmax the engines give the cross-entropy itself."""

LEVEL = 0.05
"""How often an interval may miss what it is of; above this a corrected p is not taken for a difference."""

FEWEST = 6
"""Values below which nothing is shown: of five, not even the whole range is a 95% interval of the median."""

_HUGE = 1e100  # stands in for infinity where values are interpolated (inf - inf is NaN)


def mean_squared_error(prediction: np.ndarray, target: np.ndarray, axis: int | tuple[int, ...] | None) -> np.ndarray:
    """Mean squared error over the targets that count (that are not NaN), along some axes.

    Examples
    --------
    >>> mean_squared_error(np.array([1.0, 2.0, 50.0]), np.array([0.0, 0.0, np.nan]), axis=0)
    np.float64(2.5)
    """
    known = ~np.isnan(target)
    squares = (prediction - target) ** 2
    if known.all():
        return squares.mean(axis=axis)
    counted = np.broadcast_to(known, squares.shape).sum(axis=axis)
    return np.where(known, squares, 0).sum(axis=axis) / counted


def cross_entropy(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Cross-entropy (...) in nats of predictions (..., T, c) that are taken as odds, over the steps that count.

    What is less than `LEAST` counts as `LEAST`, so that a linear map, too, has a probability for each class.

    Examples
    --------
    >>> right = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> cross_entropy(np.ones((2, 2)), right).round(3)
    np.float64(0.693)
    """
    known = ~np.isnan(target).any(axis=-1)
    odds = np.maximum(prediction, LEAST)
    nats = -np.where(known[..., None], target * np.log(odds / odds.sum(axis=-1, keepdims=True)), 0).sum(axis=(-2, -1))
    return nats / known.sum(axis=-1)


def error_of(loss: str) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """What gives the error (...) of predictions (..., T, c) by a loss, 'mse' or 'cross-entropy'.

    Examples
    --------
    >>> error_of("mse")(np.ones((3, 2)), np.zeros((3, 2)))
    np.float64(1.0)
    """
    return cross_entropy if loss == "cross-entropy" else partial(mean_squared_error, axis=(-2, -1))


def accuracy(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The share (...) of the steps that count at which the likeliest class of predictions (..., T, c) is the right one.

    A prediction that is not finite is right nowhere.

    Examples
    --------
    >>> right = np.array([[0.0, 1.0], [1.0, 0.0], [np.nan, np.nan]])
    >>> accuracy(np.array([[0.4, 0.6], [0.4, 0.6], [0.5, 0.5]]), right)
    np.float64(0.5)
    """
    known = ~np.isnan(target).any(axis=-1)
    hit = np.isfinite(prediction).all(axis=-1) & (np.argmax(prediction, axis=-1) == np.argmax(target, axis=-1))
    return (hit & known).sum(axis=-1) / known.sum(axis=-1)


def affine_r2(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """R2 of the target given the best affine map (matrix and offset) of the prediction.

    It forgives gain, rotation and offset, so it shows whether the information is there, not whether the prediction is
    right. For the score of a network as a whole, merge its trajectory and step axes first.

    Parameters
    ----------
    prediction, target : array (..., T, c)
        One map is fitted over the T samples for each of the leading indices: over those at which the target is not
        NaN, for each coordinate.

    Returns
    -------
    array (...)
        1 - SSE/SST, pooled over coordinates: 0 to 1, and 0 where the prediction is constant. NaN where the prediction
        is not finite, or the target is infinite or constant.

    Examples
    --------
    >>> target = np.random.default_rng(0).normal(size=(3, 50, 2))
    >>> affine_r2(target @ np.array([[0.0, -2.0], [1.0, 0.0]]) + 5, target).round(12)
    array([1., 1., 1.])
    >>> affine_r2(np.ones((3, 50, 2)), target)
    array([0., 0., 0.])
    """
    # samples innermost: NumPy sums what lies side by side several times as fast
    p, y = (np.swapaxes(np.asarray(each, dtype=float), -2, -1).copy() for each in (prediction, target))
    defined = np.isfinite(p).all(axis=(-2, -1)) & ~np.isinf(y).any(axis=(-2, -1))
    known = ~np.isnan(y)
    if not (defined.all() and known.all()):
        p, y = np.where(defined[..., None, None], p, 0), np.where(defined[..., None, None] & known, y, 0)
    y = _centred(y, known, axis=(-2, -1))
    rounding = 1e-12 * np.sqrt(y.shape[-1])  # in units of the largest magnitude
    together = (known == known[..., :1, :]).all()  # the coordinates count in the same samples, so that one fit does
    explained = 0.0
    for some in [slice(None)] if together else [slice(k, k + 1) for k in range(y.shape[-2])]:
        # samples that do not count are 0 on both sides, which adds nothing to a product over samples
        _, spread, basis = np.linalg.svd(_centred(p, known[..., some, :][..., :1, :], axis=-1), full_matrices=False)
        basis = np.where(spread[..., None] > rounding, basis, 0)
        explained = explained + ((basis @ np.swapaxes(y[..., some, :], -2, -1)) ** 2).sum(axis=(-2, -1))
    total = (y**2).sum(axis=(-2, -1))
    defined &= np.sqrt(total) > rounding
    return np.where(defined, explained / np.where(defined, total, 1), np.nan)


def _centred(samples: np.ndarray, known: np.ndarray, axis: int | tuple[int, int]) -> np.ndarray:
    """Deviations from the mean over the samples (..., c, T) that are known, in units of the largest along `axis`.

    The others are 0.
    """
    every = known.all()
    samples = samples if every else np.where(known, samples, 0)
    largest = np.maximum(samples.max(axis=axis, keepdims=True), -samples.min(axis=axis, keepdims=True))
    samples = samples / np.where(largest > 0, largest, 1)
    number = np.maximum(known.sum(axis=-1, keepdims=True), 1)
    samples -= samples.sum(axis=-1, keepdims=True) / number
    return samples if every else np.where(known, samples, 0)


def divergence(target: np.ndarray) -> np.ndarray:
    """The mean test MSE above which a replicate counts as diverged, (R,): `DIVERGED` times the variance of its targets.

    Parameters
    ----------
    target : array (R, K, T, c)
        All targets of the replicates, NaN where they do not count; a coordinate that never counts is left out. Where
        targets do not vary, the limit is infinite.

    Examples
    --------
    >>> divergence(np.array([[0.0, 2.0, np.nan], [1.0, 1.0, 1.0]]).reshape(2, 1, 3, 1))
    array([100.,  inf])
    """
    counts = (~np.isnan(target)).any(axis=(1, 2))
    spread = np.nanvar(np.where(counts[:, None, None], target, 0), axis=(1, 2))
    variance = spread.sum(axis=-1) / counts.sum(axis=-1)
    return np.where(variance > 0, DIVERGED * variance, np.inf)


def diverged(mse: np.ndarray, limit: np.ndarray | float, *arrays: np.ndarray) -> np.ndarray:
    """Which replicates diverged: MSE or weights not finite, or a mean test MSE above a limit.

    Parameters
    ----------
    mse : array (R, ...)
        Test MSE, say per trajectory; without test trajectories (R, 0).
    limit : array (R,) or float
        Of the mean test MSE, see `divergence`.
    *arrays : array (R, ...)
        What must be finite besides: weights after training.

    Returns
    -------
    bool array (R,)

    Examples
    --------
    >>> diverged(np.array([[0.1, 0.2], [np.nan, 0.1], [5.0, 50.0]]), 10.0, np.ones((3, 2, 2)))
    array([False,  True,  True])
    """
    flat = [np.reshape(array, (len(array), -1)) for array in (mse, *arrays)]
    limit = limit if flat[0].size else 0.0
    finite = np.logical_and.reduce([np.isfinite(array).all(axis=1) for array in flat])
    return ~finite | (flat[0].sum(axis=1) > limit * flat[0].shape[1])


def interval_name(count: int) -> str:
    """What `median_interval` gives of that many values: '95%', or 'range', from the smallest to the largest."""
    return f"{1 - LEVEL:.0%}" if count >= FEWEST else "range"


def median_heading(score: str, count: int) -> str:
    """The head of a column of medians with their intervals over so many values."""
    return f"{score}, median [{interval_name(count)}]"


def median_interval(
    values: np.ndarray, worst: float = np.inf, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Median over the last axis, with a 95% interval that assumes nothing of how the values are spread.

    The true median lies below the d-th smallest of R values, or above the d-th largest, as often as R coins show fewer
    than d heads, or fewer than d tails. The interval lies between two such d, interpolated so that it misses the median
    at `level` (Hettmansperger & Sheather 1986, doi:10.1016/0167-7152(86)90021-0). Fewer than `FEWEST` values
    cannot tell as much: their interval is from the smallest to the largest.

    Parameters
    ----------
    values : array (..., R)
        One value per replicate.
    worst : float
        What NaN, a diverged replicate, counts as: infinity for an error, minus infinity for R2.
    level : float
        How often the interval may miss the median.

    Returns
    -------
    median, low, high : array (...)
        Infinite where so many replicates diverged that the true one cannot be told.

    Examples
    --------
    >>> [round(float(v), 2) for v in median_interval(np.arange(1.0, 21.0))]
    [10.5, 6.24, 14.76]
    >>> [float(v) for v in median_interval(np.array([1.0, 1.0, np.nan]))]
    [1.0, 1.0, inf]
    """
    values = np.asarray(values, dtype=float)
    values = np.sort(np.clip(np.where(np.isnan(values), worst, values), -_HUGE, _HUGE), axis=-1)
    count = values.shape[-1]
    missed = 2 * np.cumsum(_heads(count)[: count // 2])  # between the (d + 1)-th smallest and the (d + 1)-th largest
    deep = int((missed <= level).sum())
    edge = max(deep - 1, 0)
    median, low, high = np.median(values, axis=-1), values[..., edge], values[..., count - 1 - edge]
    if 0 < deep < len(missed):
        spare = (level - missed[edge]) / (missed[deep] - missed[edge])
        share = (count - deep) * spare / (deep + (count - 2 * deep) * spare)
        low = low + share * (values[..., deep] - low)
        high = high + share * (values[..., count - 1 - deep] - high)
    # What has a share of _HUGE in it, be it a hundredth, is infinite.
    median, low, high = (np.where(np.abs(v) > 1e-10 * _HUGE, np.copysign(np.inf, v), v) for v in (median, low, high))
    return median, low, high


def _heads(count: int) -> np.ndarray:
    """The probabilities that of so many coins 0, 1, ... show heads; SciPy has them, and takes long to import.

    Examples
    --------
    >>> _heads(3).round(12).tolist()
    [0.125, 0.375, 0.375, 0.125]
    """
    more = np.arange(1, count + 1)
    return np.exp(np.cumsum([0.0, *np.log((count + 1 - more) / more)]) - count * np.log(2))
