"""Affine read-outs, fitted per replicate: of what a stimulus shows, or of the activity of a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from autapse_sim.errors import InputError
from autapse_sim.results.scores import error_of
from autapse_sim.training.logistic import logistic_maps, softmax

PENALTIES = tuple(10.0**k for k in range(-10, 2))
"""Ridge penalties to choose from, in units of the columns' variance. A penalty does what independent noise of that
variance on the activity would do: 1e-3 reads with 3% noise, 1e-10 with hardly any."""


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
    return np.stack([fit_predict(*one) for one in zip(activity_train, y_train, activity_test, strict=True)])


def penalised_readout(
    fit: tuple[np.ndarray, np.ndarray],
    select: tuple[np.ndarray, np.ndarray],
    activity: np.ndarray,
    penalties: Sequence[float] = PENALTIES,
    loss: str = "mse",
) -> np.ndarray:
    """Predictions of an affine read-out of the activity, fitted per replicate with a ridge penalty.

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
    loss : {'mse', 'cross-entropy'}
        What is to be small: ridge regression, or `logistic_maps`, whose predictions are the softmax of an affine map.

    Returns
    -------
    array (R, K, T, c)
        NaN for a replicate whose activity is not finite.

    Examples
    --------
    >>> activity = np.random.default_rng(0).normal(size=(2, 3, 10, 4))
    >>> y = activity[..., :2] - 3
    >>> bool(np.allclose(penalised_readout((activity, y), (activity, y), activity), y))
    True
    """
    return penalised_readouts(fit, select, activity, [penalties], loss)[0]


def penalised_readouts(
    fit: tuple[np.ndarray, np.ndarray],
    select: tuple[np.ndarray, np.ndarray],
    activity: np.ndarray,
    choices: Sequence[Sequence[float]],
    loss: str = "mse",
) -> np.ndarray:
    """Predictions (choice, R, K, T, c) of `penalised_readout` for several sets of penalties to choose from."""
    if fit[0].shape[1] == 0 or select[0].shape[1] == 0:
        raise InputError(
            "a read-out with a penalty needs trajectories to be fitted to, and others to choose its penalty on"
        )
    replicates = zip(*fit, *select, activity, strict=True)
    sets = [np.asarray(penalties, dtype=float) for penalties in choices]
    return np.stack([_penalised_predict(*one, sets, loss) for one in replicates], axis=1)


def fit_predict(train: np.ndarray, target: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Fit target (K, T, c) as an affine map of train (K, T, p) by least squares, and apply it to test (K', T, p).

    Columns are standardised, so the normal equations lose no digits to their scales; directions in which the training
    data do not vary get no weight.
    """
    return fit_first(train, target, test, [train.shape[-1]])[0]


def fit_first(train: np.ndarray, target: np.ndarray, test: np.ndarray, columns: Sequence[int]) -> np.ndarray:
    """What `fit_predict` gives with the first columns alone, for several numbers of them: (numbers, K', T, c)."""
    predictions = np.full((len(columns), *test.shape[:2], target.shape[-1]), np.nan)
    if np.isfinite(train).all() and np.isfinite(test).all():
        for outputs, known, wanted in _known_samples(train, target):
            centre, inverse, deviations = _standard(known)
            offset = wanted.mean(axis=0)
            products, answers = deviations.T @ deviations, deviations.T @ (wanted - offset)
            seen = (test - centre) * inverse
            for prediction, p in zip(predictions, columns, strict=True):
                matrix, *_ = np.linalg.lstsq(products[:p, :p], answers[:p], rcond=1e-12)
                prediction[..., outputs] = seen[..., :p] @ matrix + offset
    return predictions


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


def _penalised_predict(
    train: np.ndarray,
    target: np.ndarray,
    select: np.ndarray,
    select_target: np.ndarray,
    test: np.ndarray,
    choices: Sequence[np.ndarray],
    loss: str,
) -> np.ndarray:
    """`penalised_readouts` of one replicate: arrays (K, T, n) and (K, T, c)."""
    outputs = target.shape[-1]
    if not all(np.isfinite(array).all() for array in (train, select, test)):
        return np.full((len(choices), *test.shape[:2], outputs), np.nan)
    maps_of, link = _FITTED[loss]
    penalties = np.unique(np.concatenate(choices))
    maps = []
    for some, columns, wanted in _known_samples(train, target):
        centre, inverse, deviations = _standard(columns)
        maps.append((some, centre, inverse, *maps_of(deviations, wanted, penalties)))

    def read(seen: np.ndarray, places: Sequence[int] | slice) -> np.ndarray:
        """Predictions (places, K, T, c) of the maps at some of the penalties."""
        found = np.full((len(penalties[places]), *seen.shape[:2], outputs), np.nan)
        for some, centre, inverse, matrices, offsets in maps:
            standard = ((seen - centre) * inverse).reshape(-1, seen.shape[-1])
            read = standard @ matrices[places] + offsets[places][:, None]
            found[..., some] = read.reshape(*found.shape[:3], -1)
        return link(found)

    errors = error_of(loss)(_merged(read(select, slice(None))), _merged(select_target))
    places = [np.searchsorted(penalties, choice) for choice in choices]
    return read(test, [some[np.argmin(errors[some])] for some in places])


def _ridge_maps(columns: np.ndarray, wanted: np.ndarray, penalties: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Matrices (P, n, c) and offsets (P, c) of ridge regression of standardised columns (S, n)."""
    offset = wanted.mean(axis=0)
    spread, axes = np.linalg.eigh(columns.T @ columns / len(columns))
    along = axes.T @ (columns.T @ (wanted - offset)) / len(columns)
    matrices = axes @ (along / (np.maximum(spread, 0)[:, None] + penalties[:, None, None]))
    return matrices, np.broadcast_to(offset, (len(penalties), len(offset)))


_FITTED: dict[str, tuple[Callable, Callable]] = {
    "mse": (_ridge_maps, lambda affine: affine),
    "cross-entropy": (logistic_maps, softmax),
}


def _merged(trajectories: np.ndarray) -> np.ndarray:
    """The samples (..., K T, c) of trajectories (..., K, T, c)."""
    return trajectories.reshape(*trajectories.shape[:-3], -1, trajectories.shape[-1])


def _standard(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means and inverse standard deviations of columns, 0 where they do not vary; deviations in units of these."""
    centre = columns.mean(axis=0)
    deviations = columns - centre
    scale = np.sqrt(np.einsum("sp,sp->p", deviations, deviations) / len(columns))
    varies = scale > 1e-12 * np.abs(centre)
    inverse = np.where(varies, 1 / np.where(varies, scale, 1), 0)
    deviations *= inverse
    return centre, inverse, deviations
