"""The add task: which rule learns which lag, told by the cross-entropies that the odds of the task allow.

    python tests/benchmarks/add_task.py [--replicates 6] [--train 8000] [--lags 3 5] [--rules ...] [--json]

Networks of tanh neurons learn U, W, b and the read-out V, c by batches of 16 trajectories and Adam, without eq. 1's
mean; B is random. rtrl, whose sums over a trajectory would be bptt's, learns at every step instead, from an eighth of
the trajectories, and in at most 8 neurons, since it costs n^4. Each rule has the learning rate that is best on
validation trajectories, and is scored on others. It passes a floor if the mean over networks lies below it by two
standard errors; none can pass that of both lags, and `excess` is how far above it the mean lies. The control is the
same network with U, W and b as drawn, where the read-out alone learns.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from autapse_sim.engines.discrete import simulate
from autapse_sim.engines.discrete.layout import SMALL
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.protocol import Schedule
from autapse_sim.spec.weights import draw_weights
from autapse_sim.tasks.add import AddTask
from autapse_sim.tasks.shown import masked

RULES = ("bptt", "rtrl", "snap1", "uoro", "fa", "dfa", "rflo", "autapse", "read-out only")
ETAS = {"batch": (1e-3, 3e-3, 1e-2), "step": (1e-4, 3e-4, 1e-3)}
STEPS, BATCH, ONLINE, VALIDATE, TEST = 50, 16, 8, 50, 150
"""Steps of a trajectory, trajectories of a batch, what the training is divided by with updates at every step, and
trajectories to choose eta and to test on."""


@dataclass(frozen=True)
class Setting:
    """What is common to all rules."""

    replicates: int
    train: int
    neurons: int
    lags: tuple[int, int]
    seed: int


def scores(rule: str, setting: Setting) -> tuple[np.ndarray, dict[str, float]]:
    """The test cross-entropy (R,) of a rule, and how it was found."""
    update = "step" if rule == "rtrl" else "batch"
    n = min(setting.neurons, SMALL) if update == "step" else setting.neurons
    train = setting.train // ONLINE if update == "step" else setting.train
    learn = ("V", "c") if rule == "read-out only" else ("U", "W", "b", "V", "c")
    R, etas = setting.replicates, np.array(ETAS[update])
    task = AddTask(STEPS, *setting.lags)
    to_task, to_weights = (np.random.default_rng([setting.seed, stream]) for stream in (0, 1))
    shown = np.arange(train + VALIDATE + TEST)
    x, y = task.sample(to_task, R, len(shown))
    eta, networks = np.repeat(etas, R), np.tile(np.arange(R), len(etas))
    nothing = np.zeros(len(shown), dtype=bool)
    job = Job(
        circuit=Circuit(
            rule="bptt" if rule == "read-out only" else rule,
            neurons=n,
            readout="random",
            activation="tanh",
            learn=learn,
            loss="cross-entropy",
        ),
        x=x,
        y=masked(y, task.scored),
        source=networks,
        weights=draw_weights(to_weights, R, n, 2, 2, "random", "random").take(networks),
        parameters={"eta": eta, "eta_out": eta, "tau": np.full(len(eta), sum(setting.lags) / 2) * STEP},
        schedule=Schedule(shown, shown < train, nothing, nothing),
        update=update,
        traced=np.array([], dtype=int),
        seeds=np.arange(R)[networks],
        batch=BATCH if update == "batch" else 1,
        optimiser="adam",
        averaging=False,
    )
    start = perf_counter()
    nats = simulate(job).cross_entropy.reshape(len(etas), R, -1)
    held = nats[:, :, train : train + VALIDATE].mean(axis=(1, 2))
    best = np.argmin(np.where(np.isfinite(held), held, np.inf))
    found = {"neurons": n, "train": train, "eta": float(etas[best]), "seconds": perf_counter() - start}
    return nats[best, :, train + VALIDATE :].mean(axis=1), found


def main() -> None:
    """Print the table, or the same numbers as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replicates", type=int, default=6)
    parser.add_argument("--train", type=int, default=8000, help=f"trajectories, a multiple of {BATCH}")
    parser.add_argument("--neurons", type=int, default=32)
    parser.add_argument("--lags", type=int, nargs=2, default=(3, 5), metavar=("T1", "T2"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rules", nargs="+", choices=RULES, default=RULES)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    setting = Setting(given.replicates, given.train, given.neurons, tuple(given.lags), given.seed)
    known = AddTask(STEPS, *setting.lags).floors(np.empty(1), np.empty(1))
    floors = {name: float(value[0]) for name, value in known.items()}
    if not given.json:
        print(f"cross-entropy in nats, lags {setting.lags}, {setting.replicates} networks")
        print("floors: " + ", ".join(f"{name} {floor:.4f}" for name, floor in floors.items()))
        print(f"{'rule':<14} {'mean +- s.e.':>16} {'excess':>7} {'least to most':>15}   n train    eta    s  passed")
    rows = []
    for rule in given.rules:
        nats, found = scores(rule, setting)
        error = nats.std(ddof=1) / len(nats) ** 0.5
        passed = [name for name, floor in floors.items() if nats.mean() + 2 * error < floor]
        row = {"rule": rule, "mean": float(nats.mean()), "error": float(error), "least": float(nats.min())}
        row |= {"excess": row["mean"] - floors["both lags"], "most": float(nats.max()), "passed": passed, **found}
        rows.append(row)
        if not given.json:
            print(
                f"{rule:<14} {row['mean']:.4f} +- {row['error']:.4f} {row['excess']:7.4f} {row['least']:.4f} - "
                f"{row['most']:.4f} {row['neurons']:3d} {row['train']:5d} {row['eta']:6g} {row['seconds']:4.0f}  "
                f"{', '.join(passed) or 'none'}",
                flush=True,
            )
    if given.json:
        print(json.dumps({"floors": floors, "rules": rows}))


if __name__ == "__main__":
    main()
