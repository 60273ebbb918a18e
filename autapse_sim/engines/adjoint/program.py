"""From a straight-line program to its backward program: how an error finds its way back to what brought it about.

What a neuron does in an integration step can be written as lines that are carried out one after the other, each of
which sets one variable: ``v = v + dt*(drive - v)/tau``, then ``o = tanh(v)``. Nudge the drive a little: the nudge
travels down the lines, in each of them scaled by a local slope (dt/tau, then 1 - tanh(v)**2), and the product of the
slopes on the way tells how much o follows. A loss depends on many variables in many ways, and what is asked for is how
much it falls with each of thousands of weights. So one travels up instead: `bar_x` is the slope of the loss by the
variable x, and from the last line to the first each line ``x = e(y, ...)`` hands on

    bar_y += bar_x * (de/dy)

to all that it reads. One way up gives the slopes of the loss by everything, at about the price of one way down. Between
integration steps the same holds with the state variables: what was bar_v at the start of a step is bar_v at the end of
the step before. That is back-propagation through time, and here it comes from the equations themselves.

Each variable that is set more than once gets a new name each time (``v``, ``v_1``, ...), since the slopes ask for the
values of then. Slopes do not depend on the loss: they are lines of their own, so that they can be computed once where
many losses are sent back. See Griewank & Walther 2008, *Evaluating Derivatives*, chapter 3, DOI
10.1137/1.9780898717761.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache

import sympy
from sympy import Expr, Symbol

from autapse_sim.engines.adjoint.expressions import NOISE, symbolic, text
from autapse_sim.engines.reference.code import Code, assignments, names
from autapse_sim.errors import InputError
from autapse_sim.spec.language import Statement


@dataclass(frozen=True)
class Program:
    """A program and its way back, as lists of statements.

    Parameters
    ----------
    forward : tuple of Statement
        The lines, with a name of its own for every value.
    slopes : tuple of Statement
        The local slopes that are no mere numbers, from the values of `forward`.
    backward : tuple of Statement
        From the slopes of the loss by the outputs (`bar_` and the name in `last`) to those by the inputs (`bar_` and
        their name).
    last : mapping of str to str
        By what name each variable goes in the end.
    drawn : tuple of str
        The names of random numbers that are drawn on the way: on the way back they are constants.
    prefix : str
        What the name of a slope of the loss begins with: `bar_`, where no variable is called so.
    """

    forward: tuple[Statement, ...]
    slopes: tuple[Statement, ...]
    backward: tuple[Statement, ...]
    last: Mapping[str, str]
    drawn: tuple[str, ...]
    prefix: str

    def __str__(self) -> str:
        return "\n".join(map(str, (*self.forward, *self.slopes, *self.backward)))

    def into(self, variable: str) -> str:
        """The name of the slope of the loss by the value of a variable at the start."""
        return self.prefix + variable

    def out_of(self, variable: str) -> str:
        """The name of the slope of the loss by the value of a variable in the end."""
        return self.prefix + self.last[variable]


def differentiated(written: str, inputs: Iterable[str], outputs: Iterable[str]) -> Program:
    """The backward program of a straight-line program.

    Parameters
    ----------
    written : str
        Assignments, in the language of models and of Brian2's abstract code.
    inputs : iterable of str
        Variables by whose values at the start the loss is differentiated. All else that is read but not set is a
        constant.
    outputs : iterable of str
        Variables on whose values in the end the loss depends.

    Raises
    ------
    InputError
        Where a line has no derivative.

    Examples
    --------
    A leaky integrator's Euler step and its rate:

    >>> program = differentiated("v = v + dt*(drive - v)/tau; o = tanh(v)", ["v", "drive"], ["v", "o"])
    >>> for part in (program.forward, program.slopes, program.backward):
    ...     print(*part, sep="; ")
    v_1 = v + dt * (drive - v) / tau; o = tanh(v_1)
    part_0 = dt/tau; o_by_v_1 = 1 - o**2; v_1_by_drive = part_0; v_1_by_v = 1 - part_0
    bar_v_1 += bar_o*o_by_v_1; bar_drive = bar_v_1*v_1_by_drive; bar_v = bar_v_1*v_1_by_v

    A spike counts by its pseudo-derivative, and the reset that it triggers by what it changes:

    >>> lines = "z = autapse_spike(v > 1, v - 1, psi); v = autapse_switch(z, 0, v)"
    >>> print(*differentiated(lines, ["v"], ["v", "z"]).backward, sep="; ")
    bar_v = bar_v_1*v_1_by_v; bar_z += -bar_v_1*v; bar_v += bar_z*psi
    """
    return _differentiated(written, tuple(dict.fromkeys(inputs)), tuple(dict.fromkeys(outputs)))


@lru_cache(maxsize=64)
def _differentiated(written: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Program:
    lines, last, drawn = single(assignments(written), inputs)
    forward = tuple(Statement(name, "", ast.unparse(node)) for name, node in lines)
    last |= {name: name for name in (*inputs, *outputs) if name not in last}
    taken = {name for _, node in lines for name in names(node)} | {name for name, _ in lines} | {*inputs, *outputs}
    prefix = "bar_"
    while any(name.startswith(prefix) for name in taken):
        prefix = f"_{prefix}"
    ends = {last[name] for name in outputs}
    ways = _leading(_ways(lines, set(inputs)), ends)
    slopes, local = _named(ways, Fresh(taken))
    return Program(forward, slopes, _backward(ways, local, inputs, ends, prefix), last, drawn, prefix)


class Fresh:
    """Names that are not taken."""

    def __init__(self, taken: set[str]):
        self.taken = set(taken)

    def __call__(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name


class _Renamed(ast.NodeTransformer):
    """An expression with the names of now, in which what is drawn has been drawn before."""

    def __init__(self, last: Mapping[str, str], free: Fresh):
        self.last, self.free = last, free
        self.draws: Code = []

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.last.get(node.id, node.id), ast.Load())

    def visit_Call(self, node: ast.Call) -> ast.expr:
        called = ast.Call(node.func, [self.visit(each) for each in node.args], [])
        if not isinstance(node.func, ast.Name) or node.func.id not in NOISE:
            return called
        name = self.free(f"{node.func.id}_1")
        self.draws.append((name, called))
        return ast.Name(name, ast.Load())


def single(code: Code, inputs: Iterable[str] = ()) -> tuple[Code, dict[str, str], tuple[str, ...]]:
    """The same lines with a name of its own for every value; the last name of each variable; and what is drawn."""
    free = Fresh({name for _, node in code for name in names(node)} | {name for name, _ in code} | {*inputs})
    last: dict[str, str] = {}
    lines, drawn, read = [], [], set(inputs)
    for name, node in code:
        renamed = _Renamed(last, free)
        value = renamed.visit(deepcopy(node))  # trees are shared
        lines += renamed.draws
        drawn += [each for each, _ in renamed.draws]
        read |= names(node)
        last[name] = free(_numbered(name, last.get(name))) if name in read or name in last else name
        lines.append((last[name], value))
    return lines, last, tuple(drawn)


def _numbered(name: str, before: str | None) -> str:
    """The next name of a variable."""
    count = before.removeprefix(f"{name}_") if before else "0"
    return f"{name}_{int(count) + 1 if count.isdigit() else 1}"


Ways = list[tuple[str, dict[str, Expr]]]
"""The slopes by what each line reads and what counts, from the first line to the last."""


def _ways(lines: Code, active: set[str]) -> Ways:
    """The local slopes of all lines that depend on what is active."""
    found: Ways = []
    for name, node in lines:
        read = sorted(names(node) & active)
        if not read or _drawn(node):
            continue
        try:
            value = symbolic(node)
        except InputError as error:
            raise InputError(f"{name} = {ast.unparse(node)}: {error}") from None
        value_by = {each: value.diff(Symbol(each, real=True)) for each in read}
        # what a line has computed stands for itself in its slopes, as in 1 - o**2 for o = tanh(v)
        known = {} if value.is_Atom else {value: Symbol(name, real=True)}
        slopes = {each: slope.xreplace(known) for each, slope in value_by.items() if slope != 0}
        if slopes:
            active = active | {name}
            found.append((name, slopes))
    return found


def _drawn(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NOISE


def _leading(ways: Ways, ends: set[str]) -> Ways:
    """Those lines from which there is a way to the ends."""
    kept: Ways = []
    for name, slopes in reversed(ways):
        if name in ends:
            ends = ends | slopes.keys()
            kept.insert(0, (name, slopes))
    return kept


def _named(ways: Ways, free: Fresh) -> tuple[tuple[Statement, ...], dict[tuple[str, str], Expr]]:
    """Statements of the slopes that take some computing, and what stands for each slope on the way back."""
    local: dict[tuple[str, str], Expr] = {}
    asked: list[tuple[str, Expr]] = []
    for name, slopes in reversed(ways):
        for read, slope in slopes.items():
            if slope.is_number or any(each.is_Symbol and each.name.isidentifier() for each in (slope, -slope)):
                local[name, read] = slope
            else:
                known = free(f"{name}_by_{read}")
                local[name, read] = Symbol(known, real=True)
                asked.append((known, slope))
    fresh = (Symbol(free(f"part_{number}"), real=True) for number in range(10**6))
    parts, slopes = sympy.cse([slope for _, slope in asked], symbols=fresh, order="none")
    lines = [(part.name, value) for part, value in parts]
    lines += [(name, slope) for (name, _), slope in zip(asked, slopes, strict=True)]
    return tuple(Statement(name, "", text(value)) for name, value in lines), local


def _backward(
    ways: Ways,
    local: Mapping[tuple[str, str], Expr],
    inputs: tuple[str, ...],
    ends: set[str],
    prefix: str,
) -> tuple[Statement, ...]:
    """The lines that hand slopes of the loss on, from the last line to the first."""
    known, lines = set(ends), []
    for name, slopes in reversed(ways):
        for read in slopes:
            product = text(Symbol(prefix + name, real=True) * local[name, read])
            lines.append(Statement(prefix + read, "+" if read in known else "", product))
            known.add(read)
    lines += [Statement(prefix + name, "", "0") for name in inputs if name not in known]
    return tuple(lines)
