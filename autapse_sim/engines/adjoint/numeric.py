"""Statements as a function of NumPy arrays."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import exprel

from autapse_sim.engines.reference.code import CONSTANTS, FUNCTIONS, OPERATORS, names, tree
from autapse_sim.spec.language import Statement

SERIES = [(k + 1) / float(np.prod(np.arange(1.0, k + 3))) for k in range(16)]
"""exprel_slope(x) = sum_k (k + 1)/(k + 2)! x^k."""


def exprel_slope(x: Any) -> Any:
    """The derivative of exprel, (exp(x) - exprel(x))/x; near 0, where that has no digits left, by its series.

    Examples
    --------
    >>> float(exprel_slope(0.0)), round(float(exprel_slope(1.0)), 12)
    (0.5, 1.0)
    """
    x = np.asarray(x, dtype=float)
    near = np.abs(x) < 1
    series = np.polynomial.polynomial.polyval(np.where(near, x, 0.0), SERIES)
    far = np.where(near, 1.0, x)
    return np.where(near, series, (np.exp(far) - exprel(far)) / far)


def spike(condition: Any, argument: Any, slope: Any) -> Any:
    """1 where the condition holds."""
    return condition


def switch(z: Any, a: Any, b: Any) -> Any:
    """a where z is 1, else b."""
    return np.where(z != 0, a, b)


def real(value: Any) -> Any:
    """The same, as real numbers: powers of whole numbers are others, or none.

    Examples
    --------
    >>> float(real(np.int64(2)) ** -1)
    0.5
    """
    value = np.asarray(value)
    return value if value.dtype.kind == "f" else value.astype(float)


KNOWN = {**CONSTANTS, **FUNCTIONS, **{f"autapse_{each.__name__}": each for each in (exprel_slope, spike, switch)}}
KNOWN = {name: np.float64(value) if isinstance(value, float) else value for name, value in KNOWN.items()}
KNOWN |= {"True": np.float64(1), "False": np.float64(0)}
"""All that may be read in a program without being given: units, numbers and functions."""
DIVIDED = {f"autapse_{each.__name__}": each for each in (OPERATORS[ast.FloorDiv], OPERATORS[ast.Mod])}
"""What stands for ``//`` and ``%``."""


class _Arrays(ast.NodeTransformer):
    """An expression in which conditions are arrays of 0 and 1, and powers those of real numbers."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.FloorDiv | ast.Mod):
            name = OPERATORS[type(node.op)].__name__
            return ast.Call(ast.Name(f"autapse_{name}", ast.Load()), [node.left, node.right], [])
        if isinstance(node.op, ast.Pow):
            node.left = ast.Call(ast.Name("autapse_real", ast.Load()), [node.left], [])
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        return ast.BinOp(ast.Constant(1.0), ast.Mult(), node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        value, *others = map(self.visit, node.values)
        for other in others:
            function = "minimum" if isinstance(node.op, ast.And) else "maximum"
            value = _call(function, _true(value), _true(other))
        return value

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return ast.BinOp(ast.Constant(1.0), ast.Sub(), _true(operand))
        return ast.UnaryOp(node.op, operand)


def _true(node: ast.expr) -> ast.expr:
    return ast.BinOp(ast.Constant(1.0), ast.Mult(), ast.Compare(node, [ast.NotEq()], [ast.Constant(0)]))


def _call(function: str, *arguments: ast.expr) -> ast.expr:
    return ast.Call(ast.Attribute(ast.Name("autapse_np", ast.Load()), function, ast.Load()), list(arguments), [])


def unknown(statements: Iterable[Statement]) -> list[str]:
    """The names that statements read before they are set, other than those of units, numbers and functions."""
    found: list[str] = []
    made = set(KNOWN)
    for each in statements:
        read = names(tree(each.value)) | ({each.name} if each.operator else set())
        found += sorted(read - made - set(found))
        made.add(each.name)
    return found


@lru_cache(maxsize=256)
def function(statements: tuple[Statement, ...], given: Sequence[str], asked: Sequence[str]) -> Callable[..., tuple]:
    """A function of the values `given` that carries the statements out and returns those `asked`.

    Parameters
    ----------
    statements : tuple of Statement
        Each is an assignment or adds to what there is.
    given, asked : tuple of str
        Names.

    Examples
    --------
    >>> step = function((Statement("v", "+", "choose(v > 0 and x > 0, x, 2*x)"),), ("v", "x"), ("v",))
    >>> step(np.array([1.0, -1.0]), 3.0)
    (array([4., 5.]),)
    """
    lines = [f"def run({', '.join(given)}):"]
    for each in statements:
        value = ast.unparse(ast.fix_missing_locations(_Arrays().visit(ast.parse(each.assigned, mode="eval").body)))
        lines.append(f"    {each.name} = {value}")
    lines.append(f"    return ({''.join(f'{name}, ' for name in asked)})")
    place: dict[str, Any] = {**KNOWN, "autapse_np": np, "autapse_real": real, **DIVIDED}
    exec(compile("\n".join(lines), "<program>", "exec"), place)
    return place["run"]
