"""Other programs: started in groups of their own, not waited for without end, and ended with what asked for them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import IO, NamedTuple, cast

SAID = 2**16
"""Bytes that are kept of what a program says."""
LEAVE = 5.0
"""Seconds for what a program has left behind to close its output."""


class Answer(NamedTuple):
    """How a program ended: its exit code, and what it said on standard output and standard error."""

    code: int
    output: str
    errors: str

    def said(self) -> str:
        """What it said, its errors before all else, and how it ended where it said nothing; in a line."""
        words = " ".join((self.errors.strip() or self.output.strip()).split())
        how = f"signal {-self.code}" if self.code < 0 else f"exit code {self.code}"
        return f"{how}: {words[:300]}" if words else f"{how}, without a word"


class Programs:
    """Programs that run for the same purpose, and may all have to end at any moment: on leaving the context they do.

    Examples
    --------
    >>> with Programs() as programs:
    ...     programs.run(["echo", "hello"], "echo", limit=10).output
    'hello\\n'
    """

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen] = []
        self.stopped = False
        self.lock = threading.Lock()
        _all.add(self)

    def __enter__(self) -> Programs:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def run(
        self,
        arguments: Sequence[str],
        what: str,
        limit: float,
        cwd: Path | None = None,
        hear: Callable[[str], bool] = lambda line: False,
    ) -> Answer:
        """Run a program to its end.

        Parameters
        ----------
        arguments : sequence of str
            The program and its arguments.
        what : str
            How errors call it.
        limit : float
            Seconds for which it may be silent.
        cwd : Path, optional
            Where it runs.
        hear : callable
            Called with each line of its output; what it is true for is no part of the answer.

        Raises
        ------
        RuntimeError
            It cannot be started, or it was silent for too long.
        """
        process = self._start(arguments, what, cwd)
        heard, done, late = [time.monotonic()], threading.Event(), threading.Event()
        output, errors = bytearray(), bytearray()

        def listen() -> None:
            for piece in iter(partial(_buffered(process.stderr).read1, SAID), b""):
                errors.extend(piece[: SAID - len(errors)])

        def watch() -> None:
            while not done.wait(min(limit, 1.0)):
                if time.monotonic() - heard[0] > limit:
                    late.set()
                    _kill(process)

        helpers = [threading.Thread(target=task, daemon=True) for task in (listen, watch)]
        guard = None
        try:
            guard = _guard(process)
            for helper in helpers:
                helper.start()
            for line in iter(partial(_buffered(process.stdout).readline, SAID), b""):
                heard[0] = time.monotonic()
                if not hear(line.decode(errors="replace")):
                    output.extend(line[: SAID - len(output)])
            code = process.wait()
        finally:
            _kill(process)
            done.set()
            for helper in filter(threading.Thread.is_alive, helpers):
                helper.join(LEAVE)
            if guard:
                guard.kill()
                guard.wait()
                pipe(guard.stdin).close()
        if late.is_set():
            raise RuntimeError(f"{what} {arguments[0]} was silent for {limit:g} s and was ended")
        return Answer(code, output.decode(errors="replace"), errors.decode(errors="replace"))

    def stop(self) -> None:
        """End all programs, and start no other."""
        with self.lock:
            self.stopped = True
            for process in self.processes:
                _kill(process)

    def _start(self, arguments: Sequence[str], what: str, cwd: Path | None) -> subprocess.Popen:
        with self.lock:
            if self.stopped:
                raise RuntimeError("stopped")
            try:
                # what it leaves for itself goes with the folder that it runs in
                environment = {**os.environ, "TMPDIR": str(cwd)} if cwd else None
                process = subprocess.Popen(
                    arguments,
                    cwd=cwd,
                    env=environment,
                    start_new_session=True,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
            except (OSError, ValueError) as error:
                why = getattr(error, "strerror", None) or error
                raise RuntimeError(f"{what} {arguments[0]} cannot be started: {why}") from error
            self.processes.append(process)
        return process


_all: weakref.WeakSet[Programs] = weakref.WeakSet()


def stop_all() -> None:
    """End every program that this process has started."""
    for programs in list(_all):
        programs.stop()


def _guard(process: subprocess.Popen) -> subprocess.Popen:
    """A process that ends the group of another one when this process is gone, by a kill too: it reads until then."""
    command = ["sh", "-c", 'read _; kill -s KILL -- "-$1"', "sh", str(process.pid)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)


def pipe(end: IO[bytes] | None) -> IO[bytes]:
    """An end of a pipe to a process that was started with one."""
    if end is None:
        raise RuntimeError("the process was started without a pipe")
    return end


def _buffered(end: IO[bytes] | None) -> BufferedReader:
    """The end of a pipe from which a process that was started with one is heard."""
    return cast(BufferedReader, pipe(end))  # what Popen makes of a pipe that it reads bytes from


def _kill(process: subprocess.Popen) -> None:
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
