"""Which rule learns which lag of the add task, told by the cross-entropies that the odds of the task allow.

Networks of tanh neurons learn U, W, b and the read-out V, c by batches of 16 trajectories and Adam, without eq. 1's
mean; B is random. rtrl, whose sums over a trajectory would be bptt's, learns at every step instead, from an eighth of
the trajectories, and in at most 8 neurons, since it costs n^4. Each rule has the learning rate that is best on
validation trajectories, and is scored on others. What can be known of the odds is known in closed form: a network that
does not remember has no less than 0.6616 nats, one that remembers the first lag no less than 0.5192, and none less than
0.4545. These floors were published, for a task whose lags are known; that exact gradients pass that of the first lag is
asked of them here. How far the other rules come depends on sizes and rates that differ here, and stands in the notes.
The control is the same network with U, W and b as drawn, where the read-out alone learns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr

from autapse_sim.engines.discrete.layout import SMALL
from autapse_sim.engines.discrete.simulate import simulate
from autapse_sim.experiments.agreement import below, exact, quartiles
from autapse_sim.experiments.reproduction import Answer, Call, Finding, Reproduction
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.protocol import Schedule
from autapse_sim.spec.weights import draw_weights
from autapse_sim.tasks.add import AddTask
from autapse_sim.tasks.shown import masked

EVERYTHING = ("U", "W", "b", "V", "c")
CIRCUIT = Circuit(neurons=32, readout="random", activation="tanh", learn=EVERYTHING, loss="cross-entropy")
RULES = ("bptt", "rtrl", "snap1", "uoro", "fa", "dfa", "rflo", "autapse")
CASES = {rule: replace(CIRCUIT, rule=rule) for rule in RULES}
CASES["rtrl"] = replace(CASES["rtrl"], neurons=SMALL)
CASES["read-out alone"] = replace(CIRCUIT, rule="bptt", learn=("V", "c"))
EXACT = ("bptt", "rtrl")
ETAS = {"batch": (1e-3, 3e-3, 1e-2), "step": (1e-4, 3e-4, 1e-3)}
TASK, TRAIN, FEW_TRAIN, SEEDS, FEW_SEEDS = AddTask(steps=50, t1=3, t2=5), 8000, 800, 8, 3
BATCH, ONLINE, VALIDATE, TEST = 16, 8, 50, 150
"""Trajectories of a batch, what the training is divided by with updates at every step, and trajectories to choose eta
and to test on."""
FLOORS = {"no memory": 0.6616, "first lag": 0.5192, "both lags": 0.4545}


def scores(circuit: Circuit, task: AddTask, train: int, replicates: int, seed: int) -> xr.Dataset:
    """The test cross-entropy of networks at the learning rate that is best on validation trajectories."""
    update = "step" if circuit.rule == "rtrl" else "batch"
    train = train // ONLINE if update == "step" else train
    etas = np.array(ETAS[update])
    to_task, to_weights = (np.random.default_rng([seed, stream]) for stream in (0, 1))
    shown = np.arange(train + VALIDATE + TEST)
    x, y = task.sample(to_task, replicates, len(shown))
    eta, networks = np.repeat(etas, replicates), np.tile(np.arange(replicates), len(etas))
    nothing = np.zeros(len(shown), dtype=bool)
    job = Job(
        circuit=circuit,
        x=x,
        y=masked(y, task.scored),
        source=networks,
        weights=draw_weights(to_weights, replicates, circuit.neurons, 2, 2, "random", "random").take(networks),
        parameters={"eta": eta, "eta_out": eta, "tau": np.full(len(eta), (task.t1 + task.t2) / 2) * STEP},
        schedule=Schedule(shown, shown < train, nothing, nothing),
        update=update,
        traced=np.array([], dtype=int),
        seeds=networks,
        batch=BATCH if update == "batch" else 1,
        optimiser="adam",
        averaging=False,
    )
    nats = simulate(job).cross_entropy
    assert nats is not None  # which it is with this loss
    nats = nats.reshape(len(etas), replicates, -1)
    held = nats[:, :, train : train + VALIDATE].mean(axis=(1, 2))
    best = int(np.argmin(np.where(np.isfinite(held), held, np.inf)))
    return xr.Dataset({"nats": ("replicate", nats[best, :, train + VALIDATE :].mean(axis=1)), "chosen": etas[best]})


def units(seed: int, quick: bool) -> dict[str, Call]:
    """All networks of a rule together."""
    train, replicates = (FEW_TRAIN, FEW_SEEDS) if quick else (TRAIN, SEEDS)
    given = {"task": TASK, "train": train, "replicates": replicates, "seed": seed}
    return {name: Call(scores, {"circuit": circuit, **given}, 3 * replicates) for name, circuit in CASES.items()}


def answer(found: Mapping[str, xr.Dataset], quick: bool) -> Answer:
    """Whether the floors are those of the task here, and whether the exact gradients learn more than the first lag."""
    known = {name: float(value[0]) for name, value in TASK.floors(np.empty(1), np.empty(1)).items()}
    here = ", ".join(f"{name} {value:.4f}" for name, value in known.items())
    published = ", ".join(f"{name} {value:.4f}" for name, value in FLOORS.items())
    told = [
        Finding(
            "floors of the cross-entropy, nats", published, here, *exact([*known.values()], [*FLOORS.values()], 2e-4)
        )
    ]
    nats = {name: data.nats.values for name, data in found.items()}
    for rule in EXACT:
        said = below(nats[rule], FLOORS["first lag"])
        told.append(Finding(f"{rule} learns more than the first lag", "below 0.5192", quartiles(nats[rule]), *said))
    others = "; ".join(f"{name} {quartiles(nats[name])}" for name in nats if name not in EXACT)
    data = xr.concat(list(found.values()), "case").assign_coords(case=list(found))
    return Answer(tuple(told), data, (f"Cross-entropy of the others: {others}.",))


reproduction = Reproduction(
    title="the add task, lags of 3 and 5 steps: exact gradients learn more than the first",
    source="Marschall, Cho & Savin 2020, JMLR 21:135, doi:10.48550/arXiv.1907.02649, after Pitis 2016",
    published="what a network can know: 0.6616 nats without memory, 0.5192 with the first lag, 0.4545 with both",
    minutes=(3, 0.3),
    quick=f"{FEW_SEEDS} of {SEEDS} seeds, {FEW_TRAIN} of {TRAIN} trajectories",
    units=units,
    answer=answer,
)
