"""Honest controls: what can be predicted without learning in a circuit, on the same trajectories."""

from __future__ import annotations

import numpy as np

from autapse_sim.errors import InputError

LAGS = (1, 2, 5, 20)
"""Numbers of observations that the fitted controls see, the present one included."""


def stimulus_controls(
    x: np.ndarray,
    y: np.ndarray,
    train: slice,
    test: slice,
    horizon: int | None = None,
    blanked: np.ndarray | None = None,
) -> dict[str, np.ndarray]:
    """Predictions of the test targets from the stimulus alone.

    Parameters
    ----------
    x : array (R, K, T, m)
        Stimulus.
    y : array (R, K, T, c)
        Target.
    train, test : slice
        The trajectories that the fitted controls learn from, and those that all predict.
    horizon : int, optional
        Steps from stimulus to target, for 'linear extrapolation'; None leaves it out.
    blanked : bool array (T,), optional
        Steps at which the stimulus is blanked, for 'hold last seen'; None leaves it out.

    Returns
    -------
    dict of str to array (R, K_test, T, c)
        'training mean'; 'persistence', 'linear extrapolation' and 'hold last seen', where m = c; 'affine of x(t)' and
        'affine of L lags', the least squares map of [x(t), ..., x(t-L+1), 1] (before the start: the first observation)
        for L up to T. Without training trajectories, the mean and the affine maps are left out.

    Examples
    --------
    >>> position = np.arange(8.0).reshape(1, 1, 8, 1)
    >>> x, y = position[:, :, :-1], position[:, :, 1:]
    >>> controls = stimulus_controls(x, y, train=slice(0, 0), test=slice(0, 1), horizon=1)
    >>> {name: prediction[0, 0, :4, 0].tolist() for name, prediction in controls.items()}
    {'persistence': [0.0, 1.0, 2.0, 3.0], 'linear extrapolation': [0.0, 2.0, 3.0, 4.0]}
    """
    seen, predictions = x[:, test], {}
    trained = x[:, train].shape[1] > 0
    if trained:
        mean = y[:, train].mean(axis=(1, 2), keepdims=True)
        predictions["training mean"] = np.broadcast_to(mean, y[:, test].shape).copy()
    if x.shape[3] == y.shape[3]:
        predictions["persistence"] = seen.copy()
        if horizon is not None:
            predictions["linear extrapolation"] = seen + horizon * np.diff(seen, axis=2, prepend=seen[:, :, :1])
        if blanked is not None:
            steps = np.arange(x.shape[2])
            predictions["hold last seen"] = seen[:, :, np.maximum.accumulate(np.where(blanked, 0, steps))]
    for lags in LAGS:
        if trained and lags <= x.shape[2]:
            name = "affine of x(t)" if lags == 1 else f"affine of {lags} lags"
            pairs = zip(x, y, strict=True)
            predictions[name] = np.stack(
                [_fit_predict(_lagged(xr[train], lags), yr[train], _lagged(xr[test], lags)) for xr, yr in pairs]
            )
    return predictions


def readout_controls(activity_train: np.ndarray, y_train: np.ndarray, activity_test: np.ndarray) -> np.ndarray:
    """Predictions of the best affine read-out, fitted per replicate to the training targets by least squares.

    Given the activity of the untrained network, it is what a trained read-out alone achieves.

    Parameters
    ----------
    activity_train : array (R, K_train, T, n)
        Activity on the training trajectories.
    y_train : array (R, K_train, T, c)
        Targets of these.
    activity_test : array (R, K_test, T, n)
        Activity on the test trajectories.

    Returns
    -------
    array (R, K_test, T, c)
        NaN for a replicate whose activity is not finite.

    Examples
    --------
    >>> activity = np.random.default_rng(0).normal(size=(2, 3, 10, 4))
    >>> y = activity[..., :2] - 3
    >>> bool(np.allclose(readout_controls(activity, y, activity), y))
    True
    """
    if activity_train.shape[1] == 0:
        raise InputError("there are no training trajectories; a read-out needs at least 1 to be fitted")
    return np.stack([_fit_predict(*one) for one in zip(activity_train, y_train, activity_test, strict=True)])


def _lagged(x: np.ndarray, lags: int) -> np.ndarray:
    """The last `lags` observations (K, T, lags * m) of x (K, T, m); before the start stands the first one."""
    K, T, m = x.shape
    source = np.maximum(np.arange(T)[:, None] - np.arange(lags), 0)
    return x[:, source].reshape(K, T, lags * m)


def _fit_predict(train: np.ndarray, target: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Fit target (K, T, c) as an affine map of train (K, T, p) by least squares, and apply it to test (K', T, p).

    Columns are standardised, so the normal equations lose no digits to their scales; directions in which the training
    data do not vary get no weight.
    """
    if not (np.isfinite(train).all() and np.isfinite(test).all()):
        return np.full((*test.shape[:2], target.shape[-1]), np.nan)
    columns, wanted = train.reshape(-1, train.shape[-1]), target.reshape(-1, target.shape[-1])
    centre, offset = columns.mean(axis=0), wanted.mean(axis=0)
    deviations = columns - centre
    scale = deviations.std(axis=0)
    varies = scale > 1e-12 * np.abs(columns).max(axis=0)
    inverse = np.where(varies, 1 / np.where(varies, scale, 1), 0)
    deviations *= inverse
    matrix, *_ = np.linalg.lstsq(deviations.T @ deviations, deviations.T @ (wanted - offset), rcond=1e-12)
    return (test - centre) * inverse @ matrix + offset
