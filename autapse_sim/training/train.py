"""Train one rule: draw, run, score, and put names on what came out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.checks import function, instance
from autapse_sim.engines import discrete
from autapse_sim.engines.adjoint import RULES as EXACT
from autapse_sim.errors import InputError
from autapse_sim.machine.bars import shows_progress
from autapse_sim.machine.memory import peak_memory
from autapse_sim.names import one_of
from autapse_sim.results.result import Result
from autapse_sim.results.table import UNTRAINED
from autapse_sim.spec.circuit import TAUGHT_BY, Circuit
from autapse_sim.spec.job import Job, Outcome, Progress, check_shown, check_targets
from autapse_sim.spec.model import carried, is_file, library, rules, words_of
from autapse_sim.spec.protocol import Protocol, Schedule
from autapse_sim.spec.weights import Weights
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.library import task_called
from autapse_sim.training.beside import task_controls
from autapse_sim.training.continuation import Begun, Shares, checksum, going_on
from autapse_sim.training.declared import check_optimiser, declared, resolve_parameters
from autapse_sim.training.description import describe, described, task_text, without_equations
from autapse_sim.training.draws import Drawn, draws
from autapse_sim.training.in_numpy import (
    WITHOUT_BRIAN,
    along_equations,
    check_numpy,
    check_protocol,
    compiled_or_numpy,
    discretely,
    one_for_all,
    simulated_compiled,
    simulated_in_numpy,
)
from autapse_sim.training.labels import control_scores, scored, targets
from autapse_sim.training.parts import run_watched
from autapse_sim.training.sizes import at_once, check_sizes

ENGINES = ("auto", "standalone", "runtime", "reference", "numpy", "compiled")


@shows_progress("training")
def train(
    circuit: Circuit,
    task: Task | str | Path,
    protocol: Protocol,
    weights: Weights | None = None,
    parameters: Mapping[str, Any] | None = None,
    engine: str = "auto",
    progress: Progress | bool | None = None,
    start: Result | None = None,
    watch: Callable[[Result], Any] | None = None,
) -> Result:
    """Train the networks of one circuit and test them.

    Parameters
    ----------
    circuit : Circuit
        Neuron, rule, sizes and what learns.
    task : Task, str or path
        What is shown: `BouncingBall`, `ArrayTask` or any object with their `sample`; or the name of a task, or the
        path of a file that defines one.
    protocol : Protocol
        How many networks and trajectories, and when weights change.
    weights : Weights, optional
        Initial weights with a leading axis of `protocol.replicates`; drawn where not given.
    parameters : mapping, optional
        Parameters of the neuron and the rule by name, in place of their defaults: one value, or one per replicate;
        Brian2 quantities where they have units (``{"tau": 5*ms}``).
    engine : {'auto', 'standalone', 'runtime', 'reference', 'numpy', 'compiled'}
        'standalone' compiles to C++, 'runtime' is Brian2 without a compiler, 'reference' a slow interpreter of what
        the equations mean, 'numpy' the discrete reference, or for bptt and fa any circuit along its own equations,
        'compiled' the same of bptt and fa in C++. 'auto' compiles where there is a C++ compiler: 'standalone' for rules
        with equations, 'compiled' for bptt and fa where the circuit allows it, else 'numpy'. The result says which.
    progress : callable or bool, optional
        True shows a bar, which notebooks do unless it is False; a function is called with the completed share, 0 to 1.
    start : Result, optional
        What training goes on from, with `protocol.train` more trajectories, to the bits of a run that was never
        interrupted. All else has to be as it was for this result, but for validation, test and what is kept. The
        protocol counts from here, the result's coordinates from the very first trajectory.
    watch : callable, optional
        Called during training with a `Result` of what has been learned so far (training MSE, weights, traces of the
        first and the last training trajectory), and at the end with the whole: every `watch.every` trajectories, a
        tenth of them where it has none. `LiveView()` draws that in a notebook. Where replicates do not fit into memory
        together it sees the first of them. The result is the same, to the last bit, as without.

    Returns
    -------
    Result
        Scores, predictions, traces and weights by name; where something was learned and tested, also those of the
        controls that cost next to nothing, with a dimension `control`.

    Examples
    --------
    >>> import autapse_sim as ap
    >>> protocol = ap.Protocol(replicates=3, train=5, validate=0, test=2)
    >>> result = ap.train(ap.Circuit(rule="dfa"), ap.BouncingBall(steps=20), protocol, engine="numpy")
    >>> result.data.mse.sizes
    Frozen({'replicate': 3, 'trajectory': 2})
    >>> more = ap.train(ap.Circuit(rule="dfa"), ap.BouncingBall(steps=20), protocol, engine="numpy", start=result)
    >>> more.data.training_trajectory.values
    array([ 6,  7,  8,  9, 10])
    """
    task, protocol = task_called(task), instance("protocol", protocol, Protocol)
    circuit = carried(instance("circuit", circuit, Circuit))  # model files are read once
    tell, watch = function("progress", progress), function("watch", watch)
    engine = choose_engine(circuit, engine)
    check_optimiser(circuit, protocol)
    begun = None if start is None else Begun.of(start)
    done = begun.trained if begun else 0
    whole = replace(protocol, train=done + protocol.train)
    size = begun.shares.block if begun else at_once(circuit, task, protocol)
    check_sizes(circuit, task, whole, size)
    values = resolve_parameters(circuit, parameters, protocol.replicates)
    if begun:
        begun.check(circuit, protocol, engine, values, task_text(task))
    parts: list[xr.Dataset] = []
    programs, shown, shares = 0, list[int](), None
    for first, drawn in draws(circuit, task, whole, weights, size):
        count = len(drawn.x)
        block, networks = replace(protocol, replicates=count), np.arange(count)
        block = replace(block, record=min(max(protocol.record - first, 0), count))
        mine = {name: value[first : first + count] for name, value in values.items()}

        def report(share: float, first: int = first, count: int = count) -> None:
            if tell:
                tell((first + share * count) / protocol.replicates)

        rest = drawn.after(done)
        job = prepare(circuit, rest, block, mine, networks)
        job = replace(job, states_after=tuple(sorted({*job.states_after, *([protocol.train] * bool(protocol.train))})))
        if shares is None:
            shares = begun.checked(Shares.of(size, job, engine)) if begun else Shares.of(size, job, engine)
        job = begun.resumed(job, first, drawn) if begun else job
        run = partial(simulated, engine=engine, room=size, processes=shares.processes)
        seen = None if watch is None or first else partial(_told, watch, str(circuit.rule), drawn, block, done)
        outcome = run_watched(job, run, report, seen, getattr(watch, "every", None))
        part = scored(drawn, block, outcome, networks, done).assign(targets(rest, block))
        part = part.assign(_controls(circuit, task, drawn, replace(block, train=whole.train), mine, engine))
        parts.append(part.assign_coords(replicate=first + networks, recorded=first + part.recorded))
        shown.append(checksum(drawn, whole.train))
        programs = max(programs, outcome.memory)
    data = _joined(parts)
    attributes = describe(circuit, task, protocol, engine, described(values), drawn.sources)
    attributes["peak_memory"] = peak_memory(programs)
    said = [*(begun.notes(at_once(circuit, task, whole)) if begun else []), *_left_out(circuit, whole)]
    attributes |= {"notes": json.dumps(said)} if said else {}
    assert shares is not None  # of the first block of replicates, which there always is
    result = Result(data.assign_attrs(attributes | going_on(whole.train, shares, shown, data)))
    if watch:
        watch(result)
    return result


def _left_out(circuit: Circuit, protocol: Protocol) -> list[str]:
    """Which control there is not, and why."""
    if not (protocol.test and protocol.train and circuit.learn) or protocol.reset:
        return []
    return [f"control {UNTRAINED!r} is left out: without reset it is a run as long as this one (compare has it)"]


def _told(
    watch: Callable[[Result], Any], rule: str, drawn: Drawn, protocol: Protocol, done: int, outcome: Outcome
) -> None:
    """Let someone look at what has been learned so far."""
    so_far = replace(protocol, train=outcome.mse.shape[1], batch=1, update="step", validate=0, test=0, checkpoints=())
    data = scored(drawn, so_far, outcome, np.arange(protocol.replicates), done)
    watch(Result(data.assign_attrs(rule=rule)))


def _controls(
    circuit: Circuit, task: Task, drawn: Drawn, protocol: Protocol, parameters: Mapping[str, np.ndarray], engine: str
) -> dict[str, Any]:
    """The scores of the untrained networks, and of what needs none, on the test trajectories."""
    if not (protocol.test and protocol.train and circuit.learn):
        return {}
    predictions = {}
    if protocol.reset:  # the same program, shown less: without what came before, the test is the same
        still = replace(protocol, record=0, checkpoints=())
        job = prepare(circuit, drawn, still, parameters, np.arange(protocol.replicates))
        job = replace(job, schedule=job.schedule.part(job.schedule.keep))
        predictions[UNTRAINED] = unlearned(job, engine).prediction.transpose(1, 0, 2, 3)
    train, test = slice(0, protocol.train), slice(-protocol.test, None)
    predictions |= task_controls(task, drawn.x, drawn.y, train, test, history=False)
    return control_scores(predictions, drawn.y[:, test], drawn.units)


def unlearned(job: Job, engine: str) -> Outcome:
    """The outcome of a job in which nothing learns; the discrete network has it for nothing where it is the circuit."""
    still = replace(job.circuit, readout_rule="delta", learn=())
    circuit, engine = simplest(still, engine, job.reset, job.parameters)
    if engine == "numpy":
        job = replace(job, circuit=circuit, update="trajectory", batch=1, optimiser="sgd", constraints=(), bound=None)
    return simulated(job, engine)


def simplest(circuit: Circuit, engine: str, reset: bool, parameters: Mapping[str, np.ndarray]) -> tuple[Circuit, str]:
    """The circuit and its engine, or the discrete network where that is the same with a W that stays as it is."""
    if discretely(circuit) and circuit.readout_rule == "delta" and reset and one_for_all(parameters):
        return replace(circuit, rule="fa"), "numpy"
    return circuit, engine


def _joined(parts: list[xr.Dataset]) -> xr.Dataset:
    """One dataset of blocks of replicates."""
    if len(parts) == 1:
        return parts[0]
    scores = [part.drop_dims("recorded") for part in parts]
    records = [part.drop_dims("replicate") for part in parts if part.sizes["recorded"]] or parts[:1]
    records = [part.drop_dims("replicate", errors="ignore") for part in records]
    together = xr.concat(scores, "replicate", data_vars="minimal", coords="minimal", compat="override")
    return together.merge(xr.concat(records, "recorded", data_vars="minimal", coords="minimal", compat="override"))


def choose_engine(circuit: Circuit, engine: str) -> str:
    """The engine that runs a circuit, or an `InputError` where the one asked for cannot."""
    one_of("engine", engine, ENGINES)
    for role in dict.fromkeys(TAUGHT_BY.values()):
        _check_rule(role, getattr(circuit, role))
    if not is_file(circuit.neuron):
        one_of("neuron", circuit.neuron, library("neurons"))
    if engine == "compiled" and circuit.rule not in EXACT:
        raise InputError(f"engine 'compiled' is for exact gradients, the rules {' and '.join(EXACT)}")
    in_numpy = engine in WITHOUT_BRIAN or (engine == "auto" and without_equations(circuit))
    if in_numpy:
        check_numpy(circuit)
        if not along_equations(circuit):
            return compiled_or_numpy(circuit, engine)
    elif without_equations(circuit):
        raise InputError(f"rule {circuit.rule!r} has no equations for engine {engine!r}; use engine='numpy'")
    activations = declared(circuit).activations
    if activations:
        one_of("activation", circuit.activation, activations)
    if in_numpy:
        return compiled_or_numpy(circuit, engine)
    if engine == "auto":
        from autapse_sim.engines.brian.compiler import compiler

        return "standalone" if compiler() else "runtime"
    return engine


def _check_rule(role: str, name: str) -> None:
    """Refuse the name of a rule that there is not, or that is for another role."""
    if is_file(name):
        return
    of_neurons = rules()
    others = library("rules").keys() - of_neurons
    if role == "rule" and name in others:
        place = "feedback_rule" if "err_pre" in words_of(library("rules")[name]) else "readout_rule"
        raise InputError(
            f"rule {name!r} teaches no neurons: it is a {place}, as in Circuit({place}={name!r}), or -s {place}={name} "
            "of a sweep"
        )
    if role != "rule" and name in of_neurons:
        raise InputError(f"rule {name!r} teaches neurons: it is no {role}, which may be {', '.join(sorted(others))}")
    one_of(role, name, of_neurons | discrete.references().keys() if role == "rule" else others)


def engine_for(circuit: Circuit, engine: str) -> str:
    """The engine to ask for where one was named for several circuits, of which some have no equations for it."""
    return "auto" if without_equations(circuit) and engine not in WITHOUT_BRIAN else engine


def prepare(
    circuit: Circuit, drawn: Drawn, protocol: Protocol, parameters: Mapping[str, np.ndarray], source: np.ndarray
) -> Job:
    """The job of the networks `source`: the whole experiment as one run."""
    return Job(
        circuit,
        drawn.x,
        drawn.y,
        source,
        drawn.weights.take(source),
        parameters,
        Schedule.of(protocol),
        protocol.update,
        traced=np.flatnonzero(source < protocol.record),
        seeds=drawn.seeds[source],
        batch=protocol.batch,
        optimiser=protocol.optimiser,
        averaging=protocol.averaging,
        constraints=protocol.constraints,
        bound=protocol.bounds,
        reset=protocol.reset,
        epsilon=protocol.epsilon,
        sources=drawn.sources,
        checkpoints=protocol.kept_after,
        states_after=protocol.kept_after if protocol.checkpoint_states else (),
    )


def run(
    circuit: Circuit,
    drawn: Drawn,
    protocol: Protocol,
    parameters: Mapping[str, np.ndarray],
    source: np.ndarray,
    engine: str,
    progress: Progress | None = None,
    room: int | None = None,
) -> Outcome:
    """Run the networks `source` (which replicate each one is; a replicate may occur more than once).

    `room` is the number of networks that a program is built for, see `autapse_sim.engines.choose.simulate`.
    """
    return simulated(prepare(circuit, drawn, protocol, parameters, source), engine, progress, room=room)


def check_job(job: Job, engine: str) -> None:
    """Refuse, before anything runs, what an engine does not take of protocol, parameters, stimulus and targets."""
    check_optimiser(job.circuit, job)
    check_targets(job)
    if engine in WITHOUT_BRIAN:
        check_protocol(job.circuit, job, job.parameters)
    elif "U" in job.circuit.learn and declared(job.circuit).spikes:
        check_shown(job.x)


def simulated(job: Job, engine: str, progress: Progress | None = None, **options: Any) -> Outcome:
    """The outcome of a job on an engine; `options` are those of `autapse_sim.engines.choose.simulate`."""
    check_job(job, engine)
    if engine == "numpy":
        return simulated_in_numpy(job, progress)
    if engine == "compiled":
        return simulated_compiled(job, progress, **options)
    if engine == "reference":
        from autapse_sim.engines import reference
        from autapse_sim.spec.library import Models
        from autapse_sim.spec.scopes import check_models

        check_models(Models.of(job.circuit, job.sources), job.circuit, job.channels)
        return reference.simulate(job, progress)
    from autapse_sim.engines.choose import simulate

    return simulate(job, engine, progress, **options)
