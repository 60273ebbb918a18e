"""Expressions of the models' language as MathML."""

from __future__ import annotations

import ast

from autapse_sim.results.report.html import safe
from autapse_sim.results.report.notation import LOOSE, OPERATORS, PRODUCT, SIGN, Notation, parts

LONG = 40
"""Characters of a product whose factors may stand on lines of their own."""


def math(*content: str) -> str:
    """A piece of a formula that is not broken."""
    return f'<math displaystyle="true"><mrow>{"".join(content)}</mrow></math>'


def pieces(expression: str) -> list[str]:
    """An expression as pieces that may stand on lines of their own: the terms of a sum, the factors of long ones.

    Raises
    ------
    SyntaxError, ValueError
        It is no expression, or holds what is not typeset.

    Examples
    --------
    >>> len(pieces("a - b*c"))
    2
    """
    return _broken(ast.parse(expression.strip(), mode="eval").body)


def _broken(node: ast.expr) -> list[str]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        right = _term(node.right, PRODUCT)
        return [*_broken(node.left), math(operator(OPERATORS[type(node.op)]), right[0]), *map(math, right[1:])]
    return [*map(math, _term(node, LOOSE))]


def _term(node: ast.expr, least: int) -> list[str]:
    """A term; its factors, where it is long, each with the sign of multiplication before it but the first."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and len(ast.unparse(node)) > LONG:
        return [*_term(node.left, PRODUCT), operator("⋅") + MATHML.within(node.right, SIGN)]
    return [MATHML.within(node, least)]


def operator(sign: str) -> str:
    """A sign between what it joins."""
    return f'<mo form="infix">{safe(sign)}</mo>'


def mark(sign: str) -> str:
    """A sign that stands by itself, or before what it is of: a bracket, a minus."""
    return f"<mo>{safe(sign)}</mo>"


def identifier(name: str) -> str:
    """A name: letters of the Greek alphabet as such, and what follows an underscore below.

    Examples
    --------
    >>> identifier("tau_m")
    '<msub><mi>τ</mi><mi>m</mi></msub>'
    """
    first, below = parts(name)
    if not below:
        return f"<mi>{safe(first)}</mi>"
    return f"<msub><mi>{safe(first)}</mi><mi>{safe(', '.join(below))}</mi></msub>"


def row(*content: str) -> str:
    """Content as one."""
    return f"<mrow>{''.join(content)}</mrow>"


def rate(name: str) -> str:
    """The derivative of a variable by time."""
    return f"<mfrac>{row('<mi>d</mi>', identifier(name))}{row('<mi>d</mi>', '<mi>t</mi>')}</mfrac>"


def _called(name: str, values: list[str]) -> str:
    """A function of arguments, as one writes it."""
    if name == "sqrt":
        return f"<msqrt>{values[0]}</msqrt>"
    if name == "exp":
        return f"<msup><mi>e</mi>{row(values[0])}</msup>"
    if name == "abs":
        return row(mark("|"), values[0], mark("|"))
    return row(identifier(name), mark("("), mark(",").join(values), mark(")"))


MATHML = Notation(
    name=identifier,
    number=lambda value: f"<mn>{safe(value)}</mn>",
    quantity=lambda value, unit: f"<mn>{value}</mn><mspace width='.25em'/>{identifier(unit)}",
    infix=lambda left, sign, right: row(left, operator(sign), right),
    prefix=lambda sign, value: row(f'<mo form="prefix">{sign}</mo>', value),
    fraction=lambda over, under: f"<mfrac>{row(over)}{row(under)}</mfrac>",
    power=lambda base, exponent: f"<msup>{row(base)}{row(exponent)}</msup>",
    call=_called,
    brackets=lambda text: row(mark("("), text, mark(")")),
    rate=rate,
)
