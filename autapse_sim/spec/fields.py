"""The fields of models as they are given: checked where the model is made, and put right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from autapse_sim.errors import InputError
from autapse_sim.names import shown
from autapse_sim.spec.language import clean
from autapse_sim.spec.truths import counted, number

EQUATIONS = {"equations", "trace", "postsynaptic", "eligibility"}
"""Texts that hold equations."""
EXPRESSIONS = {"f", "f_prime"}
"""Texts that become the right side of one."""
_QUOTED = re.compile(r"\s*([-+.\deE]*\d\.?)\s*\*?\s*([A-Za-z]\w*)?\s*")
"""A number, and perhaps its unit, that was given as text."""


def take_texts(model: Any, fields: tuple[str, ...]) -> None:
    """Texts without their comments; Brian2's Equations and quantities count as what they say.

    Conditions are numbers in equations and activations, where computer algebra may read them.
    """
    for name in fields:
        taken = text(f"{type(model).__name__}({name}=...)", getattr(model, name))
        taken = counted(taken) if name in EQUATIONS else number(taken) if name in EXPRESSIONS else taken
        object.__setattr__(model, name, taken)


def text(what: str, value: object) -> str:
    """A text of the language of models; a number is one, too."""
    if type(value).__name__ == "Equations":
        value = _equations_text(value)
    elif not isinstance(value, str):
        number = _number(value)
        if number is None or np.ndim(number):
            raise InputError(f"{what} must be text, got {type(value).__name__}")
        value = repr(float(number)) if getattr(number, "dim", None) is None else _quantity_text(number)
    try:
        return clean(value)
    except InputError as error:
        raise InputError(f"{what}: {error}") from None


def _equations_text(value: Any) -> str:
    """Equations of Brian2's as they would be written: printed, they say units that they do not read (V for volt)."""
    from autapse_sim.spec.quantities import unit_of

    lines = []
    for each in value.values():
        kind = unit_of(each.unit) if each.var_type == "float" else each.var_type
        rate = each.type == "differential equation"
        right = "" if each.expr is None else f" = {each.expr.code}"
        flags = f" ({', '.join(each.flags)})" if each.flags else ""
        lines.append(f"{f'd{each.varname}/dt' if rate else each.varname}{right} : {kind}{flags}")
    return "\n".join(lines)


def _quantity_text(value: Any) -> str:
    from autapse_sim.spec.quantities import unit_of

    return f"{float(value)!r}*{unit_of(value)}"


def parameter(what: str, value: object) -> object:
    """A default value: a finite number, with or without a unit, or an array of such; else an `InputError`."""
    number = _number(value)
    if number is None:
        right = "it must be a finite number, with a unit or without, such as 0.03 or 10*ms"
        quoted = _QUOTED.fullmatch(value) if isinstance(value, str) else None
        meant = f"; without quotes: {'*'.join(filter(None, quoted.groups()))}" if quoted else ""
        raise InputError(f"{what} is {shown(value)}; {right}{meant}")
    return number


def choices(what: str, value: object) -> tuple:
    """Values of a parameter to choose from, each once; else an `InputError`."""
    listed = value if isinstance(value, list | tuple | np.ndarray) and np.ndim(value) == 1 else ()
    found: list[Any] = [parameter(what, each) for each in listed]
    if not found or any(map(np.ndim, found)) or len({*map(float, found)}) < len(found):
        raise InputError(f"{what} must be values to choose from, each once, such as (1*ms, 3*ms, 10*ms)")
    return tuple(found)


def _number(value: object) -> Any:
    """A finite real number, or an array of such, with its unit where it has one; None for all else."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if isinstance(value, list | tuple):
            from brian2 import Quantity

            value = Quantity(value)
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        return None
    right = array.dtype.kind in "iuf" and array.ndim <= 2 and array.size and np.isfinite(array).all()
    return value if right else None


def take_mapping(model: Any, name: str, take: Callable[[str, object], Any], named: bool = True) -> None:
    """A mapping by names that equations may hold (or by any text), with what `take` makes of its values."""
    what, given = f"{type(model).__name__}({name}=...)", getattr(model, name)
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise InputError(f"{what} must map names to values, such as {{'v': ...}}")
    for key in given:
        if named and not (key.isidentifier() and key.isascii()):
            raise InputError(f"{what}: {key!r} is no name; write letters, digits and _, such as 'v_0'")
    kept = {key: take(f"{what}, {key}", value) for key, value in given.items()}
    object.__setattr__(model, name, MappingProxyType(kept))


def take_tuple(model: Any, name: str, kind: type) -> tuple:
    """A tuple of objects of one kind; a single one may be given by itself."""
    given = getattr(model, name)
    given = (given,) if isinstance(given, kind) else given
    if not isinstance(given, list | tuple) or not all(isinstance(each, kind) for each in given):
        raise InputError(f"{type(model).__name__}({name}=...) must be a tuple of {kind.__name__}")
    object.__setattr__(model, name, tuple(given))
    return getattr(model, name)
