"""Names that a user typed: found, or refused with what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from reprlib import Repr
from types import ModuleType
from typing import Any

from autapse_sim.errors import InputError


class _Short(Repr):
    """What was given, in few words whatever it is."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxlong, self.maxother = 3, 80, 40, 80

    def repr_int(self, value: int, level: int) -> str:
        return super().repr_int(value, level) if value.bit_length() < 4096 else f"<int of {value.bit_length()} bits>"


def shown(given: Any) -> str:
    """What was given as an error shows it: shortened, and without a fault whatever it is.

    Examples
    --------
    >>> shown("a"), shown(10**100)
    ("'a'", '100000000000000000...0000000000000000000')
    """
    return _Short().repr(given)


def one_of(what: str, name: Any, known: Iterable[str]) -> str:
    """Return `name` where it is one of `known`, else raise an `InputError` with the nearest names.

    Examples
    --------
    >>> one_of("rule", "dfa", ["dfa", "fa"])
    'dfa'
    >>> one_of("rule", "autaps", ["autapse", "dfa"])
    Traceback (most recent call last):
    autapse_sim.errors.InputError: unknown rule 'autaps'; did you mean 'autapse'? Known: autapse, dfa
    """
    known = sorted(known)
    if isinstance(name, str) and name in known:
        return str(name)
    raise InputError(refused(what, name, known))


def refused(what: str, name: Any, known: Iterable[str]) -> str:
    """What is said of a name that is none of those that are known."""
    known = sorted(known)
    near = get_close_matches(name[:80], known, n=2, cutoff=0.5) if isinstance(name, str) else []
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
    return f"unknown {what} {shown(name)}{hint} Known: {', '.join(known)}"


def modules_in(package: ModuleType) -> dict[str, ModuleType]:
    """The modules of a package whose modules are all of one kind, by name.

    Examples
    --------
    >>> from autapse_sim import commands
    >>> "compare" in modules_in(commands)
    True
    """
    return {each.name: import_module(f"{package.__name__}.{each.name}") for each in iter_modules(package.__path__)}


def short(rule: str) -> str:
    """The name of a rule for people: a rule given as a file is called by the file's name.

    Examples
    --------
    >>> short("rules/mine.py")
    'mine'
    """
    return Path(rule).stem if rule.endswith(".py") else rule
