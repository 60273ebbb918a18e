"""What the values of an axis are called: what was typed, or what they are, and more where two would be called alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from autapse_sim.names import short, shown
from autapse_sim.showing import shows
from autapse_sim.spec.circuit import TAUGHT_BY
from autapse_sim.spec.written import model_name
from autapse_sim.studies.unit import told, told_task
from autapse_sim.tasks.library import task_called

MODELS = {"neuron": "Neuron", **dict.fromkeys(TAUGHT_BY.values(), "Rule")}
"""The fields of a circuit that are models, and the classes of these."""


@dataclass(frozen=True)
class Named:
    """A value with what it is called.

    Parameters
    ----------
    value : object
        The value.
    short, long : str
        In few words, and in more.
    """

    value: Any
    short: str
    long: str


def named_task(given: Any, options: Mapping[str, Any] | None = None) -> Named:
    """A task, its options in place of its own, under the name that was typed, or that of its class.

    Examples
    --------
    >>> named = named_task("flip-flop", {"steps": 30})
    >>> named.short, named.value.steps
    ('flip-flop', 30)
    """
    if isinstance(given, Named):
        return given
    task = task_called(given, options)
    if isinstance(given, str | Path):
        path = Path(given)
        return Named(task, path.stem if path.suffix in (".py", ".npz") else str(given), str(given))
    kind = type(task).__name__
    return Named(task, kind, " ".join(repr(task).split()) if shows(task) else kind)


def named_model(field: str, given: Any) -> Named:
    """A neuron or a rule, by the name that it goes by in a circuit."""
    name = model_name(field, given, MODELS[field])
    return Named(name, short(name), str(name))


def named_value(given: Any) -> Named:
    """A value of another field."""
    if isinstance(given, tuple):
        return Named(given, *[",".join(map(str, given))] * 2)
    if isinstance(given, np.ndarray):
        return Named(given, *[shown(given.tolist())] * 2)
    name = str(given) if isinstance(given, str | int | float | None) else type(given).__name__
    return Named(given, name, name)


def told_apart(values: Sequence[Named], trajectories: int) -> list[str]:
    """What values are called: in few words, in more where two would be called alike, else by what they hold.

    Tasks are told by what they show in so many trajectories. What is still called alike is the same.

    Examples
    --------
    >>> from autapse_sim import BouncingBall, FlipFlop
    >>> told_apart([named_task(each) for each in (BouncingBall(), BouncingBall(horizon=2), FlipFlop())], 1)
    ['BouncingBall()', 'BouncingBall(horizon=2)', 'FlipFlop']
    """

    def held(each: Named) -> str:
        holds = told_task(each.value, trajectories) if hasattr(each.value, "sample") else told(each.value)
        return f"{each.short}-{hashlib.sha256(json.dumps(holds).encode()).hexdigest()[:8]}"

    found = [each.short for each in values]
    for longer in (lambda each: each.long, held):
        again = {name for name in found if found.count(name) > 1}
        found = [longer(each) if name in again else name for name, each in zip(found, values, strict=True)]
    return found
