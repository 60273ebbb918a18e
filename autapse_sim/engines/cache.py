"""Compiled programs, and what is known about them, kept by what they are made of: whole, private, bounded.

Every file of the cache is named by its key, and ends in ``.autapse``; nothing else in the folder is ever touched.

- ``KEY.SHA256.autapse`` is a program. The name tells what it must contain, so that one rename puts both in place.
- ``KEY.manifest.autapse`` is a small text, with its SHA-256 after it.
- ``KEY.lock.autapse`` is there while a program is built, and a ``.part.autapse`` while any file is written.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import logging
import os
import re
import shutil
import stat
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, NamedTuple, TypeVar, overload

from platformdirs import user_cache_path

from autapse_sim.errors import InputError

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]  # there is no type for a module that may be missing

KEPT = 64
"""Programs kept; those used longest ago go first."""
MANIFESTS = 256
"""Manifests kept."""
SIZE = 512 * 2**20
"""Bytes kept, of both together."""
LEFT = 3600
"""Age in seconds at which a lock or a half-written file is taken for left behind."""
PATIENCE = 120
"""Seconds to wait for another process that builds the same program; then it is built a second time."""
PROBE = 2**20
"""Bytes that must find room where a build failed, else the disk is full."""
SEAL = 64
"""Length of the checksum after a manifest."""
NAME = re.compile(
    r"(?P<key>.+)\.(?:(?P<program>[0-9a-f]{64})|(?P<manifest>manifest)|(?P<left>lock|[0-9a-f]{8}\.part))\.autapse"
)

T = TypeVar("T")
logger = logging.getLogger("autapse_sim")


class Entry(NamedTuple):
    """What is kept under a key: its size, when it was last used, and whether it is a 'program' or a 'manifest'."""

    key: str
    bytes: int
    used: datetime
    kind: str


def folder() -> Path:
    """The folder of the cache (``$AUTAPSE_CACHE``, else in the user's cache folder)."""
    with contextlib.suppress(RuntimeError):  # of a user without a home
        place = os.environ.get("AUTAPSE_CACHE") or user_cache_path("autapse_sim", appauthor=False)
        return Path(place).expanduser().absolute()
    return Path("/nonexistent/autapse_sim")


def cached(key: str, build: Callable[[Path], None]) -> Path | None:
    """The program of that key, built where it is not there yet or damaged.

    Of several processes that ask at the same time one builds and the others wait for it. A program is built under a
    name of its own and renamed when it is whole, so that a kill at any moment leaves nothing that could be taken for a
    program.

    Parameters
    ----------
    key : str
        What the program is made of, as a digest.
    build : callable
        Writes the program to the path that it is given. What it raises is passed on, but for an OSError and whatever
        comes of the cache's own disk where that is full.

    Returns
    -------
    Path or None
        None, and one warning, where no safe folder can be had or the program could not be written to it.
    """
    try:
        place = _place()
        program = _program(place, key)
        if program is None:
            with _alone(place, key):
                program = _program(place, key) or _built(place, key, build)
            _evict(place, program)
    except OSError as error:
        _warn_once(_unused(error))
        return None
    return program


def found(key: str) -> Path | None:
    """The program of that key where it is kept and whole."""
    try:
        return _program(_place(), key)
    except OSError:
        return None


def remember(key: str, text: str) -> None:
    """Keep a small text under a key, in the place of any other; where it cannot be kept, that is one warning."""
    content = text.encode("utf-8", "surrogatepass")
    try:
        place = _place()
        manifest = _manifest(place, key)
        with _part(place, key) as temporary:
            temporary.write_bytes(content + _seal(content))
            temporary.replace(manifest)
        _evict(place, manifest)
    except OSError as error:
        _warn_once(_unused(error))


@overload
def recall(key: str) -> str | None: ...


@overload
def recall(key: str, read: Callable[[str], T]) -> T | None: ...


def recall(key: str, read: Callable[[str], object] = str) -> object:
    """What `read` makes of the text kept under a key; None where there is none, or it was damaged and is now removed.

    A text that `read` cannot read (ValueError, TypeError, LookupError, AttributeError) is damaged, too.
    """
    try:
        manifest = _manifest(_place(), key)
    except OSError as error:
        _warn_once(_unused(error))
        return None
    try:
        content = manifest.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        content = b""
    text, seal = content[:-SEAL], content[-SEAL:]
    try:
        if seal != _seal(text):
            raise ValueError("another checksum")
        value = read(text.decode("utf-8", "surrogatepass"))
    except (ValueError, TypeError, LookupError, AttributeError):
        logger.warning("program cache: manifest %s is damaged and is removed", key[:12])
        _remove(manifest)
        return None
    _use(manifest)
    return value


def forget(key: str) -> None:
    """Remove the text kept under a key, if there is one."""
    try:
        _remove(_manifest(_place(), key))
    except OSError as error:
        _warn_once(_unused(error))


def entries() -> list[Entry]:
    """What is kept, the last used first.

    Raises
    ------
    InputError
        The folder is not safe, or cannot be read.
    """
    return [
        Entry(file.key, file.status.st_size, datetime.fromtimestamp(file.status.st_mtime).astimezone(), file.kind)
        for file in _listed()
        if file.kind != "left"
    ]


def clear() -> int:
    """Remove all programs and manifests, and what killed builds left behind; return how many entries were removed.

    A program that runs keeps running.

    Raises
    ------
    InputError
        The folder is not safe, or cannot be read.
    """
    removed = 0
    for file in _listed():
        if file.kind != "left":
            removed += _remove(file.path)
        elif _is_old(file):
            _remove(file.path)
    return removed


class _File(NamedTuple):
    path: Path
    key: str
    kind: str
    status: os.stat_result


def _place() -> Path:
    """The folder, made where it is missing; an OSError where it is not the user's own."""
    place = folder()
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise _refusal("it is not a folder; set AUTAPSE_CACHE to one of your own") from error
    if fcntl is None:
        raise _refusal("this system cannot tell whose it is")
    if {place.stat().st_uid, place.lstat().st_uid} != {os.getuid()}:
        raise _refusal("it belongs to another user; set AUTAPSE_CACHE to a folder of your own")
    if place.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _refusal(f"others can write to it; make it private: chmod go-w {place}")
    return place


def _refusal(why: str) -> OSError:
    return PermissionError(errno.EPERM, why)


def _unused(error: OSError) -> str:
    return f"program cache {folder()} is not used: {error.strerror or error}"


@functools.cache
def _warn_once(text: str) -> None:
    logger.warning(text)


def _files(place: Path) -> list[_File]:
    """The files of the cache, the last used first."""
    files = []
    for path in place.iterdir():
        name = NAME.fullmatch(path.name)
        if name:
            with contextlib.suppress(FileNotFoundError):
                files.append(_File(path, name["key"], str(name.lastgroup), path.lstat()))
    return sorted(files, key=lambda file: -file.status.st_mtime_ns)


def _listed() -> list[_File]:
    """The files of the cache, for the user; a folder that is not there yet has none."""
    try:
        return _files(_place()) if os.path.lexists(folder()) else []
    except OSError as error:
        raise InputError(_unused(error)) from error


def _programs(place: Path, key: str) -> list[Path]:
    return [file.path for file in _files(place) if file.kind == "program" and file.key == key]


def _program(place: Path, key: str) -> Path | None:
    """The whole program of that key, if there is one."""
    for program in _programs(place, key):
        if _is_whole(program):
            _use(program)
            return program
    return None


def _is_whole(program: Path) -> bool:
    try:
        return f".{_digest(program)}." in program.name and os.access(program, os.X_OK)
    except OSError:
        return False


def _built(place: Path, key: str, build: Callable[[Path], None]) -> Path:
    damaged = _programs(place, key)
    if damaged:
        logger.warning("program cache: entry %s is damaged and is built again", key[:12])
    for path in damaged:
        _remove(path)
    with _part(place, key) as temporary:
        try:
            build(temporary)
        except RuntimeError:  # whatever it says: another disk may be full, and some compilers do not say it
            temporary.write_bytes(bytes(PROBE))  # raises an OSError where this one is
            raise
        temporary.chmod(0o700)
        if not os.access(temporary, os.X_OK):
            raise _refusal("programs in it cannot be run")
        program = _program(place, key)  # of another process that was not waited for
        if program is None:
            program = place / f"{key}.{_digest(temporary)}.autapse"
            temporary.replace(program)
    return program


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest(place: Path, key: str) -> Path:
    return place / f"{key}.manifest.autapse"


def _seal(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


@contextlib.contextmanager
def _part(place: Path, key: str) -> Iterator[Path]:
    """A path to write to and to rename; nothing is left of what was not renamed."""
    temporary = place / f"{key}.{uuid.uuid4().hex[:8]}.part.autapse"
    try:
        yield temporary
    finally:
        _remove(temporary)


@contextlib.contextmanager
def _alone(place: Path, key: str) -> Iterator[None]:
    """One process at a time builds that key.

    The lock only saves work, and nothing breaks without it: where the file system has no locks, or another process
    holds it for too long, all goes on without. The system itself unlocks what a killed process had locked.
    """
    path = place / f"{key}.lock.autapse"
    lock = _locked(path)
    try:
        yield
    finally:
        if lock:
            _remove(path)
            lock.close()


def _locked(path: Path) -> IO | None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        lock = path.open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(lock.fileno()), path.stat()):
                return lock
        except BlockingIOError:
            time.sleep(0.05)
        except FileNotFoundError:
            pass  # whoever had it was done in between, and removed it
        except OSError:
            until = 0
        lock.close()
    return None


def _evict(place: Path, used: Path) -> None:
    """Remove what was used longest ago and is too much, and what killed builds left behind; never what is `used`."""
    count: Counter[str] = Counter()
    size, most = 0, {"program": KEPT, "manifest": MANIFESTS}
    for file in sorted(_files(place), key=lambda file: file.path != used):
        if file.kind == "left":
            if _is_old(file):
                _remove(file.path)
            continue
        count[file.kind] += 1
        size += file.status.st_size
        if file.path != used and (count[file.kind] > most[file.kind] or size > SIZE):
            _remove(file.path)


def _is_old(file: _File) -> bool:
    return time.time() - file.status.st_mtime > LEFT


def _use(path: Path) -> None:
    """Note that it was used now, where that can be written."""
    with contextlib.suppress(OSError):
        os.utime(path)


def _remove(path: Path) -> bool:
    """Remove a file or a folder; True if it is gone by that."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return False
    return True
