"""Expressions of the equations in statements that change what they are made of.

Brian2 computes an expression once where it finds that nothing changes it. It overlooks the statement that reads it
(`v = 0.5*a` with `a = v`) and what the expression is made of by way of another one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from brian2.core.variables import Subexpression, Variable

from autapse_sim.spec.language import Statement, renamed


def written_out(code: Sequence[Statement], variables: Mapping[str, Variable]) -> list[Statement]:
    """Statements in which the expressions that they change are written out where they are read.

    Parameters
    ----------
    code : sequence of Statement
        What happens one after the other.
    variables : mapping of str to Variable
        Those of the group, expressions among them.

    Examples
    --------
    >>> from brian2 import NeuronGroup
    >>> known = NeuronGroup(1, "v : 1\\na = 2*v : 1\\nb = a + v : 1\\nc = 3.0 : 1").variables
    >>> [str(each) for each in written_out([Statement("v", "", "b + c")], known)]
    ['v = ((2*v) + v) + c']
    """
    expressions = {name: each for name, each in variables.items() if isinstance(each, Subexpression)}
    changed, moving = {each.name for each in code}, set[str]()
    while found := {name for name in expressions.keys() - moving if expressions[name].identifiers & (changed | moving)}:
        moving |= found

    def whole(name: str) -> str:
        inside = {each: whole(each) for each in expressions[name].identifiers & moving}
        return f"({renamed(expressions[name].expr, inside)})"

    meant = {name: whole(name) for name in moving}
    return [each.renamed(meant) for each in code]
