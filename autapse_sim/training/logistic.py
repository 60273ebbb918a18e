"""Affine maps whose softmax are the probabilities of classes: multinomial logistic regression with a ridge penalty."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LOOKS = 200
"""How often a fit may look at its samples; where classes can be told apart without fault, there is no best map."""


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (..., c) of logits (..., c).

    Examples
    --------
    >>> softmax(np.log([[1.0, 3.0], [2.0, 2.0]])).tolist()
    [[0.25, 0.75], [0.5, 0.5]]
    """
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


def logistic_maps(columns: np.ndarray, wanted: np.ndarray, penalties: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """The maps of standardised columns that have the least cross-entropy, for each of some penalties.

    What is minimised is the mean cross-entropy + p |B|^2 / 4. Independent noise of variance p on the columns costs at
    most as much (Wager, Wang & Liang 2013, arXiv:1307.1493, eq. 6, with the curvature of softmax at its largest,
    Boehning 1992, doi:10.1007/BF00048682), so that a penalty says the same as in ridge regression of standardised
    columns. The offset is not penalised.

    Parameters
    ----------
    columns : array (S, n)
        Of mean 0.
    wanted : array (S, c)
        Probabilities of the classes in each sample.
    penalties : sequence of float
        Positive.

    Returns
    -------
    matrices : array (P, n, c)
    offsets : array (P, c)

    Examples
    --------
    >>> columns = np.array([[-1.0], [-1.0], [-1.0], [1.0], [1.0], [1.0]])
    >>> wanted = np.eye(2)[[0, 0, 1, 1, 1, 0]]
    >>> matrices, offsets = logistic_maps(columns, wanted, [1e-9])
    >>> softmax(columns @ matrices[0] + offsets[0])[[0, 3]].round(3).tolist()
    [[0.667, 0.333], [0.333, 0.667]]
    """
    from scipy.optimize import minimize  # slow to load, and not for who fits by least squares

    samples, classes = wanted.shape
    spread, axes = np.linalg.eigh(columns.T @ columns / samples)
    seen = np.vstack([axes.T @ columns.T, np.ones(samples)])
    best = np.zeros((classes, len(seen)))
    found = np.zeros((len(penalties), *best.shape))
    shares = np.ascontiguousarray(wanted.T)
    for place in np.argsort(penalties)[::-1]:  # from the simplest map to others
        cost = np.append(np.full(len(spread), penalties[place]), 0.0)
        # in these units the curvature is at most 1 along every axis
        scale = np.sqrt(2 / (np.append(np.maximum(spread, 0), 1.0) + cost))
        given, how = (seen, shares, cost, scale), {"maxfun": LOOKS}
        answer = minimize(_cost, (best / scale).ravel(), given, "L-BFGS-B", jac=True, options=how)
        found[place] = best = scale * answer.x.reshape(best.shape)
    return axes @ found[..., :-1].swapaxes(1, 2), found[..., -1]


def _cost(
    flat: np.ndarray, seen: np.ndarray, shares: np.ndarray, cost: np.ndarray, scale: np.ndarray
) -> tuple[float, np.ndarray]:
    """What `logistic_maps` minimises, of a map in units of `scale`, and its slope; samples are innermost."""
    matrix = scale * flat.reshape(len(shares), -1)
    logits = matrix @ seen
    logits -= logits.max(axis=0)
    odds = np.exp(logits)
    total = odds.sum(axis=0)
    nats = (shares * (np.log(total) - logits)).sum() / len(total)
    error = odds * (shares.sum(axis=0) / total) - shares
    slope = error @ seen.T / len(total) + cost * matrix / 2
    return nats + (cost * matrix**2).sum() / 4, (scale * slope).ravel()
