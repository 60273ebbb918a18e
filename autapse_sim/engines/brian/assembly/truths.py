"""Expressions as Brian2 is given them: conditions are numbers where they are calculated with, and numbers are real."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence
from dataclasses import replace

from autapse_sim.spec.constants import value_of
from autapse_sim.spec.language import Statement, parsed
from autapse_sim.spec.truths import Truths, with_values

REAL = {name: f"autapse_real_{name}" for name in ("int", "sign", "clip", "timestep")}
"""Functions of real numbers that stand for those whose numbers are whole ones, or cut to such."""
OF_OPERATORS = {ast.FloorDiv: "autapse_real_quotient", ast.Mod: "autapse_real_remainder"}
"""Functions that stand for operators whose numbers at multiples differ between NumPy, computer algebra and C++."""


def as_numbers(code: Sequence[Statement], truths: Collection[str], states: Collection[str]) -> list[Statement]:
    """The statements with conditions made numbers where they are calculated with.

    Brian2 hands conditions on as they are: True + True is True in NumPy, and what begins as a condition stays one in
    C++, so that half of it is the whole.

    Parameters
    ----------
    code : sequence of Statement
        In order.
    truths : collection of str
        Variables that are true or false.
    states : collection of str
        All variables; other names are temporaries.
    """
    known = _Real({*truths, *_conditions(code, truths, states)})
    return [_rewritten(each, known) for each in code]


def equations_as_numbers(text: str, truths: Collection[str]) -> str:
    """The same of equations."""
    known = _Real(truths)
    return with_values(text, lambda tree, kind: known.visit(tree) if kind == "boolean" else known.number(tree))


def value_as_number(expression: str, truths: Collection[str]) -> str:
    """The same of an expression, which may be a condition."""
    return ast.unparse(_Real(truths).visit(parsed(expression)))


def _conditions(code: Sequence[Statement], truths: Collection[str], states: Collection[str]) -> set[str]:
    """The temporaries that are never anything but a condition."""
    found: set[str] = set()
    for _ in code:
        known = Truths({*truths, *found})
        mixed = {each.name for each in code if each.operator or not known.is_truth(parsed(each.value))}
        found = {each.name for each in code if each.name not in states} - mixed
    return found


def _rewritten(each: Statement, known: Truths) -> Statement:
    tree = parsed(each.value)
    plain = not each.operator and each.name in known.names
    text = ast.unparse(known.visit(tree) if plain else known.number(tree))
    return each if text == ast.unparse(tree) else replace(each, value=text)


class _Real(Truths):
    """Makes numbers of conditions, and real ones of whole ones.

    Whole numbers end in C++ where they are clipped to (`clip(sign(x), -0.5, 0.5)` is 0), in NumPy at 2**31, and have no
    powers with negative exponents there; in C++ 2**-1 is 0.
    """

    def call(self, function: str, arguments: list[ast.expr]) -> ast.expr:
        return super().call(REAL.get(function, function), arguments)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        left, right = self.number(node.left), self.number(node.right)
        if type(node.op) in OF_OPERATORS:
            return self.call(OF_OPERATORS[type(node.op)], [left, right])
        if isinstance(node.op, ast.Pow):
            if value_of(node.left) is not None:
                left = _OfRealNumbers().visit(left)
            exponent = value_of(node.right)
            if exponent is not None and 2 * exponent != int(2 * exponent):
                # a compiler that may calculate fast takes a cube root for x**(1/3), which negative numbers have, too
                left = self.call("autapse_positive", [left])
        return ast.BinOp(left, node.op, right)


class _OfRealNumbers(ast.NodeTransformer):
    """Makes the numbers of an expression real ones."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(float(node.value)) if isinstance(node.value, int) else node
