"""Files that are written whole or not at all, and which ones were."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autapse_sim import checks
from autapse_sim.errors import InputError

written: list[Path] = []
"""What this process has written, in order: what there is to say where it is stopped."""


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; what was written there takes the place of `path` if all went well.

    Raises
    ------
    InputError
        The folder cannot be written.
    """
    path = checks.path("path", path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        written.append(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        if os.path.lexists(temporary):
            temporary.unlink()
