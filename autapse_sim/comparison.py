"""Compare rules on the same trajectories and initial weights, each at its own best learning rate, with controls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim import discrete
from autapse_sim.circuit import Circuit
from autapse_sim.controls import readout_controls, stimulus_controls
from autapse_sim.errors import InputError
from autapse_sim.experiment import (
    Drawn,
    choose_engine,
    describe,
    draw,
    equations_text,
    peak_memory,
    prepare,
    r2_scores,
    resolve_parameters,
    run,
    scored,
    targets,
    without_equations,
)
from autapse_sim.job import Job, Outcome, Progress
from autapse_sim.protocol import Protocol, Schedule
from autapse_sim.results import Result
from autapse_sim.scores import best_eta, mean_squared_error
from autapse_sim.tasks.base import Task
from autapse_sim.worker import beside

RULES = ("bptt", "fa", "dfa", "autapse")
ETAS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Learning rates that every rule may choose from, on validation."""


def compare(
    rules: Iterable[str] = RULES,
    task: Task | None = None,
    protocol: Protocol | None = None,
    circuit: Circuit | None = None,
    etas: Iterable[float] = ETAS,
    parameters: Mapping[str, Any] | None = None,
    engine: str = "auto",
    progress: Progress | None = None,
) -> Result:
    """Train the same networks with each rule, choose its learning rate on validation, and test it beside the controls.

    Parameters
    ----------
    rules : iterable of str
        Names or files of rules.
    task : Task, optional
        The bouncing ball by default.
    protocol : Protocol, optional
        The default protocol where not given.
    circuit : Circuit, optional
        The paper's network (n = 2, U = V = I, sigmoid, W learns) where not given; its rule is not used.
    etas : iterable of float
        The grid of learning rates.
    parameters : mapping, optional
        Other parameters, for the rules that have them (``{"tau": 5*ms}``).
    engine : {'auto', 'standalone', 'runtime', 'numpy'}
        As in `train`; rules without equations always run on 'numpy'.
    progress : callable, optional
        Called with the completed share, 0 to 1.

    Returns
    -------
    Result
        With a dimension `rule` and a dimension `control`.
    """
    from autapse_sim.tasks.ball import BouncingBall

    rules = list(dict.fromkeys(rules))
    task, protocol, circuit = task or BouncingBall(), protocol or Protocol(), circuit or Circuit()
    etas = np.array(list(etas), dtype=float)
    if not rules or not len(etas):
        raise InputError("compare needs at least one rule and one learning rate")
    if len(etas) > 1 and not (protocol.validate and protocol.train):
        raise InputError(
            "choosing among learning rates needs training and validation trajectories; give one eta or both"
        )
    if not protocol.test:
        raise InputError("compare needs test trajectories; test is 0")
    drawn = draw(circuit, task, protocol)
    source = np.tile(np.arange(protocol.replicates), len(etas))
    grid = np.repeat(etas, protocol.replicates)

    circuits = {rule: replace(circuit, rule=rule) for rule in rules}
    engines = {rule: choose_engine(c, "auto" if without_equations(c) else engine) for rule, c in circuits.items()}
    values = {}
    given = dict(parameters or {})
    for rule, one in circuits.items():
        known = resolve_parameters(one, {}, len(source))
        mine = {name: value for name, value in given.items() if name in known}
        values[rule] = resolve_parameters(one, {**mine, "eta": grid}, len(source))
    unknown = set(given) - set().union(*values.values())
    if unknown:
        raise InputError(f"no rule of {', '.join(rules)} has a parameter {min(unknown)!r}")

    shares = dict.fromkeys([*rules, "controls"], 0.0)

    def report(name: str, share: float) -> None:
        shares[name] = share
        if progress:
            progress(sum(shares.values()) / len(shares))

    numpy = {
        rule: prepare(circuits[rule], drawn, protocol, values[rule], source)
        for rule in rules
        if engines[rule] == "numpy"
    }
    with beside(numpy, report) as results:
        outcomes = {
            rule: run(circuits[rule], drawn, protocol, values[rule], source, engines[rule], partial(report, rule))
            for rule in rules
            if engines[rule] != "numpy"
        }
        controlled = _controls(circuit, task, drawn, protocol, etas, partial(report, "controls"))
        outcomes |= results()

    parts, chosen = [], []
    for rule in rules:
        outcome = outcomes[rule]
        grid_mse = _final_validation(protocol, outcome).reshape(len(etas), protocol.replicates)
        best = best_eta(grid_mse) if len(etas) > 1 else 0
        networks = best * protocol.replicates + np.arange(protocol.replicates)
        part = scored(drawn, protocol, outcome, networks)
        part["grid_mse"] = (("eta_grid", "replicate"), grid_mse, {"long_name": "final validation MSE"})
        parts.append(part)
        chosen.append(etas[best])
    data = xr.concat(parts, dim="rule", join="outer", data_vars="all")
    data = data.assign_coords(rule=rules, eta_grid=etas)
    data["eta"] = ("rule", np.array(chosen), {"long_name": "learning rate, chosen on validation"})
    data = data.assign(targets(drawn, protocol)).assign(controlled)
    others = {rule: {k: float(v[0]) for k, v in values[rule].items() if k != "eta"} for rule in rules}
    attributes = describe(circuits[rules[0]], task, protocol, json.dumps(engines), others)
    attributes["peak_memory"] = peak_memory(max(outcome.memory for outcome in outcomes.values()))
    attributes["rule"] = ", ".join(rules)
    attributes["equations"] = "\n\n".join(equations_text(one) for one in circuits.values())
    return Result(data.assign_attrs(attributes))


def _final_validation(protocol: Protocol, outcome: Outcome) -> np.ndarray:
    """Mean MSE of the last look at the validation trajectories, per network (NaN where there is none)."""
    schedule = Schedule.of(protocol)
    validation = outcome.mse[:, schedule.look][:, -protocol.validate :]
    if not protocol.validate:
        return np.full(len(outcome.mse), np.nan)
    return validation.mean(axis=1)


def _controls(
    circuit: Circuit, task: Task, drawn: Drawn, protocol: Protocol, etas: np.ndarray, report: Progress
) -> dict[str, Any]:
    """Every control on the test trajectories: MSE and affine R2."""
    train, test = slice(0, protocol.train), slice(-protocol.test, None)
    target = drawn.y[:, test]
    predictions = {}
    if circuit.neuron == "rate":
        predictions |= _network_controls(circuit, drawn, protocol, etas)
    report(0.5)
    horizon = getattr(task, "horizon", None)
    predictions |= stimulus_controls(drawn.x, drawn.y, train, test, horizon, task.blanked)
    report(1.0)
    names = list(predictions)
    scores = [r2_scores(predictions[name], target) for name in names]
    errors = np.stack([mean_squared_error(predictions[name], target, axis=(2, 3)) for name in names])
    return {
        "control": names,
        "control_mse": (("control", "replicate", "trajectory"), errors, {"long_name": "test MSE of the control"}),
        "control_r2_trajectory": (("control", "replicate"), np.stack([a for a, _ in scores])),
        "control_r2_network": (("control", "replicate"), np.stack([b for _, b in scores])),
    }


def _network_controls(circuit: Circuit, drawn: Drawn, protocol: Protocol, etas: np.ndarray) -> dict[str, np.ndarray]:
    """Controls that are networks: untrained, W = 0, bias only, fixed W with what is left to learn, best read-out."""
    everyone = np.arange(protocol.replicates)
    tested = Schedule.of(replace(protocol, train=0, validate=0, validate_every=1))
    tested = replace(tested, trajectory=tested.trajectory + protocol.train + protocol.validate)
    nothing = {"eta": np.zeros(len(everyone))}
    still = replace(circuit, rule="fa", learn=())
    weights = drawn.weights
    zero = replace(weights, W=np.zeros_like(weights.W))

    def shown(weights, schedule: Schedule = tested, y: np.ndarray = drawn.y) -> np.ndarray:
        job = Job(still, drawn.x, y, everyone, weights, nothing, schedule, "step", everyone[:0], drawn.seeds)
        return discrete.simulate(job).prediction.transpose(1, 0, 2, 3)

    predictions = {"untrained W": shown(weights), "W = 0": shown(zero)}
    if protocol.train and protocol.validate:
        # with W = 0 the exact gradient of the biases is FA's with B = V^T and no recurrent feedback
        exact = replace(zero, B=weights.V.transpose(0, 2, 1), B_rec=np.zeros_like(weights.W))
        predictions["bias only"] = _best_on_validation(
            replace(still, learn=("b",)), replace(drawn, weights=exact), protocol, etas, "eta"
        )
        if {"V", "c"} & set(circuit.learn):
            fixed = replace(still, learn=tuple(sorted({"V", "c"} & set(circuit.learn))))
            predictions["fixed W, trained read-out"] = _best_on_validation(fixed, drawn, protocol, etas, "eta_out")
    if protocol.train:
        n = circuit.neurons
        identity = np.broadcast_to(np.eye(n), (len(everyone), n, n))
        listening = replace(weights, V=identity, B=identity, c=None)
        every = np.arange(protocol.trajectories)
        off, on = np.zeros(len(every), dtype=bool), np.ones(len(every), dtype=bool)
        activity = shown(listening, Schedule(every, off, on, off), np.zeros((*drawn.y.shape[:3], n)))
        parts = activity[:, : protocol.train], drawn.y[:, : protocol.train], activity[:, -protocol.test :]
        predictions["best affine read-out, untrained W"] = readout_controls(*parts)
    return predictions


def _best_on_validation(circuit: Circuit, drawn: Drawn, protocol: Protocol, etas: np.ndarray, name: str) -> np.ndarray:
    """Test predictions of a control that learns, at the learning rate that is best on validation."""
    replicates = protocol.replicates
    source = np.tile(np.arange(replicates), len(etas))
    values = {"eta": np.zeros(len(source)), name: np.repeat(etas, replicates)}
    outcome = run(circuit, drawn, replace(protocol, record=0), values, source, "numpy")
    best = best_eta(_final_validation(protocol, outcome).reshape(len(etas), replicates))
    return outcome.prediction[:, best * replicates : (best + 1) * replicates].transpose(1, 0, 2, 3)
