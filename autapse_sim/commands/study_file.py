"""What a study is to do: the tables of its file, with what was typed in their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from autapse_sim.commands.options import pair, pairs, plain, put
from autapse_sim.errors import InputError

SECTIONS = ("grid", "circuit", "protocol", "task", "parameters", "run", "slurm")
"""The tables of a study file."""
FIXED = {"circuit": "circuit", "protocol": "protocol", "task": "task", "parameters": "parameter"}
"""The tables of what all combinations share, and what their names have before the dot in a grid."""
RUN = {"engine": "auto", "on": "local", "retries": 1}
"""What the table `run` may say, and what holds else."""
Tables = dict[str, dict[str, Any]]
"""What is said, by table and name."""


def tables(path: Path | None, options: Mapping[str, Any]) -> Tables:
    """The tables of a study file with what was typed in their place."""
    written, typed = _read(path), _typed(options)
    for said in (written, typed):
        for table, name, again in _twice(said, said["grid"]):
            raise InputError(
                f"{again} is crossed, and {name if table != 'task' else f'task {name}'} is given one value, "
                f"{said[table][name]!r}; leave one of them out"
            )
    for table, name, _ in _twice(written, typed["grid"]):
        del written[table][name]
    for _, _, again in _twice(typed, written["grid"]):
        del written["grid"][again]
    return {name: {**written[name], **typed[name]} for name in SECTIONS}


def _twice(fixed: Tables, grid: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What has one value and is crossed: the table, the name there, and that in the grid."""
    found = []
    for table, place in FIXED.items():
        for name in fixed[table]:
            whole = ("task", "tasks") if (table, name) == ("task", "name") else (name, f"{place}.{name}")
            found += [(table, name, again) for again in whole if again in grid]
    return found


def _read(path: Path | None) -> Tables:
    """The tables of a study file."""
    import tomllib

    written: dict[str, Any] = {}
    if path is not None:
        try:
            written = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{path} is no TOML file: {error}") from error
    for name, table in written.items():
        if name not in SECTIONS or not isinstance(table, dict):
            raise InputError(f"{path}: {name!r} is no table of a study; its tables are {', '.join(SECTIONS)}")
    for name in written.get("run", {}):
        if name not in RUN:
            raise InputError(f"{path}: run has no {name!r}; it has {', '.join(RUN)}")
    found = {name: dict(written.get(name, {})) for name in SECTIONS}
    found["grid"] = {name: value if isinstance(value, list) else [value] for name, value in found["grid"].items()}
    return found


def _typed(options: Mapping[str, Any]) -> Tables:
    """The same tables as they were typed."""
    typed: Tables = {name: {} for name in SECTIONS}
    for text in options["grid"]:
        name, values = pair(text, "--grid", "tau=5ms,10ms")
        put(typed["grid"], name, [_value(name, each) for each in values.split(",")])
    for name in ("rule", "neuron", "task"):
        given = list(options[name])
        if len(given) > 1:
            put(typed["grid"], name, given)
        elif given:
            typed["task" if name == "task" else "circuit"]["name" if name == "task" else name] = given[0]
    for name in ("replicates", "seed"):
        if options[name] is not None:
            typed["protocol"][name] = options[name]
    for text in options["fixed"]:
        name, value = pair(text, "--set", "train=50")
        put(typed[_table_of(name)], name, _value(name, value))
    for name, value in pairs(options["task_option"], "--task-option", "probability=0.1").items():
        put(typed["task"], name, plain(value))
    typed["parameters"] = pairs(options["parameter"], "--parameter", "eta=0.1")
    typed["run"] = {name: options[name] for name in RUN if options[name] is not None}
    return typed


def _kinds() -> dict[str, dict[str, Any]]:
    """The fields of circuits and protocols with their defaults."""
    from autapse_sim.spec.circuit import Circuit
    from autapse_sim.spec.protocol import Protocol

    kinds = {"circuit": Circuit, "protocol": Protocol}
    return {
        place: {each.name: None if each.default is MISSING else each.default for each in fields(kind)}
        for place, kind in kinds.items()
    }


def _table_of(name: str) -> str:
    for place, known in _kinds().items():
        if name in known:
            return place
    known_fields = sorted({each for known in _kinds().values() for each in known})
    raise InputError(f"--set {name}: circuits and protocols have {', '.join(known_fields)}; tasks have -t, models -p")


def _value(name: str, text: str) -> Any:
    """A value that was typed: text where the field holds text, names joined by + where it holds several."""
    defaults = {**_kinds()["protocol"], **_kinds()["circuit"]}
    default = defaults.get(name.rpartition(".")[2], 0)
    if isinstance(default, str):
        return text
    value = plain(text)
    return tuple(filter(None, text.split("+"))) if isinstance(default, tuple) and isinstance(value, str) else value
