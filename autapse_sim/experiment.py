"""Train one rule: draw, run, score, and put names on what came out."""

from __future__ import annotations

import hashlib
import inspect
import json
import resource
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, astuple, dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim import __version__, discrete
from autapse_sim.cache import recall, remember
from autapse_sim.circuit import Circuit
from autapse_sim.errors import InputError
from autapse_sim.job import STEP, Job, Outcome, Progress
from autapse_sim.model import is_file, library, rules, self_contained, texts
from autapse_sim.names import one_of
from autapse_sim.protocol import Protocol, Schedule
from autapse_sim.results import Result, provenance
from autapse_sim.scores import affine_r2, diverged
from autapse_sim.tasks.arrays import ArrayTask
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.shown import checked, masked
from autapse_sim.units import Amount, amount
from autapse_sim.weights import Weights, draw_weights

ROOM = 2**29
"""Bytes that the stimuli, predictions and weights of the replicates that run at a time may take."""
ALIVE = (0.1, 200.0)
"""Mean rate in Hz of a network of spiking neurons that is neither silent nor saturated."""
ENGINES = ("auto", "standalone", "runtime", "reference", "numpy")
WEIGHT_DIMS = {
    "W": ("post", "pre"),
    "B_rec": ("post", "pre"),
    "U": ("neuron", "input"),
    "V": ("coordinate", "neuron"),
    "B": ("neuron", "coordinate"),
    "b": ("neuron",),
    "c": ("coordinate",),
    "F": ("neuron", "coordinate"),
}


@dataclass(frozen=True)
class Drawn:
    """The trajectories and initial weights of an experiment: the same for every rule that is compared.

    Targets y are NaN where they do not count.
    """

    x: np.ndarray
    y: np.ndarray
    weights: Weights
    seeds: np.ndarray


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
    engine : {'auto', 'standalone', 'runtime', 'reference', 'numpy'}
        'standalone' compiles to C++, 'runtime' is Brian2 without a compiler, 'reference' a slow interpreter of what
        the equations mean, 'numpy' the discrete reference; 'auto' takes 'numpy' for rules without equations (bptt, fa),
        else 'standalone' where there is a C++ compiler.
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
    values = resolve_parameters(circuit, parameters or {}, protocol.replicates)
    size = _block(circuit, task, protocol)
    parts, programs = [], 0
    for start, drawn in draws(circuit, task, protocol, weights, size):
        count = len(drawn.x)
        block = replace(protocol, replicates=count, record=min(max(protocol.record - start, 0), count))
        mine = {name: value[start : start + count] for name, value in values.items()}

        def report(share: float, start: int = start, count: int = count) -> None:
            if progress:
                progress((start + share * count) / protocol.replicates)

        networks = np.arange(count)
        outcome = run(circuit, drawn, block, mine, networks, engine, report, size)
        part = scored(drawn, block, outcome, networks).assign(targets(drawn, block))
        parts.append(part.assign_coords(replicate=start + networks, recorded=start + part.recorded))
        programs = max(programs, outcome.memory)
    described = {name: (value.flat[0] if np.ptp(value) == 0 else value.tolist()) for name, value in values.items()}
    attributes = describe(circuit, task, protocol, engine, described)
    attributes["peak_memory"] = peak_memory(programs)
    return Result(_joined(parts).assign_attrs(attributes))


def draw(circuit: Circuit, task: Task, protocol: Protocol, weights: Weights | None = None) -> Drawn:
    """Draw trajectories and weights of all replicates from the seed."""
    return next(draws(circuit, task, protocol, weights, protocol.replicates))[1]


def draws(
    circuit: Circuit, task: Task, protocol: Protocol, weights: Weights | None, size: int
) -> Iterator[tuple[int, Drawn]]:
    """Draw trajectories and weights from the seed, `size` replicates at a time, each with the number of its first.

    A replicate's draws do not depend on how many run beside it: each has a generator of its own, spawned in order.
    """
    to_weights, to_task = (np.random.default_rng(s) for s in np.random.SeedSequence(protocol.seed).spawn(2))
    sizes = (circuit.neurons, task.inputs, task.outputs)
    if circuit.readout == "identity" and len(set(sizes)) > 1:
        raise InputError(
            f"readout 'identity' needs as many neurons ({sizes[0]}) as inputs ({sizes[1]}) and outputs ({sizes[2]}); "
            "use readout='random'"
        )
    if weights is not None:
        weights = weights.checked(protocol.replicates, *sizes)
        if (weights.F is not None) != circuit.returned:
            raise InputError(
                "weights: F is for circuits whose prediction is returned (returned=True), and they need it"
            )
    seeds = np.random.SeedSequence([protocol.seed, 1]).generate_state(protocol.replicates, np.uint64)
    for start in range(0, protocol.replicates, size):
        count = min(size, protocol.replicates - start)
        if isinstance(task, ArrayTask):
            held = task.sample(to_task, protocol.replicates, protocol.trajectories)
            given = [array[start : start + count] for array in held]
        else:
            given = task.sample(to_task, count, protocol.trajectories)
        x, y = checked(task, given, (count, protocol.trajectories))
        y = masked(y, getattr(task, "scored", None), first=start, replicates=protocol.replicates)
        if weights is None:
            mine = draw_weights(to_weights, count, *sizes, circuit.readout, circuit.feedback, circuit.returned)
        else:
            mine = weights.take(np.arange(start, start + count))
        yield start, Drawn(x, y, mine, seeds[start : start + count])


def _block(circuit: Circuit, task: Task, protocol: Protocol) -> int:
    """Replicates to run at a time, all where they fit into `ROOM`; blocks of the same size share a program."""
    shown = protocol.trajectories * task.steps * (task.inputs + task.outputs)
    kept = protocol.test * task.steps * task.outputs
    n = circuit.neurons
    numbers = 3 * shown + 4 * kept + 6 * n * (n + task.inputs + 2 * task.outputs)
    most = max(1, ROOM // (8 * numbers))
    blocks = -(-protocol.replicates // most)
    return -(-protocol.replicates // blocks)


def _joined(parts: list[xr.Dataset]) -> xr.Dataset:
    """One dataset of blocks of replicates."""
    if len(parts) == 1:
        return parts[0]
    scores = [part.drop_dims("recorded") for part in parts]
    records = [part.drop_dims("replicate") for part in parts if part.sizes["recorded"]] or parts[:1]
    records = [part.drop_dims("replicate", errors="ignore") for part in records]
    together = xr.concat(scores, "replicate", data_vars="minimal", coords="minimal", compat="override")
    return together.merge(xr.concat(records, "recorded", data_vars="minimal", coords="minimal", compat="override"))


def peak_memory(programs: int) -> str:
    """The most memory that was in use, of this process and of the compiled programs beside it."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return f"{own / 2**20:.0f} MB, and {programs / 2**20:.0f} MB in compiled programs"


def choose_engine(circuit: Circuit, engine: str) -> str:
    """The engine that runs a circuit, or an `InputError` where the one asked for cannot."""
    one_of("engine", engine, ENGINES)
    if not is_file(circuit.rule):
        one_of("rule", circuit.rule, rules() | discrete.RULES.keys())
    if not is_file(circuit.readout_rule):
        one_of("readout_rule", circuit.readout_rule, library("rules").keys() - rules())
    if not is_file(circuit.feedback_rule):
        one_of("feedback_rule", circuit.feedback_rule, library("rules").keys() - rules())
    if not is_file(circuit.neuron):
        one_of("neuron", circuit.neuron, library("neurons"))
    if engine == "numpy" or (engine == "auto" and without_equations(circuit)):
        if circuit.rule not in discrete.RULES:
            raise InputError(f"engine 'numpy' knows no rule {circuit.rule!r}; it knows {', '.join(discrete.RULES)}")
        simple = replace(
            circuit, neuron="rate", substeps=1, precision="double", readout_rule="delta", returned=False, delay=0
        )
        if circuit != simple or circuit.method not in (None, "euler") or "B" in circuit.learn:
            raise InputError(
                f"rule {circuit.rule!r} on engine 'numpy' is the discrete network: it takes neuron='rate', substeps=1, "
                "method='euler', precision='double', readout_rule='delta', returned=False, delay=0 and no B that learns"
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
    """Every parameter of a circuit for each network, in SI units: the given ones, else the models' defaults."""
    defaults = _defaults(circuit)
    for name in given:
        one_of("parameter", name, defaults)
    return {
        name: _value(name, amount(given.get(name, default)), default, networks, circuit.neurons)
        for name, default in defaults.items()
    }


def _defaults(circuit: Circuit) -> dict[str, Amount]:
    """The parameters of a circuit as its models give them; kept with their texts, so that Brian2 is asked once."""
    if without_equations(circuit):
        # the time constant and the read-out's parameters are those of a circuit with equations
        beside = _defaults(replace(circuit, rule="autapse"))
        kept_names = ("tau_m", "eta_out")
        own = {name: amount(value) for name, value in discrete.RULES[circuit.rule].parameters.items()}
        return {name: beside[name] for name in kept_names if name in beside} | own
    written = texts(circuit)
    kept = all(map(self_contained, written.values()))
    asked = json.dumps(["parameters", __version__, written, sorted(circuit.learn)])
    key = hashlib.sha256(asked.encode()).hexdigest()
    known = recall(key) if kept else None
    if known:
        return {name: Amount(*fields) for name, fields in json.loads(known).items()}
    from autapse_sim.circuit_models import Models

    found = {name: amount(value) for name, value in Models.of(circuit).parameters(circuit).items()}
    if kept:
        remember(key, json.dumps({name: astuple(value) for name, value in found.items()}))
    return found


def _value(name: str, given: Amount, default: Amount, networks: int, neurons: int) -> np.ndarray:
    """One value per network, (networks,), or one per neuron, (networks, neurons)."""
    if given.unit not in (default.unit, "no number"):
        raise InputError(
            f"parameter {name} is {given.text}: its unit is {given.unit}, expected {default.unit} "
            f"(such as {default.text})"
        )
    array = np.asarray(given.value)
    shapes = ((), (networks,), (1, neurons), (networks, neurons))
    if given.unit == "no number" or array.shape not in shapes:
        raise InputError(
            f"parameter {name} is {given.text}; expected one number, one per replicate ({networks}), or one per neuron "
            f"as an array (1, {neurons}) or ({networks}, {neurons})"
        )
    if not np.isfinite(array).all():
        raise InputError(f"parameter {name} holds NaN or infinity; it must be finite")
    if default.unit == "second" and ((array < 0) | (array == 0) & (default.value > 0)).any():
        raise InputError(f"parameter {name} is {given.text}; a time constant must be positive")
    if name.startswith("eta") and (array < 0).any():
        raise InputError(f"parameter {name} is {given.text}; a learning rate must not be negative")
    return np.broadcast_to(array, (networks, neurons) if array.ndim == 2 else networks).copy()


def prepare(
    circuit: Circuit, drawn: Drawn, protocol: Protocol, parameters: Mapping[str, np.ndarray], source: np.ndarray
) -> Job:
    """The job of the networks `source`: the whole experiment as one run."""
    traced = np.flatnonzero(source < protocol.record)
    weights = drawn.weights.take(source)
    schedule = Schedule.of(protocol)
    seeds = drawn.seeds[source]
    how = {
        name: getattr(protocol, name)
        for name in ("batch", "optimiser", "averaging", "constraints", "bound", "reset", "epsilon")
    }
    shown = (drawn.x, drawn.y, source)
    given = (weights, parameters, schedule, protocol.update, traced, seeds)
    return Job(circuit, *shown, *given, **how)


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

    `room` is the number of networks that a program is built for, see `autapse_sim.engine.simulate`.
    """
    return simulated(prepare(circuit, drawn, protocol, parameters, source), engine, progress, room=room)


def simulated(job: Job, engine: str, progress: Progress | None = None, **options: Any) -> Outcome:
    """The outcome of a job on an engine; `options` are those of `autapse_sim.engine.simulate`."""
    if engine == "numpy":
        if job.constraints or job.bound is not None or not job.reset:
            raise InputError("engine 'numpy' has no constraints or bound on weights, and resets with each trajectory")
        for name, values in job.parameters.items():
            if values.ndim > 1:
                raise InputError(f"parameter {name} has one value per neuron; engine 'numpy' takes one per replicate")
        return discrete.simulate(job, progress=progress)
    if engine == "reference":
        from autapse_sim import reference

        return reference.simulate(job, progress)
    from autapse_sim.engine import simulate

    return simulate(job, engine, progress, **options)


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
        validation = mse[:, schedule.look].reshape(replicates, len(points), protocol.validate)
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
    if outcome.cross_entropy is not None:
        nats = outcome.cross_entropy[networks]
        if protocol.train:
            dims = ("replicate", "training_trajectory")
            add("cross_entropy_train", dims, nats[:, schedule.learn], "training cross-entropy", "nat")
        if protocol.test:
            add("cross_entropy", ("replicate", "trajectory"), nats[:, schedule.keep], "test cross-entropy", "nat")
    for name, array in weights.items():
        add(name, ("replicate", *WEIGHT_DIMS[name]), array, f"{name} after training")
    for name, array in outcome.traces.items():
        dims = ("recorded", "phase", "step", "coordinate" if name == "error" else "neuron")
        add(f"trace_{name}", dims, array[:, block].transpose(1, 0, 2, 3), name, outcome.units.get(name, "1"))
    if outcome.spikes is not None:
        duration = mse.shape[1] * drawn.x.shape[2] * STEP
        rate = outcome.spikes[networks] / duration
        add("rate", ("replicate", "neuron"), rate, "spikes per second in the whole run", "Hz")
        add("alive", ("replicate",), alive(rate), f"mean rate from {ALIVE[0]:g} to {ALIVE[1]:g} Hz")
    if outcome.traces:
        data.coords["phase"] = phases(protocol)
    return data


def alive(rate: np.ndarray) -> np.ndarray:
    """Whether networks are neither silent nor saturated, by the rates of their neurons in Hz, (R, n) to bool (R,)."""
    mean = rate.mean(axis=1)
    return (mean >= ALIVE[0]) & (mean <= ALIVE[1])


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
    """The stimulus and target of the recorded replicates' test trajectories, and the stimulus of the traced phases."""
    recorded = min(protocol.record, protocol.replicates)
    schedule = Schedule.of(protocol)
    traced = schedule.trajectory[schedule.trace]
    units = {"units": "box lengths"}
    # copies, or a block of replicates would stay in memory for the few that are recorded
    x, y = (array[:recorded] for array in (drawn.x, drawn.y))
    about = {"long_name": "stimulus", **units}
    shown = {"trace_stimulus": (("recorded", "phase", "step", "input"), x[:, traced], about)} if traced.size else {}
    if not protocol.test:
        return shown
    x, y = (array[:, -protocol.test :].copy() for array in (x, y))
    return shown | {
        "target": (("recorded", "trajectory", "step", "coordinate"), y, {"long_name": "target", **units}),
        "stimulus": (("recorded", "trajectory", "step", "input"), x, about),
    }


def describe(circuit: Circuit, task: Task, protocol: Protocol, engine: str, parameters: Mapping) -> dict[str, str]:
    """What made a result, as attributes: circuit, task, protocol, equations, parameters, versions and the command."""
    command = shlex.join(sys.argv) if sys.argv and sys.argv[0] else "interactive"
    what = asdict(task) if is_dataclass(task) and not isinstance(task, ArrayTask) else {}
    return {
        "rule": circuit.rule,
        "engine": engine,
        "circuit": json.dumps(asdict(circuit)),
        "task": json.dumps({"name": type(task).__name__, **what}, default=repr),
        "protocol": json.dumps(asdict(protocol)),
        "seed": protocol.seed,
        "parameters": json.dumps(dict(parameters)),
        "parameter_units": f"SI; one step of the stimulus is {STEP} s",
        "averaging": f"eq. 1's 1/t is {'in (bptt, rtrl, snap1, uoro, fa, dfa)' if protocol.averaging else 'out'}",
        "equations": equations_text(circuit),
        "provenance": json.dumps(provenance(command)),
    }


def equations_text(circuit: Circuit) -> str:
    """The text of the model files of a circuit; of rules without equations, of the discrete reference."""
    if without_equations(circuit):
        return f"discrete network, rule {circuit.rule}:\n{discrete_text(circuit.rule)}"
    return "\n\n".join(f"# {Path(path).name}\n{text}" for path, text in texts(circuit).items())


def discrete_text(rule: str) -> str:
    """What the discrete reference of a rule says of itself: its equations."""
    return inspect.getdoc(inspect.getmodule(discrete.RULES[rule]))
