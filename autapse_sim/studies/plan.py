"""The plan of a study: its units, each a frozen value that determines its result to the bit."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from itertools import product
from typing import Any

import numpy as np

import autapse_sim
from autapse_sim.declared import resolve_parameters
from autapse_sim.description import sources_of
from autapse_sim.errors import InputError
from autapse_sim.experiment import choose_engine
from autapse_sim.names import shown
from autapse_sim.sizes import at_once, check_sizes
from autapse_sim.studies.axes import Axis, Setting, crossed
from autapse_sim.tasks.arrays import ArrayTask
from autapse_sim.tasks.base import Task
from autapse_sim.units import Amount

TOGETHER, BLOCK = 2500, 100
"""The most networks and the most replicates of a unit: what a kill may cost, and what a program is started for."""


@dataclass(frozen=True)
class Unit:
    """Some replicates of one combination, for all values of the parameters that are crossed: one run of one program.

    Parameters
    ----------
    setting : Setting
        What is run; its protocol has all replicates of the study.
    engine : str
        Who runs it.
    start, count : int
        The first of its replicates, and how many.
    grid : mapping of str to tuple of Amount
        The parameters that are crossed within it.
    sources : mapping of str to str
        The texts of its models by their paths.
    name : str
        The hash of all that determines the result.
    """

    setting: Setting
    engine: str
    start: int
    count: int
    grid: Mapping[str, tuple[Amount, ...]]
    sources: Mapping[str, str]
    name: str

    @property
    def networks(self) -> int:
        """How many it trains."""
        return self.count * int(np.prod([len(values) for values in self.grid.values()], dtype=int))


@dataclass(frozen=True)
class Plan:
    """The axes of a study and its units, each with where it belongs.

    Parameters
    ----------
    axes : tuple of Axis
        In the order of the result.
    replicates : int
        Of each combination.
    units : tuple of Unit
        In order.
    places : tuple of mapping of str to int
        Where each unit is along the axes that it does not cross itself.
    """

    axes: tuple[Axis, ...]
    replicates: int
    units: tuple[Unit, ...]
    places: tuple[Mapping[str, int], ...]

    @property
    def trainings(self) -> int:
        """How many networks are trained."""
        return sum(unit.networks for unit in self.units)

    @property
    def programs(self) -> int:
        """How many units have circuits of their own, which are compiled once each."""
        compiled = [unit.setting for unit in self.units if unit.engine == "standalone"]
        return len({repr((each.circuit, each.protocol.update, type(each.task))) for each in compiled})


def planned(axes: Sequence[Axis], base: Setting, engine: str) -> Plan:
    """Split a study into units.

    Parameters of the models ride with the replicates of one program, all else makes units of their own. A parameter
    that a combination does not have is not crossed there: its result is the same for all values.
    """
    riding = [axis for axis in axes if axis.place == "parameter"]
    structural = [axis for axis in axes if axis.place != "parameter"]
    units, places = [], []
    for where, setting in crossed(structural, base):
        chosen = choose_engine(setting.circuit, engine)
        declared = resolve_parameters(setting.circuit, {}, 1)
        mine = {axis.field: axis.values for axis in riding if axis.field in declared}
        given = {name: value for name, value in setting.parameters.items() if name in declared}
        setting = replace(setting, parameters=given)
        for values in product(*mine.values()):
            resolve_parameters(setting.circuit, {**given, **dict(zip(mine, values, strict=True))}, 1)
        sources = sources_of(setting.circuit)
        for start, count in _blocks(setting, mine):
            unit = Unit(setting, chosen, start, count, mine, sources, "")
            units.append(replace(unit, name=_name(unit)))
            places.append(where)
    _check_parameters(base, axes, units)
    return Plan(tuple(axes), base.protocol.replicates, tuple(units), tuple(places))


def _check_parameters(base: Setting, axes: Sequence[Axis], units: Sequence[Unit]) -> None:
    """Refuse a parameter that no circuit of the study has."""
    for name in base.parameters:
        if not any(name in unit.setting.parameters for unit in units):
            raise InputError(f"parameter {shown(name)} is one of no circuit of this study")


def _blocks(setting: Setting, grid: Mapping[str, tuple[Amount, ...]]) -> list[tuple[int, int]]:
    """The blocks of replicates of a setting: the same ones whatever the number of replicates is."""
    combinations = int(np.prod([len(values) for values in grid.values()], dtype=int))
    many = replace(setting.protocol, replicates=max(BLOCK, TOGETHER))
    room = at_once(setting.circuit, setting.task, many)
    size = max(1, min(BLOCK, TOGETHER // combinations, room // combinations))
    check_sizes(setting.circuit, setting.task, replace(many, replicates=size, record=0), size, combinations)
    total = setting.protocol.replicates
    return [(start, min(size, total - start)) for start in range(0, total, size)]


def _name(unit: Unit) -> str:
    """The hash of all that determines a unit's result."""
    setting = unit.setting
    protocol = {**asdict(setting.protocol), "replicates": None, "record": None}
    parts = {
        "version": autapse_sim.__version__,
        "circuit": asdict(setting.circuit),
        "task": _told(setting.task, setting.protocol.trajectories),
        "protocol": protocol,
        "parameters": {name: str(value) for name, value in setting.parameters.items()},
        "engine": unit.engine,
        "block": [unit.start, unit.count],
        "grid": {name: [[each.value, each.unit] for each in values] for name, values in unit.grid.items()},
        "models": dict(unit.sources),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _told(task: Task, trajectories: int) -> Any:
    """What a task is: its fields where it is one of this package, else what it shows."""
    kind = f"{type(task).__module__}.{type(task).__qualname__}"
    if is_dataclass(task) and kind.startswith("autapse_sim.") and not isinstance(task, ArrayTask):
        return [kind, {each.name: getattr(task, each.name) for each in fields(task)}]
    held = (task.x, task.y) if isinstance(task, ArrayTask) else task.sample(np.random.default_rng(0), 1, trajectories)
    digest = hashlib.sha256()
    for array in (*held, np.asarray(getattr(task, "scored", None) or 0, dtype=float)):
        digest.update(f"{np.shape(array)}".encode() + np.ascontiguousarray(array, dtype=float).tobytes())
    return [type(task).__qualname__, digest.hexdigest()]
