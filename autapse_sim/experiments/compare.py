"""Compare rules on the same trajectories and initial weights, each at its own best learning rate, with controls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.checks import function, instance, items, mapping, real
from autapse_sim.errors import InputError
from autapse_sim.experiments.beside import beside
from autapse_sim.experiments.network_controls import Parameters, Predictions, chosen, network_controls
from autapse_sim.names import shown
from autapse_sim.results.result import Result
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import Outcome, Progress
from autapse_sim.spec.model import Rule
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.written import model_name
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.shown import check_task
from autapse_sim.training.controls import task_controls
from autapse_sim.training.declared import check_optimiser, resolve_parameters
from autapse_sim.training.description import (
    describe,
    described,
    equations_text,
    peak_memory,
    sources_of,
    without_equations,
)
from autapse_sim.training.labels import control_scores, scored, targets
from autapse_sim.training.sizes import check_sizes
from autapse_sim.training.train import Drawn, checked_discrete, choose_engine, draw, prepare, run

RULES = ("bptt", "fa", "dfa", "autapse")
ETAS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Learning rates that every rule may choose from, on validation."""


def compare(
    rules: Iterable[str | Path | Rule] = RULES,
    task: Task | None = None,
    protocol: Protocol | None = None,
    circuit: Circuit | None = None,
    etas: float | Iterable[float] = ETAS,
    parameters: Mapping[str, Any] | None = None,
    engine: str = "auto",
    progress: Progress | None = None,
) -> Result:
    """Train the same networks with each rule, choose its learning rate on validation, and test it beside the controls.

    Parameters
    ----------
    rules : iterable of str, path or Rule
        Names or files of rules, or rules themselves.
    task : Task, optional
        The bouncing ball by default.
    protocol : Protocol, optional
        The default protocol where not given.
    circuit : Circuit, optional
        The paper's network (n = 2, U = V = I, sigmoid, W learns) where not given; its rule is not used.
    etas : float or iterable of float
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

    task = check_task(BouncingBall() if task is None else task)
    protocol = instance("protocol", Protocol() if protocol is None else protocol, Protocol)
    circuit = instance("circuit", Circuit() if circuit is None else circuit, Circuit)
    function("progress", progress)
    rules = items("rules", rules, "names or files of rules, or objects Rule(...)")
    rules = list(dict.fromkeys(model_name("rule", rule, kind="Rule") for rule in rules))
    etas = [real("eta", eta, least=0) for eta in items("etas", etas, "learning rates")]
    etas = np.array(list(dict.fromkeys(etas)))
    if not rules or not len(etas):
        raise InputError("compare needs at least one rule and one learning rate")
    if len(etas) > 1 and not (protocol.validate and protocol.train):
        raise InputError(
            "choosing among learning rates needs training and validation trajectories; give one eta or both"
        )
    if not protocol.test:
        raise InputError("compare needs test trajectories; test is 0")
    circuits = {rule: replace(circuit, rule=rule) for rule in rules}
    engines = {rule: choose_engine(c, "auto" if without_equations(c) else engine) for rule, c in circuits.items()}
    for one in circuits.values():
        check_optimiser(one, protocol)
    check_sizes(circuit, task, protocol, protocol.replicates, rates=len(etas))
    values = _parameters(circuits, mapping("parameters", parameters, "{'tau': '5 ms'}"), protocol.replicates)
    every = {rule: _over_grid(circuits[rule], values[rule], etas) for rule in rules}
    drawn = draw(circuits[rules[0]], task, protocol)
    drawn = replace(drawn, sources={path: text for one in circuits.values() for path, text in sources_of(one).items()})
    outcomes, predictions, notes = _run(circuits, engines, drawn, protocol, values, every, etas, progress)
    data, diverged = _scores(outcomes, drawn, protocol, etas)
    predictions |= task_controls(task, drawn.x, drawn.y, slice(0, protocol.train), slice(-protocol.test, None))
    data = data.assign(control_scores(predictions, drawn.y[:, -protocol.test :], drawn.units))
    others = {rule: described({k: v for k, v in values[rule].items() if k != "eta"}) for rule in rules}
    attributes = describe(circuits[rules[0]], task, protocol, json.dumps(engines), others, drawn.sources)
    attributes["peak_memory"] = peak_memory(max(outcome.memory for outcome in outcomes.values()))
    attributes["rule"] = ", ".join(rules)
    attributes["notes"] = json.dumps(diverged + notes)
    attributes["equations"] = "\n\n".join(equations_text(one, drawn.sources) for one in circuits.values())
    return Result(data.assign_attrs(attributes))


def _run(
    circuits: Mapping[str, Circuit],
    engines: Mapping[str, str],
    drawn: Drawn,
    protocol: Protocol,
    values: Mapping[str, Parameters],
    every: Mapping[str, Parameters],
    etas: np.ndarray,
    progress: Progress | None,
) -> tuple[dict[str, Outcome], Predictions, list[str]]:
    """Every rule's networks at every learning rate, and the controls that are networks; the discrete ones beside."""
    source = np.tile(np.arange(protocol.replicates), len(etas))
    shares = dict.fromkeys([*circuits, "controls"], 0.0)

    def report(name: str, share: float) -> None:
        shares[name] = share
        if progress:
            progress(sum(shares.values()) / len(shares))

    numpy = {
        rule: checked_discrete(prepare(circuit, drawn, protocol, every[rule], source))
        for rule, circuit in circuits.items()
        if engines[rule] == "numpy"
    }
    with beside(numpy, report) as results:
        outcomes = {
            rule: run(circuit, drawn, protocol, every[rule], source, engines[rule], partial(report, rule))
            for rule, circuit in circuits.items()
            if engines[rule] != "numpy"
        }
        # a rule that has equations, where there is one: its circuit may be more than the discrete network
        like = min(circuits, key=lambda rule: engines[rule] == "numpy")
        networks = circuits[like], drawn, protocol, values[like], etas, engines[like]
        controls = network_controls(*networks, partial(report, "controls"))
        outcomes |= results()
    return {rule: outcomes[rule] for rule in circuits}, *controls


def _scores(
    outcomes: Mapping[str, Outcome], drawn: Drawn, protocol: Protocol, etas: np.ndarray
) -> tuple[xr.Dataset, list[str]]:
    """What each rule's networks gave at its best learning rate, with names, and which rules have none."""
    parts, rates, notes = [], [], []
    for rule, outcome in outcomes.items():
        try:
            best, grid_mse = chosen(protocol, outcome, len(etas))
        except InputError:  # the others are still worth telling
            best, grid_mse = int(np.argmin(etas)), np.full((len(etas), protocol.replicates), np.nan)
            notes.append(f"{rule} diverged at every learning rate: it is told at the smallest")
        part = scored(drawn, protocol, outcome, best * protocol.replicates + np.arange(protocol.replicates))
        part["grid_mse"] = (("eta_grid", "replicate"), grid_mse, {"long_name": "final validation MSE"})
        parts.append(part)
        rates.append(etas[best])
    data = xr.concat(parts, dim="rule", join="outer", data_vars="all")
    data = data.assign_coords(rule=list(outcomes), eta_grid=etas)
    data["eta"] = ("rule", np.array(rates), {"long_name": "learning rate, chosen on validation"})
    return data.assign(targets(drawn, protocol)), notes


def _parameters(
    circuits: Mapping[str, Circuit], given: Mapping[str, Any], replicates: int
) -> dict[str, dict[str, np.ndarray]]:
    """The parameters of each rule's circuit, per replicate; a given one is for the rules that have it."""
    if "eta" in given:
        raise InputError("parameter eta is chosen for each rule from the grid; give etas (--eta) in its place")
    values = {}
    for rule, circuit in circuits.items():
        known = resolve_parameters(circuit, {}, replicates)
        if "eta" not in known:
            raise InputError(f"rule {rule} has no parameter eta, the learning rate that is chosen; name it so")
        mine = {name: value for name, value in given.items() if name in known}
        values[rule] = resolve_parameters(circuit, mine, replicates)
    unknown = set(given) - set().union(*values.values())
    if unknown:
        raise InputError(f"no rule of {', '.join(circuits)} has a parameter {shown(min(unknown))}")
    return values


def _over_grid(circuit: Circuit, values: Mapping[str, np.ndarray], etas: np.ndarray) -> dict[str, np.ndarray]:
    """The parameters of all replicates at each learning rate, one rate after the other."""
    replicates = len(next(iter(values.values())))
    rates = resolve_parameters(circuit, {"eta": np.repeat(etas, replicates)}, len(etas) * replicates)["eta"]
    source = np.tile(np.arange(replicates), len(etas))
    return {name: given[source] for name, given in values.items()} | {"eta": rates}
