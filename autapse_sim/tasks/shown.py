"""What a task hands out, checked: real numbers of the right shapes, and NaN in the targets that do not count."""

from __future__ import annotations

import contextlib
import inspect
import traceback
from collections.abc import Iterator
from typing import Any

import numpy as np

from autapse_sim.checks import LARGEST, function, mapping, numbers, text, whole
from autapse_sim.errors import InputError, in_a_line
from autapse_sim.names import shown
from autapse_sim.tasks.base import Task

NEEDED = ("sample", "inputs", "outputs", "steps", "blanked")
"""What every task has."""


def check_task(task: Any) -> Task:
    """Something that hands out trajectories, with sizes that are whole numbers; else an `InputError`."""
    if isinstance(task, type):
        raise InputError(f"task is the class {task.__name__} itself; it must be an object, {task.__name__}(...)")
    missing = [name for name in NEEDED if not hasattr(task, name)]
    if missing or not callable(task.sample):
        right = f"a task, such as BouncingBall(...), or any object with {', '.join(NEEDED)}"
        lacks = f"; it has no {' and no '.join(missing)}" if 0 < len(missing) < len(NEEDED) else ""
        raise InputError(f"task is {shown(task)}; it must be {right}{lacks}")
    sizes_of(task)
    if getattr(task, "horizon", None) is not None:
        whole("task: horizon", task.horizon)
    text("task: units", getattr(task, "units", "1"))
    for name in ("observed", "physics", "floors"):
        function(f"task: {name}", getattr(task, name, None))
    return task


def sizes_of(task: Task) -> tuple[int, int, int]:
    """Inputs, outputs and steps of a task."""
    inputs, outputs = (whole(f"task: {name}", getattr(task, name), least=1) for name in ("inputs", "outputs"))
    return inputs, outputs, whole("task: steps", task.steps, least=1)


def sampled(task: Task, rng: np.random.Generator, replicates: int, trajectories: int) -> tuple[Any, Any]:
    """The two things that a task's `sample` gives, not checked yet."""
    with asking(task, "sample"):
        given = task.sample(rng, replicates, trajectories)
    try:
        x, y = given
    except (TypeError, ValueError):
        raise InputError(f"task: sample gave {type(given).__name__}, expected the two arrays x and y") from None
    return x, y


@contextlib.contextmanager
def asking(task: Task, name: str) -> Iterator[None]:
    """Whatever the code of a function of a task raises becomes an `InputError` that says what and where."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        code = getattr(inspect.unwrap(getattr(task, name)), "__code__", None)
        mine = [frame for frame in frames if code and frame.filename == code.co_filename]
        place = (mine or frames)[-1]
        said = f"{type(error).__name__}: {in_a_line(error)}".removesuffix(": ")
        raise InputError(f"{place.filename}, line {place.lineno}: task: {name} raised {said}") from error


def observed(task: Task, x: np.ndarray) -> np.ndarray:
    """What a stimulus shows, in the units of the target."""
    show = getattr(task, "observed", None)
    if show is None:
        return x
    with asking(task, "observed"):
        given = show(x)
    seen = numbers("task: what is observed", given)
    if seen.shape[:3] != x.shape[:3] or seen.ndim != 4:
        raise InputError(
            f"task: what is observed of x has shape {seen.shape}, expected {(*x.shape[:3], 'coordinates')}"
        )
    return seen


PHYSICS = "physics"
"""How the names begin of what who knows a task predicts: what is possible, no control to beat."""


def foreseen(task: Task, x: np.ndarray) -> dict[str, np.ndarray]:
    """What a task's physics predicts from a stimulus, by names that begin with `PHYSICS`; nothing where it has none.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> task = SimpleNamespace(outputs=1, physics=lambda x: {"who counts": x})
    >>> [*foreseen(task, np.ones((1, 2, 3, 1)))]
    ['physics: who counts']
    """
    tell = getattr(task, "physics", None)
    if tell is None:
        return {}
    with asking(task, "physics"):
        given = tell(x)
    found = {}
    for name, values in mapping("task: what physics gives", given, "{'the rules of the game': prediction}").items():
        prediction = numbers(f"task: what physics predicts by {name!r}", values)
        if prediction.shape != (*x.shape[:3], task.outputs):
            raise InputError(
                f"task: what physics predicts by {name!r} has shape {prediction.shape}, "
                f"expected {(*x.shape[:3], task.outputs)}"
            )
        found[name if name.startswith(PHYSICS) else f"{PHYSICS}: {name}"] = prediction
    return found


def check_blanked(task: Task) -> None:
    """Refuse what does not say of each step whether the stimulus is blanked."""
    flags = task.blanked
    if flags is not None and not (
        isinstance(flags, np.ndarray) and flags.dtype == bool and flags.shape == (task.steps,)
    ):
        raise InputError(f"task: blanked is {shown(flags)}; it must be a bool array of shape ({task.steps},), or None")


def checked(task: Task, pair: Any, shape: tuple[int, int], what: str = "task") -> tuple[np.ndarray, np.ndarray]:
    """Stimulus and target that a task's `sample` gave for (replicates, trajectories), as finite numbers or NaN in y."""
    arrays = []
    inputs, outputs, steps = sizes_of(task)
    for name, values, size in zip("xy", pair, (inputs, outputs), strict=True):
        array = numbers(f"{what}: {name}", values)
        expected = (*shape, steps, size)
        if array.shape != expected:
            axis = "inputs" if name == "x" else "outputs"
            raise InputError(
                f"{what}: {name} has shape {array.shape}, "
                f"expected (replicates, trajectories, steps, {axis}) = {expected}"
            )
        check_finite(what, name, array)
        arrays.append(array)
    return arrays[0], arrays[1]


def check_finite(what: str, name: str, array: np.ndarray) -> None:
    """Refuse what is not finite or has no square, but for NaN in a target y: there it says that it does not count."""
    bad = (array > LARGEST) | (array < -LARGEST) if name == "y" else ~((array <= LARGEST) & (array >= -LARGEST))
    if bad.any():
        first = tuple(map(int, np.argwhere(bad)[0]))
        right = (
            "a target must be finite, or NaN where it does not count" if name == "y" else "every number must be finite"
        )
        raise InputError(f"{what}: {name}{list(first)} is {array[first]}; {right}, from -{LARGEST:g} to {LARGEST:g}")


def masked(y: np.ndarray, scored: Any, what: str = "task", first: int = 0, replicates: int | None = None) -> np.ndarray:
    """Targets with NaN where they do not count; a trajectory of which nothing counts is refused.

    Parameters
    ----------
    y : array (R, K, T, c)
        Targets; where they are NaN they do not count anyway.
    scored : bool array-like (T,), (K, T), (R, K, T) or (R, K, T, c), or None
        What counts; None is everything.
    what : str
        Whose targets, for messages.
    first, replicates : int, optional
        The targets are those of the replicates from number `first` on, of `replicates` in all, for which `scored` is
        given.

    Returns
    -------
    array (R, K, T, c)
        A copy where `scored` leaves anything out.

    Examples
    --------
    >>> masked(np.ones((1, 2, 3, 1)), [[True, True, False], [True, True, True]])[0, :, :, 0]
    array([[ 1.,  1., nan],
           [ 1.,  1.,  1.]])
    """
    if scored is not None:
        counts = _counts(scored, (replicates or len(y), *y.shape[1:]), what)[first : first + len(y)]
        y = y if counts.all() else np.where(counts, y, np.nan)
    empty = np.isnan(y).all(axis=(2, 3))
    if empty.any():
        r, k = map(int, np.argwhere(empty)[0])
        raise InputError(
            f"{what}: no target counts in trajectory {k} of replicate {first + r} (both counted from 0); "
            "at least one number of each trajectory must"
        )
    return y


def _counts(scored: Any, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Which targets of a shape (R, K, T, c) count, bool of that shape."""
    R, K, T, _ = shape
    forms = {"(T,)": (T,), "(K, T)": (K, T), "(R, K, T)": (R, K, T), "(R, K, T, c)": shape}
    try:
        array = np.asarray(scored)
        found = f"has shape {array.shape}" if array.dtype == bool else f"holds {array.dtype} in shape {array.shape}"
    except (TypeError, ValueError, RuntimeError):
        array, found = np.empty(()), "is not an array"
    if isinstance(scored, np.ma.MaskedArray):
        found = "is a masked array"
    elif array.dtype == bool and array.shape in forms.values():
        return np.broadcast_to(array if array.ndim == 4 else array[..., None], shape)
    expected = ", ".join(f"{form} = {sizes}" for form, sizes in forms.items())
    raise InputError(f"{what}: scored {found}; expected bools of shape {expected}")
