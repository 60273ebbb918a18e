"""Files as the user has them: read whole, written whole or not at all, and folders for what is needed in between."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from autapse_sim import checks
from autapse_sim.errors import InputError

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]  # there is no type for a module that may be missing

PROBE = 2**20
"""Bytes that must find room where a program failed, else the disk is full."""
written: list[Path] = []
"""What this process has written, in order: what there is to say where it is stopped."""
ATTEMPTS = 100
"""How often a temporary file or folder is made anew that another process took away before it was locked."""
SCRATCH = "autapse_scratch_"
"""How the names of folders for temporary files begin; eight characters follow."""


def read_whole(path: str | Path) -> bytes:
    """The bytes of an ordinary file.

    Raises
    ------
    InputError
        The file is missing, cannot be read, or is a folder, a pipe or a device, which might never end.
    """
    try:
        _ordinary(os.stat(path))
        # should a pipe take its place in between, it is not waited for
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:
            _ordinary(os.fstat(file.fileno()))
            return file.read()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except MemoryError as error:
        raise InputError(f"{path} cannot be read: it does not fit into memory") from error


def write_whole(path: str | Path, content: bytes, part_of: Path | None = None, fresh: bool = False) -> Path:
    """Write a file, whole or not at all; missing folders are made.

    Where it is one of many that belong together, `part_of` is what is told of them all. A `fresh` one takes no other's
    place.

    What was there keeps its mode, and a link still leads to the same place. What killed writers of the same file have
    left beside it is removed.

    Raises
    ------
    InputError
        The folder cannot be written, what is there is no ordinary file, or is there where it should be fresh.
    """
    path = checks.path("path", path)
    if fresh and os.path.lexists(path):
        raise InputError(f"{path} is there already, and is left as it is; give another name, or move it away")
    try:
        before = None
        with contextlib.suppress(FileNotFoundError):
            before = path.stat()
            _ordinary(before)
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target.parent, f".{target.name}.", ".part")
        with _held(target) as (temporary, descriptor):
            if before is not None:
                with contextlib.suppress(OSError):
                    os.fchown(descriptor, before.st_uid, before.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
            with open(descriptor, "wb", closefd=False) as file:
                file.write(content)
            os.fsync(descriptor)
            if fresh:
                os.link(temporary, target)  # refused where another process was faster
            else:
                os.replace(temporary, target)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror or error}") from error
    if part_of not in written:
        written.append(part_of or path)
    return path


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for temporary files, removed at the end; what killed processes have left of theirs is removed before.

    Raises
    ------
    InputError
        No such folder can be made, or within the context a disk is full or there are too many open files.
    """
    home = _temporary()
    try:
        _sweep(home, SCRATCH, "")
        with _owned(home) as folder:
            try:
                yield folder
            except RuntimeError:  # of a program that may not say, or not in these words, that it found no room
                (folder / "probe").write_bytes(bytes(PROBE))
                raise
    except (OSError, RuntimeError) as error:
        why = _scarce(error, home)
        if why is None:
            raise
        raise InputError(why) from error


def made(name: str, write: Callable[[Path], object]) -> bytes:
    """What a library writes that knows files alone: the bytes of a temporary file of that name."""
    with scratch() as folder:
        write(folder / name)
        return (folder / name).read_bytes()


def _scarce(error: OSError | RuntimeError, home: Path) -> str | None:
    """What to say of an error where it comes of a disk that is full or cannot be written, or of too many open files.

    Programs of others tell of it in words only.
    """
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EMFILE, errno.ENFILE):
        why = os.strerror(code)
        if getattr(error, "errno", None) == code or (isinstance(error, RuntimeError) and why in str(error)):
            if code in (errno.EMFILE, errno.ENFILE):
                return f"{why.lower()}; raise the limit (ulimit -n)"
            known = next(path for path in (home, *home.parents) if not path.name.startswith(SCRATCH))
            return f"the folder for temporary files {known} cannot be used: {why}; set TMPDIR to one that has room"
    return None


def _temporary() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except OSError as error:
        raise InputError(f"there is no folder for temporary files: {error.strerror}; set TMPDIR to one") from error


def _ordinary(status: os.stat_result) -> None:
    """An OSError for folders, pipes, devices, sockets."""
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no ordinary file")


# Whoever makes a temporary file or folder holds a lock on it, which the system takes away with the process, however
# that ends: what can be locked is left behind. That holds between containers and over changes of the clock too.


@contextlib.contextmanager
def _held(target: Path) -> Iterator[tuple[Path, int]]:
    """A new file beside `target` with its descriptor, locked while it is written; removed where it was not renamed."""

    def make() -> tuple[Path, int]:
        path = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.part")
        return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)

    path, descriptor = _locked(make)
    try:
        yield path, descriptor
    finally:
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(descriptor)


@contextlib.contextmanager
def _owned(home: Path) -> Iterator[Path]:
    """A new folder, locked while it is used, and then removed."""

    def make() -> tuple[Path, int]:
        path = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=home))
        return path, os.open(path, os.O_RDONLY)

    path, descriptor = _locked(make)
    _mine.add(path)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        _mine.discard(path)
        os.close(descriptor)


_mine: set[Path] = set()


def remove_all() -> None:
    """Remove every folder for temporary files that this process has, before it ends in the middle of its work."""
    for path in list(_mine):
        shutil.rmtree(path, ignore_errors=True)


def _locked(make: Callable[[], tuple[Path, int]]) -> tuple[Path, int]:
    """What was made, once it is locked: as long as it is not, others may take it for left behind."""
    for attempt in range(ATTEMPTS):
        try:
            path, descriptor = make()
        except FileNotFoundError:  # taken by another, or there is no making anything here (/proc)
            if attempt == ATTEMPTS - 1:
                raise
            continue
        if _lock(descriptor) and path.exists():
            return path, descriptor
        os.close(descriptor)
    raise OSError(errno.EAGAIN, "others take away what is made there")


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether a claim is this process's, as long as the context lasts; a claim ends with its process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        mine = _lock(descriptor)
        yield mine
        if mine:
            path.unlink(missing_ok=True)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file or folder; False where another process has it locked."""
    try:
        if fcntl:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass  # a file system without locks: there nothing is taken for left behind
    return True


def _sweep(home: Path, before: str, after: str) -> None:
    """Remove what processes of this user that are gone have left behind: named so, but for eight characters."""
    if fcntl is None:
        return
    name = re.compile(f"{re.escape(before)}[a-z0-9_]{{8}}{re.escape(after)}")
    for path in [path for path in home.iterdir() if name.fullmatch(path.name)]:
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                if os.fstat(descriptor).st_uid == os.getuid():
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            finally:
                os.close(descriptor)
