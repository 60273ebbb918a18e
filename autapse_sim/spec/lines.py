"""Where words stand in model files: what an error names beside what is wrong."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from autapse_sim.errors import InputError
from autapse_sim.spec.language import clean, names

if TYPE_CHECKING:
    from autapse_sim.spec.model import Neuron, Rule


def line_of(model: Neuron | Rule, word: str, text: str | None = None) -> str:
    """Where `word` stands in the texts of a model, or in one of them, as 'file, line N' (or the file alone)."""
    if model.path is None:
        return "the model"
    for line, place in _lines(model, text):
        if {word, f"d{word}"} & names(line) or (not word.isidentifier() and word in line):
            return place
    return line_of(model, word) if text is not None else str(model.path)


def line_like(model: Neuron | Rule, words: set[str]) -> tuple[int, str]:
    """How many of some words stand together in a line of a model's texts, at most, and where that is."""
    found = [(0, str(model.path))]
    for line, place in _lines(model):
        known = names(line) | {name.removeprefix("d") for name in names(line.partition("/dt")[0])}
        found.append((len(known & words), place))
    return max(found, key=lambda each: each[0])


def _lines(model: Neuron | Rule, text: str | None = None) -> Iterator[tuple[str, str]]:
    """The lines of the texts of a model, or of one of them, and where each stands."""
    for start, step, written in texts_at(model.source):
        if text is None or written == text:
            for number, line in enumerate(written.split("\n")):
                yield line, f"{model.path}, line {start + step * number}"


@lru_cache(maxsize=64)
def texts_at(source: str) -> list[tuple[int, int, str]]:
    """The texts and the names of fields in a model file, without comments.

    Each with the line that it begins in, and with how many lines further the next line of the text stands.
    """
    tree = ast.parse(source)
    first = tree.body[0] if tree.body else None
    docstring = first.value if isinstance(first, ast.Expr) else None
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node is not docstring:
            with contextlib.suppress(InputError):  # where it is no text in the language of models
                further = (node.end_lineno or node.lineno) - node.lineno
                step = int(further == node.value.count("\n"))  # 0 where a line end is written \\n
                found.append((node.lineno, step, clean(node.value)))
        elif isinstance(node, ast.keyword) and node.arg:
            found.append((node.lineno, 0, node.arg))
    return sorted(found)
