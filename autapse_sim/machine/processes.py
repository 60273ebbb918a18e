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
from typing import IO, Any, NamedTuple, cast

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
        self.started: list[Guarded] = []
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
        started = self._start(arguments, what, cwd)
        process = started.process
        heard, done, late = [time.monotonic()], threading.Event(), threading.Event()
        output, errors = bytearray(), bytearray()

        def listen() -> None:
            for piece in iter(partial(_buffered(process.stderr).read1, SAID), b""):
                errors.extend(piece[: SAID - len(errors)])

        def watch() -> None:
            while not done.wait(min(limit, 1.0)):
                if time.monotonic() - heard[0] > limit:
                    late.set()
                    started.kill()

        helpers = [threading.Thread(target=task, daemon=True) for task in (listen, watch)]
        try:
            for helper in helpers:
                helper.start()
            for line in iter(partial(_buffered(process.stdout).readline, SAID), b""):
                heard[0] = time.monotonic()
                if not hear(line.decode(errors="replace")):
                    output.extend(line[: SAID - len(output)])
            code = process.wait()
        finally:
            started.kill()
            done.set()
            for helper in filter(threading.Thread.is_alive, helpers):
                helper.join(LEAVE)
            started.close()
        if late.is_set():
            raise RuntimeError(f"{what} {arguments[0]} was silent for {limit:g} s and was ended")
        return Answer(code, output.decode(errors="replace"), errors.decode(errors="replace"))

    def stop(self) -> None:
        """End all programs, and start no other."""
        with self.lock:
            self.stopped = True
            for each in self.started:
                each.kill()

    def _start(self, arguments: Sequence[str], what: str, cwd: Path | None) -> Guarded:
        with self.lock:
            if self.stopped:
                raise RuntimeError("stopped")
            # what it leaves for itself goes with the folder that it runs in
            environment = {**os.environ, "TMPDIR": str(cwd)} if cwd else None
            pipes: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            try:
                guard = _guard()
                try:
                    process = subprocess.Popen(arguments, cwd=cwd, env=environment, process_group=guard.pid, **pipes)
                except BaseException:
                    Guarded(guard, guard).close()
                    raise
            except (OSError, ValueError, subprocess.SubprocessError) as error:
                why = getattr(error, "strerror", None) or error
                raise RuntimeError(f"{what} {arguments[0]} cannot be started: {why}") from error
            self.started.append(Guarded(process, guard))
        return self.started[-1]


class Guarded(NamedTuple):
    """A program, and the process that leads its group and ends it when this process is gone, by a kill too."""

    process: subprocess.Popen
    guard: subprocess.Popen

    def kill(self) -> None:
        """End the whole group, where the program still runs."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.guard.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the guard of a program that is over."""
        self.guard.kill()
        self.guard.wait()
        pipe(self.guard.stdin).close()


_all: weakref.WeakSet[Programs] = weakref.WeakSet()


def stop_all() -> None:
    """End every program that this process has started."""
    for programs in list(_all):
        programs.stop()


def _guard() -> subprocess.Popen:
    """A process that is there before the program, so that no moment is left: it reads until this one is gone."""
    command = ["sh", "-c", "read _; kill -s KILL 0"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0)


def pipe(end: IO[bytes] | None) -> IO[bytes]:
    """An end of a pipe to a process that was started with one."""
    if end is None:
        raise RuntimeError("the process was started without a pipe")
    return end


def _buffered(end: IO[bytes] | None) -> BufferedReader:
    """The end of a pipe from which a process that was started with one is heard."""
    return cast(BufferedReader, pipe(end))  # what Popen makes of a pipe that it reads bytes from


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
