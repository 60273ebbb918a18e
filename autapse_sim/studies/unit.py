"""What a unit is: a pure function of itself, whoever runs it and whenever, under a name that says which."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import numpy as np

import autapse_sim
from autapse_sim.checks import numbers
from autapse_sim.results.result import Result
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.model import is_file
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.shown import foreseen, observed, sampled
from autapse_sim.training.description import sources_of

QUIET = {"plots", "report", "commands", "models"}
"""Folders that change no number of a unit; units tell of the models that they run."""


class Unit(Protocol):
    """A frozen value that determines its result."""

    @property
    def work(self) -> int:
        """How many networks it trains."""
        ...

    def parts(self) -> Mapping[str, Any]:
        """All that determines the result beside the code, as `told` takes it."""
        ...

    def run(self) -> Result:
        """The result."""
        ...


def name_of(unit: Unit) -> str:
    """The hash of all that determines a unit's result."""
    parts = [code(), f"{type(unit).__module__}.{type(unit).__qualname__}", told(unit.parts())]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


@lru_cache(maxsize=1)
def code() -> str:
    """The hash of what computes: this package and the versions of others."""
    here = Path(__file__).parent.parent
    digest = hashlib.sha256(repr([metadata.version(name) for name in ("brian2", "numpy", "scipy")]).encode())
    for path in sorted(path for end in ("py", "h", "cpp") for path in here.rglob(f"*.{end}")):
        if not QUIET & set(path.relative_to(here).parts):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def told(value: Any) -> Any:
    """A value as JSON holds it, the same for all that is the same: arrays by their content.

    Examples
    --------
    >>> told({"eta": np.float64(0.1), "units": (1, 2)})
    {'eta': 0.1, 'units': [1, 2]}
    """
    if isinstance(value, np.ndarray):
        return [list(value.shape), hashlib.sha256(np.ascontiguousarray(value, dtype=float).tobytes()).hexdigest()]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Circuit):
        return told_circuit(value)
    if is_dataclass(value):
        return {field.name: told(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): told(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [told(each) for each in value]
    return value


def told_circuit(circuit: Circuit) -> dict[str, Any]:
    """What a circuit is: its fields, and what stands in its models wherever these lie."""
    named = {
        name: None if isinstance(value, str) and is_file(value) else value for name, value in asdict(circuit).items()
    }
    return {**told(named), "models": list(sources_of(circuit).values())}


def told_task(task: Task, trajectories: int) -> Any:
    """What a task is: its fields where it is one of this package, else what it shows and says of itself.

    A choice may show in few trajectories only: what fields of a user's task can be told are told beside these.
    """
    kind = f"{type(task).__module__}.{type(task).__qualname__}"
    if is_dataclass(task) and kind.startswith(f"{autapse_sim.__name__}."):
        return [kind, {field.name: told(getattr(task, field.name)) for field in fields(task)}]
    # a copy, since who writes a task may count what it hands out
    shown = sampled(copy.deepcopy(task), np.random.default_rng(0), 1, trajectories)
    x, y = (numbers(f"task: {name}", values) for name, values in zip("xy", shown, strict=True))
    says = {name: getattr(task, name, None) for name in ("scored", "blanked", "horizon", "units")}
    for name, ask in {"observed": observed, "physics": foreseen}.items():  # what controls are told
        if getattr(task, name, None):
            says[name] = ask(task, x)
    names: list[str] = [field.name for field in fields(task)] if is_dataclass(task) else []
    says["options"] = {name: getattr(task, name) for name in names if _is_plain(getattr(task, name))}
    return [type(task).__qualname__, told(x), told(y), told(says)]


def _is_plain(value: Any) -> bool:
    """Whether it is numbers, texts or nothing: what says itself the same each time."""
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    counted = getattr(getattr(value, "dtype", None), "kind", "") in tuple("biuf")
    return value is None or isinstance(value, bool | int | float | str) or counted
