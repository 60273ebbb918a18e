"""The pattern task of the RFLO paper (Murray 2019, eLife 8:e43299), as in the authors' example, over many seeds.

    python tests/benchmarks/rflo_pattern.py [--replicates 20] [--trials 10000] [--seed 0] [--rules ...] [--json]

50 tanh neurons with tau_m = 10 steps learn W and the read-out V, with updates at the end of each trial of 100 steps:
W ~ N(0, 1.5^2 / n), V uniform within 0.1 / sqrt(n), feedback B ~ N(0, 1), eta = 0.03 over the mean of the steps. The
example starts from o = 0.1 without input. Here a pulse, which saturates f, leaves o(1) = 1 / tau_m, the same state; it
is not scored. The loss is half the mean squared error, that of the last trial. The example's is of a single seed.

Controls: the best constant, and the same networks with W as drawn, where the read-out alone learns.
"""

from __future__ import annotations

import argparse
import json
from time import perf_counter

import numpy as np

from autapse_sim.engines.discrete import simulate
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.protocol import Schedule
from autapse_sim.spec.weights import Weights
from autapse_sim.tasks.pattern import PatternGeneration
from autapse_sim.tasks.shown import masked

NEURONS, TAU_M, ETA, SATURATING = 50, 10, 0.03, 20.0
CASES = {
    "bptt": ("bptt", ("W", "V")),
    "rflo": ("rflo", ("W", "V")),
    "autapse": ("autapse", ("W", "V")),
    "read-out only": ("rflo", ("V",)),
}
PUBLISHED = {"bptt": 2.3e-4, "rflo": 1.5e-4}


def draw(rng: np.random.Generator, replicates: int) -> Weights:
    """The networks of the example, one from each of the generator's children."""
    n = NEURONS
    drawn = [
        (
            1.5 * child.standard_normal((n, n)) / n**0.5,
            0.1 * child.uniform(-1, 1, (1, n)) / n**0.5,
            child.standard_normal((n, 1)),
        )
        for child in rng.spawn(replicates)
    ]
    W, V, B = (np.stack(parts) for parts in zip(*drawn, strict=True))
    return Weights(W=W, U=np.full((replicates, n, 1), SATURATING), V=V, B=B)


def losses(case: str, replicates: int, trials: int, seed: int) -> tuple[np.ndarray, float]:
    """Half the MSE of the last trial of each network, and the seconds that all took."""
    rule, learn = CASES[case]
    task = PatternGeneration()
    x, y = task.sample(np.random.default_rng(seed), 1, 1)
    nothing = np.zeros(trials, dtype=bool)
    eta = np.full(replicates, ETA / task.steps)
    tau = np.full(replicates, TAU_M * STEP)
    job = Job(
        circuit=Circuit(rule=rule, neurons=NEURONS, readout="random", activation="tanh", learn=learn),
        x=x,
        y=masked(y, task.scored),
        source=np.zeros(replicates, dtype=int),
        weights=draw(np.random.default_rng([seed, 1]), replicates),
        parameters={"eta": eta, "eta_out": eta, "tau": tau, "tau_m": tau},
        schedule=Schedule(np.zeros(trials, dtype=int), ~nothing, nothing, nothing),
        update="trajectory",
        traced=np.array([], dtype=int),
        seeds=np.arange(replicates),
        averaging=False,
    )
    start = perf_counter()
    mse = simulate(job).mse[:, -1]
    # the example's mean is over all steps, of which the first has no error
    return mse / 2 * task.scored.mean(), perf_counter() - start


def main() -> None:
    """Print the table, or the same numbers as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=20)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rules", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    task = PatternGeneration()
    constant = float(task.floors(*task.sample(np.random.default_rng(0), 1, 1))["constant"][0]) / 2 * task.scored.mean()
    rows = []
    for case in given.rules:
        loss, seconds = losses(case, given.replicates, given.trials, given.seed)
        low, middle, high = np.nanquantile(loss, [0.25, 0.5, 0.75])
        finite = np.isfinite(loss)
        row = {"rule": case, "median": middle, "lower": low, "upper": high, "least": loss.min(), "most": loss.max()}
        row |= {"diverged": int((~finite).sum()), "published": PUBLISHED.get(case), "seconds": seconds}
        rows.append(row)
    if given.json:
        print(json.dumps({"replicates": given.replicates, "trials": given.trials, "constant": constant, "rules": rows}))
        return
    print(f"half MSE of trial {given.trials}, {given.replicates} networks; the best constant has {constant:.2g}")
    print(f"{'rule':<14} {'median':>9} {'quartiles':>21} {'least to most':>21} {'published':>10} {'diverged':>9}    s")
    for row in rows:
        quartiles, span = (f"{row[a]:.2e} - {row[b]:.2e}" for a, b in (("lower", "upper"), ("least", "most")))
        published = f"{row['published']:.1e}" if row["published"] else "-"
        print(
            f"{row['rule']:<14} {row['median']:9.2e} {quartiles:>21} {span:>21} {published:>10} "
            f"{row['diverged']:9d} {row['seconds']:4.0f}"
        )


if __name__ == "__main__":
    main()
