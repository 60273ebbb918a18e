"""What the commands `compare` and `train` are told alike: circuit, task, protocol and parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from autapse_sim.errors import InputError
from autapse_sim.names import shown
from autapse_sim.spec.circuit import FEEDBACKS, LEARNABLE, PRECISIONS, READOUTS, Circuit
from autapse_sim.spec.protocol import UPDATES, Protocol
from autapse_sim.spec.units import amount
from autapse_sim.tasks.base import Task

BALL = ("steps", "horizon", "speed", "gravity", "radius", "noise", "occlusion")
"""The options of the ball, which it has without a --task."""


def experiment_options(command: Callable) -> Callable:
    """The options that `compare` and `train` share."""
    options = [
        click.option("--neuron", default="rate", show_default=True, help="Neuron, by name or file."),
        click.option("--neurons", default=2, show_default=True, help="n, the number of neurons."),
        click.option(
            "--readout", type=click.Choice(READOUTS), help="U = V = I, or drawn. [default: identity where n fits]"
        ),
        click.option("--activation", default="sigmoid", show_default=True, help="f, one of those that the neuron has."),
        click.option("--learn", default="W", show_default=True, help=f"What learns: any of {','.join(LEARNABLE)}."),
        click.option("--feedback", type=click.Choice(FEEDBACKS), default="conditioned", show_default=True, help="B."),
        click.option("--substeps", default=1, show_default=True, help="Integration steps in a step of the stimulus."),
        click.option("--method", help="Integrator of Brian2. [default: the neuron's]"),
        click.option(
            "--precision",
            type=click.Choice(PRECISIONS),
            default="double",
            show_default=True,
            help="Of Brian2's numbers.",
        ),
        click.option(
            "--through-reset/--detached-reset",
            default=True,
            show_default=True,
            help="Whether gradients (bptt, fa) go through the reset of a spike.",
        ),
        click.option("--replicates", default=100, show_default=True, help="Networks per rule."),
        click.option("--trajectories", default=100, show_default=True, help="Training trajectories."),
        click.option("--validate", default=20, show_default=True, help="Validation trajectories."),
        click.option("--test", default=20, show_default=True, help="Test trajectories."),
        click.option("--update", type=click.Choice(UPDATES), default="step", show_default=True, help="When W changes."),
        click.option("--seed", default=0, show_default=True, help="All draws follow from it."),
        click.option("--checkpoints", help="Keep weights after these training trajectories: 10,50 or, every 10, 10."),
        click.option("--record", default=5, show_default=True, help="Replicates kept in full."),
        click.option("--record-tests", default=1, show_default=True, help="Tests of which traces are kept."),
        click.option(
            "--task", help="A name (autapse tasks, neurogym:NAME), my_task.py or arrays.npz. [default: the ball]"
        ),
        click.option("-t", "--task-option", multiple=True, metavar="NAME=VALUE", help="Of the task."),
        click.option("--steps", type=int, help="T, steps of a trajectory. [default: 100]"),
        click.option("--horizon", type=int, help="h, steps ahead to predict. [default: 1]"),
        click.option("--speed", type=float, help="Of the ball, box lengths per step. [default: 0.05]"),
        click.option("--gravity", type=float, help="Box lengths per step squared. [default: 0.0]"),
        click.option("--radius", type=float, help="Of the ball, box lengths. [default: 0.0]"),
        click.option("--noise", type=float, help="S.d. of the observation noise, box lengths. [default: 0.0]"),
        click.option("--occlusion", nargs=2, type=int, help="BLANK PERIOD: input blanked BLANK steps in PERIOD."),
        click.option("--tau", help="Time constant of the trace, e.g. '10 ms' (10 steps)."),
        click.option("--parameter", "-p", multiple=True, help="Any other parameter, e.g. -p eta_out=0.01."),
        click.option(
            "--engine",
            default="auto",
            show_default=True,
            help="auto, standalone, runtime, reference, numpy or compiled.",
        ),
        click.option("--out", type=Path, help="Folder for what is written. [default: results/COMMAND]"),
        click.option("--json", "as_json", is_flag=True, help="Print the table as JSON."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def study_options(command: Callable) -> Callable:
    """The options of commands that run as studies."""
    retries = click.option("--retries", default=1, show_default=True, help="How often what failed is tried again.")
    place = "Where it runs: local, tcp://HOST:PORT (dask) or slurm."
    return click.option("--on", default="local", show_default=True, help=place)(retries(command))


def setting(options: dict[str, Any], rule: str) -> tuple[Circuit, Task, Protocol, dict[str, Any]]:
    """Circuit, task, protocol and parameters that the options name."""
    take = options.pop
    task = task_of({name: take(name) for name in BALL}, take("task"), take("task_option"))
    readout = take("readout") or readout_of([task], [options["neurons"]])
    learn = tuple(part for part in re.split(r"[,\s]+", take("learn")) if part)
    of_circuit = ("neuron", "neurons", "activation", "feedback", "substeps", "method", "precision", "through_reset")
    circuit = Circuit(rule=rule, readout=readout, learn=learn, **{name: take(name) for name in of_circuit})
    of_protocol = ("replicates", "validate", "test", "update", "seed", "record", "record_tests")
    kept = checkpoints(take("checkpoints"))
    protocol = Protocol(train=take("trajectories"), checkpoints=kept, **{name: take(name) for name in of_protocol})
    given = pairs(take("parameter"), "--parameter", "eta_out=0.01")
    tau = take("tau")
    if tau is not None:
        put(given, "tau", tau)
    return circuit, task, protocol, {name: amount(value, name) for name, value in given.items()}


def readout_of(tasks: Sequence[Task], neurons: Sequence[int]) -> str:
    """The read-out where nothing is said: U = V = I where that fits all tasks and sizes, else drawn."""
    return "identity" if all(task.inputs == task.outputs == n for task in tasks for n in neurons) else "random"


def task_of(ball: dict[str, Any], name: str | None, options: Sequence[str]) -> Task:
    """The ball with its options, or another task with its own."""
    from autapse_sim.tasks.library import task_called

    given = {key: plain(value) for key, value in pairs(options, "-t", "probability=0.1").items()}
    asked = {option: value for option, value in ball.items() if value is not None}
    if name is None and not asked.keys() & given.keys():
        return task_called("bouncing-ball", asked | given)
    if asked:
        option = min(asked.keys() & given.keys() or asked)
        why = "it stands behind -t, too" if name is None else f"it is an option of the ball, and the task is {name}"
        raise InputError(f"--{option}: {why}; write it once, as -t {option}=...")
    return task_called(name, given)


def pair(text: str, option: str, example: str) -> tuple[str, str]:
    """The name and the value of NAME=VALUE that was typed behind an option."""
    name, equals, value = text.partition("=")
    if not (equals and name.strip() and value.strip()):
        raise InputError(f"{option} {text!r}: write NAME=VALUE, for example {example}")
    return name.strip(), value.strip()


def pairs(texts: Sequence[str], option: str, example: str) -> dict[str, str]:
    """The values that were typed behind an option, by their names, each once."""
    found: dict[str, str] = {}
    for text in texts:
        put(found, *pair(text, option, example))
    return found


def put(table: dict[str, Any], name: str, value: Any) -> None:
    """Note what was typed; a second value would be in place of the first without a word."""
    if name in table:
        first = getattr(table[name], "text", table[name])  # an amount says what was typed
        raise InputError(f"{name} was given twice, as {shown(first)} and as {shown(value)}; give it once")
    table[name] = value


def plain(text: str) -> Any:
    """A number, a truth value, nothing, several numbers joined by +, or text as it is.

    Examples
    --------
    >>> plain("1e+3"), plain("none"), plain("2+10"), plain("-1+0.5"), plain("mine.py")
    (1000.0, None, (2, 10), (-1, 0.5), 'mine.py')
    """
    known = {"true": True, "false": False, "none": None}
    if text.lower() in known:
        return known[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    several = tuple(map(plain, filter(None, text.split("+")))) if "+" in text else ()
    return several if several and all(isinstance(each, int | float) for each in several) else text


def checkpoints(text: str | None) -> int | tuple[int, ...]:
    """What --checkpoints says: one number, or several.

    Examples
    --------
    >>> checkpoints("10"), checkpoints("10, 50"), checkpoints("10,"), checkpoints(None)
    (10, (10, 50), (10,), ())
    """
    try:
        several = tuple(int(part) for part in (text or "").split(",") if part.strip())
    except ValueError:
        raise InputError(f"--checkpoints {text!r}: write whole numbers, for example 10,50,100, or 10") from None
    return several[0] if text and "," not in text and several else several
