"""The affine map of the last observations: what a memory of them alone is good for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from autapse_sim.training.beside import Shown
from autapse_sim.training.readouts import fit_first, penalised_readout

PLACE, NEEDS = 90, "history"
LAGS = (2, 5, 20)
"""Numbers of observations, the present one included."""


def predict(shown: Shown) -> dict[str, np.ndarray]:
    """The map of [x(t), ..., x(t-L+1), 1] (before the start: the first observation), for L up to T."""
    lags = [count for count in LAGS if count <= shown.x.shape[2]] if shown.trained else []
    names = [f"affine of {count} lags" for count in lags]
    return dict(zip(names, affine(shown, lags), strict=True)) if lags else {}


def affine(shown: Shown, lags: Sequence[int]) -> np.ndarray:
    """Predictions (L, R, K, T, c) of the maps of so many lags; NaN for a coordinate that never counts in training."""
    return np.stack([_maps(shown, x, y, lags) for x, y in zip(shown.x, shown.y, strict=True)], axis=1)


def _maps(shown: Shown, x: np.ndarray, y: np.ndarray, lags: Sequence[int]) -> np.ndarray:
    """Predictions (L, K, T, c) for a replicate: x (K, T, m) and y (K, T, c) of all its trajectories."""
    columns, select = [count * x.shape[2] for count in lags], shown.select
    train, test = (_lagged(x[part], max(lags)) for part in (shown.train, shown.test))
    if select is None:
        return fit_first(train, y[shown.train], test, columns)
    chosen = _lagged(x[select], max(lags))

    def penalised(p: int) -> np.ndarray:
        fit, choose = (train[None, ..., :p], y[None, shown.train]), (chosen[None, ..., :p], y[None, select])
        return penalised_readout(fit, choose, test[None, ..., :p], loss=shown.loss)[0]

    return np.stack([penalised(p) for p in columns])


def _lagged(x: np.ndarray, lags: int) -> np.ndarray:
    """The last `lags` observations (K, T, lags * m) of x (K, T, m); before the start stands the first one."""
    K, T, m = x.shape
    held = np.concatenate([np.repeat(x[:, :1], lags - 1, axis=1), x], axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(held, lags, axis=1)  # (K, T, m, lags), the oldest first
    return windows[..., ::-1].swapaxes(2, 3).reshape(K, T, lags * m)
