"""A tiny run of a circuit: does it go through, do two engines agree, does it follow the gradient, what does it cost?"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import numpy as np

from autapse_sim.engines.reference.code import METHODS
from autapse_sim.engines.reference.network import NOISE
from autapse_sim.errors import InputError
from autapse_sim.experiments.alignment import aligned
from autapse_sim.experiments.checking.circuits import CHANNELS
from autapse_sim.experiments.checking.given import stated
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import Job, Outcome
from autapse_sim.spec.library import Models
from autapse_sim.spec.protocol import Protocol
from autapse_sim.tasks.arrays import ArrayTask
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import draw
from autapse_sim.training.train import choose_engine, prepare, simulated

STEPS, NETWORKS = 20, 2
"""Of the trajectory that is shown."""
LONG, MANY, TIMED = 100, 8, 10
"""Steps, networks and trajectories that are timed."""
SUBSTEPS = (1, 10, 20)
"""Integration steps in a step, of which the fewest are taken that a circuit can do with."""


@dataclass(frozen=True)
class Trial:
    """What came of a tiny run.

    Parameters
    ----------
    circuit : Circuit
        What ran.
    engine : str
        Who ran it.
    nanoseconds : float
        Of a network in a step of the stimulus.
    moved : dict of str to float
        By how much each kind of weights that learn changed, at most.
    difference : float or None
        Between the weights of this engine and those of the reference interpreter, at most; None where that has none.
    finer : float or None
        By how much activity differs with steps half as long, in units of its standard deviation; None as before.
    cosines : dict of str to float
        Of the change of each kind of weights and the exact gradient, and of the control that is blind to what arrives.
    without_gradient : str
        Why there is no exact gradient; '' where there is.
    slots : list of str
        Of a time step, in which something happens.
    apart : dict of str to str
        See `autapse_sim.engines.brian.standalone.looked_at`.
    """

    circuit: Circuit
    engine: str
    nanoseconds: float
    moved: dict[str, float]
    difference: float | None = None
    finer: float | None = None
    cosines: dict[str, float] = field(default_factory=dict)
    without_gradient: str = ""
    slots: list[str] = field(default_factory=list)
    apart: dict[str, str] = field(default_factory=dict)


def tried(circuit: Circuit, substeps: int | None = None) -> Trial:
    """Run a circuit for a moment.

    Raises
    ------
    InputError
        It cannot run, or grows beyond all numbers within some steps.
    """
    if circuit.rule in stated():
        return _followed(_timed(circuit, "numpy"), _job(circuit), "numpy")
    engine = choose_engine(circuit, "auto")
    judge = "reference" if _interpreted(circuit) else engine
    job, outcome = _finite(circuit, SUBSTEPS if substeps is None else (substeps,), judge)
    return _beside(_followed(_timed(job.circuit, engine), job, judge), job, outcome, judge)


def _finite(circuit: Circuit, substeps: tuple[int, ...], judge: str) -> tuple[Job, Outcome]:
    """A job with as few integration steps as the circuit can do with, and what comes of it."""
    errors = []
    for many in substeps:
        try:
            job = _job(replace(circuit, substeps=many))
            outcome = _outcome(job, judge)
            if np.isfinite(outcome.mse).all():
                return job, outcome
            errors.append(InputError(f"{circuit.neuron}: a state grows beyond all numbers; try --substeps 50"))
        except InputError as error:
            errors.append(error)
    raise errors[0]


def _interpreted(circuit: Circuit) -> bool:
    """Whether the reference interpreter can run it: with one of its integrators, and without random numbers."""
    return Models.of(circuit).method(circuit) in METHODS and not _draws(circuit)


def _draws(circuit: Circuit) -> bool:
    """Whether random numbers are drawn, which the reference interpreter has none of."""
    if circuit.rule in stated():
        return False
    models = Models.of(circuit)
    texts = [*models.neuron.texts, *(text for rule in models.teaching(circuit.learn) for text in rule.texts)]
    return any(map(NOISE.search, texts))


def _job(circuit: Circuit, steps: int = STEPS, networks: int = NETWORKS, train: int = 1) -> Job:
    """Networks that are shown noise."""
    x, y = np.random.default_rng(0).normal(size=(2, networks, train, steps, CHANNELS))
    update = "trajectory" if circuit.rule in stated() else "step"
    protocol = Protocol(networks, train=train, validate=0, test=0, averaging=False, update=update)
    values = resolve_parameters(circuit, {}, networks)
    return prepare(circuit, draw(circuit, ArrayTask(x, y), protocol), protocol, values, np.arange(networks))


def _outcome(job: Job, engine: str) -> Outcome:
    """The outcome of a job, on one core, by the program that all jobs of a circuit share."""
    with np.errstate(all="ignore"):
        return simulated(job, engine, room=MANY, processes=1) if engine == "standalone" else simulated(job, engine)


def _timed(circuit: Circuit, engine: str) -> Trial:
    """How long the networks of a circuit take."""
    job = _job(circuit, LONG, MANY, TIMED)
    begun = time.perf_counter()
    outcome = _outcome(job, engine)
    seconds = outcome.seconds or time.perf_counter() - begun
    before, after = dict(job.weights.items()), dict(outcome.weights.items())
    moved = {name: float(np.abs(after[name] - before.get(name, 0)).max()) for name in circuit.learn}
    return Trial(circuit, engine, float(1e9 * seconds / (LONG * MANY * TIMED)), moved)


def _followed(trial: Trial, job: Job, engine: str) -> Trial:
    """The trial with how the change of a trajectory stands to the exact gradient."""
    if "W" not in job.circuit.learn:
        return trial
    if _draws(job.circuit):
        return replace(
            trial, without_gradient="random numbers are drawn, so that one trajectory says nothing; see ap.align"
        )
    try:
        with np.errstate(all="ignore"):
            found = aligned(job, engine)
    except InputError as error:
        return replace(trial, without_gradient=str(error))
    return replace(trial, cosines={name: float(np.mean(value)) for name, value in found.items()})


def _beside(trial: Trial, job: Job, outcome: Outcome, judge: str) -> Trial:
    """The trial with what the engine makes of the job beside the judge, and with how it runs it."""
    from autapse_sim.engines.brian.standalone import looked_at

    slots, apart = looked_at(job)
    trial = replace(trial, slots=slots, apart=apart)
    if judge != "reference":
        return trial
    mine, right = (dict(each.weights.items()) for each in (_outcome(job, trial.engine), outcome))
    difference = max(float(np.abs(mine[name] - right[name]).max()) for name in trial.moved)
    finer = _outcome(_job(replace(job.circuit, substeps=2 * job.circuit.substeps)), judge).traces["activity"]
    coarse = outcome.traces["activity"]
    apart_by = float(np.sqrt(np.mean((finer - coarse) ** 2)) / max(np.std(finer), np.finfo(float).tiny))
    return replace(trial, difference=difference, finer=apart_by)
