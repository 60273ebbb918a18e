"""Expressions of models in SymPy, where they can be differentiated, and as text again.

What is piecewise constant (a comparison, ``int``, ``floor``, ``timestep``, ...) stays the text that it is, as the name
of a symbol: its derivative is 0. Two functions stand in programs alone, and have names that no model may have:

``autapse_spike(condition, argument, slope)``
    1 where the condition holds, else 0. Its derivative by the argument is the slope, whatever that is.
``autapse_switch(z, a, b)``
    a where z is 1, b where it is 0; its derivative by z is a - b. ``choose(z > 0, a, b)`` has the same value, and
    nothing of it counts for z.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable

import sympy
from sympy import Expr, Function, S, Symbol
from sympy.printing.str import StrPrinter

from autapse_sim.errors import InputError

STILL = frozenset({"int", "floor", "ceil", "sign", "timestep"})
"""Functions that are constant between their jumps."""
NOISE = frozenset({"rand", "randn", "poisson", "binomial"})
"""Functions that draw."""


def choose(condition: Expr, yes: Expr, no: Expr) -> Expr:
    """The simplest form of a choice."""
    return yes if yes == no else Choose(condition, yes, no)


class Choose(Function):
    """``choose(condition, yes, no)``: a branch that is not taken does not count, not even where it is infinite."""

    is_real = True

    def _eval_derivative(self, s: Symbol) -> Expr:
        condition, yes, no = self.args
        return choose(condition, yes.diff(s), no.diff(s))


class Clip(Function):
    """``clip(x, low, high)``: x counts within and on its bounds, beyond them what bounds it; where they cross, high."""

    is_real = True

    def _eval_derivative(self, s: Symbol) -> Expr:
        x, low, high = self.args
        by_low, by_high = low.diff(s), high.diff(s)
        slope = choose(_compared(x, "<", low), by_low, choose(_compared(x, ">", high), by_high, x.diff(s)))
        return slope if by_low == by_high else choose(_compared(low, ">", high), by_high, slope)


class Magnitude(Function):
    """``abs(x)``; at 0 its derivative is 0."""

    is_real = True

    def _eval_derivative(self, s: Symbol) -> Expr:
        return _still(f"sign({text(self.args[0])})") * self.args[0].diff(s)


class Power(Function):
    """``x**n`` where n is no number: at 0 its derivative is n x^(n - 1), and SymPy's n x^n/x is none."""

    is_real = True

    def _eval_derivative(self, s: Symbol) -> Expr:
        x, n = self.args
        by_n = S.Zero if x.is_nonpositive else choose(_compared(x, "==", S.Zero), S.Zero, self * sympy.log(x))
        return n * power(x, n - 1) * x.diff(s) + by_n * n.diff(s)


def power(x: Expr, n: Expr) -> Expr:
    """A power in the form whose derivative is known at 0, too."""
    return x**n if x.is_positive or n.is_Number else Power(x, n)


class Exprel(Function):
    """``exprel(x)``, (exp(x) - 1)/x."""

    is_real = True

    def _eval_derivative(self, s: Symbol) -> Expr:
        return ExprelSlope(self.args[0]) * self.args[0].diff(s)


class ExprelSlope(Function):
    """``autapse_exprel_slope(x)``, the derivative of exprel: (exp(x) - exprel(x))/x, and 1/2 at 0."""

    is_real = True


class Sigmoid(Function):
    """1/(1 + exp(-x)), whose derivative s (1 - s) is 0, and not NaN, where exp(-x) is infinite."""

    is_real = True

    def _eval_derivative(self, s: Symbol) -> Expr:
        return self * (1 - self) * self.args[0].diff(s)


class Spike(Function):
    """``autapse_spike(condition, argument, slope)``, see above."""

    is_real = True

    def _eval_derivative(self, s: Symbol) -> Expr:
        _, argument, slope = self.args
        return slope * argument.diff(s)


class Switch(Function):
    """``autapse_switch(z, a, b)``, see above."""

    is_real = True

    def _eval_derivative(self, s: Symbol) -> Expr:
        z, a, b = self.args
        return z.diff(s) * (a - b) + choose(_compared(z, ">", S.Zero), a.diff(s), b.diff(s))


FUNCTIONS: dict[str, Callable[..., Expr]] = {
    **{name: getattr(sympy, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh")},
    "arcsin": sympy.asin,
    "arccos": sympy.acos,
    "arctan": sympy.atan,
    "log10": lambda x: sympy.log(x) / sympy.log(10),
    "log1p": lambda x: sympy.log(1 + x),
    "expm1": lambda x: sympy.exp(x) - 1,
    "abs": Magnitude,
    "exprel": Exprel,
    "clip": Clip,
    "choose": Choose,
    "autapse_spike": Spike,
    "autapse_switch": Switch,
}
"""What has a derivative, by the names of Brian2 and of programs."""
NAMES = {
    **{Choose: "choose", Clip: "clip", Magnitude: "abs", Exprel: "exprel", ExprelSlope: "autapse_exprel_slope"},
    **{
        Spike: "autapse_spike",
        Switch: "autapse_switch",
        sympy.Abs: "abs",
        sympy.asin: "arcsin",
        sympy.acos: "arccos",
        sympy.atan: "arctan",
    },
}
OPERATORS: dict[type, Callable[[Expr, Expr], Expr]] = {
    **{ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Pow: power},
}


def symbolic(node: ast.expr) -> Expr:
    """A syntax tree in SymPy.

    Raises
    ------
    InputError
        Where it holds what has no derivative.
    """
    match node:
        case ast.Constant(value=bool() | int() | float() as value):
            return sympy.Integer(int(value)) if value == int(value) and abs(value) < 2**53 else sympy.Float(value)
        case ast.Name(id=name):
            return Symbol(name, real=True)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return symbolic(operand)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -symbolic(operand)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return symbolic(left) * _inverse(symbolic(right))
        case ast.BinOp(left=left, op=ast.Mod(), right=right):
            whole = _still(f"({ast.unparse(ast.BinOp(left, ast.FloorDiv(), right))})")
            return symbolic(left) - whole * symbolic(right)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](symbolic(left), symbolic(right))
        case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()) | ast.BinOp(op=ast.FloorDiv()):
            return _still(f"({ast.unparse(node)})")
        case ast.Call(func=ast.Name(id=name)) if name in STILL:
            return _still(ast.unparse(node))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*map(symbolic, arguments))
    raise InputError(f"{ast.unparse(node)!r} has no derivative; it is none of {', '.join(sorted(FUNCTIONS))}")


def _still(written: str) -> Symbol:
    """What is constant between its jumps, by its text."""
    return Symbol(written, real=True)


def _compared(left: Expr, sign: str, right: Expr) -> Symbol:
    return _still(f"({text(left)} {sign} {text(right)})")


def _inverse(denominator: Expr) -> Expr:
    """1/denominator; a sigmoid is known as one."""
    if isinstance(denominator, sympy.Add) and len(denominator.args) == 2:
        one, other = sorted(denominator.args, key=lambda each: each != 1)
        if one == 1 and isinstance(other, sympy.exp):
            return Sigmoid(-other.args[0])
    return 1 / denominator


class _Text(StrPrinter):
    """SymPy's printer, in the language of models and with every digit."""

    def _print_Float(self, number: sympy.Float) -> str:
        return repr(float(number))

    def _print_Rational(self, number: sympy.Rational) -> str:
        return f"({number.p}/{number.q})"

    def _print_Exp1(self, number: Expr) -> str:
        return "exp(1)"

    def _print_Infinity(self, number: Expr) -> str:
        return "inf"

    def _print_NegativeInfinity(self, number: Expr) -> str:
        return "(-inf)"

    def _print_Function(self, function: Function) -> str:
        arguments = ", ".join(map(self._print, function.args))
        return f"{NAMES.get(function.func, function.func.__name__)}({arguments})"

    def _print_Power(self, function: Function) -> str:
        x, n = map(self._print, function.args)
        return f"(({x})**({n}))"

    def _print_Sigmoid(self, function: Function) -> str:
        return f"(1/(1 + exp({self._print(-function.args[0])})))"


def text(expression: Expr) -> str:
    """An expression in the language of models.

    Examples
    --------
    >>> a = Symbol("a", real=True)
    >>> text(symbolic(ast.parse("1/(1 + exp(-a))", mode="eval").body).diff(a))
    '(1 - (1/(1 + exp(-a))))*(1/(1 + exp(-a)))'
    """
    return _Text().doprint(expression)
