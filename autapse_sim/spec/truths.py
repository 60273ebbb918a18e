"""Conditions among numbers: what is true counts as 1 where it is calculated with, and what is not 0 as true."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Collection

from autapse_sim.spec.language import UNPARSED

_EQUATION = re.compile(r"^(\s*\w+(\s*/\s*dt)?\s*=)(?!=)([^:]*)(:(?:\s*(boolean)\b)?)", re.MULTILINE)
"""What is set, whether it is a rate, its value, and whether that is true or false."""
_TRUTH = re.compile(r"^\s*(\w+)\s*(?:=[^:]*)?:\s*boolean\b", re.MULTILINE)
"""The definition of what is true or false."""


class Truths(ast.NodeTransformer):
    """Makes numbers of conditions, and conditions of numbers; the trees that it visits stay as they are.

    Parameters
    ----------
    names : collection of str
        Variables that are true or false.
    """

    def __init__(self, names: Collection[str] = ()) -> None:
        self.names = names

    def is_truth(self, node: ast.expr) -> bool:
        """Whether it is true or false."""
        match node:
            case ast.Name():
                return node.id in self.names
            case ast.Constant():
                return isinstance(node.value, bool)
            case ast.UnaryOp():
                return isinstance(node.op, ast.Not)
        return isinstance(node, ast.Compare | ast.BoolOp)

    def number(self, node: ast.expr) -> ast.expr:
        """The same as a number."""
        truth, node = self.is_truth(node), self.visit(node)
        return self.call("int", [node]) if truth else node

    def truth(self, node: ast.expr) -> ast.expr:
        """The same as a condition."""
        truth, node = self.is_truth(node), self.visit(node)
        return node if truth else ast.Compare(node, [ast.NotEq()], [ast.Constant(0)])

    def call(self, function: str, arguments: list[ast.expr]) -> ast.expr:
        """The call of a function."""
        return ast.Call(ast.Name(function, ast.Load()), arguments, [])

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        return ast.BoolOp(node.op, [self.truth(each) for each in node.values])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        return ast.BinOp(self.number(node.left), node.op, self.number(node.right))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        as_needed = self.truth if isinstance(node.op, ast.Not) else self.number
        return ast.UnaryOp(node.op, as_needed(node.operand))

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        return ast.Compare(self.number(node.left), node.ops, [self.number(each) for each in node.comparators])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        function = ast.unparse(node.func)
        asked = function in ("int", "choose")  # whether the first is true
        first = [self.visit(each) if asked else self.number(each) for each in node.args[:1]]
        return self.call(function, [*first, *map(self.number, node.args[1:])])


def with_values(text: str, change: Callable[[ast.expr, str], ast.expr]) -> str:
    """Equations with other values, line for line; those that are none stay as they are.

    Parameters
    ----------
    text : str
        Clean equations.
    change : callable
        What makes a tree of a tree and of its kind: 'rate', 'boolean', or '' for a number.
    """

    def put(found: re.Match) -> str:
        value = changed(found[3], lambda tree: change(tree, "rate" if found[2] else found[5] or ""))
        return f"{found[1]}{value}{found[4]}"

    return _EQUATION.sub(put, text)


def changed(expression: str, change: Callable[[ast.expr], ast.expr]) -> str:
    """What a function makes of an expression; as it was written where that is the same, or where it is none."""
    try:
        tree = ast.parse(" ".join(expression.split()), mode="eval").body
        new = ast.unparse(change(tree))
        same = new == ast.unparse(tree)
    except UNPARSED:
        return expression
    return expression if same else f" {new}" + "\n" * expression.count("\n") + " "


def truths_in(text: str) -> set[str]:
    """The variables that equations say to be true or false."""
    return {found[1] for found in _TRUTH.finditer(text)}


def counted(text: str) -> str:
    """Equations in which conditions that are calculated with are numbers, as computer algebra wants them.

    Examples
    --------
    >>> counted("q = (a > 0) + (a > 0.5) : 1")
    'q = int(a > 0) + int(a > 0.5) : 1'
    >>> counted("b = a : boolean")
    'b = a != 0 : boolean'
    """
    truths = Truths(truths_in(text))
    kinds = {"rate": truths.visit, "boolean": truths.truth, "": truths.number}
    return with_values(text, lambda tree, kind: kinds[kind](tree))


def number(expression: str) -> str:
    """An expression in which conditions are numbers, as a whole, too.

    Examples
    --------
    >>> number("a*(a > 0)"), number("a > 0"), number("a")
    ('a * int(a > 0)', 'int(a > 0)', 'a')
    """
    return changed(expression, Truths().number).strip()
