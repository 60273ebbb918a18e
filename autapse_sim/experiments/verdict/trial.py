"""A method on a block of seeds, drawn, trained and scored; trajectories and weights are the same for all methods."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import cloudpickle
import numpy as np

from autapse_sim.engines.adjoint.compiled.run import covers_local
from autapse_sim.engines.arrays import lasting
from autapse_sim.experiments.benchmark import Benchmark
from autapse_sim.experiments.verdict.methods import Method, parameters_of
from autapse_sim.experiments.verdict.points import Point
from autapse_sim.results.scores import error_of
from autapse_sim.spec.job import STEP, Job, Outcome
from autapse_sim.spec.protocol import Protocol, Schedule
from autapse_sim.spec.units import amount
from autapse_sim.spec.weights import Weights
from autapse_sim.studies.unit import told_circuit, told_task
from autapse_sim.tasks.shown import masked
from autapse_sim.training.declared import declared
from autapse_sim.training.draws import Drawn, draw
from autapse_sim.training.grid import Grid
from autapse_sim.training.in_numpy import discretely, one_for_all
from autapse_sim.training.readouts import PENALTIES, penalised_readouts
from autapse_sim.training.reservoir import activity
from autapse_sim.training.sizes import NUMBER
from autapse_sim.training.train import choose_engine, prepare, simulated

BLOCK = 8
"""Seeds that are drawn and trained together; a seed's draws do not depend on how many blocks there are."""
FITTED = 100
"""Training trajectories that a read-out is refitted to."""
FLOORS = (1e-3, 1e-6, 1e-10)
"""Least penalties of the refitted read-out, see `refit_penalties`; a verdict goes by the first. A penalty p acts as
noise of variance p on each neuron: below 1e-3, 3% of a neuron's range, a read-out would make use of signals that no
synapse could carry. That is a decision, so what the others would give is told too."""

ROOM = {True: 2**24, False: 2**28}
"""Bytes that the activity of networks whose read-outs are refitted may take, by whether NumPy runs them: it does so one
by one, and fresh memory takes as long as they do. What a program runs, it runs faster the more there are."""


@dataclass(frozen=True)
class Trial:
    """A method on a benchmark.

    Parameters
    ----------
    setting : Benchmark
        What has to be learned.
    method : Method
        What is trained.
    engine : str
        Who runs it where no sweep gives the same numbers with less work, see `covers_local`.
    """

    setting: Benchmark
    method: Method
    engine: str

    @classmethod
    def of(cls, setting: Benchmark, method: Method) -> Trial:
        """The trial with the engine that there is here."""
        return cls(setting, method, choose_engine(method.circuit_of(setting), "auto"))

    def told(self) -> dict[str, Any]:
        """All that determines its results, beside seeds and learning rates."""
        method = self.method
        scaled = method.reservoir and [method.reservoir.gain, method.reservoir.input_scale]
        return {
            **told_setting(self.setting),
            "circuit": told_circuit(method.circuit_of(self.setting)),
            "method": [scaled, method.protocol, method.parameters],
            "engine": self.engine,
        }


def blocks_for(replicates: int) -> int:
    """How many blocks hold so many seeds."""
    return -(-replicates // BLOCK)


def told_setting(setting: Benchmark) -> dict[str, Any]:
    """What a benchmark shows and how it scores, whatever is trained."""
    task = told_task(setting.task, setting.protocol.trajectories)
    parameters = {name: amount(value, name) for name, value in setting.parameters.items()}
    return {"task": task, "scored": setting.scored, "protocol": setting.protocol, "parameters": parameters}


@dataclass(frozen=True)
class Scores:
    """How R networks of a method did; errors are MSE, or cross-entropy where the loss is that.

    Parameters
    ----------
    online : array (R,)
        Test error with the read-out as it was trained.
    refit : array (R, F)
        Test error with a read-out refitted, for each of `FLOORS`: what the activity holds. NaN where none was asked.
    curve : array (R, P)
        Validation error during training.
    """

    online: np.ndarray
    refit: np.ndarray
    curve: np.ndarray


def refit_penalties(floor: float) -> tuple[float, ...]:
    """The penalties that every refitted read-out may choose from, on validation trajectories.

    Examples
    --------
    >>> refit_penalties(0.01)
    (0.01, 0.1, 1.0, 10.0)
    """
    return tuple(penalty for penalty in PENALTIES if penalty > floor / 2)


def protocol_of(setting: Benchmark, method: Method, seeds: tuple[int, int], count: int = BLOCK) -> Protocol:
    """The protocol of `count` networks whose draws follow from (seed, number of the block)."""
    seed = int(np.random.SeedSequence(seeds).generate_state(1)[0])
    return replace(setting.protocol, replicates=count, seed=seed, record=0, **method.protocol)


def drawn(setting: Benchmark, method: Method, seeds: tuple[int, int], count: int = BLOCK) -> Drawn:
    """The trajectories, y NaN where it is not scored, and initial weights of a block, before a reservoir is scaled."""
    feedback = method.circuit.get("feedback", setting.circuit.feedback)
    return _drawn(
        cloudpickle.dumps(replace(setting, circuit=replace(setting.circuit, feedback=feedback))), seeds, count
    )


@lru_cache(maxsize=1)
def _drawn(packed: bytes, seeds: tuple[int, int], count: int) -> Drawn:
    """What is drawn: units of the same block come one after the other, and share it."""
    setting = pickle.loads(packed)
    given = draw(setting.circuit, setting.task, protocol_of(setting, Method(None), seeds, count))
    return replace(given, x=lasting(given.x), y=lasting(masked(given.y, setting.scored, "benchmark")), sources={})


def train_method(
    trial: Trial,
    given: Drawn,
    protocol: Protocol,
    points: Sequence[Point],
    eta_out: float | None = None,
    schedule: Schedule | None = None,
    precision: str | None = None,
) -> Outcome:
    """Train the networks of a block with a method, once for each of some points, as one run.

    The read-out learns at `eta_out`, or at the same rates as the rest where that is not given. The precision is that
    of compiled sweeps, by default the circuit's; what is not swept always has the circuit's.
    """
    method, circuit = trial.method, trial.method.circuit_of(trial.setting)
    if method.reservoir:
        given = replace(given, weights=method.reservoir.of(given.weights))
    grid = Grid.of([point.eta for point in points], protocol.replicates)
    networks = len(grid.source)
    tuned: dict[str, Any] = dict.fromkeys(declared(circuit).etas, grid.each)
    if eta_out is not None and "eta_out" in tuned:
        tuned["eta_out"] = np.full(networks, eta_out)
    for name, first in points[0].values:
        each = [dict(point.values)[name].value for point in points]
        tuned[name] = replace(first, value=np.repeat(each, protocol.replicates).tolist())
    values = parameters_of(trial.setting, circuit, networks, {**method.parameters, **tuned})
    job = prepare(circuit, given, protocol, values, grid.source)
    still = protocol.update != "step" and one_for_all(values)
    swept = trial.engine == "standalone" and still and covers_local(circuit) is None
    engine = "compiled" if swept else trial.engine
    if precision and engine == "compiled":
        job = replace(job, circuit=replace(circuit, precision=precision))
    return _run(replace(job, schedule=schedule) if schedule else job, engine)


def _run(job: Job, engine: str) -> Outcome:
    """The outcome of a job, of one block of replicates after the other: one program does for any number of points."""
    size = len(job.x)
    if engine != "standalone" or len(job.source) == size:
        return simulated(job, engine, processes=1)
    pieces = np.split(np.arange(len(job.source)), range(size, len(job.source), size))
    outcomes = [simulated(job.part(piece, size), engine, processes=1) for piece in pieces]
    return Outcome.joined(outcomes, [size] * len(pieces))


def score(setting: Benchmark, given: Drawn, protocol: Protocol, outcome: Outcome, refit: bool) -> Scores:
    """The scores of trained networks: of all points of the run, one after the other."""
    schedule = Schedule.of(protocol)
    errors = outcome.mse if outcome.cross_entropy is None else outcome.cross_entropy
    looks = errors[:, schedule.look].reshape(len(errors), -1, protocol.validate)
    test = errors[:, schedule.keep]
    online = test.mean(axis=1) if protocol.test else np.full(len(test), np.nan)
    found = np.full((len(test), len(FLOORS)), np.nan)
    if refit:
        found = refit_error(setting, given, protocol, outcome.weights)
    return Scores(online, found, looks.mean(axis=2))


def refit_error(
    setting: Benchmark, given: Drawn, protocol: Protocol, weights: Weights, floors: Sequence[float] = FLOORS
) -> np.ndarray:
    """Test error of read-outs that are fitted to the activity of networks as they are, (N, F), for F least penalties.

    The N networks are those of all replicates, once or several times over.
    """
    shown = slice(max(0, protocol.train - FITTED), None)
    first = protocol.train - shown.start
    fit, select, test = slice(first), slice(first, first + protocol.validate), slice(-protocol.test, None)
    found = np.empty((len(weights.W), len(floors)))
    for networks in _pieces(len(weights.W), given.x[:, shown], setting):
        source = networks % protocol.replicates
        y = given.y[:, shown][source]
        o = activity_of(setting, given, shown, weights, networks)
        fitted, selected = ((o[:, part], y[:, part]) for part in (fit, select))
        choices = list(map(refit_penalties, floors))
        predictions = penalised_readouts(fitted, selected, o[:, test], choices, setting.circuit.loss)
        errors = [error_of(setting.circuit.loss)(prediction, y[:, test]).mean(axis=1) for prediction in predictions]
        found[networks] = np.stack(errors, axis=1)
    return found


def _pieces(networks: int, x: np.ndarray, setting: Benchmark) -> list[np.ndarray]:
    """The numbers of networks, as many together as may keep their activity; those that see the same are neighbours."""
    room = ROOM[discretely(setting.circuit)]
    size = max(1, room // (NUMBER * x.shape[1] * x.shape[2] * setting.circuit.neurons))
    order = np.argsort(np.arange(networks) % len(x), kind="stable")
    return np.split(order, range(size, networks, size))


def activity_of(
    setting: Benchmark, given: Drawn, shown: slice, weights: Weights, networks: np.ndarray | None = None
) -> np.ndarray:
    """The activity (N, K, T, n) of networks in which nothing learns, on some trajectories of a block.

    `weights` are those of all networks of a run, of which `networks` are asked for, by default all: the replicates of
    the block, once or several times over.
    """
    networks = np.arange(len(weights.W)) if networks is None else networks
    sources, source = np.unique(networks % len(given.x), return_inverse=True)
    # loss and targets stay: what neurons get of prediction and error hangs on them
    circuit = replace(setting.circuit, rule="fa", readout_rule="delta", learn=())
    x, y, mine = given.x[sources, shown], given.y[sources, shown], weights.take(networks)
    parameters = parameters_of(setting, circuit, len(networks))
    if discretely(circuit) and one_for_all(parameters):
        return activity(mine, x[source], circuit.activation, parameters["tau_m"] / STEP)
    every, no = np.arange(x.shape[1]), np.zeros(x.shape[1], dtype=bool)
    job = Job(
        circuit,
        x,
        y,
        source,
        mine,
        parameters,
        Schedule(every, no, no, ~no),
        "trajectory",
        traced=np.arange(len(networks)),
        seeds=given.seeds[sources[source]],
        recorded=("activity",),
    )
    return simulated(job, choose_engine(circuit, "auto"), processes=1).traces["activity"].transpose(1, 0, 2, 3)
