"""What a program of exact gradients reads from its folder, and what it leaves there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from autapse_sim.engines.adjoint import DIMS, PENALTY, RULES, penalised, teaches
from autapse_sim.engines.arrays import lay_array, read_array, write_array
from autapse_sim.engines.discrete.simulate import together_of
from autapse_sim.spec.job import STEP, Job, Outcome, State
from autapse_sim.spec.protocol import LEAST, OPTIMISERS

LEARNS = ("W", "U", "b", "V", "c")
"""In the order of sweep.h."""
MEMORY = {"momentum": ("velocity",), "adam": ("moment", "square"), "adam-hat": ("moment", "square")}
"""What optimisers keep, in the order of program.h."""
ROOM = 2**28
"""Bytes that a program may keep of the trajectories that it goes back through; of longer ones it keeps where segments
begin, and computes what lies between a second time (Chen et al. 2016, arXiv:1604.06174)."""


@dataclass(frozen=True)
class Fed:
    """How a program is fed.

    Parameters
    ----------
    key : str
        The digest of all that determines it.
    parameters : tuple of str
        Those of the neuron that it reads, in the order in which they are given.
    recorded : mapping of str to str
        What is kept of traced networks, with its units.
    spiking : bool
        Whether neurons spike.
    timed : bool
        Whether the average over the steps so far is taken where a protocol asks for it.
    """

    key: str
    parameters: tuple[str, ...]
    recorded: Mapping[str, str]
    spiking: bool
    timed: bool

    def to_json(self) -> str:
        """As text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Fed:
        """From `to_json`."""
        known = json.loads(text)
        return cls(**{**known, "parameters": tuple(known["parameters"])})


def _rows(flags: np.ndarray) -> np.ndarray:
    """Numbers from 0 for those that hold, else -1."""
    return np.where(flags, np.cumsum(flags) - 1, -1)


def _order(job: Job) -> list[np.ndarray]:
    """The presentations in the order in which a program has them, those that are shown at once beside each other."""
    return list(together_of(job.schedule.learn, job.batch))


def write(job: Job, fed: Fed, work: Path) -> None:
    """Lay what a program reads into its folder; sizes in the order of program.h."""
    circuit, schedule, weights = job.circuit, job.schedule, dict(job.weights.items())
    order = _order(job)
    ends = np.cumsum([len(each) for each in order])
    runs = np.stack([np.append(0, ends[:-1]), ends], axis=1)
    networks, n, steps = len(job.source), circuit.neurons, job.x.shape[2]
    checkpoints, states = job.kept
    delays, late = np.unique(np.broadcast_to(np.array(circuit.delay), (n, n)), return_inverse=True)
    sizes = [networks, len(job.x), n, job.x.shape[3], job.y.shape[3], steps, circuit.substeps, job.x.shape[1]]
    sizes += [len(schedule.trajectory), len(runs), job.batch, job.update == "step", job.averaging and fed.timed]
    along_fixed = circuit.rule != RULES[0] and teaches(circuit)
    sizes += [circuit.loss == "cross-entropy", along_fixed, circuit.rule not in RULES]
    sizes += [len(job.traced), schedule.keep.sum()]
    sizes += [schedule.trace.sum(), checkpoints.sum(), states.sum()]
    sizes += [job.done * (steps if job.update == "step" else 1) // job.batch, OPTIMISERS.index(job.optimiser)]
    pulled = penalised(circuit, job.parameters)
    sizes += [ROOM, len(delays), pulled]
    sizes += [name in circuit.learn for name in LEARNS]
    limits = {name: job.limits(name) for name in LEARNS}
    sizes += [each.sparse for each in limits.values()] + [each.dale for each in limits.values()]
    sizes += [each.bound is not None for each in limits.values()]
    asked = [*map(job.records, fed.recorded), job.records("error") or job.records("feedback")]
    asked += [fed.spiking and job.records("spikes")]
    traced = np.full(networks, -1)
    traced[job.traced] = np.arange(len(job.traced))
    rows = [schedule.trajectory, schedule.learn, _rows(schedule.keep), _rows(schedule.trace)]
    integers: dict[str, Any] = {"sizes": sizes, "source": job.source, "traced": traced, "runs": runs, "asked": asked}
    integers |= {"delays": delays, "late": late}
    integers["schedule"] = np.array([*rows, _rows(checkpoints), _rows(states)])[:, np.concatenate(order)]
    low, high = job.bound or (0.0, 0.0)

    def by_neuron(name: str) -> np.ndarray:
        return np.broadcast_to(job.parameters[name].reshape(networks, -1), (networks, n))

    given = [by_neuron(name) for name in fed.parameters]
    numbers: dict[str, Any] = {
        "reals": [job.epsilon + LEAST["double"], low, high, STEP / circuit.substeps, STEP],
        "parameters": np.stack(given, axis=1) if given else np.empty(0),
        **{name: job.parameters.get(name, np.zeros(networks)) for name in ("eta", "eta_out")},
        **({name: by_neuron(name) for name in PENALTY} if pulled else {}),
        **{name: weights[name] for name in ("W", "U", "V", "B", "B_rec", "F") if name in weights},
        "b": weights.get("b", np.zeros((networks, n))),
        "c": weights.get("c", np.zeros((networks, job.y.shape[3]))),
    }
    for name, values in integers.items():
        write_array(work / f"{name}.bin", np.asarray(values, dtype=np.int64))
    for name, values in numbers.items():
        write_array(work / f"{name}.bin", np.asarray(values, dtype=np.float64))
    for name, values in {"x": job.x, "y": job.y}.items():
        lay_array(work / f"{name}.bin", np.asarray(values, dtype=np.float64))
    origin = job.origin or job.weights
    for name in (name for name, each in limits.items() if each):
        write_array(work / f"{name}.origin", getattr(origin, name))
    memory = [f"{name}_{key}" for name in circuit.learn for key in MEMORY.get(job.optimiser, ())]
    for name, values in job.started(memory).items() if job.done else ():
        write_array(work / f"{name}.start", np.asarray(values, dtype=np.float64))


def read_back(job: Job, fed: Fed, work: Path) -> Outcome:
    """What a program has written."""
    networks, n, outputs = len(job.source), job.circuit.neurons, job.y.shape[3]
    learn, schedule, steps = job.circuit.learn, job.schedule, job.x.shape[2]
    presentations = len(schedule.trajectory)
    shapes = {name: each.shape for name, each in job.weights.items()} | {"b": (networks, n), "c": (networks, outputs)}

    def read(name: str, *shape: int) -> np.ndarray:
        return read_array(work / name, np.prod(shape, dtype=int)).reshape(shape)

    place = np.argsort(np.concatenate(_order(job)))  # of each presentation in what a program writes
    checkpoints, states = (int(each.sum()) for each in job.kept)
    tracked = int(schedule.trace.sum()), len(job.traced), steps
    traces = {name: read(f"{name}.trace", *tracked, n) for name in fed.recorded if job.records(name)}
    if fed.spiking and job.records("spikes"):
        traces["spikes"] = read("spikes.out", *tracked, n)
    if job.records("error") or job.records("feedback"):
        error = read("error.out", *tracked, outputs)
        told = {"error": error, "feedback": error @ job.weights.B[job.traced].transpose(0, 2, 1)}
        traces |= {name: values for name, values in told.items() if job.records(name)}
    seconds, memory = read("told.out", 2)
    entropy = None
    if job.circuit.loss == "cross-entropy":
        entropy = read("nats.out", networks, presentations)[:, place] / (job.counted // outputs)
    kept = {f"{name}_{key}": name for name in learn for key in MEMORY.get(job.optimiser, ())} if states else {}
    return Outcome(
        mse=read("squares.out", networks, presentations)[:, place] / job.counted,
        weights=replace(job.weights, **{name: read(f"{name}.out", *shapes[name]) for name in learn}),
        prediction=read("prediction.out", int(schedule.keep.sum()), networks, steps, outputs),
        traces=traces if tracked[0] else {},
        engine="compiled",
        seconds=float(seconds),
        memory=int(memory),
        units={name: unit for name, unit in fed.recorded.items() if unit != "1"},
        cross_entropy=entropy,
        spikes=read("total.out", networks, n) if fed.spiking else None,
        checkpoints={name: read(f"{name}.checkpoint", checkpoints, *shapes[name]) for name in learn if checkpoints},
        states={key: State(DIMS[name], read(f"{key}.state", states, *shapes[name])) for key, name in kept.items()},
    )
