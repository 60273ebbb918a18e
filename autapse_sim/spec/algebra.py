"""Computer algebra as equations need it: functions of which nothing is known are real."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any


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
