"""Rules with equations whose credit goes back within a neuron alone, as sweeps of the compiled programs.

As long as weights stand still, a rule ``w -= eta * feedback_post * k``, where k is a linear filter of what arrives, is
a sum over what arrived: sum_t (B err(t)) k(t)^T = sum_l delta(l) o(l-1)^T, where delta is the feedback that was sent
back through the filter. That is the exact gradient of neurons that *are* the filter, in a network in which nothing goes
back along W: for the autapse rule a leaky integrator of time constant tau, for rflo one that follows f' times its
drive, for dfa a sum of it. So the filter takes the neuron's place on the way back, and trajectories of a batch lie
beside each other as they do for exact gradients.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, fields, replace

from sympy import Integer, Symbol

from autapse_sim.engines.adjoint.expressions import symbolic, text
from autapse_sim.engines.adjoint.numeric import KNOWN
from autapse_sim.engines.adjoint.program import differentiated
from autapse_sim.engines.adjoint.step import ARRIVING, Step, f_prime_of, step_of
from autapse_sim.engines.reference.code import equations, tree
from autapse_sim.engines.reference.code import names as code_names
from autapse_sim.errors import InputError
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.language import Statement, clean, names, renamed, statements
from autapse_sim.spec.library import Models
from autapse_sim.spec.model import Rule

FREE = frozenset({"trace", "eligibility", "update", "parameters", "tune", "path", "source"})
"""The fields that such a rule may have."""
EQUATION = re.compile(r"d(\w+)/dt\s*=\s*([^=:\n;]+):\s*1")
"""One differential equation without a unit and without flags."""
VALUE, ARRIVED, SLOPE = "activity", "arrived", "f_prime"


@dataclass(frozen=True)
class Filter:
    """A linear filter of what arrives at a neuron.

    Parameters
    ----------
    rate : str
        Its derivative, from its value, which is called `activity` as that of the neuron in whose place it is, from what
        has `arrived`, `f_prime`, and parameters of the rule and of the neuron.
    timed : bool
        Whether the feedback counts by one over the steps since the trajectory began.
    """

    rate: str
    timed: bool

    @property
    def reads(self) -> set[str]:
        """What it reads beside its value and what arrives."""
        return names(self.rate) - {VALUE, ARRIVED}


def filter_of(rule: Rule) -> Filter | None:
    """The filter that a rule is, or None where it is none.

    Examples
    --------
    >>> from autapse_sim import Rule
    >>> own = Rule(
    ...     trace="dk/dt = (activity - k)/tau : 1",
    ...     update="w -= eta*feedback_post*k_pre",
    ...     parameters={"eta": 0.1, "tau": 10.0},
    ... )
    >>> filter_of(own)
    Filter(rate='(-activity + arrived)/tau', timed=False)
    >>> filter_of(own.replace(update="w -= eta*feedback_post*k_pre**2")) is None
    True
    """
    blank = Rule(update="w += 0")
    if any(getattr(rule, each.name) != getattr(blank, each.name) for each in fields(rule) if each.name not in FREE):
        return None
    traced = bool(rule.trace.strip())
    equation = EQUATION.fullmatch(clean(f"{rule.trace}\n{rule.eligibility}").strip())
    lines = statements(rule.update)
    if equation is None or [(each.name, each.operator) for each in lines] != [("w", "-")]:
        return None
    own, rate = equation.groups()
    if ARRIVED in names(rate) or {f"{name}_post" for name in rule.parameters} & names(rate):
        return None
    meant = {own: VALUE, "activity" if traced else "activity_pre": ARRIVED}
    if not traced:
        meant |= {name: name.removesuffix("_post") for name in names(rate) if name.endswith("_post")}
    try:
        change = symbolic(tree(lines[0].value))
        found = symbolic(tree(renamed(rate, meant)))
    except InputError:
        return None
    once = change / (_symbol("eta") * _symbol("feedback_post") * _symbol(f"{own}_pre" if traced else own))
    timed = {Integer(1): False, 1 / _symbol("elapsed"): True}.get(once)
    slopes = found.diff(_symbol(VALUE)), found.diff(_symbol(ARRIVED))
    still = not {_symbol(VALUE), _symbol(ARRIVED)} & (slopes[0].free_symbols | slopes[1].free_symbols)
    if timed is None or not still or found.subs({_symbol(VALUE): 0, _symbol(ARRIVED): 0}) != 0:
        return None
    return Filter(text(found), timed)


def uncovered(models: Models, circuit: Circuit) -> str | None:
    """Why a circuit whose rule has equations is not swept, or None where it is."""
    neuron, way = models.neuron, filter_of(models.rule)
    if way is None:
        return "its rule is no linear filter of what arrives, times the feedback"
    if neuron.threshold or not neuron.activations or circuit.substeps > 1 or circuit.delay or circuit.returned:
        return "it has spikes, substeps, delays, or a prediction that is returned"
    if models.method(circuit) != "euler" or "sent" in equations(neuron.equations):
        return "it is not integrated by Euler's method, or sends what is not its activity"
    try:
        step_of(models, circuit, exact=False)
    except InputError as error:
        return str(error)
    given = {*models.rule.parameters, *neuron.parameters, "step"}
    if SLOPE in way.reads and not code_names(f_prime_of(models, circuit)) <= {*ARRIVING, *neuron.parameters, *KNOWN}:
        return "its neurons' f' hangs on more than what arrives"
    unknown = way.reads - given - {SLOPE}
    return f"its rule reads {', '.join(sorted(unknown))}" if unknown else None


def _symbol(name: str) -> Symbol:
    return Symbol(name, real=True)


def local_step(models: Models, circuit: Circuit, way: Filter) -> Step:
    """The programs of a circuit's neurons with a filter in their place on the way back."""
    step = step_of(models, circuit, exact=False)
    forward, start = step.step, step.start
    slope = Statement(SLOPE, "", ast.unparse(f_prime_of(models, circuit)))
    shown = forward.last[VALUE]
    arrived = f"({' + '.join(ARRIVING)})"
    back = differentiated(
        f"{shown} = {VALUE} + dt*({renamed(way.rate, {ARRIVED: arrived})})", (VALUE, *ARRIVING), (shown,)
    )
    program = replace(
        back, forward=(slope, *forward.forward) if SLOPE in way.reads else forward.forward, last=forward.last
    )
    begun = replace(start, slopes=(), backward=(Statement(start.into("bias"), "", "0"),))
    return replace(step, start=begun, step=program, moving=(VALUE,))
