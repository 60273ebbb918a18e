"""Run a job: compile once, keep the program, run it many times and on all cores; no Brian2 before it is needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from autapse_sim.engines.arrays import read_array, read_rows, write_array
from autapse_sim.engines.brian.compiler import compiler, identity
from autapse_sim.engines.brian.program import Program, Rows, outcome, projections, telemetry
from autapse_sim.engines.brian.tape import Tape
from autapse_sim.engines.playing import asked_for, played, program_of, worthwhile
from autapse_sim.errors import InputError
from autapse_sim.spec.job import Job, Outcome, Progress, check_targets
from autapse_sim.spec.model import texts
from autapse_sim.spec.reading import self_contained


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
    if engine == "runtime":
        from autapse_sim.engines.brian import runtime

        return runtime.simulate(job, progress or (lambda share: None))
    command = compiler()
    if command is None:
        raise InputError("engine 'standalone' needs a C++ compiler (g++); install one or use engine='runtime'")
    room = max(room or 0, len(job.source))
    size = -(-room // (processes or worthwhile(job, room)))
    places = [np.arange(first, min(first + size, len(job.source))) for first in range(0, len(job.source), size)]

    def parts(program: Program) -> list[Job]:
        return [job.part(place, program.layout.replicates) for place in places]

    outcomes = played(lambda folder: _program(job, size, dense, folder, command), parts, _play, progress)
    return Outcome.joined(outcomes, [len(place) for place in places])


def _program(job: Job, networks: int, dense: bool, folder: Path, command: str) -> tuple[Program, Path]:
    """The program of a job."""

    def generate() -> tuple[Program, Callable[[Path], None]]:
        from autapse_sim.engines.brian import standalone

        return standalone.generate(job, networks, dense, folder / "program", command)

    return program_of(_asked(job, networks, dense, command), Program.from_json, generate, folder)


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
            "neurons": sorted(name for name, value in job.parameters.items() if value.ndim == 2),
            "compiler": identity(command),
        }
    )


def _play(program: Program, job: Job, work: Path, run: Callable[[list[str]], None]) -> Outcome:
    """Run a compiled program in its own folder."""
    tape = Tape(job, program.tables, program.layout)
    tape.write(work)
    arguments, sizes = list[str](), {}
    for name, given in program.inputs.items():
        array: np.ndarray = given.values(job, program.layout).astype(program.dtype)
        sizes[name] = array.size
        write_array(work / f"{name}.in", array)
        arguments.append(f"{name}={name}.in")
    for name, values in job.started(program.lasting).items():
        each = program.lasting[name]
        dtype = bool if each.truth else program.dtype
        write_array(work / f"{each.variable}.start", each.flat(values, program.layout).astype(dtype))
    run(arguments)
    kept = telemetry(program.inputs, program.learned, program.lasting, program.layout, _rows(program, tape, work))
    learned = {
        name: each.weights(read_array(work / f"{name}.out", sizes[program.learned[name]], program.dtype).astype(float))
        for name, each in projections(program.inputs, program.learned).items()
    }
    spikes = program.layout.replicates * job.circuit.neurons
    total = read_array(work / "total.out", spikes, program.dtype) if "spikes" in program.tables else None
    tape.read(work)
    return outcome(job, tape, learned, total, "standalone", kept)


def _rows(program: Program, tape: Tape, work: Path) -> Rows:
    """Reads what a program has kept of a variable, row by row as it is needed."""
    going = {each.variable: bool if each.truth else program.dtype for each in program.lasting.values()}

    def rows(key: str) -> np.ndarray:
        if key in going:
            return read_rows(work / f"{key}.state", 1 + tape.state_row.max(), going[key])
        return read_rows(work / f"{key}.checkpoint", 1 + tape.checkpoint_row.max(), program.dtype)

    return rows
