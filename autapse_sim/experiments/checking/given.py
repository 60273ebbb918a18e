"""What was given to be checked: the models, tasks and benchmarks that a file defines or that go by a name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from autapse_sim.engines import discrete
from autapse_sim.errors import InputError
from autapse_sim.experiments.benchmark import benchmark_called, benchmarks
from autapse_sim.names import one_of
from autapse_sim.spec.model import is_file, library, read_neuron, read_rule
from autapse_sim.spec.reading import python_text, run
from autapse_sim.tasks.catalogue import tasks
from autapse_sim.tasks.library import task_called

READ: dict[str, Callable[[str], Any]] = {
    "benchmark": lambda given: benchmark_called(given)[1],
    "task": task_called,
    "neuron": read_neuron,
    "rule": lambda given: given if given in stated() else read_rule(given),
}
"""How each kind is read; a file that defines several is of the first, but for a neuron beside a rule."""


def stated() -> set[str]:
    """The rules that have no equations."""
    return discrete.references().keys() - library("rules").keys()


def known() -> dict[str, set[str]]:
    """The names of each kind that come with the package."""
    rules = stated() | library("rules").keys()
    return {"benchmark": {*benchmarks()}, "task": {*tasks()}, "neuron": {*library("neurons")}, "rule": rules}


def read(given: str) -> list[tuple[str, Any]]:
    """What a file defines, or what goes by a name, each with its kind.

    Examples
    --------
    >>> [kind for kind, _ in read("flip-flop")]
    ['benchmark', 'task']
    """
    if is_file(given):
        kinds = _defined(given)
    else:
        every = known()
        name = one_of("model, task or benchmark", given, set().union(*every.values()))
        kinds = [kind for kind, names in every.items() if name in names]
    return [(kind, _read(kind, given)) for kind in kinds]


def _read(kind: str, given: str) -> Any:
    try:
        return READ[kind](given)
    except InputError as error:
        said = str(error)
        raise InputError(said if given in said else f"{given}: {said}") from None


def _defined(path: str) -> list[str]:
    """The kinds of what a file defines."""
    found = run(python_text(path), path)  # code that the user chose to run
    kinds = [kind for kind in READ if kind in found]
    if not kinds:
        near = [f"{kind} = ..." for kind in READ]
        raise InputError(
            f"{path} defines nothing to check; write {', '.join(near[:-1])} or {near[-1]} "
            f"(`autapse new rule {Path(path).name}` writes a file that does)"
        )
    return kinds if set(kinds) <= {"neuron", "rule"} else kinds[:1]
