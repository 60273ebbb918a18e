"""One text of a model: its equations and expressions, and what may stand in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType

from brian2 import Equations
from brian2.equations.equations import DIFFERENTIAL_EQUATION, FLOAT, INTEGER, PARAMETER, SUBEXPRESSION
from brian2.parsing.sympytools import str_to_sympy
from sympy import Basic, S

from autapse_sim.errors import InputError, in_a_line
from autapse_sim.names import shown
from autapse_sim.spec import vocabulary
from autapse_sim.spec.hints import hint, listed, made_of_themselves, no_equations, no_function
from autapse_sim.spec.language import (
    Statement,
    called,
    is_condition,
    names,
    parsed,
    renamed,
    statements,
    words_of_python,
)
from autapse_sim.spec.lines import line_of
from autapse_sim.spec.model import Neuron, Rule
from autapse_sim.spec.vocabulary import refusal

_DEFINES = re.compile(r"^\s*(\w+)\s*(/dt)?\s*[=:]", re.MULTILINE)
FLAGS = {DIFFERENTIAL_EQUATION: {"unless refractory", "clock-driven"}}
SYNAPTIC_FLAGS = {DIFFERENTIAL_EQUATION: {"clock-driven", "event-driven"}, SUBEXPRESSION: {"summed"}}
"""What may be said of an equation of neurons, and of synapses."""
MEANT = {
    "unless refractory": "take it away, or multiply by int(not_refractory_post): a synapse is not refractory itself",
    "event-driven": "take it away: equations of neurons are integrated at every step",
    "constant over dt": "take it away; what draws random numbers is written where it is read, or kept in a state",
    "summed": "take it away; synapses sum in the eligibility of a rule, or in sums",
}
"""What to write instead of a flag in the wrong place."""


def read_equations(model: Neuron | Rule, text: str, place: Iterable[str]) -> Equations:
    """Equations as Brian2 reads them; refused where they define what they may not, or in a way that means nothing."""
    if not text.strip():
        return Equations("")
    try:
        for line in text.splitlines():
            parsed(_unit(line))
        equations = Equations(text)
    except Exception as error:  # of pyparsing, Brian2 or SymPy
        if words := words_of_python(text):
            raise InputError(f"{line_of(model, words[0], text)}: {words[0]!r} is a word of Python; rename it") from None
        said = " ".join(str(error.__cause__ or error).split())
        ring, line = made_of_themselves(text) if "cycle" in said else ("", "")
        if ring:
            raise InputError(f"{line_of(model, line, text)}: {ring}") from None
        quoted = re.search(r"'([^']+)'", f"{said} {error}")
        where = line_of(model, quoted[1].strip() if quoted else text.strip().splitlines()[0].strip(), text)
        raise InputError(f"{where}: {no_equations(text, said)}") from None
    for name in equations:
        equation = equations[name]
        target = name.removesuffix("_post") if "summed" in equation.flags else name
        where = line_of(model, name, text)
        reason = refusal(target, () if "summed" in equation.flags else place)
        if reason and name == "w" and "w" in place:
            still = equation.type == PARAMETER
            meant = "w is there already; take it away" if still else "write for example 'w += step*(...)' there"
            raise InputError(f"{where}: the weight w changes in update; {meant}")
        if reason:
            raise InputError(f"{where}: {name!r} cannot be defined here: {reason}; rename it")
        flags = SYNAPTIC_FLAGS if "w" in place else FLAGS
        wrong = set(equation.flags) - flags.get(equation.type, set()) - {""}
        if "constant" in wrong:
            raise InputError(
                f"{where}: {name} is constant and nothing gives it a value; take it out of the equations and write "
                f"parameters={{{name!r}: ...}}"
            )
        if wrong:
            raise InputError(
                f"{where}: the flag ({min(wrong)}) means nothing here; {MEANT.get(min(wrong), 'take it away')}"
            )
        if equation.type != SUBEXPRESSION and equation.var_type != FLOAT:
            raise InputError(f"{where}: {name} is no real number; declare it as '{name} : 1'")
        if equation.var_type == INTEGER:  # it would be cut in C++ alone
            raise InputError(f"{where}: {name} is no real number; write '{name} = int(...) : 1' for a whole one")
    return equations


def _unit(line: str) -> str:
    """The unit that a line of equations ends with, without flags; 1 where it ends with none."""
    _, colon, end = line.rpartition(":")
    return (end.partition("(")[0].strip() if colon else "") or "1"


@dataclass(frozen=True)
class Scope:
    """What may stand in a text.

    Parameters
    ----------
    model : Neuron or Rule
        Whose text it is.
    place : str
        How the place is called in messages.
    known : frozenset of str
        All that may be read there.
    numbers : mapping of str to int
        The values of those that count neurons or synapses, where these are known.
    """

    model: Neuron | Rule
    place: str
    known: frozenset[str]
    numbers: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, model: Neuron | Rule, place: str, *known: Iterable[str], numbers: Mapping[str, int] = MappingProxyType({})
    ) -> Scope:
        return cls(model, place, frozenset().union(vocabulary.everywhere(), *known), numbers)

    def check(self, expression: str, text: str, temporary: Iterable[str] = ()) -> None:
        """Refuse an expression that is none, or that reads what is not known."""
        first = next(iter(expression.split()), "")
        try:
            parsed(expression, self.numbers)
        except InputError as error:
            raise InputError(f"{line_of(self.model, first, text)}: {error}") from None
        for name, count in called(expression):
            where, right = line_of(self.model, name, text), vocabulary.ARGUMENTS.get(name, 1)
            if name not in vocabulary.FUNCTIONS:
                raise InputError(f"{where}: {no_function(name)}")
            if count != right:
                many = f"{count} argument{'s' * (count != 1)}"
                raise InputError(f"{where}: {name} has {many} in {shown(expression)}; it takes {right}")
        for name in sorted(names(expression) - self.known - set(temporary)):
            raise self.unknown(name, text)

    def check_equations(self, text: str, equations: Equations) -> None:
        """Refuse equations that read what is not known, or come to no number whatever the values of their names."""
        noise = {word for word in names(text) if word == "xi" or word.startswith("xi_")}
        made: dict[str, Basic] = {}
        for equation in equations.ordered:
            if equation.expr is None:
                continue
            name, code = equation.varname, equation.expr.code
            self.check(code, text, noise if equation.type == DIFFERENTIAL_EQUATION else ())
            where = line_of(self.model, name, text)
            if equation.type == DIFFERENTIAL_EQUATION and is_condition(code):
                raise InputError(f"{where}: {shown(code)} is true or false, and no rate; write int(...) around it")
            if equation.type == SUBEXPRESSION and "summed" not in equation.flags and name not in ("activity", "sent"):
                self.check_undrawn(name, code, text)
            try:  # as Brian2 puts equations together, and takes apart what it integrates
                value = str_to_sympy(renamed(code, {word: str(count) for word, count in self.numbers.items()}))
                inside = {symbol: made[symbol.name] for symbol in value.free_symbols if symbol.name in made}
                value = value.xreplace(inside)
            except Exception as error:  # of SymPy, of any kind
                raise InputError(f"{where}: {shown(code)} is no number: {in_a_line(error)}") from None
            if value.has(S.ComplexInfinity, S.NaN, S.ImaginaryUnit):
                raise InputError(f"{where}: {shown(code)} divides by zero, or comes to what is no real number")
            if equation.type == SUBEXPRESSION:
                made[name] = value

    def check_undrawn(self, name: str, code: str, text: str) -> None:
        """Refuse random numbers where an expression is computed anew each time that it is read."""
        drawn = sorted(names(code) & {"rand", "randn"})
        if drawn:
            raise InputError(
                f"{line_of(self.model, name, text)}: {name!r} draws random numbers, and is another one wherever it is "
                f"read; write {drawn[0]}() where it is read, or in a state that a statement sets"
            )

    def unknown(self, name: str, text: str) -> InputError:
        """What to say of a name that means nothing here."""
        where = line_of(self.model, name, text)
        known = self.known - vocabulary.everywhere()
        synaptic = defined(self.model.eligibility) - self.known if isinstance(self.model, Rule) else set()
        meant = hint(name, known | {*vocabulary.TIME}, defined(text) & self.known, synaptic)
        said = f"; {meant}" if meant else ""
        return InputError(f"{where}: {name!r} means nothing in {self.place}{said} (known there: {listed(known)})")

    def check_statements(self, text: str, writes: Iterable[str], why: str) -> list[Statement]:
        """Refuse assignments to what may not be written, and temporaries that are read too early or never."""
        try:
            found = statements(text)
        except InputError as error:
            word = next(iter(str(error).strip("'\"").split()), "")
            raise InputError(f"{line_of(self.model, word, text)}: {error}") from None
        writes = set(writes)
        temporary: dict[str, int] = {}
        for number, each in enumerate(found):
            self.check(each.value, text, temporary)
            if each.name in writes:
                continue
            if each.name in self.known or each.name.endswith(("_pre", "_post")) or refusal(each.name):
                where = line_of(self.model, each.name, text)
                if each.name not in self.known and not refusal(each.name.rpartition("_")[0] or each.name):
                    raise self.unknown(each.name, text)
                reason = refusal(each.name)
                if each.name not in self.known and not each.name.endswith(("_pre", "_post")):
                    raise InputError(f"{where}: {each.name!r} cannot be a temporary: {reason}; rename it")
                constant = "a parameter stays as it is; declare a state of your own for what changes"
                reason = constant if each.name in self.model.parameters else why
                raise InputError(f"{where}: {str(each)!r} assigns to {each.name!r}; {reason}")
            if each.operator and each.name not in temporary:
                raise self.unknown(each.name, text)
            temporary[each.name] = number
        for name, number in temporary.items():
            later = [names(each.value) | ({each.name} if each.operator else set()) for each in found[number + 1 :]]
            if not any(name in read for read in later):
                near = get_close_matches(name, sorted(writes), n=1, cutoff=0.6)
                hint = f"; did you mean {near[0]!r}?" if near else "; declare it in the equations, or take it away"
                raise InputError(f"{line_of(self.model, name, text)}: {name!r} is set and never read{hint}")
        return found


def defined(text: str) -> set[str]:
    """What the lines of a text define, whether or not they are equations."""
    return {each[1].removeprefix("d") if each[2] else each[1] for each in _DEFINES.finditer(text)}
