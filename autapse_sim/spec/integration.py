"""Integrators of Brian2, one of them mended: exponential Euler where a rate comes to be 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from brian2 import Equations
from brian2.core.namespace import DEFAULT_UNITS
from brian2.parsing.sympytools import sympy_to_str
from brian2.stateupdaters.exponential_euler import exponential_euler, get_conditionally_linear_system
from sympy import Expr, fraction

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
    _A_v = -g
    _slow_v = choose(abs(dt*_A_v) < 1e-05, 1, 0)
    _BA_v = (1)/(_A_v + _slow_v/dt)
    _series_v = v + dt*(_A_v*v + (1))*(1 + dt*_A_v/2*(1 + dt*_A_v/3))
    _v = choose(_slow_v > 0, _series_v, (v + _BA_v)*exp(dt*_A_v) - _BA_v)
    v = _v
    """
    plain: str = exponential_euler(equations, variables, method_options)
    code = plain.split("\n")
    for name, (A, B) in get_conditionally_linear_system(equations, variables).items():
        if A == 0 or B == 0 or not (_may_vanish(B / A) or _may_vanish((B / A).cancel())):
            continue
        place = next(k for k, line in enumerate(code) if line.startswith(f"_{name} = "))
        code[place - 1 : place + 1] = _guarded_step(name, sympy_to_str(A), sympy_to_str(B))
    return "\n".join(code)


def _guarded_step(x: str, A: str, B: str) -> list[str]:
    return [
        f"_A_{x} = {A}",
        f"_slow_{x} = choose(abs(dt*_A_{x}) < {SLOW}, 1, 0)",
        f"_BA_{x} = ({B})/(_A_{x} + _slow_{x}/dt)",
        f"_series_{x} = {x} + dt*(_A_{x}*{x} + ({B}))*(1 + dt*_A_{x}/2*(1 + dt*_A_{x}/3))",
        f"_{x} = choose(_slow_{x} > 0, _series_{x}, ({x} + _BA_{x})*exp(dt*_A_{x}) - _BA_{x})",
    ]


def _may_vanish(ratio: Expr) -> bool:
    """Whether the denominator is more than numbers and units: what could be cancelled divides all the same."""
    _, below = fraction(ratio)
    return any(symbol.name not in DEFAULT_UNITS for symbol in below.free_symbols)
