"""Running units: anywhere behind an executor, each tried again where it failed, each finished one written at once."""

from __future__ import annotations

import pickle
import sys
import sysconfig
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle

import autapse_sim
from autapse_sim.errors import InputError, in_a_line
from autapse_sim.studies.store import Store
from autapse_sim.studies.unit import Unit, code
from autapse_sim.studies.workers import Workers

PYTHON = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
INSTALLED = {"site-packages", "dist-packages"}
"""Where modules are that every worker has."""
PATIENCE = 0.5
"""Seconds between looks at units that another process runs."""


@dataclass(frozen=True)
class State:
    """How far a study is.

    Parameters
    ----------
    trainings, done, failed : int
        Networks of the plan, and those of finished and of failed units.
    left : float
        Seconds that the rest may take, from the units so far; NaN before the first.
    failure : (str, str), optional
        How, 'failed' or 'refused', and why the last unit failed.
    waits : bool
        Whether there is no worker yet.
    """

    trainings: int
    done: int
    failed: int
    left: float
    failure: tuple[str, str] | None = None
    waits: bool = False


def execute(
    units: Mapping[str, Unit],
    store: Store,
    workers: Workers,
    retries: int = 1,
    report: Callable[[State], None] | None = None,
) -> None:
    """Run the units that are not finished; a finished one is written at once, a failed one with its reason.

    Two processes may share a folder: a unit that another one has claimed is left to it.

    Parameters
    ----------
    units : mapping of str to Unit
        By name.
    store : Store
        Where they are kept.
    workers : Workers
        Who runs them.
    retries : int
        How often a unit that failed is tried again. One that is refused for its input is not.
    report : callable, optional
        Called with the `State` at the start and after each unit; what it raises ends the run.
    """
    run = _Run(units, store, workers, retries)
    tell = report or (lambda state: None)
    tell(run.state())
    with ExitStack() as claims:
        while run.waiting or run.running:
            run.start(claims)
            if not run.running:
                if run.waiting:
                    time.sleep(PATIENCE)  # what is left is another process's, for now
                continue
            for future in wait(run.running, PATIENCE, FIRST_COMPLETED).done:
                run.finish(future)
                tell(run.state())
    tell(run.state())


class _Run:
    """What of a study is finished, waits, runs and has failed, in this process."""

    def __init__(self, units: Mapping[str, Unit], store: Store, workers: Workers, retries: int) -> None:
        self.units, self.store, self.workers, self.retries = units, store, workers, retries
        there = store.whole()
        self.waiting = deque(name for name in units if name not in there)
        self.running: dict[Future, tuple[str, ExitStack]] = {}
        self.tries: Counter[str] = Counter()
        self.work = {name: unit.work for name, unit in units.items()}
        self.total = sum(self.work.values())
        self.done = self.total - sum(self.work[name] for name in self.waiting)
        self.mine, self.failed, self.began = 0, 0, time.monotonic()
        self.failure: tuple[str, str] | None = None
        self.own = [module for name, module in sys.modules.items() if _is_own(name, module)]

    def state(self) -> State:
        """How far it is."""
        left = self.total - self.done - self.failed
        pace = (time.monotonic() - self.began) / self.mine if self.mine else float("nan")
        waits = bool(left) and not self.workers.there()
        return State(self.total, self.done, self.failed, pace * left, self.failure, waits)

    def start(self, claims: ExitStack) -> None:
        """Give the workers as many units as keep them busy."""
        for _ in range(len(self.waiting)):
            if len(self.running) >= self.workers.width():
                break
            name = self.waiting.popleft()
            if self.store.has(name):  # another process was faster
                self.done += self.work[name]
                continue
            claim = claims.enter_context(ExitStack())
            if claim.enter_context(self.store.claimed(name)):
                call = self.workers.executor.submit(attempt, packed(self.units[name], self.own), code())
                self.running[call] = name, claim
            else:
                claim.close()
                self.waiting.append(name)

    def finish(self, future: Future) -> None:
        """Keep what a unit gave."""
        name, claim = self.running.pop(future)
        kind, value = _answer(future)
        if kind == "done":
            self.store.keep(name, value)
            self.done, self.mine = self.done + self.work[name], self.mine + self.work[name]
        else:
            self.tries[name] += 1 if kind == "failed" else self.retries + 1
            if self.tries[name] <= self.retries:
                self.waiting.append(name)
            else:
                self.store.keep_failure(name, kind, value)
                self.failed, self.failure = self.failed + self.work[name], (kind, value)
        claim.close()


def _answer(future: Future) -> tuple[str, Any]:
    try:
        return future.result()
    except Exception as error:  # the worker is gone, or what it sent cannot be read
        return "failed", _reason(error)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {in_a_line(error, most=500)}"


def packed(unit: Unit, own: Iterable[ModuleType]) -> bytes:
    """A unit as bytes; with what the user's own modules define, which a worker need not find."""
    with ExitStack() as stack:
        for module in own:
            cloudpickle.register_pickle_by_value(module)
            stack.callback(cloudpickle.unregister_pickle_by_value, module)
        return cloudpickle.dumps(unit)


def _is_own(name: str, module: ModuleType) -> bool:
    """Whether a module is the user's: neither Python's, nor this package's, nor installed."""
    file = getattr(module, "__file__", None) or ""
    theirs = name.partition(".")[0] in ("__main__", autapse_sim.__name__) or getattr(module, "__name__", "") != name
    if theirs or not file.endswith(".py"):
        return False
    return not INSTALLED & set(Path(file).parts) and not any(Path(file).is_relative_to(home) for home in PYTHON)


def attempt(content: bytes, theirs: str) -> tuple[str, Any]:
    """Run a unit in a worker: 'done' with the content of its file, 'refused' or 'failed' with the reason.

    A worker with other code (`theirs` is that of who asks) would give other numbers under the same name.
    """
    if theirs != code():
        return "refused", "the worker has another version of autapse_sim, Brian2, NumPy or SciPy"
    try:
        return "done", pickle.loads(content).run().to_bytes()
    except InputError as error:
        return "refused", str(error)
    except Exception as error:  # one unit's fault is not the study's: the others go on, and the reason is kept
        return "failed", _reason(error)
