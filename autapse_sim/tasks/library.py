"""Tasks by name, from a file of the user's, or from arrays on disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.spec.reading import python_text, run
from autapse_sim.tasks.arrays import ArrayTask
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.catalogue import tasks
from autapse_sim.tasks.neurogym import PREFIX, neurogym_task
from autapse_sim.tasks.shown import NEEDED, check_task


def task_called(given: Any, options: Mapping[str, Any] | None = None) -> Task:
    """A task: itself, by name (also ``neurogym:NAME``), from a file that defines ``task = ...``, or from an .npz file.

    Parameters
    ----------
    given : Task, str or Path
        The task.
    options : mapping, optional
        Fields of the task in place of its own, of one that a file defines, too.

    Examples
    --------
    >>> task_called("flip-flop", {"steps": 30}).steps
    30
    """
    options = dict(options or {})
    if not isinstance(given, str | Path):
        return _with(check_task(given), options, type(given).__name__)
    if str(given).startswith(PREFIX):
        return neurogym_task(str(given), options)
    path = Path(given)
    if path.suffix in (".npz", ".py"):
        task = _arrays(path) if path.suffix == ".npz" else _defined(path)
        return _with(check_task(task), options, str(given))
    kind = tasks()[one_of("task", str(given), tasks())]
    for name in options:
        one_of(f"option of {given}", name, _chosen(kind))
    return kind(**options)


def options_of(task: Task) -> set[str]:
    """What can be chosen of a task."""
    return _chosen(type(task)) if is_dataclass(task) and not isinstance(task, ArrayTask) else set()


def _chosen(kind: Any) -> set[str]:
    return {each.name for each in fields(kind) if each.init}


def _with(task: Task, options: Mapping[str, Any], name: str) -> Task:
    """A task with other options; one that is no dataclass has none."""
    known = options_of(task) if options else set()
    if options and not known:
        raise InputError(f"{name} has no options, and {', '.join(options)} cannot be set; a dataclass has its fields")
    for option in options:
        one_of(f"option of {name}", option, known)
    return check_task(replace(task, **options)) if options else task  # type: ignore[type-var]


def _defined(path: Path) -> Task:
    """The task that a Python file defines."""
    found = run(python_text(path), str(path))  # code that the user chose to run
    if not hasattr(found.get("task"), "sample"):
        raise InputError(f"{path} defines no task; write task = ..., an object with {', '.join(NEEDED)}")
    return found["task"]


def _arrays(path: Path) -> Task:
    """The task of the arrays x and y in a file."""
    try:
        with np.load(path, allow_pickle=False) as held:
            missing = {"x", "y"} - set(held.files)
            if missing:
                raise InputError(f"{path} holds no array {min(missing)}; expected x (R, K, T, m) and y (R, K, T, c)")
            return ArrayTask(held["x"], held["y"])
    except (OSError, ValueError, EOFError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} cannot be read as arrays: {error}") from error
