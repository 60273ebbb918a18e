"""Expressions of the models' language as MathML: typeset as they are written, nothing reordered."""

from __future__ import annotations

import ast

from autapse_sim.results.report.html import safe

GREEK = {
    **{"alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η", "theta": "θ"},
    **{"iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ"},
    **{"tau": "τ", "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω"},
}
OPERATORS = {ast.Add: "+", ast.Sub: "−", ast.Mult: "⋅", ast.Mod: "mod", ast.FloorDiv: "div"}
COMPARED = {ast.Lt: "<", ast.LtE: "≤", ast.Gt: ">", ast.GtE: "≥", ast.Eq: "=", ast.NotEq: "≠"}
UNITS = frozenset(
    {"second", "ms", "us", "Hz", "kHz", "volt", "mV", "amp", "nA", "pA", "siemens", "mS", "uS", "nS", "pF"}
)
"""Units of parameters, as Brian2 spells them."""
LONG = 40
"""Characters of a product whose factors may stand on lines of their own."""
LOOSE, SUM, PRODUCT, SIGN, POWER, TIGHT = range(6)
"""How tightly an expression holds together."""
BINDING = {ast.Add: SUM, ast.Sub: SUM, ast.Mult: PRODUCT, ast.Mod: PRODUCT, ast.FloorDiv: PRODUCT, ast.Pow: POWER}


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
        return [*_term(node.left, PRODUCT), operator("⋅") + _inner(node.right, SIGN)]
    return [_inner(node, least)]


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
    first, *below = [GREEK.get(part, part) for part in name.strip("_").split("_")]
    if "prime" in below:
        below.remove("prime")
        first += "′"
    if not below:
        return f"<mi>{safe(first)}</mi>"
    return f"<msub><mi>{safe(first)}</mi><mi>{safe(', '.join(below))}</mi></msub>"


def row(*content: str) -> str:
    """Content as one."""
    return f"<mrow>{''.join(content)}</mrow>"


def _inner(node: ast.expr, least: int = LOOSE) -> str:
    """An expression, in brackets where it holds together less than it has to."""
    text, tight = _typeset(node)
    return row(mark("("), text, mark(")")) if tight < least else text


def _typeset(node: ast.expr) -> tuple[str, int]:
    """An expression, and how tightly it holds together."""
    match node:
        case ast.Name():
            return identifier(node.id), TIGHT
        case ast.Constant(value=bool() | int() | float()):
            return f"<mn>{safe(repr(node.value))}</mn>", TIGHT
        case ast.BinOp(left=ast.Constant(value=int() | float() as factor), op=ast.Mult(), right=ast.Name(id=name)):
            if name in UNITS:
                return f"<mn>{factor!r}</mn><mspace width='.25em'/>{identifier(name)}", TIGHT
            return row(_inner(node.left), operator("⋅"), _inner(node.right)), PRODUCT
        case ast.BinOp(op=ast.Div()):
            return f"<mfrac>{row(_inner(node.left))}{row(_inner(node.right))}</mfrac>", TIGHT
        case ast.BinOp(op=ast.Pow()):
            return f"<msup>{row(_inner(node.left, TIGHT))}{row(_inner(node.right))}</msup>", POWER
        case ast.BinOp():
            tight = BINDING[type(node.op)]
            sides = _inner(node.left, tight), _inner(node.right, tight + 1)
            return row(sides[0], operator(OPERATORS[type(node.op)]), sides[1]), tight
        case ast.UnaryOp():
            sign = {ast.USub: "−", ast.UAdd: "+", ast.Not: "¬"}[type(node.op)]
            return row(f'<mo form="prefix">{sign}</mo>', _inner(node.operand, PRODUCT)), SIGN
        case ast.Compare():
            pairs = zip(node.ops, node.comparators, strict=True)
            rest = (operator(COMPARED[type(op)]) + _inner(each, SUM) for op, each in pairs)
            return row(_inner(node.left, SUM), *rest), LOOSE
        case ast.BoolOp():
            word = operator("∧" if isinstance(node.op, ast.And) else "∨")
            return row(word.join(_inner(each, SUM) for each in node.values)), LOOSE
        case ast.Call(func=ast.Name(id=name), keywords=[]):
            return _called(name, node.args), TIGHT
    raise ValueError(f"{ast.unparse(node)} is not typeset")


def _called(name: str, arguments: list[ast.expr]) -> str:
    """A function of arguments, as one writes it."""
    values = [_inner(each) for each in arguments]
    if name == "sqrt":
        return f"<msqrt>{values[0]}</msqrt>"
    if name == "exp":
        return f"<msup><mi>e</mi>{row(values[0])}</msup>"
    if name == "abs":
        return row(mark("|"), values[0], mark("|"))
    return row(identifier(name), mark("("), mark(",").join(values), mark(")"))
