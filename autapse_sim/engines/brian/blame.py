"""Where in a user's files the mistake is that Brian2 found in the equations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from brian2 import Equations
from brian2.equations.equations import DIFFERENTIAL_EQUATION
from brian2.parsing.sympytools import str_to_sympy

from autapse_sim.errors import InputError
from autapse_sim.spec.algebra import slope
from autapse_sim.spec.circuit import TAUGHT_BY
from autapse_sim.spec.language import names
from autapse_sim.spec.library import Models
from autapse_sim.spec.lines import line_like, line_of
from autapse_sim.spec.model import Neuron, Rule
from autapse_sim.spec.vocabulary import FUNCTIONS


def causes(error: BaseException) -> list[BaseException]:
    """An error and what caused it, the innermost last."""
    found = [error]
    while found[-1].__cause__ is not None:
        found.append(found[-1].__cause__)
    return found


def explained(error: BaseException, models: Models) -> InputError:
    """What Brian2 found wrong in the equations, as one line with the file and line that the user wrote."""
    found = causes(error)
    text = str(found[-1].args[0]) if isinstance(found[-1], KeyError) else str(found[-1])
    text = re.sub(r"\bautapse_(own_)?", "", " ".join(text.split()))
    if re.search(r'identifier "(zoo|oo|nan|I)"', text):  # as SymPy calls them
        text = "an equation divides by zero, or comes to what is no real number"
    named = [str(getattr(cause, "_brian_objname", "")) for cause in found]
    return InputError(f"{_place(text, _suspects(next(filter(None, named), ''), models))}: {text}")


def _suspects(name: str, models: Models) -> list[Neuron | Rule]:
    """All models, those first that make the object of that name."""
    group, _, rest = name.partition("_")
    every: list[Neuron | Rule] = [models.neuron, models.rule, models.readout_rule, models.feedback_rule]
    makers: dict[str, Neuron | Rule] = {"neurons": models.neuron, "outputs": models.readout_rule}
    first = makers.get(group, models.rule)
    if group == "projection" and rest.partition("_")[0] in TAUGHT_BY:
        first = models.teacher(rest.partition("_")[0])
    return sorted(every, key=lambda model: model is not first)


def _place(text: str, suspects: list[Neuron | Rule]) -> str:
    """The file, and the line where it can be found, that an error speaks of; the likeliest model is the first."""
    if text.startswith("Refractory"):
        return next(line_of(model, "refractory") for model in suspects if isinstance(model, Neuron))
    quoted = re.findall(r"['\"]([^'\"]+)['\"]", text)
    words = names(*quoted) - set(FUNCTIONS)
    if "noise" in text or "stochastic" in text:
        words |= {word for model in suspects for word in names(*model.texts) if word.partition("_")[0] == "xi"}
    if "conditionally linear" in text:
        words |= {name for model in suspects for name in _bent(model)}
    likely = [line_like(model, words) for model in suspects]
    return max(likely, key=lambda each: each[0])[1]  # of those that are as likely, the first


def _bent(model: Neuron | Rule) -> Iterator[str]:
    """The variables of a model whose equations are not linear in themselves."""
    texts = [model.equations] if isinstance(model, Neuron) else [model.trace, model.postsynaptic, model.eligibility]
    for equations in map(Equations, texts):
        for name in equations:
            if equations[name].type == DIFFERENTIAL_EQUATION:
                right = str_to_sympy(equations[name].expr.code)
                if any(slope(right, symbol).has(symbol) for symbol in right.free_symbols if symbol.name == name):
                    yield name
