"""Integrators of Brian2, one of them mended: exponential Euler where a rate comes to be 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from brian2 import Equations
from brian2.core.namespace import DEFAULT_UNITS
from brian2.parsing.sympytools import sympy_to_str
from brian2.stateupdaters.exponential_euler import exponential_euler, get_conditionally_linear_system
from sympy import Expr, fraction

from autapse_sim.spec.language import renamed

SLOW = 1e-5
"""Rates times dt below which a step is a series: its fourth term is 1e-16."""


def stepper(method: str) -> str | Callable[..., str]:
    """What Brian2 is told to integrate by, where a model names a method."""
    return guarded if method == "exponential_euler" else method


def guarded(equations: Equations, variables: Mapping[str, Any] | None = None, method_options: Any = None) -> str:
    """The code of a step of exponential Euler, also where a rate is 0 or next to it.

    Of dx/dt = A x + B Brian2 takes (x + B/A) exp(A dt) - B/A, which is no number where A is 0, and hardly one where
    A is small: there it is x + dt (A x + B) (1 + A dt/2 (1 + A dt/3)).

    Examples
    --------
    >>> print(guarded(Equations("dv/dt = -v/tau : 1"), {}))
    _v = v*exp(-dt/tau)
    v = _v
    >>> print(guarded(Equations("dv/dt = 1 - g*v : 1"), {}))
    __A_v = -g
    __slow_v = choose(abs(dt*__A_v) < 1e-05, 1, 0)
    __BA_v = (1)/(__A_v + __slow_v/dt)
    __series_v = v + dt*(__A_v*v + (1))*(1 + dt*__A_v/2*(1 + dt*__A_v/3))
    _v = choose(__slow_v > 0, __series_v, (v + __BA_v)*exp(dt*__A_v) - __BA_v)
    v = _v
    """
    plain: str = exponential_euler(equations, variables, method_options)
    lines, code = iter(plain.split("\n")), list[str]()
    for name, (A, B) in get_conditionally_linear_system(equations, variables).items():
        line = next(lines)
        if A == 0 or B == 0:
            code.append(line)
            continue
        step = [line, next(lines)]
        if _may_vanish(B / A) or _may_vanish((B / A).cancel()):
            step = _guarded_step(name, sympy_to_str(A), sympy_to_str(B))
        # `_BA_v` is where Brian2 keeps the next value of a state BA_v, too
        code += [renamed(each, {f"_BA_{name}": f"__BA_{name}"}) for each in step]
    return "\n".join([*code, *lines])


def _guarded_step(x: str, A: str, B: str) -> list[str]:
    return [
        f"__A_{x} = {A}",
        f"__slow_{x} = choose(abs(dt*__A_{x}) < {SLOW}, 1, 0)",
        f"__BA_{x} = ({B})/(__A_{x} + __slow_{x}/dt)",
        f"__series_{x} = {x} + dt*(__A_{x}*{x} + ({B}))*(1 + dt*__A_{x}/2*(1 + dt*__A_{x}/3))",
        f"_{x} = choose(__slow_{x} > 0, __series_{x}, ({x} + __BA_{x})*exp(dt*__A_{x}) - __BA_{x})",
    ]


def _may_vanish(ratio: Expr) -> bool:
    """Whether the denominator is more than numbers and units: what could be cancelled divides all the same."""
    _, below = fraction(ratio)
    return any(symbol.name not in DEFAULT_UNITS for symbol in below.free_symbols)
