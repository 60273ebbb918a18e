"""What holds while a command runs: how it is told to end and what is said then, and where its temporary files lie."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import click

from autapse_sim.errors import InputError, in_a_line
from autapse_sim.machine.files import remove_all, scratch, written
from autapse_sim.machine.processes import stop_all
from autapse_sim.machine.quiet import quiet

GRACE = 10.0
"""Seconds in which a command that was told to end clears away what it runs; then it ends as it is."""
PREFERENCES = "brian_preferences"
"""A file that Brian2 looks for in the current folder, and evaluates."""


class Stopped(KeyboardInterrupt):
    """A signal told this process to end; `code` is its exit code by that."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number


@contextlib.contextmanager
def stoppable() -> Iterator[list[Stopped]]:
    """Raise `Stopped` where SIGTERM or Ctrl-C comes; the value holds it then, should another error come of it.

    Signals after the first change nothing. Python loses an exception where an object is cleared away: there it comes
    again. Others may lose it, too, so that the process ends by itself a while after, whatever it still does.
    """
    came: list[Stopped] = []
    over = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def insist() -> None:
        if not over.wait(GRACE):
            stop_all()
            remove_all()
            os.write(2, b"autapse: stopped in the middle of its work\n")
            os._exit(came[0].code)

    def stop(number: int, frame: FrameType | None) -> None:
        if not came:
            came.append(Stopped(number))
            threading.Thread(target=insist, daemon=True).start()
            raise came[0]
        if lost:
            raise lost.pop()

    def again(unraisable: Any) -> None:
        if not isinstance(unraisable.exc_value, Stopped):
            return hook(unraisable)
        lost.append(unraisable.exc_value)
        threading.Timer(0.05, os.kill, (os.getpid(), unraisable.exc_value.args[0])).start()

    lost: list[Stopped] = []
    hook, sys.unraisablehook = sys.unraisablehook, again
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        over.set()
        sys.unraisablehook = hook
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def computing() -> Iterator[None]:
    """Let all temporary files lie in one folder, which is removed at the end, or by a later run after a kill.

    Raises
    ------
    InputError
        There is no folder for temporary files, or the current folder holds what Brian2 would run unasked.
    """
    if os.path.lexists(PREFERENCES):
        raise InputError(f"{Path(PREFERENCES).absolute()} would be run by Brian2: start elsewhere, or move it away")
    before = tempfile.tempdir
    with scratch() as folder:
        tempfile.tempdir = str(folder)
        try:
            yield
        finally:
            tempfile.tempdir = before
            logger = sys.modules.get("brian2.utils.logger")
            if logger:  # its files go with the folder
                logger.BrianLogger.tmp_log = logger.BrianLogger.tmp_script = None


class Commands(click.Group):
    """Input errors become one line and exit code 2; a stop becomes 130 or 143, and what was written before is said."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        with stoppable() as self.stopped:
            return super().main(*arguments, **options)

    def invoke(self, context: click.Context) -> Any:
        before = len(written)
        try:
            with quiet():
                return super().invoke(context)
        except BaseException as error:
            line, code = _end(next(iter(self.stopped), error), written[before:])
            if code is None:
                raise
            click.echo(f"autapse: {line}", err=True)
            context.exit(code)


def _end(error: BaseException, files: list[Path]) -> tuple[str, int | None]:
    """What is said of an error that ends a command, and its exit code; None where that is not for us to say."""
    if isinstance(error, KeyboardInterrupt):
        said = f"written before that: {', '.join(map(str, files))}" if files else "nothing was written"
        return f"stopped; {said}", getattr(error, "code", 130)
    if isinstance(error, InputError):
        return f"error: {error}", 2
    if isinstance(error, MemoryError):
        return "error: there is not enough memory", 2
    if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
        where = f"{error.filename}: " if error.filename else ""
        return f"error: {where}{error.strerror or error}", 2
    if isinstance(error, RuntimeError) and not isinstance(error, click.exceptions.Exit):
        return f"failed: {in_a_line(error, most=500)}", 1
    return "", None
