"""Conditions among numbers: what is true counts as 1 wherever it is calculated with, in C++ as in NumPy."""

from __future__ import annotations

import ast
from collections.abc import Collection, Sequence
from dataclasses import replace

from autapse_sim.spec.language import Statement, parsed

WHOLE = {"int", "sign", "timestep"}
"""Functions whose values are whole numbers to C++."""


def as_numbers(
    code: Sequence[Statement], truths: Collection[str], wholes: Collection[str], states: Collection[str]
) -> list[Statement]:
    """The statements with conditions made numbers where they are calculated with.

    Brian2 hands conditions on as they are: True + True is True in NumPy, and what begins as a condition stays one in
    C++, so that half of it is the whole. What C++ holds to be a whole number it would clip to whole bounds.

    Parameters
    ----------
    code : sequence of Statement
        In order.
    truths, wholes : collection of str
        Variables that are true or false, and those that are whole numbers.
    states : collection of str
        All variables; other names are temporaries.
    """
    known = _Truths({*truths, *_conditions(code, truths, states)}, wholes)
    return [_rewritten(each, known) for each in code]


def _conditions(code: Sequence[Statement], truths: Collection[str], states: Collection[str]) -> set[str]:
    """The temporaries that are never anything but a condition."""
    found: set[str] = set()
    for _ in code:
        known = _Truths({*truths, *found})
        mixed = {each.name for each in code if each.operator or not known.is_truth(parsed(each.value))}
        found = {each.name for each in code if each.name not in states} - mixed
    return found


def _rewritten(each: Statement, known: _Truths) -> Statement:
    tree = parsed(each.value)
    plain = not each.operator and each.name in known.names
    text = ast.unparse(known.visit(tree) if plain else known.number(tree))
    return each if text == ast.unparse(tree) else replace(each, value=text)


class _Truths(ast.NodeTransformer):
    """Makes numbers of conditions; `names` are of variables that are true or false, `wholes` of whole numbers.

    The trees that it visits stay as they are.
    """

    def __init__(self, names: set[str], wholes: Collection[str] = ()) -> None:
        self.names, self.wholes = names, wholes

    def is_truth(self, node: ast.expr) -> bool:
        """Whether it is true or false."""
        if isinstance(node, ast.Name):
            return node.id in self.names
        negated = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
        return negated or isinstance(node, ast.Compare | ast.BoolOp)

    def is_whole(self, node: ast.expr) -> bool:
        """Whether C++ holds it to be a whole number."""
        match node:
            case ast.Name():
                return node.id in self.wholes
            case ast.Constant():
                return isinstance(node.value, int)
            case ast.UnaryOp():
                return self.is_whole(node.operand)
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Mod() | ast.FloorDiv()):
                return self.is_whole(node.left) and self.is_whole(node.right)
            case ast.Call(func=ast.Name("choose")):
                return all(map(self.is_whole, node.args[1:]))
            case ast.Call(func=ast.Name(name)):
                return name in WHOLE
        return False

    def number(self, node: ast.expr) -> ast.expr:
        """The same as a number."""
        truth, node = self.is_truth(node), self.visit(node)
        if not truth:
            return node
        whole = ast.Call(ast.Name("int", ast.Load()), [node], [])
        return ast.BinOp(ast.Constant(1.0), ast.Mult(), whole)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        return ast.BoolOp(node.op, [self.visit(each) for each in node.values])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        return ast.BinOp(self.number(node.left), node.op, self.number(node.right))

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        inside = self.visit(node.operand) if isinstance(node.op, ast.Not) else self.number(node.operand)
        return ast.UnaryOp(node.op, inside)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        return ast.Compare(self.number(node.left), node.ops, [self.number(each) for each in node.comparators])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        asked = isinstance(node.func, ast.Name) and node.func.id in ("int", "choose")  # whether it is true
        first = [self.visit(each) if asked else self.number(each) for each in node.args[:1]]
        if isinstance(node.func, ast.Name) and node.func.id == "clip" and self.is_whole(first[0]):
            real = ast.Name("autapse_only", ast.Load())
            first = [ast.Call(real, [ast.parse("0 < 1", mode="eval").body, first[0]], [])]
        return ast.Call(node.func, [*first, *map(self.number, node.args[1:])], [])
