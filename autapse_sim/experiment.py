"""Train one rule: draw, run, score, and put names on what came out."""

from __future__ import annotations

import inspect
import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim import discrete
from autapse_sim.circuit import Circuit
from autapse_sim.errors import InputError
from autapse_sim.job import STEP, Job, Outcome, Progress
from autapse_sim.model import is_file, library, read_neuron, read_rule
from autapse_sim.names import one_of
from autapse_sim.protocol import Protocol, Schedule
from autapse_sim.results import Result, provenance
from autapse_sim.scores import affine_r2, diverged
from autapse_sim.tasks.base import Task
from autapse_sim.weights import Weights, draw_weights

ENGINES = ("auto", "standalone", "runtime", "numpy")
WEIGHT_DIMS = {
    "W": ("post", "pre"),
    "B_rec": ("post", "pre"),
    "U": ("neuron", "input"),
    "V": ("coordinate", "neuron"),
    "B": ("neuron", "coordinate"),
    "b": ("neuron",),
    "c": ("coordinate",),
}


@dataclass(frozen=True)
class Drawn:
    """The trajectories and initial weights of an experiment: the same for every rule that is compared."""

    x: np.ndarray
    y: np.ndarray
    weights: Weights


def train(
    circuit: Circuit,
    task: Task,
    protocol: Protocol,
    weights: Weights | None = None,
    parameters: Mapping[str, Any] | None = None,
    engine: str = "auto",
    progress: Progress | None = None,
) -> Result:
    """Train the networks of one circuit and test them.

    Parameters
    ----------
    circuit : Circuit
        Neuron, rule, sizes and what learns.
    task : Task
        What is shown: `BouncingBall`, `ArrayTask` or any object with their `sample`.
    protocol : Protocol
        How many networks and trajectories, and when weights change.
    weights : Weights, optional
        Initial weights with a leading axis of `protocol.replicates`; drawn where not given.
    parameters : mapping, optional
        Parameters of the neuron and the rule by name, in place of their defaults: one value, or one per replicate;
        Brian2 quantities where they have units (``{"tau": 5*ms}``).
    engine : {'auto', 'standalone', 'runtime', 'numpy'}
        'standalone' compiles to C++, 'runtime' is Brian2 without a compiler, 'numpy' the discrete reference; 'auto'
        takes 'numpy' for rules without equations (bptt, fa), else 'standalone' where there is a C++ compiler.
    progress : callable, optional
        Called with the completed share, 0 to 1.

    Returns
    -------
    Result
        Scores, predictions, traces and weights by name.

    Examples
    --------
    >>> import autapse_sim as ap
    >>> protocol = ap.Protocol(replicates=3, train=5, validate=0, test=2)
    >>> result = ap.train(ap.Circuit(rule="dfa"), ap.BouncingBall(steps=20), protocol, engine="numpy")
    >>> result.data.mse.sizes
    Frozen({'replicate': 3, 'trajectory': 2})
    """
    engine = choose_engine(circuit, engine)
    drawn = draw(circuit, task, protocol, weights)
    networks = np.arange(protocol.replicates)
    values = resolve_parameters(circuit, parameters or {}, protocol.replicates)
    outcome = run(circuit, drawn, protocol, values, networks, engine, progress)
    data = scored(drawn, protocol, outcome, networks).assign(targets(drawn, protocol))
    described = {name: (value[0] if np.ptp(value) == 0 else value.tolist()) for name, value in values.items()}
    return Result(data.assign_attrs(describe(circuit, task, protocol, outcome.engine, described)))


def draw(circuit: Circuit, task: Task, protocol: Protocol, weights: Weights | None = None) -> Drawn:
    """Draw trajectories and weights from the seed; a replicate's draws do not depend on how many run beside it."""
    to_weights, to_task = (np.random.default_rng(s) for s in np.random.SeedSequence(protocol.seed).spawn(2))
    x, y = task.sample(to_task, protocol.replicates, protocol.trajectories)
    sizes = (protocol.replicates, circuit.neurons, task.inputs, task.outputs)
    if circuit.readout == "identity" and not circuit.neurons == task.inputs == task.outputs:
        raise InputError(
            f"readout 'identity' needs as many neurons ({circuit.neurons}) as inputs ({task.inputs}) and outputs "
            f"({task.outputs}); use readout='random'"
        )
    if weights is None:
        weights = draw_weights(to_weights, *sizes, circuit.readout, circuit.feedback)
    return Drawn(x, y, weights.checked(*sizes))


def choose_engine(circuit: Circuit, engine: str) -> str:
    """The engine that runs a circuit, or an `InputError` where the one asked for cannot."""
    one_of("engine", engine, ENGINES)
    equations = library("rules").keys() - {"delta"}
    if not is_file(circuit.rule):
        one_of("rule", circuit.rule, equations | discrete.RULES.keys())
    if not is_file(circuit.neuron):
        one_of("neuron", circuit.neuron, library("neurons"))
    if engine == "numpy" or (engine == "auto" and without_equations(circuit)):
        if circuit.rule not in discrete.RULES:
            raise InputError(f"engine 'numpy' knows no rule {circuit.rule!r}; it knows {', '.join(discrete.RULES)}")
        if circuit.neuron != "rate" or circuit.substeps != 1 or circuit.method != "euler":
            raise InputError(
                f"rule {circuit.rule!r} on engine 'numpy' is the discrete network: it takes neuron='rate', substeps=1 "
                "and method='euler'"
            )
        return "numpy"
    if without_equations(circuit):
        raise InputError(f"rule {circuit.rule!r} has no equations for engine {engine!r}; use engine='numpy'")
    if engine == "auto":
        from autapse_sim.compiler import compiler

        return "standalone" if compiler() else "runtime"
    return engine


def without_equations(circuit: Circuit) -> bool:
    """Whether a circuit's rule exists for the discrete network only (bptt, fa)."""
    return circuit.rule in discrete.RULES.keys() - library("rules").keys()


def resolve_parameters(circuit: Circuit, given: Mapping[str, Any], networks: int) -> dict[str, np.ndarray]:
    """Every parameter of a circuit as one value per network, in SI units: the given ones, else the models' defaults."""
    if without_equations(circuit):
        defaults: dict[str, Any] = dict(discrete.RULES[circuit.rule].parameters)
        if {"V", "c"} & set(circuit.learn):
            defaults |= read_rule("delta").parameters
    else:
        from autapse_sim.assembly import Models

        defaults = Models.of(circuit).parameters(circuit)
    for name in given:
        one_of("parameter", name, defaults)
    return {name: _value(name, given.get(name, value), value, networks) for name, value in defaults.items()}


def _value(name: str, value: Any, default: Any, networks: int) -> np.ndarray:
    mine, theirs = _unit(default), _unit(value)
    if mine != theirs:
        raise InputError(f"parameter {name} is {value!s}: its unit is {theirs}, expected {mine} (such as {default!s})")
    try:
        array = np.asarray(value, dtype=float)
        array = np.broadcast_to(array, networks).copy()
    except (TypeError, ValueError):
        raise InputError(
            f"parameter {name} is {value!s}; expected one number or one per replicate ({networks})"
        ) from None
    if not np.isfinite(array).all():
        raise InputError(f"parameter {name} holds NaN or infinity; it must be finite")
    if mine == "second" and (array <= 0).any():
        raise InputError(f"parameter {name} is {value!s}; a time constant must be positive")
    if name.startswith("eta") and (array < 0).any():
        raise InputError(f"parameter {name} is {value!s}; a learning rate must not be negative")
    return array


def _unit(value: Any) -> str:
    if getattr(value, "dim", None) is None:
        return "1"
    from autapse_sim.assembly import is_time, unit_of

    return "second" if is_time(value) else unit_of(value)


def prepare(
    circuit: Circuit, drawn: Drawn, protocol: Protocol, parameters: Mapping[str, np.ndarray], source: np.ndarray
) -> Job:
    """The job of the networks `source`: the whole experiment as one run."""
    traced = np.flatnonzero(source < protocol.record)
    weights = drawn.weights.take(source)
    schedule = Schedule.of(protocol)
    return Job(circuit, drawn.x, drawn.y, source, weights, parameters, schedule, protocol.update, traced)


def run(
    circuit: Circuit,
    drawn: Drawn,
    protocol: Protocol,
    parameters: Mapping[str, np.ndarray],
    source: np.ndarray,
    engine: str,
    progress: Progress | None = None,
) -> Outcome:
    """Run the networks `source` (which replicate each one is; a replicate may occur more than once)."""
    job = prepare(circuit, drawn, protocol, parameters, source)
    if engine == "numpy":
        return discrete.simulate(job, progress=progress)
    from autapse_sim.engine import simulate

    return simulate(job, engine, progress)


def scored(drawn: Drawn, protocol: Protocol, outcome: Outcome, networks: np.ndarray) -> xr.Dataset:
    """Scores, weights, predictions and traces of some of an outcome's networks, one per replicate, with names."""
    schedule = Schedule.of(protocol)
    replicates = protocol.replicates
    mse = outcome.mse[networks]
    recorded = np.arange(min(protocol.record, replicates))
    block = networks[0] // replicates * len(recorded) + np.arange(len(recorded))
    squared = "squared box lengths"
    data = xr.Dataset(coords={"replicate": np.arange(replicates), "recorded": recorded})
    data = data.assign_coords(coordinate=np.arange(drawn.y.shape[-1]))

    def add(name: str, dims: tuple[str, ...], values: np.ndarray, long_name: str, units: str = "1") -> None:
        data[name] = (dims, values, {"long_name": long_name, "units": units})

    if protocol.train:
        add("mse_train", ("replicate", "training_trajectory"), mse[:, schedule.learn], "training MSE", squared)
        data.coords["training_trajectory"] = np.arange(1, protocol.train + 1)
    if protocol.validate:
        points = protocol.validation_points
        validation = mse[:, ~schedule.learn & ~schedule.keep].reshape(replicates, len(points), protocol.validate)
        add("mse_validate", ("replicate", "validation"), validation.mean(axis=2), "validation MSE", squared)
        data.coords["validation"] = points
    test = mse[:, schedule.keep]
    weights = outcome.weights.take(networks)
    bad = diverged(test, *(value for _, value in weights.items()))
    add("diverged", ("replicate",), bad, "not finite, or a test MSE far outside the box")
    if protocol.test:
        prediction = outcome.prediction[:, networks].transpose(1, 0, 2, 3)
        target = drawn.y[:, -protocol.test :]
        per_trajectory, per_network = r2_scores(prediction, target)
        add("mse", ("replicate", "trajectory"), test, "test MSE", squared)
        add("r2_trajectory", ("replicate",), per_trajectory, "R2 after the best affine map of each trajectory")
        add("r2_network", ("replicate",), per_network, "R2 after the best affine map of each network")
        dims = ("recorded", "trajectory", "step", "coordinate")
        add("prediction", dims, prediction[recorded], "prediction", "box lengths")
        data.coords["trajectory"] = np.arange(protocol.test)
    for name, array in weights.items():
        add(name, ("replicate", *WEIGHT_DIMS[name]), array, f"{name} after training")
    for name, array in outcome.traces.items():
        dims = ("recorded", "phase", "step", "coordinate" if name == "error" else "neuron")
        add(f"trace_{name}", dims, array[:, block].transpose(1, 0, 2, 3), name)
    if outcome.traces:
        data.coords["phase"] = phases(protocol)
    return data


def phases(protocol: Protocol) -> list[str]:
    """The names of the traced presentations, in order."""
    names = [f"training {k}" for k in dict.fromkeys((1, protocol.train)) if protocol.train]
    return names + (["test 1"] if protocol.test else [])


def r2_scores(prediction: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """R2 after the best affine map: mean over trajectories with one map each, and with one map per network."""
    merged = (len(target), -1, target.shape[-1])
    per_network = affine_r2(prediction.reshape(merged), target.reshape(merged))
    return affine_r2(prediction, target).mean(axis=1), per_network


def targets(drawn: Drawn, protocol: Protocol) -> dict[str, Any]:
    """The stimulus and target of the recorded replicates' test trajectories."""
    if not protocol.test:
        return {}
    kept = slice(0, min(protocol.record, protocol.replicates)), slice(-protocol.test, None)
    units = {"units": "box lengths"}
    return {
        "target": (("recorded", "trajectory", "step", "coordinate"), drawn.y[kept], {"long_name": "target", **units}),
        "stimulus": (("recorded", "trajectory", "step", "input"), drawn.x[kept], {"long_name": "stimulus", **units}),
    }


def describe(circuit: Circuit, task: Task, protocol: Protocol, engine: str, parameters: Mapping) -> dict[str, str]:
    """What made a result, as attributes: circuit, task, protocol, equations, parameters, versions and the command."""
    command = shlex.join(sys.argv) if sys.argv and sys.argv[0] else "interactive"
    what = asdict(task) if hasattr(task, "horizon") else {}
    return {
        "rule": circuit.rule,
        "engine": engine,
        "circuit": json.dumps(asdict(circuit)),
        "task": json.dumps({"name": type(task).__name__, **what}),
        "protocol": json.dumps(asdict(protocol)),
        "seed": protocol.seed,
        "parameters": json.dumps(dict(parameters)),
        "parameter_units": f"SI; one step of the stimulus is {STEP} s",
        "averaging": "eq. 1's 1/t is in (bptt, fa, dfa)",
        "equations": equations_text(circuit),
        "provenance": json.dumps(provenance(command)),
    }


def equations_text(circuit: Circuit) -> str:
    """The text of the model files of a circuit; of rules without equations, of the discrete reference."""
    if without_equations(circuit):
        return f"discrete network, rule {circuit.rule}:\n{discrete_text(circuit.rule)}"
    models = [read_neuron(circuit.neuron), read_rule(circuit.rule)]
    models += [read_rule("delta")] if {"V", "c"} & set(circuit.learn) else []
    return "\n\n".join(f"# {model.path.name}\n{model.path.read_text()}" for model in models)


def discrete_text(rule: str) -> str:
    """What the discrete reference of a rule says of itself: its equations."""
    return inspect.getdoc(inspect.getmodule(discrete.RULES[rule]))
