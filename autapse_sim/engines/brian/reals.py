"""Functions of equations that know no time, in NumPy, as in tape.h; whole numbers are real ones there, too."""

import numpy as np


def known(value: np.ndarray) -> np.ndarray:
    """1 where a target counts, which is NaN where it does not."""
    return np.where(np.isnan(value), 0.0, 1.0)


def choose(condition: np.ndarray, yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    """One number where a condition holds, else another."""
    return np.where(condition, yes, no)


def only(condition: np.ndarray, value: np.ndarray) -> np.ndarray:
    """A number where a condition holds, else 0."""
    return np.where(condition, value, 0.0)


def whole(value: np.ndarray) -> np.ndarray:
    """The whole part."""
    return np.trunc(1.0 * value)


def signum(value: np.ndarray) -> np.ndarray:
    """The sign."""
    return np.sign(1.0 * value)


def clipped(value: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """A number within bounds; the upper one counts where they cross."""
    return np.minimum(np.maximum(1.0 * value, low), high)


def timesteps(t: np.ndarray, dt: np.ndarray) -> np.ndarray:
    """How many steps of dt have passed, in spite of rounding."""
    return np.trunc((t + 1e-3 * dt) / dt)


def quotient(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """How often a number goes into another: their quotient, rounded down."""
    return np.floor(np.true_divide(a, b))


def remainder(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What is left of a number then, of the sign of the other whatever the rounding."""
    left = a - quotient(a, b) * b
    return np.where(left * b < 0, 0.0, left)


def positive(value: np.ndarray) -> np.ndarray:
    """A number of which roots may be taken, NaN where it is below 0."""
    return np.where(value < 0, np.nan, value)
