"""Calls shared out over processes, one a core, which end when the process that made them is told to."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context, parent_process, resource_tracker
from typing import Any

from autapse_sim.engine import cores
from autapse_sim.worker import THREADS

GRACE = 2.0
"""Seconds in which a process that is left alone clears away what it runs."""


class Crew:
    """Processes with a fresh interpreter and one thread each: together they keep all cores busy.

    Ctrl-C reaches only the process that made them. Leaving the context by an error ends them within a moment, and the
    programs that they run with them.

    Examples
    --------
    >>> with Crew() as crew:
    ...     list(crew.map(abs, [-1, 2, -3]))
    [1, 2, 3]
    """

    def __enter__(self) -> Crew:
        self.before = {name: os.environ.get(name) for name in THREADS}
        os.environ.update(dict.fromkeys(THREADS, "1"))
        self.pool = ProcessPoolExecutor(cores(), mp_context=get_context("spawn"), initializer=_listen)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        for name, value in self.before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        if kind is not None:
            for process in list((self.pool._processes or {}).values()):
                process.terminate()
        self.pool.shutdown(cancel_futures=True)

    def map(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Iterator[Any]:
        """The results of a function of each item, in order, each as soon as it is there."""
        resource_tracker.ensure_running()  # where it is started, Ctrl-C is let through again
        with _later():
            allowed = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # the processes keep it so
            try:
                return self.pool.map(partial(_call, function), items)
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, allowed)


@contextlib.contextmanager
def _later() -> Iterator[None]:
    """Keep a Ctrl-C that has come already until the end, lest a process be left half started."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            raise KeyboardInterrupt


_told: list[int] = []
"""The signals that have told this process to end."""


def _listen() -> None:
    """End as `sys.exit` does, so that whatever runs is cleared away: when told, or when the one who tells is gone."""

    def leave() -> None:
        time.sleep(GRACE)
        os._exit(1)  # else the pool, which catches exits, could wait for work for ever

    def end(number: int, frame: object) -> None:
        if not _told:
            threading.Thread(target=leave, daemon=True).start()
        _told.append(number)
        sys.exit(1)

    def follow() -> None:
        parent_process().join()
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    threading.Thread(target=follow, daemon=True).start()


def _call(function: Callable[[Any], Any], item: Any) -> Any:
    if _told:  # the pool catches even an exit, and hands out what it had in store
        sys.exit(1)
    return function(item)
