"""Numbers with a unit, with and without Brian2: what a parameter is given as and what a model says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

STEP = 1e-3
"""Length of one step of the stimulus in seconds; tau_m of the rate neuron, so that Euler is the discrete network."""
TIMES = {"s": 1.0, "second": 1.0, "ms": 1e-3, "msecond": 1e-3, "us": 1e-6, "usecond": 1e-6}
"""The units of time that need no Brian2 to be read."""


@dataclass(frozen=True)
class Amount:
    """A number, or one per replicate, in SI units.

    Parameters
    ----------
    value : float or list of float
        In SI units.
    unit : str
        'second', '1', or a product of SI units as Brian2's equations spell it.
    text : str
        As the user or the model wrote it.
    """

    value: float | list[float]
    unit: str
    text: str


def amount(given: Any) -> Amount:
    """The amount of a number, an array or a Brian2 quantity.

    Examples
    --------
    >>> amount(0.5)
    Amount(value=0.5, unit='1', text='0.5')
    """
    if isinstance(given, Amount):
        return given
    unit = "1"
    if getattr(given, "dim", None) is not None:
        from autapse_sim.statements import is_time, unit_of

        unit = "second" if is_time(given) else unit_of(given)
    try:
        return Amount(np.asarray(given, dtype=float).tolist(), unit, str(given))
    except (TypeError, ValueError):
        return Amount(np.nan, "no number", str(given))
