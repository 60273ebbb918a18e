"""Values that a user gave: as Python's own, or refused before any work with what is expected."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from autapse_sim.errors import InputError
from autapse_sim.names import one_of, shown

LARGEST_WHOLE = 2**63 - 1
"""What a file holds as a whole number."""
LARGEST = 1e100
"""Numbers in arrays beyond it, in size, have no square that could be summed."""
LONGEST = 4095
"""Characters of a path."""
MOST = 1000
"""Items where a few are expected."""


def settle(described: Any, check: Callable[..., Any], *names: str, **limits: Any) -> None:
    """Put the checked values of some fields of a frozen dataclass in the place of those that were given.

    Examples
    --------
    >>> from autapse_sim import Protocol
    >>> protocol = Protocol(train=np.int8(100))
    >>> protocol.train
    100
    """
    for name in names:
        object.__setattr__(described, name, check(name, getattr(described, name), **limits))


def whole(what: str, given: Any, least: int = 0, most: int = LARGEST_WHOLE) -> int:
    """A whole number from `least` to `most`, Python's or NumPy's, as Python's; else an `InputError`.

    Examples
    --------
    >>> whole("neurons", np.int8(3), least=1)
    3
    >>> whole("neurons", 2.0, least=1)
    Traceback (most recent call last):
    autapse_sim.errors.InputError: neurons is 2.0; it must be a whole number of at least 1
    """
    number = _scalar(given)
    if isinstance(number, Integral) and not isinstance(number, bool) and least <= int(number) <= most:
        return int(number)
    beyond = isinstance(number, Integral) and int(number) > LARGEST_WHOLE
    span = f"of at least {least}" if most == LARGEST_WHOLE and not beyond else f"from {least} to {most}"
    raise InputError(f"{what} is {shown(given)}; it must be a whole number {span}")


def real(what: str, given: Any, least: float = -np.inf, most: float = np.inf, above: float = -np.inf) -> float:
    """A finite number from `least` to `most` and more than `above`, as Python's float; else an `InputError`.

    Examples
    --------
    >>> real("epsilon", np.float32(0.5), least=0)
    0.5
    >>> real("epsilon", "0.5", least=0)
    Traceback (most recent call last):
    autapse_sim.errors.InputError: epsilon is '0.5'; it must be a finite number of at least 0
    """
    number, value = _scalar(given), np.nan
    if isinstance(number, Real) and not isinstance(number, bool):
        with contextlib.suppress(OverflowError):
            value = float(number)
    if np.isfinite(value) and least <= value <= most and value > above:
        return value
    if above > -np.inf:
        span = f" above {above:g}" if most == np.inf else f" above {above:g}, at most {most:g}"
    elif most < np.inf:
        span = f" from {least:g} to {most:g}"
    else:
        span = f" of at least {least:g}" if least > -np.inf else ""
    raise InputError(f"{what} is {shown(given)}; it must be a finite number{span}")


def truth(what: str, given: Any) -> bool:
    """True or False, Python's or NumPy's, as Python's; else an `InputError`."""
    value = _scalar(given)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise InputError(f"{what} is {shown(given)}; it must be True or False")


def some_of(what: str, given: Any, known: Iterable[str]) -> tuple[str, ...]:
    """Some of the names that are `known`, each once; a single one may be given by itself.

    Examples
    --------
    >>> some_of("learn", ["W", "b", "W"], ("W", "U", "b"))
    ('W', 'b')
    """
    known = tuple(known)
    given = items(what, given, f"names among {', '.join(known)}")
    return tuple(dict.fromkeys(one_of(what, each, known) for each in given))


def items(what: str, given: Any, right: str) -> list[Any]:
    """The items of a list, a tuple or another iterable; a text or a number is the only item."""
    if isinstance(given, str) or isinstance(_scalar(given), Real):
        return [given]
    if not isinstance(given, Iterable) or isinstance(given, Mapping | bytes) or getattr(given, "ndim", 1) != 1:
        raise InputError(f"{what} is {shown(given)}; it must be {right}")
    found = list(islice(given, MOST + 1))
    if len(found) > MOST:
        raise InputError(f"{what} has more than {MOST} items; it must be {right}")
    return sorted(found, key=str) if isinstance(given, set | frozenset) else found


def text(what: str, given: Any, right: str = "text") -> str:
    """A text that a file can hold; else an `InputError`."""
    if not isinstance(given, str):
        raise InputError(f"{what} is {shown(given)}; it must be {right}")
    if "\0" in given or given.encode(errors="ignore").decode() != given:
        raise InputError(f"{what} is {shown(given)}; it must be {right}, without what is no UTF-8 and without NUL")
    return str(given)


def path(what: str, given: Any) -> Path:
    """A path of a file or a folder, as text, bytes or `Path`; else an `InputError`."""
    try:
        found = os.fsdecode(given)
        os.fsencode(found)
    except (TypeError, UnicodeError):
        raise InputError(f"{what} is {shown(given)}; it must be a path, such as 'results/run.nc'") from None
    if not 0 < len(found) <= LONGEST or "\0" in found:
        raise InputError(f"{what} is {shown(given)}; it must be a path of 1 to {LONGEST} characters without NUL")
    return Path(found)


def instance(what: str, given: Any, kind: type) -> Any:
    """An object of a class; else an `InputError`."""
    if isinstance(given, kind):
        return given
    hint = "the class itself" if given is kind else shown(given)
    raise InputError(f"{what} is {hint}; it must be an object of {kind.__name__}, such as {kind.__name__}(...)")


def function(what: str, given: Any) -> Callable[..., Any] | None:
    """Something that can be called, or None; else an `InputError`."""
    if given is None or callable(given):
        return given
    raise InputError(f"{what} is {shown(given)}; it must be a function, or None")


def mapping(what: str, given: Any, right: str) -> dict[str, Any]:
    """A mapping by text, or None for an empty one; else an `InputError`."""
    given = {} if given is None else given
    if isinstance(given, Mapping) and all(isinstance(key, str) for key in given):
        return dict(given)
    raise InputError(f"{what} is {shown(given)}; it must map names to values, such as {right}")


def numbers(what: str, given: Any) -> np.ndarray:
    """An array of real numbers as float64; an `InputError` for all else (masked, complex, text, dates, objects).

    Examples
    --------
    >>> numbers("x", [[1, 2], [3, 4]]).dtype
    dtype('float64')
    >>> numbers("x", ["1", "2"])
    Traceback (most recent call last):
    autapse_sim.errors.InputError: x is not an array of numbers: it holds <U1; expected real numbers
    """
    try:
        unfit = _unfit(given)
        array = np.asarray(None if unfit else given)
    except (TypeError, ValueError, RuntimeError):
        raise InputError(f"{what} is not an array of numbers") from None
    if unfit:
        raise InputError(f"{what} {unfit}")
    if array.dtype.kind not in "biuf":
        raise InputError(f"{what} is not an array of numbers: it holds {array.dtype}; expected real numbers")
    return array.astype(float, copy=False)


def _unfit(given: Any) -> str:
    """What NumPy would drop without a word: a mask or a unit, also within lists."""
    if isinstance(given, np.ma.MaskedArray):
        return "is a masked array; give plain numbers, and NaN in y, or scored, for what does not count"
    if not getattr(given, "is_dimensionless", True):
        return "has a unit; expected numbers without one"
    if isinstance(given, list | tuple):
        return next(filter(None, map(_unfit, given)), "")
    return ""


def _scalar(given: Any) -> Any:
    """What a NumPy array without axes holds, where it is a plain number; else what was given."""
    plain = isinstance(given, np.ndarray) and given.ndim == 0 and given.dtype.kind in "biuf" and not _unfit(given)
    return np.asarray(given).item() if plain else given
