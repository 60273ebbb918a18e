"""Computer algebra as equations need it: functions of which nothing is known are real, and conditions have no slope."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sympy import Expr, Symbol


@contextlib.contextmanager
def real_functions() -> Iterator[None]:
    """Let Brian2 read functions as real ones meanwhile, also those of conditions.

    Else abs(exp(f(x))) is exp(re(f(x))), and what is made of int(x > 0) cannot be compared.
    """
    from brian2.parsing.rendering import SympyNodeRenderer
    from sympy import Function
    from sympy.core.function import UndefinedFunction

    before = SympyNodeRenderer.render_func

    def real(renderer: SympyNodeRenderer, node: Any) -> Any:
        function = before(renderer, node)
        return Function(function.__name__, real=True) if isinstance(function, UndefinedFunction) else function

    SympyNodeRenderer.render_func = real
    try:
        yield
    finally:
        SympyNodeRenderer.render_func = before


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
