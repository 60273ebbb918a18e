"""Speed of the compiled engine: W learns at every step by the autapse rule, with read-out and feedback.

    python tests/benchmarks/engine.py [--json] [--only N]

Prints the ns of a network-step beside a C++ program written by hand (hand.cpp, the better of two layouts), a strong one
(the same with tiles of networks that stay in the cache, a polynomial for exp, and sums that need not wait for the
error), Brian2 as it comes, NumPy and PyTorch; medians of runs taken in turns on one core, without compiling and
start-up. Every side is held to the discrete reference before its time counts. Then how the cost grows with networks,
steps and neurons, and what a second process brings (not with --only). --json prints the rows of the table as JSON, the
rest goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from sides import (
    TRAJECTORIES,
    Side,
    begin_brian2,
    build_brian2,
    check,
    compile_hand,
    give_hand,
    in_turns,
    one_core,
    ours,
    run_hand,
    schedule,
)

from autapse_sim.engines import choose as engine
from autapse_sim.engines.discrete import simulate
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.weights import draw_weights

STEPS, TURNS, TOLERANCE = 100, 5, 1e-10
SIZES = {(2, 1): (2000, 100), (2, 1000): (60, 5), (32, 100): (20, 3), (100, 16): (20, 3), (1000, 1): (5, 1)}
"""(Neurons, networks): presentations for compiled sides, and for the others."""
TILES = {(2, 1000): 40, (32, 100): 2}
"""Networks whose numbers stay in the nearest cache together; else one, or all."""


def make_job(n: int, networks: int, presentations: int) -> Job:
    """Networks with weights, eta, tau and stimuli of their own, in a contracting regime."""
    rng = np.random.default_rng(0)
    readout = "identity" if n == 2 else "random"
    return Job(
        circuit=Circuit(rule="autapse", neurons=n, readout=readout),
        x=rng.random((networks, TRAJECTORIES, STEPS, 2)),
        y=rng.random((networks, TRAJECTORIES, STEPS, 2)),
        source=np.arange(networks),
        weights=draw_weights(rng, networks, n, 2, 2, readout, "conditioned"),
        parameters={
            "eta": 1e-3 * rng.uniform(0.5, 1.5, networks),
            "tau": STEP * rng.uniform(5, 15, networks),
            "tau_m": np.full(networks, STEP),
        },
        schedule=schedule(presentations),
        update="step",
        traced=np.array([0]),
        seeds=np.arange(networks),
    )


def reference(job: Job) -> tuple[np.ndarray, np.ndarray]:
    """W and mse of the discrete network, after a look whether it is alive."""
    outcome = simulate(job)
    moved = np.abs(outcome.weights.W - job.weights.W).max()
    varies = outcome.traces["activity"].std(axis=2).max()
    if not (np.isfinite(outcome.weights.W).all() and moved > 1e-3 and varies > 1e-3):
        raise SystemExit(f"nothing to time: W moved by {moved:.1e}, activity varies by {varies:.1e}")
    return outcome.weights.W, outcome.mse


def hand(job: Job, folder: Path, expected_mse: np.ndarray, lanes: bool, tile: int | None = None) -> Side:
    """The program written by hand: presynaptic index innermost, or that of the network; with a tile the strong one."""
    options = ["-DLANES"] * lanes + ["-DSTRONG"] * (tile is not None)
    program = folder / "_".join(["hand", *options])
    compile_hand("hand.cpp", program, job.circuit.neurons, *options)
    give_hand(job, folder, {"eta": job.parameters["eta"], "tau": job.parameters["tau"] / STEP})

    def run() -> tuple[float, np.ndarray]:
        seconds = run_hand(job, program, folder, *([] if tile is None else [tile]))
        found = np.fromfile(folder / "mse.out").reshape(expected_mse.T.shape).T
        check("mse of hand", found, expected_mse, TOLERANCE)
        return seconds, np.fromfile(folder / "W.out").reshape(job.weights.W.shape)

    return run


def brian2(job: Job, folder: Path) -> Side:
    """The same circuit as a Brian2 script, with Brian2's own flags, build and clock."""
    import brian2 as b2

    begin_brian2()
    n, networks, dt = job.circuit.neurons, len(job.source), STEP * b2.second

    def sequence(values: np.ndarray) -> b2.TimedArray:
        shown = values[:, job.schedule.trajectory].transpose(1, 2, 0, 3).reshape(-1, networks * 2)
        return b2.TimedArray(shown, dt=dt)

    begins = np.arange(STEPS * len(job.schedule.trajectory)) % STEPS == 0
    names = {"stimulus": sequence(job.x), "target": sequence(job.y), "runs": b2.TimedArray(1.0 * ~begins, dt=dt)}
    neurons = b2.NeuronGroup(
        networks * n,
        """do/dt = (-o + 1/(1 + exp(-(drive + input))))/tau_m : 1
        dk/dt = (o - k)/tau : 1
        drive : 1
        input : 1
        feedback : 1
        tau : second (constant)
        eta : 1 (constant)""",
        method="euler",
        namespace={"tau_m": dt},
    )
    neurons.tau = np.repeat(job.parameters["tau"], n) * b2.second
    neurons.eta = np.repeat(job.parameters["eta"], n)
    neurons.run_regularly("o *= runs(t)\nk *= runs(t)", when="start")
    inputs = b2.NeuronGroup(networks * 2, "x = stimulus(t, i) : 1")
    outputs = b2.NeuronGroup(networks * 2, "prediction : 1\nerr : 1")
    outputs.run_regularly("err = prediction - target(t, i)", when="after_resets", order=1)
    projections = {}
    for name, pre, post, equation, when, order in (
        ("W", neurons, neurons, "drive_post = w*o_pre", "groups", -1),
        ("U", inputs, neurons, "input_post = w*x_pre", "groups", -1),
        ("V", neurons, outputs, "prediction_post = w*o_pre", "after_resets", 0),
        ("B", outputs, neurons, "feedback_post = w*err_pre", "after_resets", 2),
    ):
        a, b = pre.N // networks, post.N // networks
        rows = b2.TimedArray(getattr(job.weights, name).reshape(networks * b, a), dt=1 * b2.second)
        synapses = b2.Synapses(pre, post, f"w : 1\n{equation} : 1 (summed)", namespace={"first": rows})
        synapses.connect(condition=f"i//{a} == j//{b}")
        synapses.w = f"first(j*second, i%{a})"
        (updater,) = synapses.summed_updaters.values()
        updater.when, updater.order = when, order
        projections[name] = synapses
    recurrent = projections["W"]
    recurrent.run_regularly("w -= eta_post*feedback_post*k_pre", when="after_resets", order=3)
    network = b2.Network(neurons, inputs, outputs, *projections.values())
    network.run(len(begins) * dt, namespace=names)
    return build_brian2(job, recurrent, folder)


def numpy(job: Job) -> Side:
    """The discrete reference in its fast form."""

    def run() -> tuple[float, np.ndarray]:
        start = perf_counter()
        outcome = simulate(job)
        return perf_counter() - start, outcome.weights.W

    return run


def torch_side(job: Job) -> Side:
    """A loop over steps in PyTorch, float64, one thread."""
    import torch

    torch.set_num_threads(1)
    U, V, B = (torch.tensor(getattr(job.weights, name)) for name in ("U", "V", "B"))
    x, y = (torch.tensor(values.transpose(1, 2, 0, 3)[..., None].copy()) for values in (job.x, job.y))
    eta, rate = (torch.tensor(v)[:, None, None] for v in (job.parameters["eta"], STEP / job.parameters["tau"]))

    def run() -> tuple[float, np.ndarray]:
        W = torch.tensor(job.weights.W)
        start = perf_counter()
        for trajectory in job.schedule.trajectory:
            o = k = torch.zeros_like(W[:, :, :1])
            for t in range(STEPS):
                k = k + (o - k) * rate
                o = torch.sigmoid(torch.bmm(W, o) + torch.bmm(U, x[trajectory, t]))
                err = torch.bmm(V, o) - y[trajectory, t]
                W.baddbmm_(eta * torch.bmm(B, err), k.transpose(1, 2), alpha=-1)
        return perf_counter() - start, W.numpy()

    return run


def compare(n: int, networks: int, with_torch: bool) -> dict[str, float]:
    """One row of the table."""
    presentations, few = SIZES[n, networks]
    job = make_job(n, networks, presentations)
    slow = replace(job, schedule=schedule(few))
    (W, mse), (W_slow, _) = reference(job), reference(slow)
    with tempfile.TemporaryDirectory() as temporary:
        script = brian2(slow, Path(temporary, "brian2"))
        with one_core():
            sides = {"ns": (ours(job), job, W)}
            layouts = {"pre": False, "rep": True} if networks > 1 or n == 2 else {"pre": False}
            tile = TILES.get((n, networks), 1)
            for kind, how in (("hand", ()), ("strong", (tile,))):
                for name, lanes in layouts.items():
                    sides[f"{kind}_{name}_ns"] = (hand(job, Path(temporary), mse, lanes, *how), job, W)
            sides |= {"brian2_ns": (script, slow, W_slow), "numpy_ns": (numpy(slow), slow, W_slow)}
            if with_torch:
                sides["torch_ns"] = (torch_side(slow), slow, W_slow)
            found = in_turns(sides, TURNS, TOLERANCE)
    ns = found.pop("ns")
    hand_ns = min(value for name, value in found.items() if name.startswith("hand_"))
    strong_ns = min(hand_ns, *(value for name, value in found.items() if name.startswith("strong_")))
    ratios = {"ratio": ns / hand_ns, "ratio_strong": ns / strong_ns}
    return {"n": n, "R": networks, "ns": ns, "hand_ns": hand_ns, "strong_ns": strong_ns} | ratios | found


def own_seconds(n: int, networks: int, presentations: int) -> float:
    """The seconds of the engine's steps, median of three."""
    run = ours(make_job(n, networks, presentations))
    run()
    return median(run()[0] for _ in range(3))


def growth() -> Iterator[str]:
    """How the engine's cost grows, a line each."""
    for name, counts, measure in (
        ("networks (n = 32)", (50, 100, 200, 400), lambda count: own_seconds(32, count, 20)),
        ("steps (n = 32, R = 100)", (1000, 2000, 4000, 8000), lambda count: own_seconds(32, 100, count // STEPS)),
    ):
        seconds = np.array([measure(count) for count in counts])
        slope, offset = np.polyfit(counts, seconds, 1)
        off = np.abs(seconds / (slope * np.array(counts) + offset) - 1).max()
        share = offset / seconds[-1]
        yield f"linear in {name}: {off:.1%} off the line at most, constant part {share:.1%} of the largest"
    neurons = [2**power for power in range(3, 10)]
    presentations = [max(2, min(200, 200_000 // n**2)) for n in neurons]
    ns = [own_seconds(n, 4, p) * 1e9 / (4 * STEPS * p) for n, p in zip(neurons, presentations, strict=True)]
    listed = ", ".join(f"{n}: {value:.4g}" for n, value in zip(neurons, ns, strict=True))
    yield f"ns by n at R = 4: {listed}; slope {np.polyfit(np.log(neurons), np.log(ns), 1)[0]:.2f} in logarithms"


def two_processes() -> str:
    """The wall time of two processes against that of one."""
    if hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) < 2:
        return "two processes: skipped, only one core"
    job = make_job(32, 1000, 50)
    walls: dict[int, list[float]] = {1: [], 2: []}
    for turn in range(4):
        for processes, taken in walls.items():
            start = perf_counter()
            engine.simulate(job, "standalone", processes=processes)
            if turn:
                taken.append(perf_counter() - start)
    one, two = median(walls[1]), median(walls[2])
    return (
        f"n = 32, R = 1000, {50 * STEPS} steps: {one:.2f} s in one process, {two:.2f} s in two ({one / two:.2f} times)"
    )


def main() -> None:
    """Print the table, or its rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="rows as JSON")
    parser.add_argument("--only", type=int, metavar="N", help="only the sizes of N neurons")
    options = parser.parse_args()
    aside = sys.stderr if options.json else sys.stdout
    with_torch = find_spec("torch") is not None
    if not with_torch:
        print("PyTorch is not installed: its side is skipped", file=sys.stderr)
    rows = []
    for n, networks in SIZES:
        if options.only not in (None, n):
            continue
        rows.append(compare(n, networks, with_torch))
        if not options.json:
            print("  ".join(f"{name} {value:.4g}" for name, value in rows[-1].items()), flush=True)
    if options.json:
        print(json.dumps(rows), flush=True)
    if options.only is None:
        with one_core():
            for line in growth():
                print(line, file=aside, flush=True)
        print(two_processes(), file=aside)


if __name__ == "__main__":
    main()
