"""What a study crosses: axes, each the values of one thing that a circuit, a task or a protocol names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any

from autapse_sim.checks import items
from autapse_sim.errors import InputError
from autapse_sim.names import one_of, shown
from autapse_sim.results.contents import NAMED
from autapse_sim.results.sweeps import INTERVAL
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.units import Amount, amount
from autapse_sim.studies.named import MODELS, named_model, named_task, named_value, told_apart
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.library import options_of
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.labels import is_scored
from autapse_sim.training.train import choose_engine

PLACES = ("circuit", "protocol", "task", "parameter")
"""Where a name may stand; 'task.delay' says which, where a name stands in several."""
FIXED = {"replicates": "it is the axis of statistics: Protocol(replicates=...)"}
FIXED |= dict.fromkeys(("record", "record_tests"), "a study keeps no records")
"""Fields that are no axis."""
TASKS = ("task", "tasks")
"""What whole tasks are crossed by."""


@dataclass(frozen=True)
class Setting:
    """One combination: what is trained, on what, how, with which values of parameters.

    Parameters
    ----------
    circuit, task, protocol : Circuit, Task, Protocol
        What is run.
    parameters : mapping of str to Amount
        Those that are not the models' defaults, the same for all networks.
    """

    circuit: Circuit
    task: Task
    protocol: Protocol
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Axis:
    """The values of one name.

    Parameters
    ----------
    name : str
        Of the dimension in the result.
    place : {'circuit', 'protocol', 'task', 'parameter', 'tasks'}
        What the name belongs to; 'tasks' are whole tasks.
    field : str
        The name there.
    values : tuple
        In the order of the result.
    labels : tuple
        The values as coordinates: numbers where all are, else text.
    """

    name: str
    place: str
    field: str
    values: tuple[Any, ...]
    labels: tuple[Any, ...]

    @property
    def unit(self) -> str:
        """The unit of the coordinates."""
        units = {value.unit for value in self.values} if self.place == "parameter" else set()
        return {"second": "s"}.get(unit := units.pop(), unit) if units else "1"

    def put(self, setting: Setting, value: Any) -> Setting:
        """The setting with another value; an `InputError` where it cannot have that."""
        if self.place == "tasks":
            return replace(setting, task=value)
        if self.place == "parameter":
            return replace(setting, parameters={**setting.parameters, self.field: value})
        if self.place == "task":
            one_of(f"option of {type(setting.task).__name__}", self.field, options_of(setting.task))
        return replace(setting, **{self.place: replace(getattr(setting, self.place), **{self.field: value})})


def axis_name(place: str, field: str) -> str:
    """What an axis is called: as its field, or with the place where results have something of that name.

    Examples
    --------
    >>> axis_name("parameter", "tau"), axis_name("parameter", "b"), axis_name("circuit", "neuron")
    ('tau', 'parameter.b', 'neuron')
    """
    theirs = is_scored(field) or field in (*NAMED, INTERVAL)
    return f"{place}.{field}" if theirs and place in ("task", "parameter") else field


def axes_of(grid: Mapping[str, Iterable[Any]], base: Setting) -> list[Axis]:
    """The axes of a grid, in its order, each with values that its place may have.

    Parameters
    ----------
    grid : mapping of str to iterable
        Values by name: a field of `Circuit`, `Protocol` or the task, 'task' itself (objects or names), or a parameter
        of the models; 'task.delay' or 'circuit.delay' where two have it.
    base : Setting
        What all share.
    """
    listed = with_tasks({name: _given(name, values) for name, values in grid.items()})
    found = [_axis(name, given, base, listed) for name, given in listed.items()]
    names = [axis.name for axis in found]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{name} is crossed twice; give its values once")
    return found


def with_tasks(grid: Mapping[str, list[Any]], options: Mapping[str, Any] | None = None) -> dict[str, list[Any]]:
    """A grid whose tasks are made, once, whatever asks for them; with options that are for each."""
    made = {name: [named_task(each, options) for each in grid[name]] for name in TASKS if name in grid}
    return {**grid, **made}


def tasks_in(grid: Mapping[str, list[Any]]) -> list[Task]:
    """The tasks of such a grid."""
    return [each.value for name in TASKS for each in grid.get(name, ())]


def _given(name: str, values: Any) -> list[Any]:
    """The values of a grid by a name."""
    given = [values] if isinstance(values, str) else items(f"grid {name}", values, "a list of values")
    if not given:
        raise InputError(f"grid {name} has no values; give at least one")
    return given


def _axis(name: str, given: list[Any], base: Setting, grid: Mapping[str, list[Any]]) -> Axis:
    place, field = ("tasks", "task") if name in TASKS else _place(name, base, grid)
    if place == "parameter":
        return _amounts(name, field, [amount(each, field) for each in given])
    if place == "tasks":
        named = given
    elif place == "circuit" and field in MODELS:
        named = [named_model(field, each) for each in given]
    else:
        named = [named_value(_plain(each)) for each in given]
    read = tuple(each.value for each in named)
    numbers = all(isinstance(value, int | float) for value in read)
    labels = read if numbers else tuple(told_apart(named, base.protocol.trajectories))
    _once(name, labels, [value if numbers else each.short for value, each in zip(read, named, strict=True)])
    return Axis(axis_name(place, field), place, field, read, labels)


def _once(name: str, labels: Sequence[Any], given: Sequence[Any]) -> None:
    """Refuse what is crossed with itself."""
    for label, each in zip(labels, given, strict=True):
        if labels.count(label) > 1:
            raise InputError(f"grid {name} has the value {shown(each)} twice")


def _amounts(name: str, field: str, values: list[Amount]) -> Axis:
    """The axis of a parameter of the models."""
    for value in values:
        if value.unit == "no number" or not isinstance(value.value, float | int):
            raise InputError(
                f"grid {name} has the value {value.text}; expected one number, with a unit where it has one"
            )
    labels = tuple(value.value for value in values)
    _once(name, labels, labels)
    return Axis(axis_name("parameter", field), "parameter", field, tuple(values), labels)


def _plain(value: Any) -> Any:
    """A value as Python's own: NumPy's numbers become numbers, lists tuples."""
    if isinstance(value, list):
        return tuple(value)
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value


def _place(name: str, base: Setting, grid: Mapping[str, list[Any]]) -> tuple[str, str]:
    """The place of a name and the name there."""
    known = {
        "circuit": {each.name for each in fields(Circuit)},
        "protocol": {each.name for each in fields(Protocol)},
        "task": set.union(*(options_of(task) for task in tasks_in(grid) or [base.task])),
        "parameter": set.union(*map(_declared, _circuits(base, grid))),
    }
    place, dot, field = name.partition(".")
    if dot:
        one_of("place", place, PLACES)
        one_of(f"{place} option", field, known[place])
        places = [place]
    else:
        field = name
        places = [place for place in PLACES if name in known[place]]
    if not places:
        one_of("axis", name, set.union(*known.values()) - FIXED.keys() | {"task"})
    if len(places) > 1:
        raise InputError(f"grid {name} may mean {' or '.join(f'{place}.{name}' for place in places)}; write which")
    if places == ["protocol"] and field in FIXED:
        raise InputError(f"{field} cannot be crossed: {FIXED[field]}")
    return places[0], field


def _circuits(base: Setting, grid: Mapping[str, list[Any]]) -> list[Circuit]:
    """The circuits of all models that are crossed."""
    models = {name: grid[name] for name in MODELS if name in grid}
    return [replace(base.circuit, **dict(zip(models, each, strict=True))) for each in product(*models.values())]


def _declared(circuit: Circuit) -> set[str]:
    choose_engine(circuit, "auto")
    return set(resolve_parameters(circuit, {}, 1))


def crossed(axes: Sequence[Axis], base: Setting) -> list[tuple[dict[str, int], Setting]]:
    """Every combination of the values of some axes: where each is, by the axes' names, and its setting."""
    found = []
    # the task comes first: the options of a task are those of the one that is crossed
    in_order = sorted(axes, key=lambda axis: axis.place != "tasks")
    for place in product(*(range(len(axis.values)) for axis in axes)):
        where = dict(zip((axis.name for axis in axes), place, strict=True))
        setting = base
        for axis in in_order:
            setting = axis.put(setting, axis.values[where[axis.name]])
        found.append((where, setting))
    return found
