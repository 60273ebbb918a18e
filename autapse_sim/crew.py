"""Calls shared out over processes, one a core, which end when the process that made them does."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import autapse_sim
from autapse_sim import discrete
from autapse_sim.engine import cores
from autapse_sim.files import scratch
from autapse_sim.job import Job, Outcome
from autapse_sim.worker import START, receive, send

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Where linear algebra reads how many threads it may use."""
GRACE = 2.0
"""Seconds in which a worker ends what it runs."""


class Crew:
    """Processes with a fresh interpreter and one thread each: together they keep all cores busy.

    They run the package that this process runs, whatever lies in the current folder, and need nothing of the user's
    script. Ctrl-C reaches only the process that made them. On leaving the context they end within a moment, and the
    programs that they run with them; they end, too, when the process that made them is killed.

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
        self.workers: list[subprocess.Popen] = []
        self.idle: list[subprocess.Popen] = []
        self.lock = threading.Lock()
        self.ending = contextlib.ExitStack()

    def __enter__(self) -> Crew:
        with contextlib.ExitStack() as starting:
            temporary = starting.enter_context(scratch())
            starting.callback(self._end)
            self.environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "TMPDIR": str(temporary)}
            self.ending = starting.pop_all()
        return self

    def __exit__(self, *error: Any) -> bool | None:
        return self.ending.__exit__(*error)

    def map(
        self, function: Callable[..., Any], items: Sequence[Any], progress: Callable[..., None] | None = None
    ) -> Iterator[Any]:
        """The results of a function of each item, in order, each as soon as it is there; the calls begin at once.

        Where there is a `progress`, the function is given a callable `tell`, and what it is called with goes there.
        """
        calls = [pickle.dumps((function, item, progress is not None)) for item in items]
        waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(len(calls)):
            waiting.put(number)
        answers: queue.SimpleQueue[tuple[int, str, Any]] = queue.SimpleQueue()
        while len(self.workers) < min(self.size, len(calls)):
            self.workers.append(self._start())
        for worker in self.workers:
            threading.Thread(target=_serve, args=(worker, calls, waiting, answers, progress), daemon=True).start()
        return _in_order(answers, len(calls))

    def submit(self, function: Callable[[Any], Any], item: Any) -> Future:
        """One call, as an executor of concurrent.futures makes it: a worker that ends over it is replaced.

        No more than `size` calls at a time.
        """
        future: Future = Future()
        with self.lock:
            worker = self.idle.pop() if self.idle else self._start()
            self.workers += [worker] * (worker not in self.workers)
        call = pickle.dumps((function, item, False))
        threading.Thread(target=self._fulfil, args=(future, worker, call), daemon=True).start()
        return future

    def _fulfil(self, future: Future, worker: subprocess.Popen, call: bytes) -> None:
        kind, value = _answer(worker, call, None)
        if worker.poll() is None:
            with self.lock:
                self.idle.append(worker)
        if kind == "error":
            future.set_exception(value)
        else:
            future.set_result(value)

    def _start(self) -> subprocess.Popen:
        """Start a worker: no module is taken from the current folder, and no warning of others reaches the terminal."""
        command = [sys.executable, "-P", "-W", "ignore", "-c", START, str(Path(autapse_sim.__file__).absolute())]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        return subprocess.Popen(command, env=self.environment, start_new_session=True, **pipes)

    def _end(self) -> None:
        for worker in self.workers:
            with contextlib.suppress(OSError):
                worker.stdin.close()  # which it notices at once, whatever it does
        for worker in self.workers:
            try:
                worker.wait(GRACE)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


def _serve(
    worker: subprocess.Popen,
    calls: Sequence[bytes],
    waiting: queue.SimpleQueue[int],
    answers: queue.SimpleQueue[tuple[int, str, Any]],
    progress: Callable[..., None] | None,
) -> None:
    """Let a worker make one call after the other, as long as some are waiting."""
    with contextlib.suppress(queue.Empty):
        while True:
            number = waiting.get_nowait()
            answers.put((number, *_answer(worker, calls[number], progress)))


def _answer(worker: subprocess.Popen, call: bytes, progress: Callable[..., None] | None) -> tuple[str, Any]:
    """What a worker answers to a call: its value, or an error."""
    try:
        send(worker.stdin, call)
        kind, value = pickle.loads(receive(worker.stdout))
        while kind == "told":
            try:
                progress(*value)
            except Exception as error:  # of the user's own, of any kind
                return "error", error
            kind, value = pickle.loads(receive(worker.stdout))
    except (EOFError, OSError, ValueError):
        code = worker.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return "error", RuntimeError(f"a worker process ended before its work was done ({how})")
    return kind, value


def _in_order(answers: queue.SimpleQueue[tuple[int, str, Any]], many: int) -> Iterator[Any]:
    results: dict[int, Any] = {}
    for number in range(many):
        while number not in results:
            which, kind, value = answers.get()
            if kind == "error":
                raise value
            results[which] = value
        yield results.pop(number)


@contextlib.contextmanager
def beside(
    jobs: Mapping[str, Job], progress: Callable[[str, float], None]
) -> Iterator[Callable[[], dict[str, Outcome]]]:
    """Run jobs on the discrete network in another process; the value, when called, waits for their outcomes.

    Leaving the context for any reason ends the process.
    """
    if not jobs:
        yield dict
        return
    with Crew(1) as crew:
        results = crew.map(_simulate, [dict(jobs)], progress)
        yield lambda: next(results)


def _simulate(jobs: Mapping[str, Job], tell: Callable[[str, float], None]) -> dict[str, Outcome]:
    def say(name: str) -> Callable[[float], None]:
        return lambda share: tell(name, share)

    return {name: discrete.simulate(job, progress=say(name)) for name, job in jobs.items()}
