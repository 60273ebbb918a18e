"""A failing case made smaller for as long as it fails in the same way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from agreement import BAD, Judgement
from grammar import Case

OPTIONAL = {
    "circuit": {"substeps", "delay", "returned", "loss"},
    "protocol": {"update", "batch", "optimiser", "epsilon", "averaging", "constraints", "bound", "reset"},
}
LEAST = {
    "circuit": {"neurons": 1},
    "protocol": {"replicates": 1, "train": 1, "validate": 0, "test": 0, "validate_every": 1},
    "task": {"seed": 0, "steps": 1, "inputs": 1, "outputs": 1, "shared": False, "masked": 0.0},
}


def signature(judgement: Judgement) -> str:
    """The way in which a case fails, without names and numbers."""
    said = judgement.said.strip()
    if judgement.kind == "crash":
        said = said.splitlines()[-1]
    elif judgement.kind == "differ":
        said = said.partition(":")[0]
    else:
        said = " | ".join(re.sub(r"\S*\.py(, line \d+)?:?", "", line) for line in said.splitlines())
    return f"{judgement.kind}: " + re.sub(r"'[^']*'|\"[^\"]*\"|\d+(\.\d+)?", "_", said)


def shrunk(
    case: Case,
    judge: Callable[[Case], Judgement],
    report: Callable[[Case, Judgement], None],
    budget: int = 300,
) -> tuple[Case, Judgement]:
    """The smallest case found that fails in the same way, and how it fails; `report` hears of each on the way."""
    now = judge(case)
    wanted, left = signature(now), budget if now.kind in BAD else 0
    before = None
    while case != before:
        before = case
        for way in (_fewer_options, _fewer_texts, _simpler_texts):
            place = 0
            # after a success the same place holds something new
            while left and (other := next(islice(way(case), place, None), None)) is not None:
                left -= 1
                found = judge(other)
                if signature(found) == wanted:
                    case, now = other, found
                    report(case, now)
                else:
                    place += 1
    return case, now


def _fewer_texts(case: Case) -> Iterator[Case]:
    for name, default in (("readout_rule", "delta"), ("feedback_rule", "kolen_pollack")):
        if getattr(case, name) != default:
            yield replace(case, **{name: default})
    for name, text in case.files.items():
        for kept in _fewer_lines(text.split("\n")):
            yield replace(case, **{name: "\n".join(kept)})


def _simpler_texts(case: Case) -> Iterator[Case]:
    for name, text in case.files.items():
        for simpler in _simpler(text):
            yield replace(case, **{name: simpler})


def _fewer_options(case: Case) -> Iterator[Case]:
    for name in case.parameters:
        yield replace(case, parameters=_less(case.parameters, name))
    for weights in case.circuit["learn"]:
        fewer = [name for name in case.circuit["learn"] if name != weights]
        yield replace(case, circuit={**case.circuit, "learn": fewer})
    for what, names in OPTIONAL.items():
        options = getattr(case, what)
        for name in sorted(names & options.keys()):
            yield replace(case, **{what: _less(options, name)})
    for what, values in LEAST.items():
        options = getattr(case, what)
        for name, least in values.items():
            for value in dict.fromkeys((least, _half(options[name], least))):
                if options[name] != value:
                    yield replace(case, **{what: {**options, name: value}})


def _less(options: Any, name: str) -> dict:
    return {key: value for key, value in options.items() if key != name}


def _half(value: Any, least: Any) -> Any:
    return (value + least) // 2 if isinstance(value, int) and not isinstance(value, bool) else least


def _fewer_lines(lines: list[str]) -> Iterator[list[str]]:
    size = len(lines) // 2
    while size:
        for first in range(0, len(lines), size):
            yield lines[:first] + lines[first + size :]
        size //= 2


def _simpler(text: str) -> Iterator[str]:
    """Texts with one bracket less, one statement a line, or one comment less."""
    for found in re.finditer(r";| +#.*| [-+*] [\w.]+(?=[\s*/)\"]|$)", text):
        yield text[: found.start()] + ("\n" if found[0] == ";" else "") + text[found.end() :]
    for found in re.finditer(r"\w*\(", text):
        end = _closing(text, found.end())
        if end:
            for other in (text[found.end() : end], "0.37", ""):
                yield text[: found.start()] + other + text[end + 1 :]


def _closing(text: str, start: int) -> int:
    depth = 1
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return place
        if text[place] == "\n":
            break
    return 0
