"""Computer algebra as equations need it: functions of which nothing is known are real, and conditions have no slope."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sympy import Expr, Symbol
    from sympy.core.function import FunctionClass

ACCURATE = ("exprel", "expm1")
"""What SymPy writes out with exp where it can, though it is there to keep the digits that are lost so."""
BRIAN = threading.RLock()
"""Whoever changes what Brian2 has once for a whole process, of all its threads."""


@contextlib.contextmanager
def real_functions() -> Iterator[None]:
    """Let Brian2 read functions as real ones meanwhile, also those of conditions, and leave those of `ACCURATE` alone.

    Else abs(exp(f(x))) is exp(re(f(x))), what is made of int(x > 0) cannot be compared, and exprel(2.5 - x) is
    (12.2*exp(-x) - 1)/(2.5 - x), which has no digits near x = 2.5.
    """
    from brian2.parsing.rendering import SympyNodeRenderer
    from sympy import Function
    from sympy.core.function import UndefinedFunction

    with BRIAN:
        before = SympyNodeRenderer.render_func

        def real(renderer: SympyNodeRenderer, node: Any) -> Any:
            function = before(renderer, node)
            if node.id in ACCURATE:
                return _unwritten(function)
            return Function(function.__name__, real=True) if isinstance(function, UndefinedFunction) else function

        SympyNodeRenderer.render_func = real
        try:
            yield
        finally:
            SympyNodeRenderer.render_func = before


@cache
def _unwritten(function: FunctionClass) -> FunctionClass:
    """A function, its derivative included, that stays what it is whatever its argument."""
    return type(function)(function.__name__, (function,), {"eval": classmethod(lambda cls, x: None), "nargs": 1})


def slope(expression: Expr, symbol: Symbol) -> Expr:
    """The derivative of an expression by a symbol; conditions in it are constants, with a name that nothing else has.

    Examples
    --------
    >>> from sympy import Function, Symbol
    >>> v = Symbol("v", real=True)
    >>> slope(3*v + 2*Function("int")(v > 0), v)
    3
    """
    from sympy import Dummy
    from sympy.core.relational import Relational
    from sympy.logic.boolalg import BooleanFunction

    held = {condition: Dummy("a condition") for condition in expression.atoms(Relational, BooleanFunction)}
    found: Expr = expression.xreplace(held).diff(symbol)
    return found
