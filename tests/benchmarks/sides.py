"""What the benchmarks share: the sides of a comparison, run in turns on one core and held to the same numbers."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from autapse_sim.engines import choose as engine
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.protocol import Schedule

TRAJECTORIES = 4

Side = Callable[[], tuple[float, np.ndarray]]
"""Runs once; gives back the seconds of the steps, and W after them."""


def schedule(presentations: int) -> Schedule:
    """Learning all the way; the last presentation is traced."""
    order = np.arange(presentations)
    return Schedule(order % TRAJECTORIES, order >= 0, order < 0, order == presentations - 1)


def network_steps(job: Job) -> int:
    """Steps of all networks together."""
    return len(job.source) * job.x.shape[2] * len(job.schedule.trajectory)


def check(name: str, found: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    """Stop where a side computes something else."""
    difference = np.abs(found - expected).max()
    if not difference <= tolerance:
        raise SystemExit(f"{name} is {difference:.1e} away from the reference")


def ours(job: Job) -> Side:
    """The engine in one process."""

    def run() -> tuple[float, np.ndarray]:
        outcome = engine.simulate(job, "standalone", processes=1)
        return outcome.seconds, outcome.weights.W

    return run


def begin_brian2() -> None:
    """Let what follows be a Brian2 script with Brian2's own flags and clock."""
    import brian2 as b2

    logging.getLogger("brian2").setLevel(logging.ERROR)
    b2.prefs.logging.file_log = False
    b2.set_device("cpp_standalone", build_on_run=False)
    b2.device.reinit()
    b2.device.activate(build_on_run=False)
    b2.defaultclock.dt = STEP * b2.second


def build_brian2(job: Job, recurrent: Any, folder: Path) -> Side:
    """Build the script that was written since, whose recurrent weights are `w` of these synapses."""
    import brian2 as b2
    from brian2.devices.device import reset_device

    b2.device.build(directory=str(folder), compile=True, run=False, with_output=False)
    files = [Path(b2.device.get_array_filename(recurrent.variables[v])).name for v in ("i", "j", "w")]
    b2.device.reinit()
    reset_device()
    n = job.circuit.neurons

    def run() -> tuple[float, np.ndarray]:
        subprocess.run(["./main"], cwd=folder, check=True, capture_output=True)
        i, j = (np.fromfile(folder / "results" / name, dtype=np.int32) for name in files[:2])
        W = np.zeros(job.weights.W.shape)
        W[i // n, j % n, i % n] = np.fromfile(folder / "results" / files[2])
        return float((folder / "results" / "last_run_info.txt").read_text().split()[0]), W

    return run


def compile_hand(source: str, program: Path, neurons: int, *options: str) -> None:
    """Compile a program written by hand, with the flags of the engine."""
    flags = ["-O3", "-march=native", "-ffast-math", f"-DN={neurons}", *options]
    subprocess.run(["g++", *flags, Path(__file__).with_name(source), "-o", program], check=True)


def give_hand(job: Job, folder: Path, parameters: Mapping[str, np.ndarray]) -> None:
    """Write what a program written by hand reads: weights, stimuli, targets and the parameters of each network."""
    for name in ("W", "U", "V", "B"):
        getattr(job.weights, name).tofile(folder / f"{name}.bin")
    for name in ("x", "y"):
        np.ascontiguousarray(getattr(job, name).transpose(1, 2, 0, 3)).tofile(folder / f"{name}.bin")
    for name, values in parameters.items():
        values.tofile(folder / f"{name}.bin")


def run_hand(job: Job, program: Path, folder: Path, *tile: int) -> float:
    """Run a program written by hand; the seconds of its steps."""
    sizes = map(str, (len(job.source), TRAJECTORIES, job.x.shape[2], len(job.schedule.trajectory), *tile))
    done = subprocess.run([program, folder, *sizes], check=True, capture_output=True, text=True)
    return float(done.stdout)


def in_turns(sides: Mapping[str, tuple[Side, Job, np.ndarray]], turns: int, tolerance: float) -> dict[str, float]:
    """The median ns of a network-step of each side, one after the other, after a run that is checked and warms up."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(turns + 1):
        for name, (run, job, expected) in sides.items():
            seconds, W = run()
            if turn == 0:
                check(name, W, expected, tolerance)
            else:
                taken[name].append(seconds * 1e9 / network_steps(job))
    return {name: median(values) for name, values in taken.items()}


@contextlib.contextmanager
def one_core() -> Iterator[None]:
    """This process and those that it starts stay on one core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
