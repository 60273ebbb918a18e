"""Calls shared out over processes, one a core, which end when the process that made them does."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import autapse_sim
from autapse_sim.machine.files import scratch
from autapse_sim.machine.processes import cores, pipe
from autapse_sim.machine.worker import START, receive, send

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Where linear algebra reads how many threads it may use."""
TRIMMING = "MALLOC_TRIM_THRESHOLD_"
"""What dask sets for its workers, so that freed memory goes back at once: NumPy takes a fifth longer with it."""
GRACE = 2.0
"""Seconds in which a worker ends what it runs."""


class Crew(ThreadPoolExecutor):
    """An executor of processes with a fresh interpreter and one thread each: together they keep all cores busy.

    They run the package that this process runs, whatever lies in the current folder, and need nothing of the user's
    script. Ctrl-C reaches only the process that made them. One that ends over a call is replaced. On leaving the
    context they end within a moment, and the programs that they run with them; they end, too, when the process that
    made them is killed.

    Parameters
    ----------
    size : int, optional
        How many; one a core where not given.

    Examples
    --------
    >>> with Crew() as crew:
    ...     list(crew.map(abs, [-1, 2, -3]))
    [1, 2, 3]
    """

    def __init__(self, size: int | None = None) -> None:
        self.size = size or cores()
        super().__init__(self.size)  # a thread waits for each process
        self.workers: list[subprocess.Popen] = []
        self.mine = threading.local()
        self.lock, self.over = threading.Lock(), False
        self.ending = contextlib.ExitStack()

    def __enter__(self) -> Crew:
        with contextlib.ExitStack() as starting:
            temporary = starting.enter_context(scratch())
            starting.callback(self.shutdown)
            own = {name: value for name, value in os.environ.items() if name != TRIMMING}
            self.environment = {**own, **dict.fromkeys(THREADS, "1"), "TMPDIR": str(temporary)}
            self.ending = starting.pop_all()
        return self

    def __exit__(self, *error: Any) -> bool | None:
        return self.ending.__exit__(*error)

    def submit(self, function: Callable[..., Any], /, *items: Any, **named: Any) -> Future:
        """Begin a call, as soon as a worker is there for it."""
        return super().submit(self._call, pickle.dumps((function, items, named)))

    def read(self, module: str) -> None:
        """Let all workers start now, and read a module before their first calls."""
        for _ in range(self.size):
            self.submit(_read, module)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """End all workers, whatever they do."""
        super().shutdown(wait=False, cancel_futures=True)
        with self.lock:
            self.over = True
        for worker in self.workers:
            with contextlib.suppress(OSError):
                pipe(worker.stdin).close()  # which it notices at once, whatever it does
        for worker in self.workers:
            try:
                worker.wait(GRACE)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        super().shutdown(wait=True)

    def _call(self, call: bytes) -> Any:
        """The value of a call, from the worker of this thread."""
        worker = getattr(self.mine, "worker", None)
        if worker is None or worker.poll() is not None:
            worker = self.mine.worker = self._start()
        kind, value = _answer(worker, call)
        if kind == "error":
            raise value
        return value

    def _start(self) -> subprocess.Popen:
        """Start a worker: no module is taken from the current folder, and no warning of others reaches the terminal."""
        command = [sys.executable, "-P", "-W", "ignore", "-c", START, str(Path(autapse_sim.__file__).absolute())]
        with self.lock:
            if self.over:
                raise RuntimeError("stopped")
            worker = subprocess.Popen(
                command, env=self.environment, start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            self.workers.append(worker)
        return worker


def _answer(worker: subprocess.Popen, call: bytes) -> tuple[str, Any]:
    """What a worker answers to a call."""
    try:
        send(pipe(worker.stdin), call)
        content = receive(pipe(worker.stdout))
    except (EOFError, OSError, ValueError) as error:
        code = worker.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise RuntimeError(f"a worker process ended before its work was done ({how})") from error
    return pickle.loads(content)


def _read(module: str) -> None:
    import_module(module)
