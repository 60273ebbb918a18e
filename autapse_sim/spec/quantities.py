"""What unit a value has, as Brian2 knows it."""

from __future__ import annotations

from brian2 import get_dimensions, have_same_dimensions, second


def unit_of(value: object) -> str:
    """The unit of a parameter, as Brian2's equations spell it."""
    names = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")
    powers = zip(names, get_dimensions(value)._dims, strict=True)
    return "*".join(name if power == 1 else f"{name}**{power:g}" for name, power in powers if power) or "1"


def is_time(value: object) -> bool:
    """Whether a parameter is a time."""
    return have_same_dimensions(value, second)
