"""What holds while a command runs: how it is told to end, and where its temporary files lie."""

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

from autapse_sim.errors import InputError
from autapse_sim.files import remove_all, scratch
from autapse_sim.processes import stop_all

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
