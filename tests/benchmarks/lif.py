"""Speed of spiking neurons: 100 LIF neurons, W learns by the autapse rule and V by the delta rule at every step.

    python tests/benchmarks/lif.py [--json]

Prints the ns of a network-step beside a C++ program written by hand (hand_lif.cpp), medians of runs taken in turns on
one core, without compiling and start-up. Both sides have to agree on the spikes, W and V before their time counts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from sides import TRAJECTORIES, Side, check, compile_hand, give_hand, in_turns, one_core, ours, run_hand, schedule

from autapse_sim.engines import choose as engine
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP, Job, Outcome
from autapse_sim.spec.weights import draw_weights
from autapse_sim.training.declared import resolve_parameters

NEURONS, STEPS, TURNS, TOLERANCE = 100, 100, 9, 1e-9
SIZES = {1: 300, 16: 20}
"""Networks: presentations."""
RATES = (10.0, 150.0)
"""Mean rates in Hz between which networks are worth timing."""


def make_job(networks: int, presentations: int) -> Job:
    """Networks with weights, parameters and stimuli of their own."""
    rng = np.random.default_rng(0)
    circuit = Circuit(neuron="lif", rule="autapse", neurons=NEURONS, readout="random", learn=("W", "V"))
    weights = draw_weights(rng, networks, NEURONS, 2, 2, "random", "random")
    weights.W[:] *= 0.1
    weights.U[:] *= 0.1
    drawn = {
        "eta": 1e-6 * rng.uniform(0.5, 1.5, networks),
        "eta_out": 1e-3 * rng.uniform(0.5, 1.5, networks),
        "tau": STEP * rng.uniform(5, 15, networks),
        "tau_m": STEP * rng.uniform(20, 40, networks),
        "t_ref": np.full(networks, 2 * STEP),
    }
    return Job(
        circuit=circuit,
        x=rng.random((networks, TRAJECTORIES, STEPS, 2)),
        y=rng.random((networks, TRAJECTORIES, STEPS, 2)),
        source=np.arange(networks),
        weights=weights,
        parameters=resolve_parameters(circuit, {}, networks) | drawn,
        schedule=schedule(presentations),
        update="step",
        traced=np.array([], dtype=int),
        seeds=np.arange(networks),
    )


def hand(job: Job, folder: Path, expected: Outcome) -> Side:
    """The program written by hand."""
    program = folder / "hand_lif"
    compile_hand("hand_lif.cpp", program, NEURONS)
    times = ("tau", "tau_m", "tau_out", "t_ref")
    kept = ("eta", "eta_out", "v_th", *times)
    give_hand(job, folder, {name: job.parameters[name] / (STEP if name in times else 1) for name in kept})

    def run() -> tuple[float, np.ndarray]:
        seconds = run_hand(job, program, folder)
        check("V of hand", np.fromfile(folder / "V.out"), expected.weights.V.ravel(), TOLERANCE)
        check("spikes of hand", np.fromfile(folder / "total.out"), expected.spikes.ravel(), 0)
        check("mse of hand", np.fromfile(folder / "mse.out"), expected.mse.T.ravel(), TOLERANCE)
        return seconds, np.fromfile(folder / "W.out").reshape(job.weights.W.shape)

    return run


def compare(networks: int, presentations: int) -> dict[str, float]:
    """One row of the table."""
    job = make_job(networks, presentations)
    expected = engine.simulate(job, "standalone", processes=1)
    rate = expected.spikes.mean() / (STEPS * presentations * STEP)
    moved = np.abs(expected.weights.W - job.weights.W).max()
    if not (RATES[0] < rate < RATES[1] and moved > 1e-4 and np.isfinite(expected.weights.W).all()):
        raise SystemExit(f"nothing to time: {rate:.1f} spikes a second, W moved by {moved:.1e}")
    with tempfile.TemporaryDirectory() as temporary, one_core():
        sides = {"ns": ours(job), "hand_ns": hand(job, Path(temporary), expected)}
        found = in_turns({name: (side, job, expected.weights.W) for name, side in sides.items()}, TURNS, TOLERANCE)
    return {"n": NEURONS, "R": networks, "rate": rate, **found, "ratio": found["ns"] / found["hand_ns"]}


def main() -> None:
    """Print the table, or its rows as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="rows as JSON")
    options = parser.parse_args()
    rows = [compare(networks, presentations) for networks, presentations in SIZES.items()]
    for row in [] if options.json else rows:
        print("  ".join(f"{name} {value:.4g}" for name, value in row.items()), flush=True)
    if options.json:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
