"""Every expression of a model has the unit of what it is for, whichever engine runs it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace

from brian2 import (
    DEFAULT_FUNCTIONS,
    DimensionMismatchError,
    Equations,
    farad,
    get_dimensions,
    ohm,
    second,
    siemens,
    volt,
)
from brian2.core.functions import Function
from brian2.core.namespace import DEFAULT_UNITS
from brian2.equations.equations import DIFFERENTIAL_EQUATION, SUBEXPRESSION
from brian2.parsing.expressions import parse_expression_dimensions
from brian2.units.fundamentalunits import DIMENSIONLESS, Dimension, get_unit_for_display, have_same_dimensions

from autapse_sim.errors import InputError
from autapse_sim.names import shown
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.language import is_condition, names, statements
from autapse_sim.spec.library import Models
from autapse_sim.spec.lines import line_of
from autapse_sim.spec.model import Neuron, Rule

TIMES = dict.fromkeys(("t", "dt", "step", "lastspike"), second.dim)


def unit_chosen(condition: object, yes: object, no: object) -> object:
    """The unit of choose(condition, yes, no): that of both, and where one is a mere number that of the other."""
    return no if have_same_dimensions(yes, 1) else yes


CHOOSE = Function(lambda condition, yes, no: yes, arg_units=[None] * 3, return_unit=unit_chosen)
FUNCTIONS = {**DEFAULT_FUNCTIONS, "choose": CHOOSE}


def check_dimensions(models: Models, circuit: Circuit) -> None:
    """Refuse a circuit with a model whose units do not fit, with file and line."""
    neuron = models.neuron
    own = Units(neuron, {**_given(neuron.parameters), **_declared(neuron.equations)})
    own.check_equations(neuron.equations)
    if neuron.activations:
        activation = neuron.activations[circuit.activation]
        own.check(activation.f, activation.f)
        own.check(activation.f_prime, activation.f_prime)
    own.check(neuron.pseudo_derivative or "0", neuron.pseudo_derivative)
    if neuron.threshold:
        own.of(neuron.threshold, neuron.threshold)
    if neuron.refractory and not is_condition(neuron.refractory) and neuron.refractory.strip() not in own.known:
        own.check(neuron.refractory, neuron.refractory, second.dim)
    own.check_statements(neuron.reset)
    own.check_initial()
    for value in neuron.sums.values():
        own.check(value, value)
    for rule in models.teaching(circuit.learn):
        _check_rule(rule, own.known)


def _check_rule(rule: Rule, neuron: Mapping[str, Dimension]) -> None:
    texts = (rule.trace, rule.postsynaptic)
    of_neurons = {**neuron, **_given(rule.parameters), **_declared(*texts)}
    post = Units(rule, of_neurons)
    for text in texts:
        post.check_equations(text)
    post.check_statements(rule.finish_postsynaptic)
    post.check(rule.perturbation or "0", rule.perturbation)
    for each in rule.connections:
        within = Units(rule, {**of_neurons, **_declared(each.equations)})
        for value in each.sums.values():
            within.check(value, value)
        within.check_statements(each.update)
    synapse = Units(rule, {**of_neurons, **_declared(rule.eligibility), "w": DIMENSIONLESS})
    synapse.check_equations(rule.eligibility)
    for text in rule.code:
        synapse.check_statements(text)
    synapse.check_initial()


def _given(parameters: Mapping[str, object]) -> dict[str, Dimension]:
    return {name: get_dimensions(value) for name, value in parameters.items()}


def _declared(*texts: str) -> dict[str, Dimension]:
    return {name: each[name].dim for each in map(Equations, texts) for name in each}


@dataclass(frozen=True)
class Units:
    """The units of what may stand in a model's texts; what is not said has none.

    Parameters
    ----------
    model : Neuron or Rule
        Whose texts they are.
    known : mapping of str to Dimension
        By name; X_pre and X_post have the unit of X.
    """

    model: Neuron | Rule
    known: Mapping[str, Dimension]

    def of(self, expression: str, text: str, temporary: Mapping[str, Dimension] = TIMES) -> Dimension:
        """The unit of an expression, or an `InputError` where its parts do not fit each other."""
        variables = {name: self._variable(name, temporary) for name in names(expression) - FUNCTIONS.keys()}
        known = {**FUNCTIONS, **DEFAULT_UNITS, **variables}
        try:
            return parse_expression_dimensions(" ".join(expression.split()), known)
        except (DimensionMismatchError, SyntaxError, ValueError, TypeError) as error:
            said = " ".join(str(error).split())
            for unit in (volt, siemens, farad, ohm):
                said = said.replace(str(unit.dim), str(unit))
            where = line_of(self.model, next(iter(expression.split()), ""), text)
            raise InputError(f"{where}: the units in {shown(expression)} do not fit: {said}") from None

    def _variable(self, name: str, temporary: Mapping[str, Dimension]) -> object:
        if name in DEFAULT_UNITS:
            return DEFAULT_UNITS[name]
        if name == "xi" or name.startswith("xi_"):
            return SimpleNamespace(dim=(second**-0.5).dim)
        bare = name.removesuffix("_pre").removesuffix("_post")
        for key in (name, bare):
            for table in (temporary, self.known, TIMES):
                if key in table:
                    return SimpleNamespace(dim=table[key])
        return SimpleNamespace(dim=DIMENSIONLESS)

    def check(
        self,
        expression: str,
        text: str,
        right: Dimension = DIMENSIONLESS,
        word: str = "",
        temporary: Mapping[str, Dimension] = TIMES,
        each: str = "",
    ) -> None:
        """Refuse an expression that has another unit than the right one, or than so much for `each` second."""
        found = self.of(expression, text, temporary)
        if found is not right:
            where = line_of(self.model, word or next(iter(expression.split()), ""), text)
            wanted = right
            right = get_unit_for_display(right * second.dim if each else right)
            asked = f"it is {get_unit_for_display(found)}, and should be {right}{each}"
            meant = self._meant(expression, text, wanted, temporary)
            raise InputError(f"{where}: {shown(expression)} has the wrong unit: {asked}{meant}")

    def _meant(self, expression: str, text: str, right: Dimension, temporary: Mapping[str, Dimension]) -> str:
        """What would make the unit of an expression right: another unit of a parameter, or a time constant."""
        for name in sorted(names(expression) & self.model.parameters.keys()):
            for unit, word in ((second.dim, "a time, such as 10*ms"), (DIMENSIONLESS, "a mere number, without unit")):
                other = replace(self, known={**self.known, name: unit})
                with contextlib.suppress(InputError):
                    if self.known[name] is not unit and other.of(expression, text, temporary) is right:
                        return f"; {name} is {self.model.parameters[name]}; it would be right as {word}"
        found = self.of(expression, text, temporary)
        if found is DIMENSIONLESS and right is second.dim:
            return f"; did you mean {expression}*ms?"
        return "; divide it by a time constant" if found is right * second.dim else ""

    def check_equations(self, text: str) -> None:
        """Refuse equations whose right sides have other units than they say."""
        equations = Equations(text)
        for name in equations:
            each = equations[name]
            if each.type == DIFFERENTIAL_EQUATION:
                self.check(each.expr.code, text, each.dim / second.dim, name, each=" per second")
            elif each.type == SUBEXPRESSION:
                self.check(each.expr.code, text, each.dim, name)

    def check_statements(self, text: str) -> None:
        """Refuse assignments of what has another unit than the variable."""
        temporary: dict[str, Dimension] = {}
        for each in statements(text):
            held = temporary.get(each.name, self.known.get(each.name))
            if each.operator in ("*", "/"):
                self.check(each.value, text, DIMENSIONLESS, each.name, temporary)
            elif held is not None:
                self.check(each.value, text, held, each.name, temporary)
            else:
                temporary[each.name] = self.of(each.value, text, temporary)

    def check_initial(self) -> None:
        """Refuse starting values of other units than those of their states; 0 has every unit."""
        for name, value in self.model.initial.items():
            if not _is_zero(value):
                self.check(value, value, self.known.get(name, DIMENSIONLESS))


def _is_zero(value: str) -> bool:
    try:
        return float(value.partition("*")[0]) == 0
    except ValueError:
        return False
