"""Texts of models as numbers: expressions, assignments, summands and integrators, for the reference."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

import numpy as np
from brian2 import Equations
from brian2.core.namespace import DEFAULT_UNITS
from brian2.equations.equations import EquationError
from scipy.special import exprel

from autapse_sim.errors import InputError
from autapse_sim.spec.algebra import real_functions

Look = Callable[[str], Any]
"""What gives the value of a name, a number or an array."""
Code = list[tuple[str, ast.expr]]
"""Assignments: what is set, and to what."""

CONSTANTS = {name: float(np.asarray(unit)) for name, unit in DEFAULT_UNITS.items()}
CONSTANTS |= {"pi": np.pi, "e": np.e, "inf": np.inf}
_ALIKE = "exp log log10 expm1 log1p sqrt abs sign floor ceil sin cos tan sinh cosh tanh arcsin arccos arctan clip"
FUNCTIONS: dict[str, Callable] = {name: getattr(np, name) for name in _ALIKE.split()} | {
    "exprel": exprel,
    "int": np.trunc,
    "choose": lambda condition, yes, no: np.where(condition != 0, yes, no),
    "timestep": lambda t, dt: np.trunc((t + 1e-3 * dt) / dt),  # whole steps, in spite of rounding
}


def quotient(a: Any, b: Any) -> Any:
    """a/b, rounded down."""
    return np.floor(np.true_divide(a, b))


def remainder(a: Any, b: Any) -> Any:
    """What is left of a then, which rounding does not take below 0 (above, where b is negative)."""
    left = a - b * quotient(a, b)
    return np.where(left * b < 0, 0.0, left)


NOISE = frozenset({"rand", "randn", "poisson", "binomial"})
OPERATORS: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: np.true_divide,
    ast.FloorDiv: quotient,
    ast.Mod: remainder,
    ast.Pow: np.power,
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
    ast.And: np.logical_and,
    ast.Or: np.logical_or,
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Not: np.logical_not,
}
STAGES = {
    # how far along the slope before each further stage begins; what the stages weigh
    "euler": ((), (1.0,)),
    "milstein": ((), (1.0,)),  # as euler, where there is no noise
    "heun": ((), (1.0,)),
    "rk2": ((0.5,), (0.0, 1.0)),
    "rk4": ((0.5, 0.5, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
}
METHODS = ("exponential_euler", *STAGES)
HELD = "autapse_held"
"""A variable whose value exponential Euler takes for a constant in a step; see `held`."""


@cache
def tree(expression: str) -> ast.expr:
    """The syntax tree of an expression."""
    try:
        return ast.parse(f"({expression})", mode="eval").body
    except SyntaxError:
        raise InputError(f"{expression.strip()!r} is no expression") from None


def evaluate(node: ast.expr, look: Look) -> Any:
    """The value of an expression; true is 1, false is 0."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return np.float64(number)
        case ast.Name(id=name):
            return look(name)
        case ast.UnaryOp(op=op, operand=operand):
            return 1.0 * OPERATORS[type(op)](evaluate(operand, look))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            return OPERATORS[type(op)](evaluate(left, look), evaluate(right, look))
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in OPERATORS:
            return 1.0 * OPERATORS[type(op)](evaluate(left, look), evaluate(right, look))
        case ast.BoolOp(op=op, values=[first, *others]):
            value = evaluate(first, look)
            for other in others:
                value = 1.0 * OPERATORS[type(op)](value, evaluate(other, look))
            return value
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*(evaluate(argument, look) for argument in arguments))
    raise InputError(f"{ast.unparse(node)!r} has no place in an expression")


def is_condition(node: ast.expr) -> bool:
    """Whether an expression is true or false by its form."""
    return isinstance(node, ast.Compare | ast.BoolOp) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def is_name(node: ast.expr, name: str) -> bool:
    """Whether an expression is that name and nothing else."""
    return isinstance(node, ast.Name) and node.id == name


@lru_cache(2**12)
def names(node: ast.AST) -> frozenset[str]:
    """The names that an expression reads, functions among them."""
    return frozenset(part.id for part in ast.walk(node) if isinstance(part, ast.Name))


@cache
@real_functions()
def equations(text: str) -> Mapping[str, Any]:
    """Brian2's equations by their variables."""
    try:
        return dict(Equations(text).items()) if text.strip() else {}
    except (EquationError, SyntaxError, ValueError, TypeError) as error:
        raise InputError(" ".join(str(error).split())) from None


@cache
def assignments(text: str) -> Code:
    """The assignments of a text; ``x += y`` is ``x = x + y``."""
    try:
        body = ast.parse("\n".join(line.strip() for line in text.split("\n"))).body
    except SyntaxError:
        raise InputError(f"{text.strip()!r} holds what is no assignment, such as 'v = 0'") from None
    code = []
    for line in body:
        match line:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                code.append((name, value))
            case ast.AugAssign(target=ast.Name(id=name), op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
                code.append((name, ast.BinOp(ast.Name(name, ast.Load()), line.op, line.value)))
            case _:
                raise InputError(f"{ast.unparse(line)!r} is no assignment, such as 'v = 0'")
    return code


def summands(node: ast.expr, sign: float = 1.0) -> Iterator[tuple[float, ast.expr]]:
    """The summands of an expression, each with its sign."""
    match node:
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            yield from summands(left, sign)
            yield from summands(right, sign if isinstance(op, ast.Add) else -sign)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
            yield from summands(operand, sign if isinstance(op, ast.UAdd) else -sign)
        case _:
            yield sign, node


def clipped(node: ast.expr) -> tuple[ast.expr, list[tuple[ast.expr, ast.expr]]]:
    """What is clipped and its bounds, the innermost first, where an expression is a ``clip``; else itself and none."""
    match node:
        case ast.Call(func=ast.Name(id="clip"), args=[inner, low, high]):
            inside, bounds = clipped(inner)
            return inside, [*bounds, (low, high)]
    return node, []


def put_in(node: ast.expr, held: Mapping[str, ast.expr]) -> ast.expr:
    """An expression, or what it clips, in which others stand for names that are summands."""
    match node:
        case ast.Call(func=ast.Name(id="clip"), args=[inner, low, high]):
            return ast.Call(node.func, [put_in(inner, held), low, high], [])
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return ast.BinOp(put_in(left, held), node.op, put_in(right, held))
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return ast.BinOp(put_in(left, held), node.op, right)
        case ast.Name(id=name):
            return held.get(name, node)
    return node


def replaced(node: ast.AST, meant: Mapping[str, ast.expr]) -> Any:
    """A tree in which expressions stand for names."""
    if isinstance(node, ast.Name):
        return meant.get(node.id, node)
    parts = {}
    for name, value in ast.iter_fields(node):
        many = isinstance(value, list)
        new = [replaced(each, meant) if isinstance(each, ast.AST) else each for each in (value if many else [value])]
        parts[name] = new if many else new[0]
    return type(node)(**parts)


def integrated(
    method: str,
    rates: Mapping[str, ast.expr],
    values: Mapping[str, Any],
    seen: Callable[..., Look],
    t: float,
    dt: float,
) -> dict[str, Any]:
    """The variables of differential equations one integration step later, all from the old values.

    Parameters
    ----------
    method : str
        One of `METHODS`.
    rates : mapping of str to expression
        The right-hand sides by variable; for 'exponential_euler' as `held` makes them.
    values : mapping of str to array
        All variables at the start of the integration step.
    seen : callable
        What looks up names, from all variables and the time.
    t, dt : float
        Start and length of the integration step.
    """

    def slopes(now: Mapping[str, Any], at: float) -> dict[str, Any]:
        look = seen({**values, **now}, at)
        return {name: evaluate(rate, look) for name, rate in rates.items()}

    if method == "exponential_euler":
        # dx/dt = a x + b: x <- -b/a + (x + b/a) exp(a dt), in a form that holds for a = 0 too
        new = {}
        for name, rate in rates.items():
            x = values[name]
            at = ({**values, HELD: x, name: each} for each in (x, np.zeros_like(x), np.ones_like(x)))
            slope, *ends = (evaluate(rate, seen(each, t)) for each in at)
            new[name] = x + slope * dt * exprel((ends[1] - ends[0]) * dt)
        return new
    shares, weights = STAGES[method]
    stages = [slopes({}, t)]
    for share in shares:
        stages.append(slopes({name: values[name] + share * dt * stages[-1][name] for name in rates}, t + share * dt))
    return {
        name: values[name] + dt * sum(weight * stage[name] for weight, stage in zip(weights, stages, strict=True))
        for name in rates
    }


def held(node: ast.expr, name: str, expressions: Mapping[str, ast.expr]) -> ast.expr:
    """An expression in which a variable is called `HELD` within functions, conditions, divisors and exponents.

    What these make of the variable exponential Euler takes for a constant in a step, as Brian2 does.
    """

    def still(part: ast.expr) -> ast.expr:
        inside = {each: still(expressions[each]) for each in names(part) & expressions.keys()}
        return replaced(part, {**inside, name: ast.Name(HELD, ast.Load())})

    def of(part: ast.expr) -> ast.expr:
        return held(part, name, expressions)

    match node:
        case ast.Name(id=found):
            return of(expressions[found]) if found in expressions else node
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() as op, right=right):
            return ast.BinOp(of(left), op, of(right))
        case ast.BinOp(left=left, op=ast.Div() | ast.Pow() as op, right=right):
            return ast.BinOp(of(left), op, still(right))
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as op, operand=operand):
            return ast.UnaryOp(op, of(operand))
    return still(node)


def degree(node: ast.expr, name: str) -> float:
    """The power in which an expression holds a variable: 0, 1, ...; infinity where it is no polynomial of it."""

    def of(part: ast.expr) -> float:
        return degree(part, name)

    match node:
        case ast.Name(id=found):
            return float(found == name)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
            return max(of(left), of(right))
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return of(left) + of(right)
        case ast.BinOp(left=left, op=ast.Div(), right=right) if not of(right):
            return of(left)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return of(operand)
    return np.inf if any(of(part) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)) else 0.0
