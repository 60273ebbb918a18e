"""The equations of models, typeset from the texts that ran; nothing in these is executed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import TypeGuard

from autapse_sim.names import short
from autapse_sim.results.report.html import preformatted, safe
from autapse_sim.results.report.mathml import identifier, math, operator, pieces, rate
from autapse_sim.results.report.notation import EQUATION, FIELDS, STATEMENT

KINDS = ("Neuron", "Rule", "Connection", "Activation")
_FILE = re.compile(r"^# (\S+\.py|(?:Neuron|Rule)-[0-9a-f]{8})$", re.MULTILINE)


def typeset(texts: object) -> str:
    """The equations of models as HTML, by name where they have names, each with its text behind a summary."""
    if not texts:
        return ""
    if isinstance(texts, Mapping):
        parts = (f"<h3>{safe(short(str(name)))}</h3>\n{_one(str(text))}" for name, text in texts.items())
        return "\n".join(parts)
    return _one(str(texts))


def _one(text: str) -> str:
    lines = list(formulas(text))
    return "\n".join([*lines, preformatted(text, "as it ran")]) if lines else preformatted(text)


def formulas(text: str) -> Iterator[str]:
    """Headings and formulas of the model files in a text."""
    places = [*_FILE.finditer(text)]
    for place, following in zip(places, [*places[1:], None], strict=False):
        for model in models_in(text[place.end() : following.start() if following else len(text)]):
            yield f'<p class="soft">{safe(place[1])}</p>'
            yield from model


def models_in(source: str) -> Iterator[list[str]]:
    """Headings and formulas of each model that the text of a file defines; none where it cannot be read."""
    try:
        made = [node for node in ast.walk(ast.parse(source)) if _makes(node, *KINDS[:2])]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    yield from ([*_fields(node)] for node in made)


def _makes(node: ast.AST | None, *kinds: str) -> TypeGuard[ast.Call]:
    """Whether it makes an object of one of these classes."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds


def _fields(model: ast.Call) -> Iterator[str]:
    """What each field of a model says."""
    for keyword in model.keywords:
        value, name = keyword.value, keyword.arg or ""
        if name == "connections":
            for each in ast.walk(value):
                yield from _fields(each) if _makes(each, "Connection") else ()
        elif name in FIELDS:
            lines = [*_lines(value)]
            yield from [f'<p class="soft">{FIELDS[name]}</p>', *lines] if lines else []


def _lines(value: ast.expr) -> Iterator[str]:
    """The formulas of a field: of its text, or of each text in a mapping."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        for line in re.split(r"[\n;]", value.value):
            yield from _formula(line)
    elif isinstance(value, ast.Dict):
        for key, each in zip(value.keys, value.values, strict=True):
            named = _said(key) if isinstance(key, ast.Constant) else ""
            if _makes(each, "Activation"):
                yield from _activation(named, each)
            else:
                yield from _formula(f"{named} = {_said(each)}", "=")


def _said(value: ast.expr) -> str:
    """A text as it is, and all else as Python writes it."""
    return value.value if isinstance(value, ast.Constant) and isinstance(value.value, str) else ast.unparse(value)


def _activation(name: str, made: ast.Call) -> Iterator[str]:
    """An activation and its derivative."""
    given = [*zip(("f", "f_prime"), made.args, strict=False), *((each.arg, each.value) for each in made.keywords)]
    yield f'<p class="soft">{safe(name)}</p>'
    for key, value in given:
        if isinstance(value, ast.Constant):
            yield from _formula(f"{key} = {_said(value)}", "=")


def _formula(line: str, sets: str = "←") -> Iterator[str]:
    """One line of a model: an equation, a statement or an expression; as it is where it is none of these."""
    line = line.partition("#")[0].strip()
    if not line:
        return
    try:
        yield f'<div class="formula">{" ".join(_typeset_line(line, sets))}</div>'
    except (SyntaxError, ValueError, KeyError, RecursionError):
        yield f'<div class="formula"><code>{safe(line)}</code></div>'


def _typeset_line(line: str, sets: str) -> list[str]:
    equation, statement = EQUATION.fullmatch(line), STATEMENT.fullmatch(line)
    if equation:
        left = rate(equation["rate"]) if equation["rate"] else identifier(equation["name"])
        unit, _, flags = equation["unit"].strip().rstrip(")").partition("(")
        told = [each.strip() for each in (unit, flags) if each.strip() not in ("", "1")]
        told = [f'<span class="soft">({safe(", ".join(told))})</span>'] if told else []
        value = pieces(equation["value"]) if equation["value"] else []
        return [math(left, operator("=")) if value else math(left), *value, *told]
    if statement:
        name = statement["name"]
        sign = statement["operator"]
        right = f"{name} {sign} ({statement['value']})" if sign else statement["value"]
        return [math(identifier(name), operator(sets)), *pieces(right)]
    return pieces(line)
