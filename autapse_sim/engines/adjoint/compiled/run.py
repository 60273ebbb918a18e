"""Jobs as C++ programs: which are covered, how a program is fed, and what it gives back."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from autapse_sim.engines.adjoint.compiled.source import Source, source_of
from autapse_sim.engines.adjoint.simulate import DIMS, models_of
from autapse_sim.engines.adjoint.step import TOLD, Step, step_of
from autapse_sim.engines.brian.compiler import compile_program, compiler, identity
from autapse_sim.engines.cache import cached
from autapse_sim.engines.discrete.simulate import together_of
from autapse_sim.errors import InputError
from autapse_sim.machine.files import scratch
from autapse_sim.machine.processes import Programs
from autapse_sim.spec.job import STEP, Job, Outcome, Progress, State, check_targets
from autapse_sim.spec.protocol import OPTIMISERS
from autapse_sim.spec.scopes import check_neuron, neuron_words
from autapse_sim.spec.weights import Weights

LEARNS = ("W", "U", "b", "V", "c")
MEMORY = {"momentum": ("velocity",), "adam": ("moment", "square"), "adam-hat": ("moment", "square")}
"""What optimisers keep, in the order of program.h."""
FEW = 16
"""Up to so many neurons networks are laid side by side where there are not enough trajectories to."""
ROOM = 2**30
"""Bytes that a program may keep of the trajectories that it goes back through."""
SILENT = 3600.0
"""Seconds for which a program may say nothing; it tells how far it is some ten times a second."""
PROGRESS = re.compile(r"progress (\d\.\d{4})\n")


def covers(job: Job) -> str | None:
    """Why a job does not run as a compiled program, or None where it does."""
    circuit = job.circuit
    if circuit.returned:
        return "the prediction is returned to the neurons"
    if circuit.delay != 0:
        return "what neurons send is delayed"
    if job.circuit.precision != "double" or job.circuit.readout_rule != "delta" or "B" in job.circuit.learn:
        return "it is not that of bptt and fa"
    return None


def _covers(step: Step) -> str | None:
    """The same of a neuron."""
    if step.sums:
        return "the neuron has sums of its own"
    if {*TOLD} & {*step.arriving}:
        return "the neuron reads the feedback or the loss"
    return None


def simulate(job: Job, progress: Progress | None = None) -> Outcome:
    """Run a job that is covered.

    Raises
    ------
    InputError
        Where the neuron does what has no derivative, with file and line.
    """
    check_targets(job)
    command = compiler()
    if command is None:
        raise InputError("engine 'compiled' needs a C++ compiler (g++); install one or use engine='numpy'")
    models = models_of(job)
    check_neuron(models.neuron, job.circuit, neuron_words(models.neuron))
    step = step_of(models, job.circuit, exact=bool({"W", "U", "b"} & {*job.circuit.learn}))
    reason = covers(job) or _covers(step)
    if reason:
        raise InputError(f"engine 'compiled' does not run this circuit, because {reason}; use engine='numpy'")
    each = [name for name, values in job.parameters.items() if values.ndim > 1]
    source = source_of(step, each, job.parameters, lanes_of(job))
    with scratch() as folder:
        return _play(job, step, source, _program(source, folder, command), folder / "run", progress)


def lanes_of(job: Job) -> str:
    """The layout that suits a job, whatever the number of its networks: the numbers of one must not depend on others."""
    together, n = job.batch, job.circuit.neurons
    if together >= 12:
        return "Shared<2>"
    if together >= 4:
        return "Shared<1>"
    return "Own" if n <= FEW else "Single"


def _program(source: Source, folder: Path, command: str) -> Path:
    """The compiled program, from the cache where it is there."""

    def build(path: Path) -> None:
        (folder / "all.cpp").write_text(source.text)
        compile_program(command, folder / "all.cpp", path)

    key = hashlib.sha256((identity(command) + "\n" + source.text).encode()).hexdigest()
    path = cached(key, build)
    if path is None:
        path = folder / "main"
        build(path)
    return path


def _play(job: Job, step: Step, source: Source, path: Path, work: Path, progress: Progress | None) -> Outcome:
    """Run a program in a folder of its own, and refuse any sign that it did not run as told."""
    work.mkdir()
    tell = progress or (lambda share: None)
    _write(job, source, work)

    def hear(line: str) -> bool:
        share = PROGRESS.fullmatch(line)
        if share:
            tell(float(share[1]))
        return share is not None

    with Programs() as programs:
        answer = programs.run([str(path)], "the compiled program", SILENT, work, hear)
    if answer.code or answer.output or answer.errors:
        raise RuntimeError(f"the compiled program failed, {answer.said()}")
    tell(1.0)
    return _read(job, step, work)


def _rows(flags: np.ndarray) -> np.ndarray:
    """Numbers from 0 for those that hold, else -1."""
    return np.where(flags, np.cumsum(flags) - 1, -1)


def _write(job: Job, source: Source, work: Path) -> None:
    """Lay what a program reads into its folder; sizes in the order of program.h."""
    circuit, schedule, weights = job.circuit, job.schedule, dict(job.weights.items())
    runs = np.array([(each[0], each[-1] + 1) for each in together_of(schedule.learn, job.batch)])
    networks, n, steps = len(job.source), circuit.neurons, job.x.shape[2]
    checkpoints, states = job.kept
    sizes = [networks, len(job.x), n, job.x.shape[3], job.y.shape[3], steps, circuit.substeps, job.x.shape[1]]
    sizes += [len(schedule.trajectory), len(runs), job.batch, job.update == "step", job.averaging]
    sizes += [circuit.loss == "cross-entropy", circuit.rule == "fa", len(job.traced), schedule.keep.sum()]
    sizes += [schedule.trace.sum(), checkpoints.sum(), states.sum()]
    sizes += [job.done * (steps if job.update == "step" else 1) // job.batch, OPTIMISERS.index(job.optimiser)]
    sizes += ["sparse" in job.constraints, "dale" in job.constraints, job.bound is not None, ROOM]
    sizes += [name in circuit.learn for name in LEARNS]
    traced = np.full(networks, -1)
    traced[job.traced] = np.arange(len(job.traced))
    rows = [schedule.trajectory, schedule.learn, _rows(schedule.keep), _rows(schedule.trace)]
    integers = {"sizes": sizes, "source": job.source, "traced": traced, "runs": runs}
    integers["schedule"] = [*rows, _rows(checkpoints), _rows(states)]
    low, high = job.bound or (0.0, 0.0)
    given = [np.broadcast_to(job.parameters[name].reshape(networks, -1), (networks, n)) for name in source.parameters]
    numbers = {
        "reals": [job.epsilon, low, high, STEP / circuit.substeps, STEP],
        "x": job.x,
        "y": job.y,
        "parameters": np.stack(given, axis=1) if given else np.empty(0),
        **{name: job.parameters.get(name, np.zeros(networks)) for name in ("eta", "eta_out")},
        **{name: weights[name] for name in ("W", "U", "V", "B", "B_rec") if name in weights},
        "b": weights.get("b", np.zeros((networks, n))),
        "c": weights.get("c", np.zeros((networks, job.y.shape[3]))),
    }
    for name, values in integers.items():
        np.asarray(values, dtype=np.int64).tofile(work / f"{name}.bin")
    for name, values in numbers.items():
        np.ascontiguousarray(values, dtype=np.float64).tofile(work / f"{name}.bin")
    origin = job.origin or job.weights
    for name in ("W", "U"):
        np.ascontiguousarray(getattr(origin, name)).tofile(work / f"{name}.origin")
    memory = [f"{name}_{key}" for name in circuit.learn for key in MEMORY.get(job.optimiser, ())]
    for name, values in job.started(memory).items() if job.done else ():
        np.ascontiguousarray(values, dtype=np.float64).tofile(work / f"{name}.start")


def _read(job: Job, step: Step, work: Path) -> Outcome:
    """What a program has written."""
    networks, n, outputs = len(job.source), job.circuit.neurons, job.y.shape[3]
    learn, schedule, steps = job.circuit.learn, job.schedule, job.x.shape[2]
    presentations = len(schedule.trajectory)
    shapes = {name: each.shape for name, each in job.weights.items()} | {"b": (networks, n), "c": (networks, outputs)}

    def read(name: str, *shape: int) -> np.ndarray:
        values = np.fromfile(work / name)
        if values.size != np.prod(shape, dtype=int):
            raise RuntimeError(f"the compiled program wrote {values.size} numbers to {name}, not {shape}")
        return values.reshape(shape)

    checkpoints, states = (int(each.sum()) for each in job.kept)
    tracked = int(schedule.trace.sum()), len(job.traced), steps
    spiking = (work / "total.out").exists()
    traces = {name: read(f"{name}.trace", *tracked, n) for name in step.recorded}
    traces |= {"spikes": read("spikes.out", *tracked, n)} if spiking else {}
    error = read("error.out", *tracked, outputs)
    feedback = error @ job.weights.B[job.traced].transpose(0, 2, 1)
    seconds, memory = read("told.out", 2)
    entropy = None
    if job.circuit.loss == "cross-entropy":
        entropy = read("nats.out", networks, presentations) / (job.counted // outputs)
    kept = {f"{name}_{key}": name for name in learn for key in MEMORY.get(job.optimiser, ())} if states else {}
    return Outcome(
        mse=read("squares.out", networks, presentations) / job.counted,
        weights=replace(job.weights, **{name: read(f"{name}.out", *shapes[name]) for name in learn}),
        prediction=read("prediction.out", int(schedule.keep.sum()), networks, steps, outputs),
        traces={**traces, "error": error, "feedback": feedback} if tracked[0] else {},
        engine="compiled",
        seconds=float(seconds),
        memory=int(memory),
        units={name: unit for name, unit in step.recorded.items() if unit != "1"},
        cross_entropy=entropy,
        spikes=read("total.out", networks, n) if spiking else None,
        checkpoints={name: read(f"{name}.checkpoint", checkpoints, *shapes[name]) for name in learn if checkpoints},
        states={
            key: State(DIMS[name], read(f"{key}.state", states, *shapes[name])) for key, name in kept.items()
        },
    )
