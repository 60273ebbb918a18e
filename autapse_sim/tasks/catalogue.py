"""The tasks that come with the package, by name, and what can be chosen of each."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, is_dataclass

from autapse_sim import tasks as package
from autapse_sim.names import modules_in, one_of
from autapse_sim.tasks.arrays import ArrayTask
from autapse_sim.tasks.neurogym import NeuroGym
from autapse_sim.tasks.stretched import Stretched

MADE_OF = (ArrayTask, NeuroGym, Stretched)
"""Tasks that are made of something else, and have no name of their own."""


@dataclass(frozen=True)
class Option:
    """What can be chosen of a task.

    Parameters
    ----------
    name : str
        Of the parameter.
    default : str
        As Python writes it; '' where one has to be given.
    about : str
        What it is.
    """

    name: str
    default: str
    about: str


def tasks() -> dict[str, type]:
    """Every task that a module of this package defines and that draws its trajectories, by the name that it goes by.

    Examples
    --------
    >>> [name for name in tasks() if name.startswith("e")]
    ['evidence-accumulation']
    """
    found: dict[str, type] = {}
    for module in modules_in(package).values():
        for kind in vars(module).values():
            if not isinstance(kind, type) or kind.__module__ != module.__name__ or kind.__name__.startswith("_"):
                continue
            if is_dataclass(kind) and hasattr(kind, "sample") and kind not in MADE_OF:
                found[name_of(kind)] = kind
    return dict(sorted(found.items()))


def name_of(kind: type) -> str:
    """The name that a task goes by.

    Examples
    --------
    >>> from autapse_sim import FlipFlop
    >>> name_of(FlipFlop)
    'flip-flop'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__).lower()


def first_line(kind: type) -> str:
    """What a task says of itself in a line."""
    return (inspect.getdoc(kind) or "").splitlines()[0]


def options(name: str) -> list[Option]:
    """What can be chosen of a task, in the order in which it takes it.

    Examples
    --------
    >>> [(option.name, option.default) for option in options("flip-flop")]
    [('steps', '100'), ('probability', '0.05')]
    """
    kind = tasks()[one_of("task", name, tasks())]
    said = _parameters(inspect.getdoc(kind) or "")
    taken = {each.name: each.default for each in inspect.signature(kind).parameters.values()}
    return [
        Option(each, "" if default is inspect.Parameter.empty else repr(default), said.get(each, ""))
        for each, default in taken.items()
    ]


def _parameters(text: str) -> dict[str, str]:
    """What a docstring says of each parameter."""
    _, _, section = text.partition("Parameters\n----------\n")
    section = section.split("\n\n")[0]
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        if not line.startswith(" "):
            names = [name.strip() for name in line.partition(":")[0].split(",")]
            found |= dict.fromkeys(names, "")
        else:
            found |= {name: f"{found[name]} {line.strip()}".strip() for name in names}
    return found
