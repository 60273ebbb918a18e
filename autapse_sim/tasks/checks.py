"""What the parameters of tasks must be."""

from __future__ import annotations

from numbers import Integral, Real

import numpy as np

from autapse_sim.errors import InputError
from autapse_sim.names import whole


def is_whole(value: object) -> bool:
    """Whether `value` is an integer, and not a truth value."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_whole(name: str, value: object, least: int) -> None:
    """Refuse what is no whole number of at least `least`."""
    whole(name, value, least)


def check_real(name: str, value: object, most: float = np.inf) -> None:
    """Refuse what is no finite number from 0 to `most`."""
    if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= value < np.inf or value > most:
        span = "of at least 0" if most == np.inf else f"from 0 to {most:g}"
        raise InputError(f"{name} is {value!r}; it must be a finite number {span}")
