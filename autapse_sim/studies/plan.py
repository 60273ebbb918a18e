"""The plan of a study: its units, each a frozen value that determines its result to the bit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from autapse_sim.errors import InputError
from autapse_sim.names import shown
from autapse_sim.spec.model import carried
from autapse_sim.spec.units import Amount
from autapse_sim.studies.axes import Axis, Setting, crossed
from autapse_sim.studies.training import Training
from autapse_sim.studies.unit import name_of
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import checked_sizes
from autapse_sim.training.sizes import at_once, check_sizes
from autapse_sim.training.train import choose_engine

TOGETHER, BLOCK = 2500, 100
"""The most networks and the most replicates of a unit: what a kill may cost, and what a program is started for."""


@dataclass(frozen=True)
class Plan:
    """The axes of a study and its units, each with where it belongs.

    Parameters
    ----------
    axes : tuple of Axis
        In the order of the result.
    replicates : int
        Of each combination.
    units : mapping of str to Training
        In order, by name.
    places : tuple of (str, mapping of str to int)
        The name of a unit, and where it is along the axes that it does not cross itself.
    """

    axes: tuple[Axis, ...]
    replicates: int
    units: Mapping[str, Training]
    places: tuple[tuple[str, Mapping[str, int]], ...]

    @property
    def trainings(self) -> int:
        """How many networks are trained."""
        return sum(unit.work for unit in self.units.values())

    @property
    def programs(self) -> int:
        """How many units have circuits of their own, which are compiled once each."""
        compiled = [unit.setting for unit in self.units.values() if unit.engine == "standalone"]
        return len({repr((each.circuit, each.protocol.update, type(each.task))) for each in compiled})


def planned(axes: Sequence[Axis], base: Setting, engine: str) -> Plan:
    """Split a study into units.

    Parameters of the models ride with the replicates of one program, all else makes units of their own. A parameter
    that a combination does not have is not crossed there: its result is the same for all values.
    """
    riding = [axis for axis in axes if axis.place == "parameter"]
    structural = [axis for axis in axes if axis.place != "parameter"]
    units, places = {}, []
    for where, setting in crossed(structural, base):
        checked_sizes(setting.circuit, setting.task)
        chosen = choose_engine(setting.circuit, engine)
        declared = resolve_parameters(setting.circuit, {}, 1)
        mine = {axis.field: axis.values for axis in riding if axis.field in declared}
        given = {name: value for name, value in setting.parameters.items() if name in declared}
        setting = replace(setting, circuit=carried(setting.circuit), parameters=given)
        for values in product(*mine.values()):
            resolve_parameters(setting.circuit, {**given, **dict(zip(mine, values, strict=True))}, 1)
        blocks = [Training(setting, chosen, *block, mine) for block in _blocks(setting, mine)]
        blocks[-1].check()  # where there are several, what they are shown has to go on from block to block
        for unit in blocks:
            name = name_of(unit)
            units[name] = unit
            places.append((name, where))
    _check_parameters(base, units.values())
    return Plan(tuple(axes), base.protocol.replicates, units, tuple(places))


def _check_parameters(base: Setting, units: Iterable[Training]) -> None:
    """Refuse a parameter that no circuit of the study has."""
    for name in base.parameters:
        if not any(name in unit.setting.parameters for unit in units):
            raise InputError(f"parameter {shown(name)} is one of no circuit of this study")


def _blocks(setting: Setting, grid: Mapping[str, tuple[Amount, ...]]) -> list[tuple[int, int]]:
    """The blocks of replicates of a setting: the same ones whatever the number of replicates is."""
    combinations = prod(map(len, grid.values()))
    many = replace(setting.protocol, replicates=max(BLOCK, TOGETHER))
    room = at_once(setting.circuit, setting.task, many)
    size = max(1, min(BLOCK, TOGETHER // combinations, room // combinations))
    check_sizes(setting.circuit, setting.task, replace(many, replicates=size, record=0), size, combinations)
    total = setting.protocol.replicates
    return [(start, min(size, total - start)) for start in range(0, total, size)]
