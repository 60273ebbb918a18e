"""Speed of exact gradients: compiled from the circuit's equations, beside a program written by hand, and libraries.

    python tests/benchmarks/gradients.py [--json] [--tiny]

Prints the ns of a network-step, forward and backward with the gradient of W and its update; medians of runs taken in
turns on one core, without compiling and start-up. Every side is held to the same W before its time counts.

- n = 8, 32, 96: tanh neurons, an update after each batch of 16 trajectories; by hand is hand_gradients.cpp; beside
  NumPy, and JAX and PyTorch where they are installed (pip install '.[benchmark]').
- n = 2, 800 networks: an update after each trajectory, and after each step.
- lif: 100 neurons, 100 inputs, T = 1000; beside the way forward alone.

--tiny runs all of it on a few numbers, to see that it runs.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from autograd import libraries
from sides import Side, check, compile_hand, one_core

from autapse_sim.engines import discrete
from autapse_sim.engines.adjoint import simulate as adjoint
from autapse_sim.engines.adjoint.compiled.run import simulate
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP, Job, Outcome
from autapse_sim.spec.protocol import Schedule
from autapse_sim.spec.weights import draw_weights

BATCH, TOLERANCE = 16, 1e-10
SIZES = {8: (40, 20), 32: (8, 10), 96: (2, 5)}
"""Neurons: networks, batches."""
LIF = {"tau_m": 30 * STEP, "tau_out": 30 * STEP, "v_th": 0.03, "t_ref": 0.0, "gamma": 0.3}


def make_job(circuit: Circuit, networks: int, trajectories: int, steps: int, inputs: int = 2, **how: object) -> Job:
    """Networks that learn W on numbers in the box of the ball."""
    rng = np.random.default_rng(0)
    n, no = circuit.neurons, np.zeros(trajectories, dtype=bool)
    given = LIF if circuit.neuron == "lif" else {"tau_m": STEP}
    return Job(
        circuit=circuit,
        x=rng.random((networks, trajectories, steps, inputs)),
        y=rng.random((networks, trajectories, steps, 2)),
        source=np.arange(networks),
        weights=draw_weights(rng, networks, n, inputs, 2, "random", "random"),
        parameters={name: np.full(networks, value) for name, value in {**given, "eta": 1e-3}.items()},
        schedule=Schedule(np.arange(trajectories), ~no, no, no),
        traced=np.array([], dtype=int),
        seeds=np.arange(networks),
        **{"update": "trajectory", "averaging": False, **how},
    )


def network_steps(job: Job) -> int:
    """Steps of all networks and trajectories."""
    return len(job.source) * len(job.schedule.trajectory) * job.x.shape[2]


def compiled(job: Job) -> Side:
    """Our programs, in one process."""

    def run() -> tuple[float, np.ndarray]:
        outcome = simulate(job, processes=1)
        return outcome.seconds, outcome.weights.W

    return run


def in_numpy(job: Job, way: Callable[[Job], Outcome]) -> Side:
    """NumPy, in one process."""

    def run() -> tuple[float, np.ndarray]:
        start = perf_counter()
        outcome = way(job)
        return perf_counter() - start, outcome.weights.W

    return run


def by_hand(job: Job, folder: Path) -> Side:
    """The program written by hand."""
    import subprocess

    n = job.circuit.neurons
    compile_hand("hand_gradients.cpp", folder / f"hand{n}", n, f"-DL={BATCH}")
    mine = folder / f"numbers{n}"
    mine.mkdir()
    for name in ("W", "U", "V"):
        getattr(job.weights, name).tofile(mine / f"{name}.bin")
    for name, values in {"x": job.x, "y": job.y, "eta": job.parameters["eta"]}.items():
        values.tofile(mine / f"{name}.bin")
    command = [folder / f"hand{n}", mine, *map(str, (len(job.source), job.x.shape[1], job.x.shape[2]))]

    def run() -> tuple[float, np.ndarray]:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return float(done.stdout), np.fromfile(mine / "W.out").reshape(job.weights.W.shape)

    return run


def timed(job: Job, sides: Mapping[str, Side], turns: int) -> dict[str, float]:
    """The median ns of a network-step of each side, one after the other, after a run that is checked and warms up."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    expected = None
    for turn in range(turns + 1):
        for name, run in sides.items():
            seconds, W = run()
            if turn:
                taken[name].append(seconds * 1e9 / network_steps(job))
                continue
            expected = W if expected is None else expected
            check(name, W, expected, TOLERANCE)
            if not np.abs(W - job.weights.W).max() > 1e-7:
                raise SystemExit(f"{name} learns nothing")
    return {name: median(each) for name, each in taken.items()}


def batches(turns: int, tiny: bool, folder: Path) -> list[dict[str, float]]:
    """tanh networks, trajectories of a batch side by side."""
    rows = []
    for n, (networks, count) in SIZES.items():
        networks, count, steps = (1, 1, 20) if tiny else (networks, count, 100)
        circuit = Circuit(rule="bptt", neurons=n, readout="random", activation="tanh")
        job = make_job(circuit, networks, BATCH * count, steps, update="batch", batch=BATCH)
        sides = {"numpy": in_numpy(job, discrete.simulate), "hand": by_hand(job, folder), "compiled": compiled(job)}
        sides |= libraries(job)
        rows.append({"neurons": n, **timed(job, sides, turns)})
    return rows


def small(turns: int, tiny: bool) -> dict[str, dict[str, float]]:
    """Networks of two neurons side by side."""
    networks, trajectories, steps = (9, 2, 10) if tiny else (800, 5, 100)
    circuit = Circuit(rule="bptt", neurons=2, readout="random", activation="tanh")
    found = {}
    for update in ("trajectory", "step"):
        job = make_job(circuit, networks, trajectories, steps, update=update, averaging=update == "step")
        job = replace(job, parameters={**job.parameters, "eta": np.full(networks, 1e-4)})  # none of 800 diverges
        sides = {"numpy": in_numpy(job, discrete.simulate), "compiled": compiled(job)}
        sides |= libraries(job) if update == "trajectory" else {}
        found[update] = timed(job, sides, turns)
    return found


def spiking(turns: int, tiny: bool) -> dict[str, float]:
    """Spiking neurons, forward and backward and forward alone."""
    n, inputs, steps = (20, 10, 50) if tiny else (100, 100, 1000)
    circuit = Circuit(rule="bptt", neuron="lif", neurons=n, readout="random")
    job = make_job(circuit, 1, 2, steps, inputs, update="trajectory")
    job = replace(job, weights=replace(job.weights, U=job.weights.U / inputs**0.5))
    found = timed(job, {"numpy": in_numpy(job, adjoint.simulate), "compiled": compiled(job)}, turns)
    still = compiled(replace(job, circuit=replace(circuit, learn=())))
    return {**found, "forward": median(still()[0] * 1e9 / network_steps(job) for _ in range(turns))}


def main() -> None:
    """Print the tables, or the same numbers as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    turns = 1 if options.tiny else 5
    with one_core(), tempfile.TemporaryDirectory() as folder:
        found = {
            "batches": batches(turns, options.tiny, Path(folder)),
            "two neurons": small(turns, options.tiny),
            "lif": spiking(turns, options.tiny),
        }
    if options.json:
        print(json.dumps(found))
        return
    print(f"ns a network-step; batches of {BATCH} trajectories:")
    for row in found["batches"]:
        print("  " + "  ".join(f"{name} {value:.4g}" for name, value in row.items()))
    for update, row in found["two neurons"].items():
        print(f"two neurons, an update after each {update}: " + "  ".join(f"{k} {v:.4g}" for k, v in row.items()))
    print("lif: " + "  ".join(f"{name} {value:.4g}" for name, value in found["lif"].items()))


if __name__ == "__main__":
    main()
