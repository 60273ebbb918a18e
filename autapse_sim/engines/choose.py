"""Run a job: compile once, keep the program, run it many times and on all cores; no Brian2 before it is needed."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from autapse_sim.engines.brian.compiler import compiler, identity
from autapse_sim.engines.brian.program import Program, Rows, outcome, projections, telemetry
from autapse_sim.engines.brian.tape import Tape, read_array, read_rows, write_array
from autapse_sim.engines.cache import cached, found, recall, remember
from autapse_sim.errors import InputError
from autapse_sim.machine.files import scratch
from autapse_sim.machine.processes import Programs, cores
from autapse_sim.spec.job import Job, Outcome, Progress, check_targets
from autapse_sim.spec.model import self_contained, texts

WORTH_SPLITTING = 1e8
"""Weights times time steps that are worth a process of their own: some tenths of a second."""
LONG = 1000
"""Trajectories that a run is taken to show: how it is shared, on which last digits depend, must not depend on their
number, or a run that goes on from another would not give the bits of one that was never interrupted."""
SILENT = 3600.0
"""Seconds for which a compiled program may say nothing; it tells how far it is some ten times a second."""
PROGRESS = re.compile(r"progress (\d\.\d{4})\n")


def simulate(
    job: Job,
    engine: str,
    progress: Progress | None = None,
    processes: int | None = None,
    room: int | None = None,
    dense: bool = True,
) -> Outcome:
    """Run a job in Brian2.

    Parameters
    ----------
    job : Job
        What is run.
    engine : {'standalone', 'runtime'}
        A compiled C++ program, or Brian2's runtime mode (NumPy).
    progress : callable, optional
        Called with the completed share, 0 to 1.
    processes : int, optional
        Processes that share the networks; by default the cores of this machine, where the run is long enough.
    room : int, optional
        Networks that the programs have places for, at least those of the job; jobs of different size can share a
        program so. What the other places hold is not used.
    dense : bool
        False keeps all projections on Brian2's own path, for comparison.

    Returns
    -------
    Outcome

    Raises
    ------
    InputError
        Where an equation names an unknown variable or has a wrong unit, with file and line; where targets do not fit
        the loss.
    """
    check_targets(job)
    progress = progress or (lambda share: None)
    if engine == "runtime":
        from autapse_sim.engines.brian import runtime

        return runtime.simulate(job, progress)
    command = compiler()
    if command is None:
        raise InputError("engine 'standalone' needs a C++ compiler (g++); install one or use engine='runtime'")
    room = max(room or 0, len(job.source))
    parts = processes or worthwhile(job, room)
    size = -(-room // parts)
    places = [np.arange(first, min(first + size, len(job.source))) for first in range(0, len(job.source), size)]
    with scratch() as folder:
        for attempt in ("first", "second"):
            program, path = _program(job, size, dense, folder / attempt / "program", command)
            jobs = [job.part(place, program.layout.replicates) for place in places]
            try:
                outcomes = _play_all(program, path, jobs, folder / attempt, progress)
                break
            except RuntimeError:
                kept = path.exists()
                path.unlink(missing_ok=True)  # what fails is not kept for the next time
                if kept or attempt == "second":  # else the cache was cleared in between
                    raise
    return Outcome.joined(outcomes, [len(place) for place in places])


def worthwhile(job: Job, room: int) -> int:
    """The processes that are worth sharing `room` networks of a job, however many trajectories it shows."""
    n = job.circuit.neurons
    steps = LONG * job.x.shape[2] * job.circuit.substeps
    return min(cores(), room, 1 + int(room * n * (n + 8) * steps / WORTH_SPLITTING))


def _program(job: Job, networks: int, dense: bool, folder: Path, command: str) -> tuple[Program, Path]:
    """The program of a job, from the cache where it is there: by what was asked for, else by what it is made of."""
    asked = _asked(job, networks, dense, command)
    if asked is not None:
        program = recall(asked, Program.from_json)
        path = found(program.key) if program else None
        if program and path:
            return program, path
    from autapse_sim.engines.brian.standalone import generate

    program, build = generate(job, networks, dense, folder, command)
    path = cached(program.key, build)
    if path is None:
        path = folder / "main"
        build(path)
    elif asked is not None:
        remember(asked, program.to_json())
    return program, path


def _asked(job: Job, networks: int, dense: bool, command: str) -> str | None:
    """The key of what is asked for: models, shapes, versions, compiler; None where a model may read other files."""
    models = texts(job.circuit, job.sources)
    if not all(map(self_contained, models.values())):
        return None
    return asked_for(
        {
            "models": models,
            "circuit": asdict(job.circuit),
            "shapes": [networks, job.x.shape[-1], job.y.shape[-1]],
            "update": [job.update, job.optimiser, job.constraints, job.bound, job.epsilon, job.reset, job.masked],
            "dense": dense,
            "compiler": identity(command),
        }
    )


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


def _play_all(program: Program, path: Path, jobs: list[Job], folder: Path, progress: Progress) -> list[Outcome]:
    """Run parts of a job side by side, each in a process of its own; an end for any reason ends them all."""
    shares = [0.0] * len(jobs)
    programs = Programs()
    lock = threading.Lock()

    def report(part: int, share: float) -> None:
        with lock:
            shares[part] = share
            progress(sum(shares) / len(shares))

    def play(part: int) -> Outcome:
        work = folder / f"run{part}"
        return _play(program, path, jobs[part], work, programs, lambda share: report(part, share))

    with ThreadPoolExecutor(len(jobs)) as pool:
        waiting = [pool.submit(play, part) for part in range(len(jobs))]
        try:
            return [each.result() for each in waiting]
        except BaseException:
            programs.stop()
            raise


def _play(program: Program, path: Path, job: Job, work: Path, programs: Programs, progress: Progress) -> Outcome:
    """Run a compiled program in its own folder, and refuse any sign that it did not run as told."""
    work.mkdir(parents=True)
    tape = Tape(job, program.tables, program.layout)
    tape.write(work)
    arguments, sizes = [str(path)], {}
    for name, given in program.inputs.items():
        array: np.ndarray = given.values(job, program.layout).astype(program.dtype)
        sizes[name] = array.size
        write_array(work / f"{name}.in", array)
        arguments.append(f"{name}={name}.in")
    for name, values in job.started(program.lasting).items():
        each = program.lasting[name]
        dtype = bool if each.truth else program.dtype
        write_array(work / f"{each.variable}.start", each.flat(values, program.layout).astype(dtype))

    def hear(line: str) -> bool:
        share = PROGRESS.fullmatch(line)
        if share:
            progress(float(share[1]))
        return share is not None

    answer = programs.run(arguments, "the compiled program", SILENT, work, hear)
    if answer.code or answer.output or answer.errors:
        raise RuntimeError(f"the compiled program failed, {answer.said()}")
    kept = telemetry(program.inputs, program.learned, program.lasting, program.layout, _rows(program, tape, work))
    learned = {
        name: each.weights(read_array(work / f"{name}.out", sizes[program.learned[name]], program.dtype).astype(float))
        for name, each in projections(program.inputs, program.learned).items()
    }
    spikes = program.layout.replicates * job.circuit.neurons
    total = read_array(work / "total.out", spikes, program.dtype) if "spikes" in program.tables else None
    tape.read(work)
    progress(1.0)
    return outcome(job, tape, learned, total, "standalone", kept)


def _rows(program: Program, tape: Tape, work: Path) -> Rows:
    """Reads what a program has kept of a variable, row by row as it is needed."""
    going = {each.variable: bool if each.truth else program.dtype for each in program.lasting.values()}

    def rows(key: str) -> np.ndarray:
        if key in going:
            return read_rows(work / f"{key}.state", 1 + tape.state_row.max(), going[key])
        return read_rows(work / f"{key}.checkpoint", 1 + tape.checkpoint_row.max(), program.dtype)

    return rows
