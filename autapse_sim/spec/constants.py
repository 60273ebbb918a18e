"""What an expression comes to where it is made of numbers alone."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping

OPERATORS: dict[type[ast.operator | ast.unaryop], Callable[..., float]] = {
    **{ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv},
    **{ast.FloorDiv: lambda a, b: float(math.floor(a / b)), ast.Mod: lambda a, b: a - b * math.floor(a / b)},
    **{ast.Pow: operator.pow, ast.USub: operator.neg, ast.UAdd: operator.pos},
}
FUNCTIONS: dict[str, Callable[..., float]] = {
    **{name: getattr(math, name) for name in ("ceil", "cos", "cosh", "exp", "expm1", "floor", "log", "log10", "log1p")},
    **{name: getattr(math, name) for name in ("sin", "sinh", "sqrt", "tan", "tanh")},
    **{"abs": abs, "arccos": math.acos, "arcsin": math.asin, "arctan": math.atan, "int": int},
    "clip": lambda value, low, high: min(max(value, low), high),
    "sign": lambda value: (value > 0) - (value < 0),
}
NAMES = {"pi": math.pi, "e": math.e, "inf": math.inf}
WHOLE = 2**63
"""Whole numbers from here on are none to NumPy and C++."""


def number(node: ast.expr, known: Mapping[str, float], deepest: int) -> float | None:
    """The value of a tree; None where it holds what is not known.

    Parameters
    ----------
    node : ast.expr
        The tree.
    known : mapping of str to float
        Values of names, beside those of `NAMES`.
    deepest : int
        How far it may be nested.

    Raises
    ------
    ArithmeticError
        A part of it has no value, or none that can be kept. Infinity is where it is written only.
    RecursionError
        It is nested deeper.
    """
    if deepest < 0:
        raise RecursionError
    inside = [number(each, known, deepest - 1) for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]
    if isinstance(node, ast.Name):
        return known.get(node.id, NAMES.get(node.id))
    if isinstance(node, ast.Constant):
        written = node.value
        return _applied(lambda: written, []) if isinstance(written, int | float) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod) and inside[1] == 0:
        raise ArithmeticError("divides by zero")
    function = None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        function, inside = FUNCTIONS.get(node.func.id), inside[1:]
    elif isinstance(node, ast.BinOp | ast.UnaryOp):
        function = OPERATORS.get(type(node.op))
    given = [each for each in inside if each is not None]
    return None if function is None or len(given) < len(inside) else _applied(function, given)


def value_of(node: ast.expr) -> float | None:
    """The finite number that a tree comes to by itself; None where it comes to none."""
    try:
        value = number(node, {}, 10**3)
    except ArithmeticError:
        return None
    return value if value is not None and math.isfinite(value) else None


def _applied(function: Callable[..., float], given: list[float]) -> float | None:
    """What a function makes of numbers; None where it takes another count of them."""
    try:
        value = function(*map(float, given))  # whole ones could grow without end
        if isinstance(value, complex):
            raise ValueError
        if math.isfinite(value) and all(isinstance(each, int) for each in given):
            value = function(*given)
    except ZeroDivisionError:
        raise ArithmeticError("divides by zero") from None
    except (OverflowError, ValueError):
        value = math.nan
    except TypeError:
        return None
    if math.isnan(value) or (math.isinf(value) and all(map(math.isfinite, given))):
        raise ArithmeticError("holds a number that is too large, or not real")
    if isinstance(value, int) and abs(value) >= WHOLE:
        raise ArithmeticError("holds a whole number that is too large; write it with a point")
    return value
