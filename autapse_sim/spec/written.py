"""Models that are given as objects: each as the text of a file that would define it, so that all are read one way."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from autapse_sim.checks import text
from autapse_sim.errors import InputError
from autapse_sim.names import shown
from autapse_sim.spec.units import amount


class Written(str):
    """The name of a model that was given as an object; its `text` is that of a file which would define it."""

    text: str


def model_name(what: str, given: Any, kind: str) -> str:
    """The name or the path of a model as text, or the name that an object of the class `kind` goes by.

    Examples
    --------
    >>> model_name("rule", "dfa", kind="Rule")
    'dfa'
    >>> from autapse_sim import Rule
    >>> rule = Rule(update="w -= eta*feedback_post", parameters={"eta": 0.1})
    >>> print(model_name("rule", rule, kind="Rule").text, end="")
    from autapse_sim import Rule
    <BLANKLINE>
    rule = Rule(
        update='w -= eta*feedback_post',
        parameters={'eta': 0.1},
    )
    """
    if isinstance(given, Written):
        return given
    if isinstance(given, str | Path):
        return text(what, str(given))
    from autapse_sim.spec import model

    if not isinstance(given, getattr(model, kind)):
        raise InputError(f"{what} is {shown(given)}; it must be a name, the path of a file, or an object {kind}(...)")
    source = model_text(kind, given)
    name = Written(f"{kind}-{hashlib.sha256(source.encode()).hexdigest()[:8]}")
    name.text = source
    return name


def model_text(kind: str, model: Any) -> str:
    """The text of a file that defines a model: what differs from the defaults, with the imports that it needs."""
    used = {kind}
    told = "".join(f"    {name}={value},\n" for name, value in _told(model, used))
    return f"{_imports(used)}\n{kind.lower()} = {kind}(\n{told})\n"


def _imports(used: set[str]) -> str:
    """The lines that import names: those of the package, NumPy's array, and units."""
    homes: dict[str, list[str]] = {}
    for name in sorted(used):
        home = "autapse_sim" if name[0].isupper() else "numpy" if name == "array" else "brian2"
        homes.setdefault(home, []).append(name)
    return "".join(f"from {home} import {', '.join(names)}\n" for home, names in sorted(homes.items()))


def _told(model: Any, used: set[str]) -> list[tuple[str, str]]:
    """The fields of a model that are not the default, as Python's text; what that uses goes into `used`."""
    told = []
    for field in fields(model):
        value = getattr(model, field.name)
        default = field.default if field.default_factory is MISSING else field.default_factory()
        if field.name not in ("path", "source") and value != default:
            told.append((field.name, _literal(value, used)))
    return told


def _literal(value: Any, used: set[str]) -> str:
    """A value in a model as Python's text."""
    if isinstance(value, str):
        plain = "\n" in value and '"' not in value and "\\" not in value
        return f'"""{value}"""' if plain else repr(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {_literal(each, used)}' for key, each in value.items())}}}"
    if isinstance(value, tuple):
        return f"({' '.join(f'{_literal(each, used)},' for each in value)})"
    if hasattr(value, "__dataclass_fields__"):
        used.add(type(value).__name__)
        told = ", ".join(f"{name}={text}" for name, text in _told(value, used))
        return f"{type(value).__name__}({told})"
    given = amount(value)
    written = repr(given.value)
    if isinstance(given.value, list):
        used.add("array")
        written = f"array({written})"
    if given.unit == "1":
        return written
    used.update(re.findall(r"[a-z]+", given.unit))
    return f"{written} * {given.unit}"
