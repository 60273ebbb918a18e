"""How rules stand over several benchmarks: the share of the way to the ceiling, its middle, ranks and profiles.

The summaries are those of Agarwal et al. 2021 (doi:10.48550/arXiv.2108.13264): interquartile means with a bootstrap
that is stratified by benchmark, and performance profiles. Errors are infinite where a network diverged, and NaN where a
rule does not go with a benchmark; an infinite one counts as the worst, and is never dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import bootstrap, rankdata

RESAMPLES = 2000
"""Bootstrap resamples of an interval."""
LEAST, MOST = -1.0, 2.0
"""Shares beyond these count as these: how far a network got astray, and noise where the ceiling is low, say no more."""


def shares(errors: np.ndarray, fixed: np.ndarray, ceiling: np.ndarray) -> np.ndarray:
    """The share of the way from the fixed reservoir (0) to the ceiling (1) that networks have gone.

    Parameters
    ----------
    errors : array (M, R)
        Of the methods.
    fixed, ceiling : array (R,)
        Errors of the fixed reservoir and of exact gradients on the same seeds.

    Returns
    -------
    array (M, R)
        By how much the error is below that of the reservoir of the same seed, over by how much the ceiling's is in the
        median; within `LEAST` and `MOST`. NaN where the error is, and where the ceiling is no better or the way has no
        end: where most reservoirs diverged.

    Examples
    --------
    >>> shares(np.array([[2.0, 3.0], [1.0, np.inf]]), np.array([3.0, 3.0]), np.array([1.0, 1.0]))
    array([[ 0.5,  0. ],
           [ 1. , -1. ]])
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        way = np.median(np.where(fixed == ceiling, 0, fixed - ceiling))  # both may have diverged
        found = np.clip((fixed - errors) / way, LEAST, MOST)
    return np.where(np.isinf(errors), LEAST, found) if 0 < way < np.inf else np.full_like(errors, np.nan)


def middle(columns: Sequence[np.ndarray], seed: int = 0) -> tuple[float, float, float]:
    """The interquartile mean over all runs of several benchmarks, which count alike, with its 95% interval.

    Parameters
    ----------
    columns : sequence of array (R,)
        Values of each benchmark, of as many seeds as it has.
    seed : int
        Of the bootstrap, which draws seeds anew within each benchmark.

    Returns
    -------
    estimate, low, high : float
        NaN where there is nothing.

    Examples
    --------
    >>> [round(value, 2) for value in middle([np.array([0.0, 1.0, 1.0, 5.0])])]
    [1.0, 0.0, 5.0]
    """
    return _interval(columns, _middle_half, seed)


def mean(columns: Sequence[np.ndarray], seed: int = 0) -> tuple[float, float, float]:
    """The mean of the benchmarks' means, with its 95% interval; parameters and what is returned as of `middle`."""
    return _interval(columns, lambda values, weights, axis: (values * weights).sum(axis=axis), seed)


def ranks(errors: np.ndarray) -> np.ndarray:
    """The rank (M, R) of each method by its error (M, R) on a seed: 1 is the best, and ties share theirs.

    Examples
    --------
    >>> ranks(np.array([[0.1, 0.2], [0.3, np.inf], [0.2, 0.2]]))
    array([[1. , 1.5],
           [3. , 3. ],
           [2. , 1.5]])
    """
    return rankdata(errors, axis=0)


def profile(columns: Sequence[np.ndarray], at: np.ndarray) -> np.ndarray:
    """The share of the runs whose value is above each of some values, benchmarks counting alike.

    Examples
    --------
    >>> profile([np.array([0.1, 0.5]), np.array([0.9])], np.array([0.0, 0.3, 0.7])).tolist()
    [1.0, 0.75, 0.5]
    """
    if not columns:
        return np.full(len(at), np.nan)
    return np.mean([(column[:, None] > at).mean(axis=0) for column in columns], axis=0)


def _interval(columns: Sequence[np.ndarray], statistic: Callable, seed: int) -> tuple[float, float, float]:
    """An estimate of all values with a percentile interval, resampled within each benchmark.

    The statistic is given values, weights and the axis: benchmarks count alike, however many seeds they have.
    """
    if not columns:
        return (np.nan,) * 3
    weights = np.concatenate([np.full(len(column), 1 / len(column) / len(columns)) for column in columns])
    estimate = float(statistic(np.concatenate(columns), weights, axis=0))
    if all(np.ptp(column) == 0 for column in columns):
        return estimate, estimate, estimate

    def of_all(*drawn: np.ndarray, axis: int) -> np.ndarray:
        return statistic(np.concatenate(drawn, axis=axis), weights, axis=axis)

    rng = np.random.default_rng(seed)
    low, high = bootstrap(
        tuple(columns), of_all, n_resamples=RESAMPLES, batch=200, method="percentile", random_state=rng
    ).confidence_interval
    return estimate, float(low), float(high)


def _middle_half(values: np.ndarray, weights: np.ndarray, axis: int) -> np.ndarray:
    """The weighted mean of what lies between the quartiles."""
    order = np.argsort(values, axis=axis)
    each = weights[order]
    upto = np.cumsum(each, axis=axis)
    inside = np.maximum(np.minimum(upto, 0.75) - np.maximum(upto - each, 0.25), 0)
    return (inside * np.take_along_axis(values, order, axis)).sum(axis=axis) / inside.sum(axis=axis)
