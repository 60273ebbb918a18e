"""What stands still in a sum over synapses, and is computed once in a trajectory instead of in each step."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from brian2 import NeuronGroup
from brian2.core.variables import Subexpression, Variable
from brian2.units.fundamentalunits import DIMENSIONLESS

from autapse_sim.engines.brian.assembly.truths import OF_OPERATORS, REAL
from autapse_sim.engines.reference.code import FUNCTIONS, names, tree

SIDES = ("pre", "post")
STILL = FUNCTIONS.keys() | {*REAL.values(), *OF_OPERATORS.values()}
"""What gives the same of the same."""


def taken_apart(sums: Mapping[str, str], group: NeuronGroup) -> tuple[dict[str, str], dict[str, str]]:
    """The sums within a group, and what is computed once for them, by the name that it has there."""
    still, left, once = still_in(group), dict(sums), dict[str, str]()
    for name, value in sums.items():
        if found := still_factor(value, still):
            once[f"autapse_still_{name}"], rest = found
            left[name] = f"autapse_still_{name}*{rest}"
    return left, once


def still_factor(value: str, still: set[str]) -> tuple[str, str] | None:
    """The factor of a product that stands still and differs from synapse to synapse, and what is left of the product.

    None where there is none, or nothing is left.

    Parameters
    ----------
    value : str
        What a synapse brings.
    still : set of str
        The names that stand still.

    Examples
    --------
    >>> still_factor("g*s_pre*int(x_pre > x_post)/2", {"g", "x_pre", "x_post"})
    ('(g)*(int(x_pre > x_post))/(2)', '(s_pre)')
    >>> still_factor("g*s_pre", {"g"}) is None
    True
    """
    parts: dict[bool, list[tuple[str, ast.expr]]] = {True: [], False: []}
    for operator, node in _factors(tree(value)):
        parts[_read(node) <= still].append((operator, node))
    read = {name.rpartition("_")[2] for _, node in parts[True] for name in _read(node)}
    if not parts[False] or not read >= {*SIDES}:
        return None
    return _product(parts[True]), _product(parts[False])


def _factors(node: ast.expr, operator: str = "*") -> Iterator[tuple[str, ast.expr]]:
    """The factors of a product, each with what it is joined by."""
    match node:
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div() as op, right=right):
            other = {"*": "/", "/": "*"}[operator] if isinstance(op, ast.Div) else operator
            yield from _factors(left, operator)
            yield from _factors(right, other)
        case _:
            yield operator, node


def _product(parts: list[tuple[str, ast.expr]]) -> str:
    text = "".join(f"{operator}({ast.unparse(node)})" for operator, node in parts)
    return text.removeprefix("*") if text.startswith("*") else f"1{text}"


def still_in(group: NeuronGroup) -> set[str]:
    """What synapses within a group read of their neurons that is a mere number and stands still, by its names there."""
    variables = group.variables
    found = {name for name, each in variables.items() if _stands(each, variables)}
    return found | {f"{name}_{side}" for name in found for side in SIDES}


def _stands(variable: Variable, variables: Mapping[str, Variable]) -> bool:
    """Whether a variable is a mere number and stands still."""
    if variable.dim is not DIMENSIONLESS:
        return False
    if not isinstance(variable, Subexpression):
        return bool(variable.constant)
    return all(name in variables and _stands(variables[name], variables) for name in _read(tree(variable.expr)))


def _read(node: ast.expr) -> frozenset[str]:
    """The variables that an expression reads."""
    return names(node) - STILL
