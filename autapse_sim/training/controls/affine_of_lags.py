"""The least squares map of the last observations: what a memory of them alone is good for."""

from __future__ import annotations

import numpy as np

from autapse_sim.training.beside import Shown
from autapse_sim.training.readouts import fit_predict

PLACE, NEEDS = 90, "history"
LAGS = (2, 5, 20)
"""Numbers of observations, the present one included."""


def predict(shown: Shown) -> dict[str, np.ndarray]:
    """The map of [x(t), ..., x(t-L+1), 1] (before the start: the first observation), for L up to T."""
    lags = [count for count in LAGS if count <= shown.x.shape[2]] if shown.trained else []
    return {f"affine of {count} lags": affine(shown, count) for count in lags}


def affine(shown: Shown, lags: int) -> np.ndarray:
    """Predictions (R, K, T, c) of the map; NaN for a coordinate that never counts in training."""
    train, test = shown.train, shown.test
    return np.stack(
        [
            fit_predict(_lagged(x[train], lags), y[train], _lagged(x[test], lags))
            for x, y in zip(shown.x, shown.y, strict=True)
        ]
    )


def _lagged(x: np.ndarray, lags: int) -> np.ndarray:
    """The last `lags` observations (K, T, lags * m) of x (K, T, m); before the start stands the first one."""
    K, T, m = x.shape
    source = np.maximum(np.arange(T)[:, None] - np.arange(lags), 0)
    return x[:, source].reshape(K, T, lags * m)
