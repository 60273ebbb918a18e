"""Names and numbers that a user typed: found, or refused with what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral

from autapse_sim.errors import InputError


def whole(what: str, given: object, least: int) -> int:
    """A whole number of at least `least`, Python's or NumPy's, as Python's; else an `InputError`.

    Examples
    --------
    >>> whole("neurons", 3, least=1)
    3
    >>> whole("neurons", 2.0, least=1)
    Traceback (most recent call last):
    autapse_sim.errors.InputError: neurons is 2.0; it must be a whole number of at least 1
    """
    if not isinstance(given, Integral) or isinstance(given, bool) or given < least:
        raise InputError(f"{what} is {given!r}; it must be a whole number of at least {least}")
    return int(given)


def one_of(what: str, name: str, known: Iterable[str]) -> str:
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
    if name in known:
        return name
    near = get_close_matches(str(name), known, n=2, cutoff=0.5)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
    raise InputError(f"unknown {what} {name!r}{hint} Known: {', '.join(known)}")
