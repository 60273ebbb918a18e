"""Compiled programs at work: had from the cache or made anew, shared between processes, told when they fall silent."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol, TypeVar

from autapse_sim.engines.cache import cached, found, recall, remember
from autapse_sim.machine.files import scratch
from autapse_sim.machine.processes import Programs, cores
from autapse_sim.spec.job import Job, Outcome, Progress

WORTH_SPLITTING = 1e8
"""Weights times time steps that are worth a process of their own: some tenths of a second."""
LONG = 1000
"""Trajectories that a run is taken to show: how it is shared, on which last digits depend, must not depend on their
number, or a run that goes on from another would not give the bits of one that was never interrupted."""
SILENT = 3600.0
"""Seconds for which a compiled program may say nothing; it tells how far it is some ten times a second."""
PROGRESS = re.compile(r"progress (\d\.\d{4})\n")


class Made(Protocol):
    """What is known of a program: its key in the cache, and how it is fed."""

    @property
    def key(self) -> str:
        """The digest of all that determines it."""

    def to_json(self) -> str:
        """As text."""


Known = TypeVar("Known", bound=Made)


def worthwhile(job: Job, room: int) -> int:
    """The processes that are worth sharing `room` networks of a job, however many trajectories it shows."""
    n = job.circuit.neurons
    steps = LONG * job.x.shape[2] * job.circuit.substeps
    return min(cores(), room, 1 + int(room * n * (n + 8) * steps / WORTH_SPLITTING))


def asked_for(parts: Mapping[str, Any]) -> str:
    """The key of what is asked for: these parts, and all that makes programs of them."""
    package = Path(__file__).parents[1]
    ours = sorted([*package.glob("*.py"), *package.glob("spec/*.py"), *package.glob("engines/**/*.*")])
    versions = [metadata.version(name) for name in ("brian2", "numpy")]
    digest = hashlib.sha256(json.dumps({**parts, "versions": versions}, sort_keys=True).encode())
    for path in ours:
        if path.suffix in {".py", ".h", ".cpp"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def program_of(
    asked: str | None,
    read: Callable[[str], Known],
    generate: Callable[[], tuple[Known, Callable[[Path], None]]],
    folder: Path,
) -> tuple[Known, Path]:
    """A program, from the cache where it is there: by what was asked for, else by what it is made of.

    Parameters
    ----------
    asked : str or None
        The key of what is asked for, see `asked_for`; None where that may change behind the back of a key.
    read : callable
        What is known of a program, from its text.
    generate : callable
        Gives what is known of the program, and what compiles it to a path.
    folder : Path
        Where it is compiled to where there is no cache.
    """
    if asked is not None:
        known = recall(asked, read)
        path = found(known.key) if known else None
        if known and path:
            return known, path
    known, build = generate()
    path = cached(known.key, build)
    if path is None:
        path = folder / "main"
        build(path)
    elif asked is not None:
        remember(asked, known.to_json())
    return known, path


def played(
    program: Callable[[Path], tuple[Known, Path]],
    parts: Callable[[Known], list[Job]],
    play: Callable[[Known, Job, Path, Callable[[list[str]], None]], Outcome],
    progress: Progress | None = None,
) -> list[Outcome]:
    """The outcomes of the parts of a job, each in a process of its own; an end for any reason ends them all.

    Parameters
    ----------
    program : callable
        The program and what is known of it, from a folder where it may be made.
    parts : callable
        The parts of the job, for what is known of the program.
    play : callable
        Feeds a program in a folder of its own, runs it by calling its last argument with what it is to be told, and
        reads what it left.
    progress : callable, optional
        Called with the completed share, 0 to 1.
    """
    report = progress or (lambda share: None)
    with scratch() as folder:
        for attempt in ("first", "second"):
            work = folder / attempt
            work.mkdir()
            known, path = program(work)
            try:
                return _side_by_side(known, path, parts(known), play, work, report)
            except RuntimeError:
                kept = path.exists()
                path.unlink(missing_ok=True)  # what fails is not kept for the next time
                if kept or attempt == "second":  # else the cache was cleared in between
                    raise
    raise AssertionError("a second attempt returns or raises")


def _side_by_side(
    known: Known,
    path: Path,
    jobs: list[Job],
    play: Callable[[Known, Job, Path, Callable[[list[str]], None]], Outcome],
    folder: Path,
    progress: Progress,
) -> list[Outcome]:
    shares, lock = [0.0] * len(jobs), threading.Lock()
    with Programs() as programs, ThreadPoolExecutor(len(jobs)) as pool:

        def one(part: int) -> Outcome:
            def report(share: float) -> None:
                with lock:
                    shares[part] = share
                    progress(sum(shares) / len(shares))

            work = folder / f"run{part}"
            work.mkdir()
            outcome = play(known, jobs[part], work, lambda told: _run([str(path), *told], work, programs, report))
            report(1.0)
            return outcome

        waiting = [pool.submit(one, part) for part in range(len(jobs))]
        try:
            return [each.result() for each in waiting]
        except BaseException:
            programs.stop()
            raise


def _run(command: list[str], work: Path, programs: Programs, report: Progress) -> None:
    """Run a program to its end, and refuse any sign that it did not run as told."""

    def hear(line: str) -> bool:
        share = PROGRESS.fullmatch(line)
        if share:
            report(float(share[1]))
        return share is not None

    answer = programs.run(command, "the compiled program", SILENT, work, hear)
    if answer.code or answer.output or answer.errors:
        raise RuntimeError(f"the compiled program failed, {answer.said()}")
