"""Speed of exact BPTT: one trajectory against PyTorch's autograd, and an update at every step.

    python tests/benchmarks/bptt.py [--json]

The times of both sides are forward and backward over the same networks and stimuli, taken in turns; medians.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
from autograd import in_torch

from autapse_sim.engines.discrete import simulate
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import Job
from autapse_sim.spec.protocol import Schedule
from autapse_sim.spec.weights import draw_weights

STEPS, TRAJECTORIES, TURNS = 100, 10, 5
SIZES = {2: 1000, 32: 100, 100: 16}
"""Neurons: networks."""


def make_job(neurons: int, networks: int, trajectories: int, update: str) -> Job:
    """Networks that learn W by bptt, on numbers in the box of the ball."""
    rng = np.random.default_rng(0)
    readout = "identity" if neurons == 2 else "random"
    nothing = np.zeros(trajectories, dtype=bool)
    return Job(
        circuit=Circuit(rule="bptt", neurons=neurons, readout=readout),
        x=rng.random((networks, trajectories, STEPS, 2)),
        y=rng.random((networks, trajectories, STEPS, 2)),
        source=np.arange(networks),
        weights=draw_weights(rng, networks, neurons, 2, 2, readout, "random"),
        parameters={"eta": np.full(networks, 1e-3)},
        schedule=Schedule(np.arange(trajectories), ~nothing, nothing, nothing),
        update=update,
        traced=np.array([], dtype=int),
        seeds=np.arange(networks),
    )


def in_turns(*functions: Callable[[], object]) -> list[float]:
    """The median seconds of each function, called one after the other, after a call to warm up."""
    seconds: list[list[float]] = [[] for _ in functions]
    for turn in range(TURNS + 1):
        for function, taken in zip(functions, seconds, strict=True):
            start = perf_counter()
            function()
            if turn:
                taken.append(perf_counter() - start)
    return [median(taken) for taken in seconds]


def main() -> None:
    """Print the table, or the same numbers as JSON."""
    try:
        import torch
    except ImportError:
        torch = None
        print("PyTorch is not installed: its side is skipped", file=sys.stderr)
    rows = []
    for neurons, networks in SIZES.items():
        job = make_job(neurons, networks, TRAJECTORIES, "trajectory")
        row: dict[str, float] = {"neurons": neurons, "networks": networks}
        scale = 1e9 / (networks * STEPS * TRAJECTORIES)
        autograd = in_torch(job) if torch else None
        sides = [lambda job=job: simulate(job), *([autograd] if autograd else [])]
        row["numpy_ns"], *other = (seconds * scale for seconds in in_turns(*sides))
        if autograd:
            difference = np.abs(simulate(job).weights.W - autograd()[1]).max()
            row |= {"torch_ns": other[0], "ratio": row["numpy_ns"] / other[0], "difference": float(difference)}
        rows.append(row)
    job = make_job(2, 800, 3, "step")
    step = in_turns(lambda: simulate(job))[0] * 1e3 / 3
    if "--json" in sys.argv[1:]:
        print(json.dumps({"trajectory": rows, "step_ms": step}))
        return
    print("bptt, an update per trajectory, ns a network-step")
    for row in rows:
        print("  " + "  ".join(f"{name} {value:.4g}" for name, value in row.items()))
    print(f"bptt, an update per step, 800 networks of 2: {step:.1f} ms a trajectory")


if __name__ == "__main__":
    main()
