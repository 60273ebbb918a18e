"""What neurons show and send, where equations of their rules read it within an integration step."""

from __future__ import annotations

from collections.abc import Mapping

from brian2 import Equations
from brian2.equations.equations import SUBEXPRESSION
from brian2.parsing.sympytools import str_to_sympy
from sympy import Poly, PolynomialError, Symbol

from autapse_sim.engines.brian.assembly.equations import draws_in
from autapse_sim.engines.brian.assembly.statements import changing
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.language import names, renamed
from autapse_sim.spec.making import follows
from autapse_sim.spec.model import Neuron
from autapse_sim.spec.stability import SOLVED
from autapse_sim.spec.vocabulary import REFRACTORY

HELD = frozenset({"euler", "exponential_euler"})
"""Integrators that read what stands at the start of a step alone."""


def moving_within(neuron: Neuron, circuit: Circuit, method: str, shown: Mapping[str, str]) -> dict[str, str]:
    """What is shown and sent and moves within a step, as its states do that it is made of: by name, written out.

    `activity = v` is v at each stage of an integrator, and so is `activity = 1.0*v`. What reads what arrives stands
    still, as that does; for an integrator of linear equations all that is not linear does.
    """
    if method in HELD:
        return {}
    equations = Equations(neuron.equations)
    made = {name: each.expr.code for name, each in equations.items() if each.type == SUBEXPRESSION}
    told = {"f_prime"} if neuron.pseudo_derivative else set()
    still = follows(neuron, circuit, shown=True, also={*REFRACTORY, *told})
    found = {name: value for name, value in shown.items() if name not in still and not draws_in(value)}
    if "sent" not in equations and "activity" in found:
        found["sent"] = found["activity"]
    states = changing(equations)
    return {name: each for name, each in found.items() if method not in SOLVED or _linear(each, made, states)}


def _linear(code: str, made: Mapping[str, str], states: list[str]) -> bool:
    """Whether code is linear in states, when expressions are written out in it."""
    while inside := names(code) & made.keys():
        code = renamed(code, {name: f"({made[name]})" for name in inside})
    try:
        return Poly(str_to_sympy(code), *(Symbol(name, real=True) for name in states)).total_degree() <= 1
    except PolynomialError:
        return False
