"""How values show themselves: in few words, and in notebooks as a card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from importlib import import_module
from typing import Any, TypeVar

import numpy as np

WIDE = 110
"""Characters that stand in a line."""
MANY = 12
"""Numbers that are shown one by one."""
Kind = TypeVar("Kind", bound=type)


def showing(kind: Kind) -> Kind:
    """A dataclass whose values show what of them is not the default, and as cards in notebooks.

    Examples
    --------
    >>> from autapse_sim import Circuit
    >>> Circuit(rule="dfa", neurons=20)
    Circuit(rule='dfa', neurons=20)
    """
    for name, method in (("__repr__", in_short), ("_repr_html_", card)):
        setattr(kind, name, method)
    return kind


def card(value: Any) -> str:
    """A value as HTML, for notebooks."""
    # found by its name: what draws imports what it draws, and not the other way
    drawn: str = import_module("autapse_sim.results.report.cards").card(value)
    return drawn


def latex(model: Any) -> str:
    """The equations of a model as LaTeX, for notebooks."""
    formula: str = import_module("autapse_sim.results.report.lines").latex(model)
    return formula


def in_short(value: Any) -> str:
    """What of a dataclass is not the default, as Python would write it; a line for each field where they are long."""
    told = [f"{name}={literal(given)}" for name, given in changed(value).items()]
    line = f"{type(value).__name__}({', '.join(told)})"
    if len(line) <= WIDE and "\n" not in line:
        return line
    return "\n".join([f"{type(value).__name__}(", *(f"    {each}," for each in told), ")"])


def changed(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that are not the default, by name."""
    shown = {field.name: (getattr(value, field.name), _default(field)) for field in fields(value) if field.repr}
    return {name: given for name, (given, default) in shown.items() if not _same(given, default)}


def in_full(value: Any) -> str:
    """All fields of a dataclass in a line, as Python's own text of one has them."""
    held = {field.name: getattr(value, field.name) for field in fields(value) if field.repr}
    told = [f"{name}={in_full(given) if shows(given) else repr(given)}" for name, given in held.items()]
    return f"{type(value).__qualname__}({', '.join(told)})"


def shows(value: Any) -> bool:
    """Whether it is one of those that show what is not the default."""
    return getattr(type(value), "__repr__", None) is in_short


def _default(field: Field) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _same(given: Any, default: Any) -> bool:
    if isinstance(default, Mapping):
        return dict(given) == dict(default)
    return isinstance(given, type(default)) and bool(np.array_equal(given, default))


def literal(given: Any) -> str:
    """A value in few words."""
    if isinstance(given, np.ndarray | list | tuple) and (np.ndim(given) > 1 or np.size(given) > MANY):
        array = np.asarray(given)
        return f"<{' x '.join(map(str, array.shape))} numbers>" if array.dtype.kind in "biuf" else repr(given)
    if isinstance(given, str) and "\n" in given and not set('"\\') & set(given):
        return f'"""{given}"""'
    if isinstance(given, Mapping):
        return f"{{{', '.join(f'{key!r}: {literal(each)}' for key, each in given.items())}}}"
    return repr(given).replace("\n", "\n    ")
