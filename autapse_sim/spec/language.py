"""The language of models: texts as statements, expressions and names. Comments end here, before anything else reads."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from autapse_sim.errors import InputError
from autapse_sim.names import shown
from autapse_sim.spec.constants import number
from autapse_sim.spec.vocabulary import PYTHON

OPERATORS = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
"""Operators that an assignment may be joined with."""
_NAME = re.compile(r"(?<![\w.])[A-Za-z_]\w*")
_BARE_POINT = re.compile(r"(?<![\w.])(\d[\d_]*)\.(?=[eE][+-]?\d)")
_RATE = re.compile(r"\s*d\w+\s*/\s*dt\b")
_FOREIGN = re.compile(r"[^A-Za-z0-9_ \t\n+\-*/%<>=!().,:;&|]")
_ALLOWED = (
    *(ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Call, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare),
    *(ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.UAdd, ast.USub, ast.Not, ast.And),
    *(ast.Or, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE),
)
"""What an expression may be made of."""
UNPARSED = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What Python says of a text that it cannot parse: bad syntax, NUL, or what is nested too deeply."""
LONGEST, DEEPEST = 20_000, 100
"""The most characters of a text, and the deepest nesting of an expression: a sum of 100 terms, say."""


@dataclass(frozen=True)
class Statement:
    """An assignment ``name operator= value``.

    Parameters
    ----------
    name : str
        What is assigned to.
    operator : {'', '+', '-', '*', '/'}
        What joins the old and the new value; '' for a plain assignment.
    value : str
        An expression.
    line : int
        Of the text, from 1.
    """

    name: str
    operator: str
    value: str
    line: int = 1

    @property
    def assigned(self) -> str:
        """The new value as an expression."""
        return f"{self.name} {self.operator} ({self.value})" if self.operator else self.value

    def __str__(self) -> str:
        return f"{self.name} {self.operator}= {self.value}"

    def renamed(self, new: Mapping[str, str]) -> Statement:
        """The same with other names."""
        return replace(self, name=renamed(self.name, new), value=renamed(self.value, new))


def clean(text: str) -> str:
    """A text without its comments, line for line; refused where it holds what no equation does.

    Numbers such as 1.e-3 get a digit after the point, or Brian2 would look for a name e in them.

    Examples
    --------
    >>> clean("w -= 1.e-3*k_pre  # was wrong; w += 100")
    'w -= 1.0e-3*k_pre'
    """
    if len(text) > LONGEST:
        raise InputError(f"the text is longer than {LONGEST} characters")
    lines = re.sub(r"\r\n?", "\n", text).split("\n")
    kept = "\n".join(line.partition("#")[0].rstrip() for line in lines)
    foreign = _FOREIGN.search(kept)
    if foreign:
        line = kept.split("\n")[kept[: foreign.start()].count("\n")].strip()
        meant = "; a power is written **" if foreign[0] == "^" else ""
        raise InputError(f"{shown(line)}: {foreign[0]!r} has no place in an equation{meant}")
    return _BARE_POINT.sub(r"\1.0", kept)


def statements(text: str) -> list[Statement]:
    """The assignments of a clean text, one a line or separated by semicolons.

    Examples
    --------
    >>> [str(each) for each in statements("v = 0; n += 1")]
    ['v = 0', 'n += 1']
    """
    code = "\n".join(line.lstrip() for line in text.split("\n"))
    try:
        body = ast.parse(code).body
    except UNPARSED as error:
        line = code.split("\n")[(getattr(error, "lineno", None) or 1) - 1].strip()
        raise InputError(f"{shown(line)} is no assignment, such as 'v = 0'{_why(line, error)}") from None
    return [_statement(node, code) for node in body]


def _why(line: str, error: BaseException) -> str:
    """Why a line is no assignment, or an expression none, where that is plain."""
    said = getattr(error, "msg", "")
    if words := words_of_python(line):
        return f"; {words[0]!r} is a word of Python: rename it"
    if _RATE.match(line):
        return "; equations stand in trace, postsynaptic and eligibility of a rule, and in equations of a neuron"
    if re.search(r"(?<![=<>!+\-*/])=(?!=)", line) and "closed" not in said:
        return "; to compare is written =="
    return f": {said}" if "never closed" in said or "unmatched" in said else ""


def _statement(node: ast.stmt, code: str) -> Statement:
    said = ast.get_source_segment(code, node)
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        target, operator = node.targets[0], ""
    elif isinstance(node, ast.AugAssign) and type(node.op) in OPERATORS:
        target, operator = node.target, OPERATORS[type(node.op)]
    else:
        meant = "; a condition is written choose(condition, a, b)" if isinstance(node, ast.If) else ""
        raise InputError(f"{shown(said)} is no assignment, such as 'v = 0' or 'w -= eta*k_pre'{meant}")
    if not isinstance(target, ast.Name):
        raise InputError(f"{shown(said)} assigns to what is no variable")
    value = " ".join((ast.get_source_segment(code, node.value) or "").split())
    parsed(value)
    return Statement(target.id, operator, value, node.lineno)


def parsed(expression: str, known: Mapping[str, float] = MappingProxyType({})) -> ast.expr:
    """The syntax tree of an expression; an `InputError` where it is none of Brian2's.

    What is made of numbers, and of names whose values are `known`, has to come to a number.

    Examples
    --------
    >>> parsed("1/(N - 2)", {"N": 2})
    Traceback (most recent call last):
    autapse_sim.errors.InputError: '1/(N - 2)' divides by zero, where N is 2
    """
    said = " ".join(expression.split())
    try:
        tree = ast.parse(said, mode="eval")
    except UNPARSED as error:
        raise InputError(f"{shown(said)} is no expression{_why(said, error)}") from None
    for node in ast.walk(tree):
        what, meant = None, ""
        if not isinstance(node, _ALLOWED):
            what = type(node).__name__
            meant = "; write choose(condition, a, b)" if isinstance(node, ast.IfExp) else ""
        elif isinstance(node, ast.Constant) and not isinstance(node.value, int | float):
            what = repr(node.value)
        elif isinstance(node, ast.Call) and (node.keywords or not isinstance(node.func, ast.Name)):
            what, meant = "a call like this", "; functions have plain names, such as exp(x)"
        elif isinstance(node, ast.Compare) and len(node.ops) > 1:
            what, meant = "a comparison of more than two", "; write a < b and b < c"
        if what:
            raise InputError(f"{shown(said)}: {what} has no place in an expression{meant}")
    try:
        number(tree.body, known, DEEPEST)
    except RecursionError:
        why = f"is nested more than {DEEPEST} deep; give parts of it names of their own"
        raise InputError(f"{shown(said)} {why}") from None
    except ArithmeticError as error:
        where = [f"{name} is {known[name]}" for name in sorted(names(said) & known.keys())]
        raise InputError(f"{shown(said)} {error}{', where ' * bool(where)}{' and '.join(where)}") from None
    return tree.body


def names(*texts: str) -> set[str]:
    """The identifiers in clean texts."""
    return {name for text in texts for name in _NAME.findall(text)} - {"and", "or", "not"}


def words_of_python(text: str) -> list[str]:
    """The names in a clean text that no variable may have.

    Examples
    --------
    >>> words_of_python("dlambda/dt = -lambda/tau : 1")
    ['lambda']
    """
    return sorted(names(text) & PYTHON)


def renamed(text: str, new: Mapping[str, str]) -> str:
    """A clean text in which names are replaced by others, or by expressions in brackets.

    Examples
    --------
    >>> renamed("ETA*BETA + ETA", {"ETA": "eta"})
    'eta*BETA + eta'
    """
    return _NAME.sub(lambda match: new.get(match[0], match[0]), text) if new else text


def called(expression: str) -> Iterator[tuple[str, int]]:
    """The functions that an expression calls, each with how many arguments it is given."""
    for node in ast.walk(parsed(expression)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, len(node.args)


def call_of(expression: str, function: str) -> list[str] | None:
    """The arguments, where an expression is a call of that function and nothing else.

    Examples
    --------
    >>> call_of("clip(w + a, 0, 1)", "clip")
    ['w + a', '0', '1']
    """
    node = parsed(expression)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == function:
        return [ast.unparse(argument) for argument in node.args]
    return None


def is_one_of(expression: str, known: Container[str]) -> bool:
    """Whether an expression is one of these names and nothing else, in brackets or not."""
    node = parsed(expression)
    return isinstance(node, ast.Name) and node.id in known


def terms(expression: str) -> list[str]:
    """The summands of an expression, each with its sign.

    Examples
    --------
    >>> terms("a*b - (c + d)")
    ['a * b', '-c', '-d']
    """
    return [ast.unparse(node) for node in _terms(parsed(expression), positive=True)]


def _terms(node: ast.expr, positive: bool) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        same = isinstance(node.op, ast.Add)
        return _terms(node.left, positive) + _terms(node.right, positive if same else not positive)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        return _terms(node.operand, positive if isinstance(node.op, ast.UAdd) else not positive)
    return [node if positive else ast.UnaryOp(ast.USub(), node)]


def mixes(expression: str, is_event: Callable[[str], bool]) -> bool:
    """Whether a factor of an expression is a sum of what happens at spikes (or reads dt) and of what does not.

    A plain number is no such summand, as in 1 - exp(-dt/tau), unless it stands beside spikes themselves.

    Examples
    --------
    >>> [mixes(each, lambda one: "spiked_post" in one) for each in ("eta*(a*spiked_post - w)", "eta*a*spiked_post")]
    [True, False]
    """
    match parsed(expression):
        case ast.UnaryOp(operand=part) | ast.BinOp(op=ast.Div(), left=part):
            return mixes(ast.unparse(part), is_event)
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            return any(mixes(ast.unparse(part), is_event) for part in (left, right))
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            summands = terms(expression)
            events = [each for each in summands if is_event(each)]
            plain = bool(names(*events) & {"spiked_pre", "spiked_post"})
            others = [each for each in summands if each not in events and (plain or names(each))]
            return bool(events and others) or any(mixes(each, is_event) for each in summands)
    return False


def is_condition(expression: str) -> bool:
    """Whether an expression is true or false by its form."""
    node = parsed(expression)
    return isinstance(node, ast.Compare | ast.BoolOp) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )
