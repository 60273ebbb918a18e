"""Where units run: on the cores of this machine, or on a cluster that dask knows; behind it stands any executor."""

from __future__ import annotations

import atexit
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from shutil import which
from subprocess import run
from typing import Any, Protocol

from autapse_sim.checks import text, whole
from autapse_sim.errors import InputError, in_a_line
from autapse_sim.machine.crew import Crew

AHEAD = 2
"""Calls for each worker: while one runs, the next one waits for it."""


class Executor(Protocol):
    """Whatever makes calls as executors of concurrent.futures do."""

    def submit(self, function: Callable[..., Any], /, *items: Any) -> Future:
        """Begin a call."""
        ...


@dataclass(frozen=True)
class Workers:
    """An executor, how many calls keep it busy, and whether a worker is there: both change as workers come and go.

    With the study that they are given to they end, as far as there is something to `end`.
    """

    executor: Executor
    width: Callable[[], int]
    there: Callable[[], bool] = lambda: True
    end: Callable[[], None] = lambda: None


@contextmanager
def workers(on: str | Executor | Workers = "local", settings: Mapping[str, Any] | None = None) -> Iterator[Workers]:
    """The workers of a place.

    Parameters
    ----------
    on : str, Executor or Workers
        'local' (all cores of this machine), 'tcp://HOST:PORT' (a running dask scheduler), or 'slurm'; an executor,
        which is given all calls at once; or whatever workers there are.
    settings : mapping, optional
        Of dask-jobqueue's SLURMCluster (queue, cores, memory, walltime, ...), with `jobs`, how many are started.
    """
    on = place(on)
    if not isinstance(on, str):
        some = on if isinstance(on, Workers) else Workers(_Apart(on), lambda: sys.maxsize)
        try:
            yield some
        finally:
            some.end()
        return
    if on == "local":
        with Crew() as crew:
            yield _of(crew)
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise InputError(f"on {on!r} needs dask; install it with pip install 'autapse-sim[cluster]'") from error
    with ExitStack() as stack:
        address = stack.enter_context(_slurm(dict(settings or {}))) if on == "slurm" else on
        try:
            client = stack.enter_context(Client(address, timeout=20))
        except (OSError, ValueError) as error:
            raise InputError(f"no dask scheduler answers at {on}: {error}") from error
        executor = _Apart(client.get_executor(pure=False))
        yield Workers(executor, lambda: AHEAD * max(1, sum(client.ncores().values())), lambda: bool(client.ncores()))


def place(on: Any) -> str | Executor | Workers:
    """Where units run, as `workers` takes it, or an `InputError`; whether anybody is there is not asked."""
    if isinstance(on, Workers) or hasattr(on, "submit"):
        return on
    on = text("on", on)
    if on not in ("local", "slurm") and "://" not in on:
        raise InputError(
            f"on is {on!r}; it must be 'local', the address of a dask scheduler (tcp://HOST:PORT), or 'slurm'"
        )
    return on


@contextmanager
def started(on: str, module: str) -> Iterator[str | Workers]:
    """A place of units; processes of this machine start now, to read a module while this process does so, too."""
    if on != "local":
        yield on
        return
    with helper(module, None) as crew:
        yield _of(crew)


@contextmanager
def helper(module: str, size: int | None = 1) -> Iterator[Crew]:
    """Processes of this machine, which read a module now: one, or one a core, for what may be done beside the rest."""
    with Crew(size) as crew:
        crew.read(module)
        yield crew


def _of(crew: Crew) -> Workers:
    return Workers(crew, lambda: AHEAD * crew.size, end=crew.shutdown)


@dataclass(frozen=True)
class _Apart:
    """An executor whose workers make calls in other processes: theirs have threads, and Brian2 wants the main one."""

    executor: Executor

    def submit(self, function: Callable[..., Any], /, *items: Any) -> Future:
        """Begin a call."""
        return self.executor.submit(apart, function, *items)


def apart(function: Callable[..., Any], *items: Any) -> Any:
    """The value of a call that is made in a process which this one keeps for that: as many as calls at a time."""
    try:
        crew = _idle.pop()
    except IndexError:
        ending = ExitStack()
        atexit.register(ending.close)
        crew = ending.enter_context(Crew(1))
    try:
        return crew.submit(function, *items).result()
    finally:
        _idle.append(crew)


_idle: list[Crew] = []
"""Processes that wait for the next call; what they have read and compiled, they keep."""


@contextmanager
def _slurm(settings: dict[str, Any]) -> Iterator[str]:
    """The address of a dask scheduler here, whose workers are jobs of Slurm."""
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError as error:
        raise InputError(
            "on 'slurm' needs dask-jobqueue; install it with pip install 'autapse-sim[cluster]'"
        ) from error
    sbatch = which("sbatch")
    if not sbatch:
        raise InputError("on 'slurm' submits jobs by sbatch, which is not in the PATH: start it on a node that has it")
    jobs = whole("jobs", settings.pop("jobs", 1), least=1)
    try:
        cluster = SLURMCluster(**settings)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"dask-jobqueue's SLURMCluster does not take this ([slurm] of a study file, or jobqueue.slurm of dask's "
            f"configuration): {in_a_line(error)}"
        ) from error
    with cluster:
        # dask would go on without the jobs, and wait for their workers for ever
        tried = run([sbatch, "--test-only"], input=cluster.job_script(), capture_output=True, text=True, check=False)
        if tried.returncode:
            raise InputError(f"Slurm does not take the job: {' '.join((tried.stderr or tried.stdout).split())}")
        cluster.scale(jobs=jobs)
        yield cluster.scheduler_address
