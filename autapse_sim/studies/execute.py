"""Running units: anywhere behind an executor, each tried again where it failed, each finished one written at once."""

from __future__ import annotations

import pickle
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import cloudpickle

from autapse_sim.errors import InputError
from autapse_sim.studies.plan import Unit
from autapse_sim.studies.store import Store


class Executor(Protocol):
    """Whatever makes calls as executors of concurrent.futures do."""

    def submit(self, function: Callable[[Any], Any], item: Any) -> Future:
        """Begin a call."""
        ...


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
    """

    trainings: int
    done: int
    failed: int
    left: float


def execute(
    units: Iterable[Unit],
    store: Store,
    executor: Executor,
    width: int,
    retries: int = 1,
    report: Callable[[State], None] | None = None,
) -> None:
    """Run the units that are not finished; a finished one is written at once, a failed one with its reason.

    Two processes may share a folder: a unit that another one has claimed is left to it.

    Parameters
    ----------
    units : iterable of Unit
        The plan's.
    store : Store
        Where they are kept.
    executor : Executor
        Who runs them; any of concurrent.futures, dask's too.
    width : int
        Units that it runs at a time.
    retries : int
        How often a unit that failed is tried again. One that is refused for its input is not.
    report : callable, optional
        Called with the `State` after each unit.
    """
    all_units = {unit.name: unit for unit in units}
    waiting = deque(name for name in all_units if not store.has(name))
    running: dict[Future, tuple[str, ExitStack]] = {}
    tries: Counter[str] = Counter()
    finished, began = [], time.monotonic()

    def tell() -> None:
        done = sum(unit.networks for name, unit in all_units.items() if store.has(name))
        total = sum(unit.networks for unit in all_units.values())
        failed = sum(all_units[name].networks for name, count in tries.items() if count > retries)
        mine = sum(all_units[name].networks for name in finished)
        left = (time.monotonic() - began) / mine * (total - done - failed) if mine else float("nan")
        if report:
            report(State(total, done, failed, left))

    tell()
    with ExitStack() as claims:
        while waiting or running:
            claimed = _start(waiting, running, all_units, store, executor, width, claims)
            if not running and not claimed:
                time.sleep(PATIENCE)  # what is left is another process's, for now
                continue
            for future in wait(running, PATIENCE, FIRST_COMPLETED).done:
                name, claim = running.pop(future)
                kind, value = _answer(future)
                if kind == "done":
                    store.keep(name, value)
                    finished.append(name)
                else:
                    tries[name] += 1 if kind == "failed" else retries + 1
                    if tries[name] <= retries:
                        waiting.append(name)
                    else:
                        store.keep_failure(name, value, tries[name])
                claim.close()
                tell()


def _start(
    waiting: deque[str],
    running: dict[Future, tuple[str, ExitStack]],
    units: Mapping[str, Unit],
    store: Store,
    executor: Executor,
    width: int,
    claims: ExitStack,
) -> bool:
    """Give the executor as many units as it takes; whether any was there to be claimed."""
    any_claimed = False
    for _ in range(len(waiting)):
        if len(running) >= width:
            break
        name = waiting.popleft()
        if store.has(name):
            continue
        claim = claims.enter_context(ExitStack())
        if claim.enter_context(store.claimed(name)):
            running[executor.submit(attempt, cloudpickle.dumps(units[name]))] = name, claim
            any_claimed = True
        else:
            claim.close()
            waiting.append(name)
    return any_claimed


def _answer(future: Future) -> tuple[str, Any]:
    try:
        return future.result()
    except Exception as error:  # the worker is gone, or what it sent cannot be read
        return "failed", f"{type(error).__name__}: {error}"


def attempt(packed: bytes) -> tuple[str, Any]:
    """Run a unit in a worker: 'done' with the content of its file, 'refused' or 'failed' with the reason."""
    from autapse_sim.studies.unit import run_unit

    try:
        return "done", run_unit(pickle.loads(packed)).to_bytes()
    except InputError as error:
        return "refused", str(error)
    except Exception as error:  # one unit's fault is not the study's: the others go on, and the reason is kept
        return "failed", f"{type(error).__name__}: {error}"


@contextmanager
def workers(on: str, settings: Mapping[str, Any] | None = None) -> Iterator[tuple[Executor, int]]:
    """An executor and how many units it runs at a time.

    Parameters
    ----------
    on : str
        'local' (all cores of this machine), 'tcp://HOST:PORT' (a running dask scheduler), or 'slurm'.
    settings : mapping, optional
        Of dask-jobqueue's SLURMCluster (queue, cores, memory, walltime, ...), with `jobs`, how many are started.
    """
    if on == "local":
        from autapse_sim.crew import Crew

        with Crew() as crew:
            yield crew, crew.size
        return
    if on != "slurm" and "://" not in on:
        raise InputError(
            f"on is {on!r}; it must be 'local', the address of a dask scheduler (tcp://HOST:PORT), or 'slurm'"
        )
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(f"on {on!r} needs dask; install it with pip install 'autapse-sim[cluster]'") from error
    with ExitStack() as stack:
        address: Any = on
        if on == "slurm":
            address = stack.enter_context(_slurm(dict(settings or {})))
        try:
            client = stack.enter_context(Client(address, timeout=20))
        except (OSError, ValueError) as error:
            raise InputError(f"no dask scheduler answers at {on}: {error}") from error
        yield client.get_executor(), max(1, sum(client.ncores().values()))


def _slurm(settings: dict[str, Any]) -> Any:
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise InputError(
            "on 'slurm' needs dask-jobqueue; install it with pip install 'autapse-sim[cluster]'"
        ) from error
    jobs = settings.pop("jobs", 1)
    cluster = SLURMCluster(**settings)
    cluster.scale(jobs=jobs)
    return cluster
