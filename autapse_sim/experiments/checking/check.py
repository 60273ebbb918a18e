"""Check a model, a task or a benchmark: what the bench understands of it, and a tiny run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np

from autapse_sim.engines import discrete
from autapse_sim.errors import InputError
from autapse_sim.experiments.benchmark import Benchmark
from autapse_sim.experiments.checking import words
from autapse_sim.experiments.checking.circuits import TAUGHT, circuit_of, refused, role_of
from autapse_sim.experiments.checking.given import read, stated
from autapse_sim.experiments.checking.trial import tried
from autapse_sim.results.report.lines import equations
from autapse_sim.results.report.notation import Notation
from autapse_sim.results.report.plain import TEXT
from autapse_sim.spec.auditing import audit_of, idle
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.library import Models
from autapse_sim.spec.model import Neuron, Rule, read_neuron
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.variables import variables
from autapse_sim.spec.written import model_name
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.shown import checked, masked, sampled
from autapse_sim.training.description import discrete_text
from autapse_sim.training.train import train

Section = tuple[str, list[str]]
"""A heading, and the lines under it."""
PLAIN = Rule(update="w -= eta_w*feedback_post*activity_pre", parameters={"eta_w": 0.03})
"""The rule by which a neuron is tried: the error of now times the activity of now."""


def check(
    given: str, neuron: str | None = None, substeps: int | None = None, notation: Notation = TEXT
) -> Iterator[Section]:
    """Say what the bench understands of a file, or of what comes with the package by that name.

    Parameters
    ----------
    given : str
        The path of a file that defines a rule, a neuron, a task or a benchmark, or the name of one.
    neuron : str, optional
        With which a rule is tried; by default the simplest that has what it reads.
    substeps : int, optional
        Integration steps in a step of the stimulus; by default as few as it can do with of 1, 10 and 20.
    notation : Notation
        How equations are typeset.

    Raises
    ------
    InputError
        What is wrong with it, with file and line.

    Examples
    --------
    >>> next(check("flip-flop"))[0]
    'flip-flop: a benchmark'
    """
    found = dict(read(given))
    if neuron is not None and "rule" not in found:
        raise InputError(f"--neuron is for rules, and {given} is {' and '.join(f'a {kind}' for kind in found)}")
    beside = given if {"rule", "neuron"} <= found.keys() else neuron
    for kind, thing in found.items():
        if kind == "rule":
            yield from _rule(given, thing, circuit_of(given, beside), substeps, notation)
        elif kind == "neuron":
            yield from _neuron(given, thing, substeps, notation)
        elif kind == "task":
            yield f"{given}: a task", [*_task(thing)]
        else:
            yield from _benchmark(given, thing)


def _rule(given: str, rule: Any, circuit: Circuit, substeps: int | None, notation: Notation) -> Iterator[Section]:
    """What there is to say of a rule."""
    trial = tried(circuit, substeps)
    circuit = trial.circuit
    tried_with = f"tried with the neuron {circuit.neuron}, n = {circuit.neurons}, {_steps(circuit)}"
    if given in stated():
        yield f"{given}: a rule for W, U and b, {tried_with}", discrete_text(given).splitlines()[:1]
        reference = discrete.references()[given]
        yield "it has no equations", [line.strip() for line in (reference.__doc__ or "").splitlines()]
        yield "what it asks of a brain", [*words.audit(reference.audit)]
    else:
        yield f"{given}: a rule for {' and '.join(circuit.learn)}, {tried_with}", [*_others(circuit, role_of(rule))]
        yield from _models(rule, circuit, notation)
        yield "order inside a step", words.order(trial)
        neuron = read_neuron(circuit.neuron)
        unused = idle(rule, neuron)
        yield "what it asks of a brain (B random)", [*words.audit(audit_of(rule, neuron))]
        if unused:
            yield f"NO CHANGE OF w DEPENDS ON {', '.join(unused)}", []
    yield "held against", [*words.against(trial)]
    yield "cost", [*words.cost(trial)]


def _others(circuit: Circuit, role: str) -> Iterator[str]:
    """Why a rule does not teach all that rules of its role do."""
    error = refused(replace(circuit, learn=TAUGHT[role]))
    if error is not None:
        yield f"not for {' and '.join(TAUGHT[role])} together: {error}"


def _neuron(given: str, neuron: Neuron, substeps: int | None, notation: Notation) -> Iterator[Section]:
    """What there is to say of a neuron."""
    chosen = replace(circuit_of("bptt", given), rule=model_name("rule", PLAIN, kind="Rule"))
    trial = tried(chosen, substeps)
    says = f"n = {chosen.neurons}, {_steps(trial.circuit)}, that learn by {PLAIN.update}"
    yield f"{given}: a neuron that {'spikes' if neuron.threshold else 'has a rate'}, tried with {says}", []
    yield from _models(neuron, trial.circuit, notation)
    yield "order inside a step", words.order(trial)
    yield "held against", [*words.against(trial)]
    yield "cost", [*words.cost(trial)]


def _steps(circuit: Circuit) -> str:
    return "dt = 1 step" if circuit.substeps == 1 else f"dt = 1/{circuit.substeps} step"


def _models(model: Neuron | Rule, circuit: Circuit, notation: Notation) -> Iterator[Section]:
    """The equations of a model, and the variables of the circuit that it is tried in."""
    yield "equations", [*equations(model, notation, circuit.activation)]
    models = Models.of(circuit)
    if isinstance(model, Neuron):
        models, circuit = models, replace(circuit, learn=())
    yield "variables", words.variables(variables(models, circuit))


def _task(task: Task) -> Iterator[str]:
    """What a task hands out, drawn once."""
    begun = time.perf_counter()
    x, y = checked(task, sampled(task, np.random.default_rng(0), 2, 3), (2, 3))
    seconds = time.perf_counter() - begun
    again, _ = checked(task, sampled(task, np.random.default_rng(0), 1, 3), (1, 3))
    y = masked(y, getattr(task, "scored", None))
    units = getattr(task, "units", "1")
    yield f"{task.inputs} inputs, {task.outputs} outputs, {task.steps} steps of 1 ms; targets in {units}"
    for name, values in (("x", x), ("y", y)):
        low, high, mean = np.nanmin(values), np.nanmax(values), np.nanmean(values)
        yield f"{name} from {low:.3g} to {high:.3g}, mean {mean:.3g}, standard deviation {np.nanstd(values):.3g}"
    yield f"{np.mean(~np.isnan(y)):.0%} of the targets count"
    if task.blanked is not None:
        yield f"the stimulus is blanked in {int(np.sum(task.blanked))} of {task.steps} steps"
    if np.array_equal(again, x[:1]):
        yield "draws of a replicate do not depend on how many run beside it"
    else:
        yield "draws of a replicate depend on how many run beside it; use rng.spawn(replicates)"
    told = "persistence" if x.shape == y.shape else "the training mean"
    floors = getattr(task, "floors", None)
    extra = f", and by its own: {', '.join(floors(x, y))}" if floors else ""
    yield f"held against {told}, affine maps of 1 to 20 lags and other controls{extra}"
    yield f"{1e6 * seconds / (6 * task.steps):.3g} us a step to draw"
    yield from _shown(
        task, Circuit(neurons=8, readout="random"), Protocol(2, train=2, validate=0, test=1, update="trajectory")
    )


def _shown(task: Task, circuit: Circuit, protocol: Protocol) -> Iterator[str]:
    """A run of a few trajectories: with the exact gradient, where the circuit lets it."""
    try:
        scores = train(replace(circuit, rule="bptt"), task, protocol, engine="numpy").data
    except InputError:
        scores = train(circuit, task, protocol, engine="reference").data
    yield f"{protocol.train} trajectories of training go through: test MSE {float(scores.mse.mean()):.3g}"


def _counted(benchmark: Benchmark) -> int:
    """At how many steps a target counts: where the task leaves none out, and the benchmark does not."""
    task = benchmark.task
    _, y = checked(task, sampled(task, np.random.default_rng(0), 2, 3), (2, 3))
    y = masked(masked(y, getattr(task, "scored", None)), benchmark.scored, "benchmark")
    return int((~np.isnan(y)).any(axis=(0, 1, 3)).sum())


def _benchmark(given: str, benchmark: Benchmark) -> Iterator[Section]:
    """What there is to say of a benchmark."""
    circuit, protocol = benchmark.circuit, benchmark.protocol
    yield f"{given}: a benchmark", [f"{benchmark.title}; {_counted(benchmark)} steps of a trajectory count"]
    yield f"its task, {type(benchmark.task).__name__}", [*_task(benchmark.task)]
    for name, thing in (("circuit", circuit), ("protocol", protocol)):
        default = type(thing)()
        changed = {
            f.name: getattr(thing, f.name) for f in fields(thing) if getattr(thing, f.name) != getattr(default, f.name)
        }
        yield f"its {name}, where it is not the default", [f"{key} = {value!r}" for key, value in changed.items()]
    batches = replace(protocol, replicates=2, train=2 * protocol.batch, validate=0, test=1, validate_every=1)
    small = replace(circuit, neurons=min(circuit.neurons, 8)) if circuit.readout == "random" else circuit
    yield "a tiny run", [*_shown(benchmark.task, small, batches)]
    etas = ", ".join(f"{eta:g}" for eta in benchmark.etas)
    others = ", ".join(str(rule) for rule in benchmark.beside)
    yield (
        "held against",
        [
            "bptt, the ceiling" + (f", and {others}" if others else ""),
            "the same network with W as it was drawn, a tuned reservoir, biases alone, and the controls of the task",
            f"each at its own learning rate of {etas}, chosen on seeds of their own",
        ],
    )
