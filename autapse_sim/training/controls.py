"""Honest controls: what can be predicted without learning in a circuit, on the same trajectories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from autapse_sim.checks import numbers
from autapse_sim.engines.discrete.network import Network
from autapse_sim.errors import InputError
from autapse_sim.results.scores import mean_squared_error
from autapse_sim.spec.weights import Weights
from autapse_sim.tasks.base import Task

LAGS = (1, 2, 5, 20)
"""Numbers of observations that the fitted controls see, the present one included."""

PENALTIES = tuple(10.0**k for k in range(-10, 2))
"""Ridge penalties to choose from, in units of the columns' variance. A penalty does what independent noise of that
variance on the activity would do: 1e-3 reads with 3% noise, 1e-10 with hardly any."""

GAINS = (0.5, 0.8, 1.0, 1.2, 1.5)
INPUT_SCALES = (0.1, 0.3, 1.0, 3.0)
"""What W and U of a reservoir may be multiplied by."""


def stimulus_controls(
    x: np.ndarray,
    y: np.ndarray,
    train: slice,
    test: slice,
    horizon: int | None = None,
    blanked: np.ndarray | None = None,
    lags: Sequence[int] = LAGS,
) -> dict[str, np.ndarray]:
    """Predictions of the test targets from the stimulus alone.

    Parameters
    ----------
    x : array (R, K, T, m)
        Stimulus.
    y : array (R, K, T, c)
        Target; where it is NaN it does not count, and nothing is fitted to it.
    train, test : slice
        The trajectories that the fitted controls learn from, and those that all predict.
    horizon : int, optional
        Steps from stimulus to target, for 'linear extrapolation'; None leaves it out.
    blanked : bool array (T,), optional
        Steps at which the stimulus is blanked, for 'hold last seen'; None leaves it out.
    lags : sequence of int
        Numbers of observations that the affine maps see.

    Returns
    -------
    dict of str to array (R, K_test, T, c)
        'training mean'; 'persistence', 'linear extrapolation' and 'hold last seen', where m = c; 'affine of x(t)' and
        'affine of L lags', the least squares map of [x(t), ..., x(t-L+1), 1] (before the start: the first observation)
        for L up to T. Without training trajectories, the mean and the affine maps are left out; they are NaN for a
        coordinate that never counts in training.

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
        known = ~np.isnan(y[:, train])
        with np.errstate(invalid="ignore"):  # 0/0 where a coordinate never counts
            mean = np.nansum(y[:, train], axis=(1, 2), keepdims=True) / known.sum(axis=(1, 2), keepdims=True)
        predictions["training mean"] = np.broadcast_to(mean, y[:, test].shape).copy()
    if x.shape[3] == y.shape[3]:
        predictions["persistence"] = seen.copy()
        if horizon is not None:
            predictions["linear extrapolation"] = seen + horizon * np.diff(seen, axis=2, prepend=seen[:, :, :1])
        if blanked is not None:
            steps = np.arange(x.shape[2])
            predictions["hold last seen"] = seen[:, :, np.maximum.accumulate(np.where(blanked, 0, steps))]
    for count in lags:
        if trained and count <= x.shape[2]:
            name = "affine of x(t)" if count == 1 else f"affine of {count} lags"
            pairs = zip(x, y, strict=True)
            predictions[name] = np.stack(
                [_fit_predict(_lagged(xr[train], count), yr[train], _lagged(xr[test], count)) for xr, yr in pairs]
            )
    return predictions


def task_controls(
    task: Task, x: np.ndarray, y: np.ndarray, train: slice, test: slice, cheap: bool = False
) -> dict[str, np.ndarray]:
    """The `stimulus_controls` of a task, from what its stimulus shows; where `cheap`, those without a history."""
    x = observed(task, x)
    if cheap:
        return stimulus_controls(x, y, train, test, lags=LAGS[:1])
    return stimulus_controls(x, y, train, test, getattr(task, "horizon", None), task.blanked)


def observed(task: Task, x: np.ndarray) -> np.ndarray:
    """What a stimulus shows, in the units of the target."""
    show = getattr(task, "observed", None)
    if show is None:
        return x
    seen = numbers("task: what is observed", show(x))
    if seen.shape[:3] != x.shape[:3] or seen.ndim != 4:
        raise InputError(
            f"task: what is observed of x has shape {seen.shape}, expected {(*x.shape[:3], 'coordinates')}"
        )
    return seen


def readout_controls(activity_train: np.ndarray, y_train: np.ndarray, activity_test: np.ndarray) -> np.ndarray:
    """Predictions of the best affine read-out, fitted per replicate to the training targets by least squares.

    Given the activity of the untrained network, it is what a trained read-out alone achieves.

    Parameters
    ----------
    activity_train : array (R, K_train, T, n)
        Activity on the training trajectories.
    y_train : array (R, K_train, T, c)
        Targets of these; nothing is fitted where they are NaN.
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


def ridge_readout(
    fit: tuple[np.ndarray, np.ndarray],
    select: tuple[np.ndarray, np.ndarray],
    activity: np.ndarray,
    penalties: Sequence[float] = PENALTIES,
) -> np.ndarray:
    """Predictions of an affine read-out of the activity, fitted per replicate by ridge regression.

    It says what the activity of a trained network holds, whatever its own read-out makes of it. The offset is not
    penalised, and the columns are standardised.

    Parameters
    ----------
    fit : array (R, K_fit, T, n), array (R, K_fit, T, c)
        Activity and targets that the read-out is fitted to.
    select : array (R, K_select, T, n), array (R, K_select, T, c)
        Activity and targets that the penalty is chosen on, per replicate. Targets that are NaN do not count.
    activity : array (R, K, T, n)
        What the predictions are made from.
    penalties : sequence of float
        Positive, see `PENALTIES`. Give their least value some thought: a read-out without noise makes use of signals
        that no other could, which favours random networks near their linear regime.

    Returns
    -------
    array (R, K, T, c)
        NaN for a replicate whose activity is not finite.

    Examples
    --------
    >>> activity = np.random.default_rng(0).normal(size=(2, 3, 10, 4))
    >>> y = activity[..., :2] - 3
    >>> bool(np.allclose(ridge_readout((activity, y), (activity, y), activity), y))
    True
    """
    if fit[0].shape[1] == 0 or select[0].shape[1] == 0:
        raise InputError("a ridge read-out needs trajectories to be fitted to, and others to choose its penalty on")
    replicates = zip(*fit, *select, activity, strict=True)
    return np.stack([_ridge_predict(*one, np.asarray(penalties, dtype=float)) for one in replicates])


def activity(weights: Weights, x: np.ndarray, activation: str) -> np.ndarray:
    """The activity of discrete networks in which nothing learns.

    Parameters
    ----------
    weights : Weights
        Of R networks.
    x : array (R, K, T, m)
        Stimulus.
    activation : str
        Name of f.

    Returns
    -------
    array (R, K, T, n)
    """
    R, K, T, _ = x.shape
    out = np.empty((R, K, T, weights.W.shape[1]))
    size = max(1, 2**13 // (K * out.shape[3]))
    for networks in np.split(np.arange(R), range(size, R, size)):
        network = Network(weights.take(networks), activation, (), T)
        network.show(x[networks], np.zeros((len(networks), K, T, weights.V.shape[1])))
        with np.errstate(all="ignore"):
            network.run()
        out[networks] = network.layout.split(network.o, 1).transpose(2, 1, 0, 3)
    return out


@dataclass(frozen=True)
class Reservoir:
    """How a random network is scaled.

    Parameters
    ----------
    gain, input_scale : float
        What W and U are multiplied by.
    mse : array (gains, scales, R)
        Validation MSE of the ridge read-out over the grid that it was chosen from.
    """

    gain: float
    input_scale: float
    mse: np.ndarray

    def of(self, weights: Weights) -> Weights:
        """The scaled weights."""
        return _scaled(weights, self.gain, self.input_scale)


def tune_reservoir(
    weights: Weights,
    x: np.ndarray,
    y: np.ndarray,
    train: slice,
    validate: slice,
    activation: str,
    gains: Sequence[float] = GAINS,
    input_scales: Sequence[float] = INPUT_SCALES,
    penalties: Sequence[float] = PENALTIES,
) -> Reservoir:
    """The gain and input scale at which random networks, read out by ridge regression, do best.

    A control is only as honest as it is good: the reservoir that a rule must beat is the tuned one. Give it networks
    and trajectories of other seeds than those that it is tested on.

    Parameters
    ----------
    weights : Weights
        Of R networks as they were drawn.
    x : array (R, K, T, m)
        Stimulus.
    y : array (R, K, T, c)
        Target; where it is NaN it does not count.
    train, validate : slice
        The trajectories that the read-out is fitted to, and those that choose penalty, gain and input scale.
    activation : str
        Name of f.
    gains, input_scales : sequence of float
        The grid.
    penalties : sequence of float
        As in `ridge_readout`.
    """
    wanted = y[:, validate]
    errors = np.empty((len(gains), len(input_scales), len(x)))
    for (g, gain), (s, scale) in product(enumerate(gains), enumerate(input_scales)):
        o = activity(_scaled(weights, gain, scale), x, activation)
        select = o[:, validate], wanted
        prediction = ridge_readout((o[:, train], y[:, train]), select, o[:, validate], penalties)
        errors[g, s] = mean_squared_error(prediction, wanted, axis=(2, 3)).mean(axis=1)
    medians = np.median(np.where(np.isnan(errors), np.inf, errors), axis=-1)
    row, column = map(int, np.unravel_index(np.argmin(medians), medians.shape))
    return Reservoir(gains[row], input_scales[column], errors)


def _scaled(weights: Weights, gain: float, input_scale: float) -> Weights:
    return replace(weights, W=gain * weights.W, U=input_scale * weights.U)


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
    prediction = np.full((*test.shape[:2], target.shape[-1]), np.nan)
    if np.isfinite(train).all() and np.isfinite(test).all():
        for outputs, columns, wanted in _known_samples(train, target):
            centre, inverse = _standard(columns)
            deviations, offset = (columns - centre) * inverse, wanted.mean(axis=0)
            matrix, *_ = np.linalg.lstsq(deviations.T @ deviations, deviations.T @ (wanted - offset), rcond=1e-12)
            prediction[..., outputs] = (test - centre) * inverse @ matrix + offset
    return prediction


def _known_samples(train: np.ndarray, target: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """The samples of train (K, T, p) and target (K, T, c) that count, for the outputs (bool, c) that share them."""
    columns, wanted = train.reshape(-1, train.shape[-1]), target.reshape(-1, target.shape[-1])
    known = ~np.isnan(wanted)
    alike = (known == known[:, :1]).all()
    for rows in known[:, :1].T if alike else np.unique(known, axis=1).T:
        outputs = (known == rows[:, None]).all(axis=0)
        if rows.all():
            yield outputs, columns, wanted[:, outputs]
        elif rows.any():
            yield outputs, columns[rows], wanted[rows][:, outputs]


def _ridge_predict(
    train: np.ndarray,
    target: np.ndarray,
    select: np.ndarray,
    select_target: np.ndarray,
    test: np.ndarray,
    penalties: np.ndarray,
) -> np.ndarray:
    """`ridge_readout` of one replicate: arrays (K, T, n) and (K, T, c)."""
    if not all(np.isfinite(array).all() for array in (train, select, test)):
        return np.full((*test.shape[:2], target.shape[-1]), np.nan)
    maps = []
    for outputs, columns, wanted in _known_samples(train, target):
        centre, inverse = _standard(columns)
        deviations, offset = (columns - centre) * inverse, wanted.mean(axis=0)
        spread, axes = np.linalg.eigh(deviations.T @ deviations / len(columns))
        along = axes.T @ (deviations.T @ (wanted - offset)) / len(columns)
        matrices = axes @ (along / (np.maximum(spread, 0)[:, None] + penalties[:, None, None]))
        maps.append((outputs, centre, inverse, matrices, offset))

    def predicted(seen: np.ndarray, penalty: int) -> np.ndarray:
        prediction = np.full((*seen.shape[:2], target.shape[-1]), np.nan)
        for outputs, centre, inverse, matrices, offset in maps:
            prediction[..., outputs] = (seen - centre) * inverse @ matrices[penalty] + offset
        return prediction

    errors = [
        mean_squared_error(predicted(select, penalty), select_target, axis=None) for penalty in range(len(penalties))
    ]
    return predicted(test, int(np.argmin(errors)))


def _standard(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and inverse standard deviation of columns; 0 for one that does not vary."""
    centre, scale = columns.mean(axis=0), columns.std(axis=0)
    varies = scale > 1e-12 * np.abs(columns).max(axis=0)
    return centre, np.where(varies, 1 / np.where(varies, scale, 1), 0)
