"""Compiled programs, kept by what they are made of, private to the user."""

from __future__ import annotations

import logging
import os
import stat
import uuid
from collections.abc import Callable
from pathlib import Path

KEPT = 64
"""Programs kept; those used longest ago go first."""

logger = logging.getLogger("autapse_sim")


def folder() -> Path:
    """The folder of the cache (``$AUTAPSE_CACHE``, else in the user's cache folder)."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("AUTAPSE_CACHE") or Path(home, "autapse_sim"))


def cached(key: str, build: Callable[[Path], None]) -> Path | None:
    """The program of that key, built where it is not there yet; None where no safe folder can be had.

    A program is built under a name of its own and renamed when it is whole, so that processes that build the same one
    at the same time do not meet, and a kill at any moment leaves nothing that could be taken for a program.
    """
    place = folder()
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = place.stat()
        if status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            logger.warning("program cache %s is not used: others can write to it", place)
            return None
        program = place / key
        if not (program.is_file() and program.stat().st_size):
            temporary = place / f"{key}.{uuid.uuid4().hex[:8]}.part"
            try:
                build(temporary)
                temporary.replace(program)
            finally:
                temporary.unlink(missing_ok=True)
        os.utime(program)
        _evict(place)
    except OSError as error:
        logger.warning("program cache %s is not used: %s", place, error.strerror)
        return None
    return program


def _evict(place: Path) -> None:
    programs = sorted((p for p in place.iterdir() if p.suffix != ".part"), key=lambda p: p.stat().st_mtime)
    for program in programs[:-KEPT]:
        program.unlink(missing_ok=True)
