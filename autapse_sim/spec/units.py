"""Numbers with a unit, with and without Brian2: what a parameter is given as and what a model says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from autapse_sim.checks import numbers
from autapse_sim.errors import InputError, brief
from autapse_sim.names import shown

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


def squared(unit: str) -> str:
    """The unit of a squared error.

    Examples
    --------
    >>> squared("box lengths"), squared("1")
    ('squared box lengths', '1')
    """
    return unit if unit == "1" else f"squared {unit}"


def amount(given: Any, name: str = "") -> Amount:
    """The amount of a number, an array, a Brian2 quantity, or of a text such as '10 ms', '10*ms' or '0.03'.

    Parameters
    ----------
    given : number, array, quantity or str
        What was given.
    name : str
        Of the parameter that it was given for, for errors.

    Examples
    --------
    >>> amount(0.5)
    Amount(value=0.5, unit='1', text='0.5')
    >>> amount("10 ms")
    Amount(value=0.01, unit='second', text='10 ms')
    """
    if isinstance(given, Amount):
        return given
    if isinstance(given, str):
        return _read(given, f"parameter {name}: " if name else "")
    unit, plain = "1", given
    if getattr(given, "dim", None) is not None:
        from autapse_sim.spec.quantities import is_time, unit_of

        unit, plain = "second" if is_time(given) else unit_of(given), np.asarray(given)
    try:
        return Amount(numbers(name, plain).tolist(), unit, brief(str(given)))
    except InputError:
        return Amount(np.nan, "no number", shown(given))


def _read(text: str, where: str) -> Amount:
    """The amount that a text says; the units of time need no Brian2."""
    match = re.fullmatch(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*\*?\s*([A-Za-z]\w*)?\s*", text)
    if not match:
        raise InputError(f"{where}{shown(text)} is not a number with a unit; write for example '10 ms' or 0.03")
    number, unit = float(match[1]), match[2]
    if unit is None:
        return Amount(number, "1", brief(text))
    if unit in TIMES:
        return Amount(number * TIMES[unit], "second", brief(text))
    import brian2.units.allunits
    import brian2.units.stdunits

    for place in (brian2.units.stdunits, brian2.units.allunits):
        if isinstance(getattr(place, unit, None), brian2.units.fundamentalunits.Unit):
            return replace(amount(number * getattr(place, unit)), text=brief(text))
    raise InputError(f"{where}unknown unit {shown(unit)} in {shown(text)}; write for example '10 ms'")
