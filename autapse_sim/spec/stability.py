"""Steps that are too long for an equation: known before a run wherever a state decays at a constant rate."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from autapse_sim.errors import InputError
from autapse_sim.spec.algebra import real_functions, slope
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.language import parsed
from autapse_sim.spec.units import STEP

if TYPE_CHECKING:
    from autapse_sim.spec.library import Models
    from autapse_sim.spec.model import Neuron, Rule

LIMITS = {"euler": 2.0, "milstein": 2.0, "heun": 2.0, "rk2": 2.0, "rk4": 2.785}
"""Steps, in units of the time constant of a decay, beyond which an integrator lets it grow without bound."""
SOLVED = frozenset({"exact", "linear", "independent"})
"""Integrators that solve an equation, and divide by the rate of its decay."""
VANISHING = 1e-9
"""Steps, in units of the time constant, below which such a solution has less than seven digits, or none."""


def check_steps(rates: Mapping[str, str], method: str, substeps: int, parameters: Mapping[str, np.ndarray]) -> None:
    """Refuse parameters with which a state that decays would grow without bound, or be no number.

    Parameters
    ----------
    rates : mapping of str to str
        Those of `decay_rates`.
    method : str
        The integrator.
    substeps : int
        Integration steps in a step.
    parameters : mapping of str to array
        For each network, in SI units.
    """
    dt = STEP / substeps
    for state, rate in rates.items():
        with np.errstate(all="ignore"):
            each = _value(rate, parameters) * dt
        if method in SOLVED:
            slowest = np.min(np.abs(each))
            if slowest < VANISHING:
                raise InputError(
                    f"{state} decays at the rate {rate}, which is {slowest / dt:.3g} Hz; method {method!r} divides by "
                    "it; give method 'exponential_euler', or another value"
                )
            continue
        fastest = np.max(each)
        if fastest > LIMITS[method] * (1 + 1e-9):
            raise InputError(
                f"{state} decays at the rate {rate}, within {1e3 * dt / fastest:.3g} ms; with method {method!r} and "
                f"steps of {1e3 * dt:g} ms it would grow without bound below {1e3 * dt / LIMITS[method]:.3g} ms; give "
                "it more time, more substeps, or method 'exponential_euler'"
            )


def _value(expression: str, parameters: Mapping[str, np.ndarray]) -> np.ndarray:
    code = compile(ast.Expression(parsed(expression)), "rate", "eval")  # numbers, names and operators, nothing else
    beside = {name: value if value.ndim == 2 else value[:, np.newaxis] for name, value in parameters.items()}
    return eval(code, {"__builtins__": {}}, beside)


@real_functions()
def decay_rates(models: Models, circuit: Circuit) -> dict[str, str]:
    """The rate at which each state decays, as an expression, where that is made of parameters and units alone.

    None where the integrator takes any.
    """
    if models.method(circuit) not in LIMITS.keys() | SOLVED:
        return {}
    from brian2.core.namespace import DEFAULT_UNITS
    from brian2.equations.equations import DIFFERENTIAL_EQUATION
    from brian2.parsing.sympytools import str_to_sympy, sympy_to_str

    from autapse_sim.spec.scope import read_equations

    parameters = {*models.parameters(circuit)}
    rules = models.teaching(circuit.learn)
    texts: list[tuple[Neuron | Rule, str, tuple[str, ...]]] = [(models.neuron, models.neuron.equations, ())]
    texts += [(rule, text, ()) for rule in rules for text in (rule.trace, rule.postsynaptic)]
    texts += [(rule, rule.eligibility, ("w",)) for rule in rules]
    rates = {}
    for model, text, place in texts:
        equations = read_equations(model, text, place)
        for name in equations:
            equation = equations[name]
            if equation.type != DIFFERENTIAL_EQUATION or "event-driven" in equation.flags:
                continue
            right = str_to_sympy(equation.expr.code)
            mine = [symbol for symbol in right.free_symbols if symbol.name == name]
            rate = -slope(right, mine[0]) if mine else right * 0
            units = {s: float(DEFAULT_UNITS[s.name]) for s in rate.free_symbols if s.name in DEFAULT_UNITS}
            rate = rate.subs(units)
            if rate != 0 and rate.is_rational_function() and {s.name for s in rate.free_symbols} <= parameters:
                rates[name] = sympy_to_str(rate)
    return rates
