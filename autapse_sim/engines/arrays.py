"""Arrays as compiled programs read them from files, and leave them there."""

from __future__ import annotations

import contextlib
import threading
import weakref
from pathlib import Path

import numpy as np

from autapse_sim.machine.files import scratch

LARGE = 2**20
"""Bytes of a file that is not worth a copy."""
_laid: dict[int, Path] = {}
"""Where arrays lie that are never changed, by their `id` for as long as they are there."""
_laying = threading.Lock()


def write_array(path: Path, values: np.ndarray) -> None:
    """Write the bytes of an array; an OSError that says why where that fails."""
    with path.open("wb") as file:
        file.write(np.ascontiguousarray(values).data)


def lasting(values: np.ndarray) -> np.ndarray:
    """The array, or a copy of one that is not alone, which cannot be changed: programs share what is laid of it."""
    kept = values if _alone(values) else np.array(values, order="C")
    kept.flags.writeable = False
    return kept


def _alone(values: np.ndarray) -> bool:
    """Whether an array holds its numbers itself, in their order."""
    return values.base is None and values.flags.c_contiguous


def lay_array(path: Path, values: np.ndarray) -> None:
    """Write an array, or link to where its bytes are: one that cannot be changed is written once in its life.

    Examples
    --------
    >>> values = lasting(np.zeros(2**20))
    >>> with scratch() as folder:
    ...     lay_array(folder / "x", values)
    ...     (folder / "x").is_symlink(), read_array(folder / "x", 2**20).max().item()
    (True, 0.0)
    """
    if values.flags.writeable or not _alone(values) or values.nbytes < LARGE:
        return write_array(path, values)
    with _laying:
        if id(values) not in _laid:
            held = contextlib.ExitStack()
            place = held.enter_context(scratch()) / "values"
            try:
                write_array(place, values)
            except BaseException:
                held.close()
                raise
            _laid[id(values)] = place
            weakref.finalize(values, _forget, id(values), held)
    path.symlink_to(_laid[id(values)])


def _forget(which: int, held: contextlib.ExitStack) -> None:
    """Remove what was laid of an array that is there no more."""
    del _laid[which]
    held.close()


def read_array(path: Path, size: int, dtype: type = np.float64) -> np.ndarray:
    """Read so many numbers that a compiled program wrote; a RuntimeError where they are not there.

    The file may be removed after that; the numbers of a large one come into memory as they are used.
    """
    try:
        large = path.stat().st_size >= LARGE
        values: np.ndarray = np.asarray(np.memmap(path, dtype, "c")) if large else np.fromfile(path, dtype)
    except OSError as error:
        raise RuntimeError(f"the compiled program left no {path.name} to read: {error.strerror}") from error
    if values.size != size:
        raise RuntimeError(f"the compiled program wrote {values.size} numbers to {path.name}, expected {size}")
    return values


def read_rows(path: Path, count: int, dtype: type) -> np.ndarray:
    """So many rows that a compiled program wrote, of any length, brought into memory as they are used."""
    if not count:
        return np.empty((0, 0), dtype)
    size = path.stat().st_size // np.dtype(dtype).itemsize if path.is_file() else 0
    if not size or size % count:
        raise RuntimeError(f"the compiled program wrote {size} numbers to {path.name}, not {count} rows")
    return np.memmap(path, dtype, "r", shape=(count, size // count))
