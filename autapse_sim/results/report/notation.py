"""Lines of models typeset as they are written, nothing reordered: one walk, in the notation that is asked for."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass

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
LOOSE, SUM, PRODUCT, SIGN, POWER, TIGHT = range(6)
"""How tightly an expression holds together."""
BINDING = {ast.Add: SUM, ast.Sub: SUM, ast.Mult: PRODUCT, ast.Mod: PRODUCT, ast.FloorDiv: PRODUCT, ast.Pow: POWER}
FIELDS = {
    "equations": "in every step",
    "activations": "activation",
    "trace": "trace, in the presynaptic neuron",
    "postsynaptic": "in the neuron that is taught",
    "eligibility": "in the synapse",
    "perturbation": "perturbation, while it learns",
    "threshold": "spike where",
    "pseudo_derivative": "pseudo-derivative",
    "reset": "after a spike",
    "refractory": "refractory for",
    "sums": "sums",
    "initial": "starts from",
    "on_pre": "where a spike of the presynaptic neuron arrives",
    "on_post": "where the postsynaptic neuron spikes",
    "update": "update",
    "finish": "at the end of a trajectory",
    "finish_postsynaptic": "at the end of a trajectory, in the neuron that is taught",
    "parameters": "parameters",
}
"""What stands in a field of a model."""
EQUATION = re.compile(r"(?:d(?P<rate>\w+)/dt|(?P<name>\w+))\s*(?:=(?P<value>.*))?:(?P<unit>[^:]*)")
STATEMENT = re.compile(r"(?P<name>\w+)\s*(?P<operator>[-+*/]?)=(?!=)(?P<value>.*)")


@dataclass(frozen=True)
class Notation:
    """How the parts of an expression are written.

    Parameters
    ----------
    name : callable
        Of an identifier.
    number, quantity : callable
        Of a number as text; of a number and its unit.
    infix, prefix : callable
        Of a left side, a sign and a right side; of a sign and what it stands before.
    fraction, power : callable
        Of what is above and below; of base and exponent.
    call : callable
        Of the name of a function and its arguments.
    brackets : callable
        Of what is in them.
    rate : callable
        Of an identifier: its derivative by time.
    fractions : tuple of int
        How tightly numerator and denominator have to hold together, and how tightly a fraction does.
    exponent : int
        How tightly an exponent has to hold together.
    """

    name: Callable[[str], str]
    number: Callable[[str], str]
    quantity: Callable[[str, str], str]
    infix: Callable[[str, str, str], str]
    prefix: Callable[[str, str], str]
    fraction: Callable[[str, str], str]
    power: Callable[[str, str], str]
    call: Callable[[str, list[str]], str]
    brackets: Callable[[str], str]
    rate: Callable[[str], str]
    fractions: tuple[int, int, int] = (LOOSE, LOOSE, TIGHT)
    exponent: int = LOOSE

    def within(self, node: ast.expr, least: int = LOOSE) -> str:
        """An expression, in brackets where it holds together less than it has to."""
        text, tight = self._typeset(node)
        return self.brackets(text) if tight < least else text

    def _typeset(self, node: ast.expr) -> tuple[str, int]:
        """An expression, and how tightly it holds together."""
        match node:
            case ast.Name():
                return self.name(node.id), TIGHT
            case ast.Constant(value=bool() | int() | float()):
                return self.number(repr(node.value)), TIGHT
            case ast.BinOp(left=ast.Constant(value=int() | float() as factor), op=ast.Mult(), right=ast.Name(id=name)):
                if name in UNITS:
                    return self.quantity(repr(factor), name), TIGHT
                return self.infix(self.within(node.left), "⋅", self.within(node.right)), PRODUCT
            case ast.BinOp(op=ast.Div()):
                over, under, tight = self.fractions
                return self.fraction(self.within(node.left, over), self.within(node.right, under)), tight
            case ast.BinOp(op=ast.Pow()):
                return self.power(self.within(node.left, TIGHT), self.within(node.right, self.exponent)), POWER
            case ast.BinOp():
                tight = BINDING[type(node.op)]
                sides = self.within(node.left, tight), self.within(node.right, tight + 1)
                return self.infix(sides[0], OPERATORS[type(node.op)], sides[1]), tight
            case ast.UnaryOp():
                sign = {ast.USub: "−", ast.UAdd: "+", ast.Not: "¬"}[type(node.op)]
                return self.prefix(sign, self.within(node.operand, PRODUCT)), SIGN
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.infix(self.within(left, SUM), COMPARED[type(op)], self.within(right, SUM)), LOOSE
            case ast.BoolOp():
                first, *rest = (self.within(each, SUM) for each in node.values)
                for each in rest:
                    first = self.infix(first, "∧" if isinstance(node.op, ast.And) else "∨", each)
                return first, LOOSE
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                return self.call(name, [self.within(each) for each in node.args]), TIGHT
        raise ValueError(f"{ast.unparse(node)} is not typeset")

    def expression(self, text: str) -> str:
        """An expression; as it is where it is none."""
        try:
            return self.within(ast.parse(text.strip(), mode="eval").body)
        except (SyntaxError, ValueError, KeyError, RecursionError):
            return text.strip()

    def line(self, text: str) -> tuple[str, str]:
        """An equation, a statement or an expression, and what stands behind the colon of an equation."""
        equation, statement = EQUATION.fullmatch(text.strip()), STATEMENT.fullmatch(text.strip())
        if equation:
            left = self.rate(equation["rate"]) if equation["rate"] else self.name(equation["name"])
            value = equation["value"]
            return self.infix(left, "=", self.expression(value)) if value else left, equation["unit"].strip()
        if statement:
            name, sign = statement["name"], statement["operator"]
            right = f"{name} {sign} ({statement['value']})" if sign else statement["value"]
            return self.infix(self.name(name), "←", self.expression(right)), ""
        return self.expression(text), ""


def parts(name: str) -> tuple[str, list[str]]:
    """A name as a letter, with a prime where it has one, and what stands below it.

    Examples
    --------
    >>> parts("tau_m"), parts("f_prime_post")
    (('τ', ['m']), ('f′', ['post']))
    """
    first, *below = [GREEK.get(part, part) for part in name.strip("_").split("_")]
    if "prime" in below:
        below.remove("prime")
        first += "′"
    return first, below
