"""Expressions of programs in C++: what depends on parameters alone is computed once, before the first step."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import numpy as np

from autapse_sim.engines.adjoint.numeric import KNOWN
from autapse_sim.engines.reference.code import names
from autapse_sim.errors import InputError

SAME = frozenset({"exp", "log", "log10", "log1p", "expm1", "sqrt", "sin", "cos", "tan", "sinh", "cosh"})
FUNCTIONS = {
    **{name: f"std::{name}" for name in (*SAME, "floor", "ceil")},
    **{"arcsin": "std::asin", "arccos": "std::acos", "arctan": "std::atan", "abs": "std::fabs", "int": "std::trunc"},
    **{name: name for name in ("sign", "clip", "exprel", "timestep")},
    "tanh": "hyperbolic",
    "autapse_exprel_slope": "exprel_slope",
}
"""In C++, by the names of programs; those without ``std::`` are in kernels.h."""
COMPARED = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
JOINED = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
POWERS = 8
"""Up to this one a whole power is a product."""


class Writer:
    """Writes expressions.

    Parameters
    ----------
    still : iterable of str
        The names that stand still during a run: parameters, dt, step, N, i.
    each : iterable of str
        Those of them that differ from neuron to neuron.
    """

    def __init__(self, still: Iterable[str], each: Iterable[str]):
        self.still, self.each = frozenset(still), frozenset(each)
        self.constants: dict[str, tuple[str, bool]] = {}
        self.by_text: dict[str, str] = {}

    def number(self, node: ast.expr) -> str:
        """A number in C++."""
        read = names(node) - KNOWN.keys()
        if read and read <= self.still:
            return self._constant(node, bool(read & self.each))
        return self._number(node)

    def is_still(self, node: ast.expr) -> bool:
        """Whether an expression stands still during a run."""
        return names(node) - KNOWN.keys() <= self.still

    def _constant(self, node: ast.expr, each: bool) -> str:
        text = ast.unparse(node)
        if text not in self.by_text:
            name = f"k_{len(self.constants)}"
            self.by_text[text] = name
            self.constants[name] = _plain(node), each
        name = self.by_text[text]
        return f"at<{'true' if each else 'OWN'}>({name}, e)"

    def _number(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=bool() | int() | float() as value):
                return literal(float(value))
            case ast.Name(id=name) if name in KNOWN:
                return literal(float(np.asarray(KNOWN[name])))
            case ast.Name(id=name):
                return variable(name)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.number(operand)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"(-{self.number(operand)})"
            case ast.BinOp(left=left, op=ast.Div(), right=right) if self._divides(right):
                inverse = ast.BinOp(ast.Constant(1.0), ast.Div(), right)
                return f"({self.number(left)} * {self.number(inverse)})"
            case ast.BinOp(left=left, op=ast.Pow(), right=right):
                return self._power(left, right)
            case ast.BinOp(left=left, op=ast.Mod() | ast.FloorDiv() as op, right=right):
                function = "modulo" if isinstance(op, ast.Mod) else "whole"
                return f"{function}({self.number(left)}, {self.number(right)})"
            case ast.BinOp(left=left, op=op, right=right) if type(op) in JOINED:
                return f"({self.number(left)} {JOINED[type(op)]} {self.number(right)})"
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
                return f"({self.condition(node)} ? Number(1) : Number(0))"
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return self._call(name, arguments)
        raise InputError(f"{ast.unparse(node)!r} has no place in a program")

    def _divides(self, node: ast.expr) -> bool:
        """Whether a division by it is better a product with what is computed once."""
        read = names(node) - KNOWN.keys()
        return bool(read) and read <= self.still

    def _power(self, base: ast.expr, exponent: ast.expr) -> str:
        match exponent:
            case ast.Constant(value=int() | float() as value) if value == int(value) and 1 <= value <= POWERS:
                return f"power<{int(value)}>({self.number(base)})"
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"(1 / {self._power(base, operand)})"
            case ast.Constant(value=0.5):
                return f"std::sqrt({self.number(base)})"
        return f"std::pow({self.number(base)}, {self.number(exponent)})"

    def _call(self, name: str, arguments: list[ast.expr]) -> str:
        if name in ("choose", "autapse_switch"):
            condition, yes, no = arguments
            return f"pick({self.condition(condition)}, {self.number(yes)}, {self.number(no)})"
        if name == "autapse_spike":
            return f"({self.condition(arguments[0])} ? Number(1) : Number(0))"
        if name == "int" and _is_condition(arguments[0]):
            return self.number(arguments[0])
        if name == "floor" and isinstance(arguments[0], ast.BinOp) and isinstance(arguments[0].op, ast.Div):
            return f"whole({self.number(arguments[0].left)}, {self.number(arguments[0].right)})"  # what was a // b
        if name not in FUNCTIONS:
            raise InputError(f"{name!r} is no function of programs")
        return f"{FUNCTIONS[name]}({', '.join(map(self.number, arguments))})"

    def condition(self, node: ast.expr) -> str:
        """A truth value in C++."""
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return f"({self.number(left)} {COMPARED[type(op)]} {self.number(right)})"
            case ast.BoolOp(op=op, values=values):  # all of them, so that lanes do not branch
                sign = " & " if isinstance(op, ast.And) else " | "
                return f"({sign.join(map(self.condition, values))})"
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return f"(!{self.condition(operand)})"
            case ast.Call(func=ast.Name(id="int"), args=[inner]) if _is_condition(inner):
                return self.condition(inner)
        return f"({self.number(node)} != 0)"


def _is_condition(node: ast.expr) -> bool:
    return isinstance(node, ast.Compare | ast.BoolOp) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def _plain(node: ast.expr) -> str:
    """An expression of what stands still, for one neuron of one network."""
    return Writer((), ()).number(node)


def variable(name: str) -> str:
    """The name of a variable in C++: no keyword, and nothing of the library."""
    return f"v_{name}"


def literal(value: float) -> str:
    """A number with every digit."""
    if value != value or value in (float("inf"), float("-inf")):
        return "(-INFINITY)" if value < 0 else "INFINITY" if value > 0 else "NAN"
    return f"Number({value!r})"
