"""Compare rules on the same trajectories and initial weights, each at its own best learning rate, with controls."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.checks import function, instance, items, mapping, real
from autapse_sim.errors import InputError
from autapse_sim.machine.bars import shows_progress
from autapse_sim.machine.memory import peak_memory_of_workers
from autapse_sim.machine.processes import cores
from autapse_sim.names import shown
from autapse_sim.results.result import Result
from autapse_sim.spec.circuit import TAUGHT_BY, Circuit
from autapse_sim.spec.job import Progress
from autapse_sim.spec.model import Rule, carried
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.written import model_name
from autapse_sim.studies.study import studying
from autapse_sim.studies.unit import Unit, told_task
from autapse_sim.studies.workers import Executor, Workers
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.library import task_called
from autapse_sim.training.beside import Networks, Parameters, network_controls, task_controls
from autapse_sim.training.declared import check_optimiser, resolve_parameters
from autapse_sim.training.description import (
    describe,
    described,
    equations_text,
    sources_of,
)
from autapse_sim.training.draws import draw
from autapse_sim.training.grid import Grid
from autapse_sim.training.in_numpy import WITHOUT_BRIAN, check_protocol
from autapse_sim.training.labels import control_scores, scored, targets
from autapse_sim.training.sizes import check_sizes
from autapse_sim.training.train import choose_engine, engine_for, run, simplest

RULES = ("bptt", "fa", "dfa", "autapse")
ETAS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Learning rates that every rule may choose from, on validation."""


@shows_progress("comparing")
def compare(
    rules: Iterable[str | Path | Rule] = RULES,
    task: Task | str | Path | None = None,
    protocol: Protocol | None = None,
    circuit: Circuit | None = None,
    etas: float | Iterable[float] = ETAS,
    parameters: Mapping[str, Any] | None = None,
    engine: str = "auto",
    progress: Progress | bool | None = None,
    folder: str | Path | None = None,
    on: str | Executor | Workers = "local",
    retries: int = 1,
) -> Result:
    """Train the same networks with each rule, choose its learning rate on validation, and test it beside the controls.

    Parameters
    ----------
    rules : iterable of str, path or Rule
        Names or files of rules, or rules themselves.
    task : Task, str or path, optional
        The bouncing ball by default.
    protocol : Protocol, optional
        The default protocol where not given.
    circuit : Circuit, optional
        The paper's network (n = 2, U = V = I, sigmoid, W learns) where not given; its rule is not used.
    etas : float or iterable of float
        The grid of learning rates.
    parameters : mapping, optional
        Other parameters, for the rules that have them (``{"tau": 5*ms}``).
    engine : {'auto', 'standalone', 'runtime', 'reference', 'numpy', 'compiled'}
        As in `train`; rules without equations run as by 'auto' beside 'standalone', 'runtime' and 'reference'.
    progress : callable or bool, optional
        True shows a bar, which notebooks do unless it is False; a function is called with the completed share, 0 to 1.
    folder : str or Path, optional
        Where all that is trained is kept: what is there, of this comparison or of another one, is not trained again.
        Not kept where not given.
    on : str, Executor or Workers
        Where it runs: 'local', the address of a dask scheduler, 'slurm', or an executor of concurrent.futures.
    retries : int
        How often what failed is tried again.

    Returns
    -------
    Result
        With a dimension `rule` and a dimension `control`.
    """
    task = task_called("bouncing-ball" if task is None else task)
    protocol = instance("protocol", Protocol() if protocol is None else protocol, Protocol)
    circuit = instance("circuit", Circuit() if circuit is None else circuit, Circuit)
    tell = function("progress", progress)
    given = items("rules", rules, "names or files of rules, or objects Rule(...)")
    names: list[str] = list(dict.fromkeys(model_name("rule", rule, kind="Rule") for rule in given))
    etas = [real("eta", eta, least=0) for eta in items("etas", etas, "learning rates")]
    etas = np.array(list(dict.fromkeys(etas)))
    if not names or not len(etas):
        raise InputError("compare needs at least one rule and one learning rate")
    if len(etas) > 1 and not (protocol.validate and protocol.train):
        raise InputError(
            "choosing among learning rates needs training and validation trajectories; give one eta or both"
        )
    if not protocol.test:
        raise InputError("compare needs test trajectories; test is 0")
    circuits = {rule: carried(replace(circuit, rule=rule)) for rule in names}
    engines = {rule: choose_engine(c, engine_for(c, engine)) for rule, c in circuits.items()}
    for one in circuits.values():
        check_optimiser(one, protocol)
    check_sizes(circuit, task, protocol, protocol.replicates, rates=len(etas))
    values = _parameters(circuits, mapping("parameters", parameters, "{'tau': '5 ms'}"), protocol.replicates)
    taught = [Taught(circuits[rule], task, protocol, values[rule], etas, engines[rule]) for rule in names]
    for unit in taught:
        unit.check()
    # beside a rule that has equations, where there is one: its circuit may be more than the discrete network
    like = min(taught, key=lambda unit: unit.engine in WITHOUT_BRIAN)
    with studying(folder, on, retries, tell) as study:
        # from both ends of the list, since neighbours are often run by the same program, which is compiled once
        units: list[Unit] = [Beside(like), *reversed(taught)]
        study.total = sum(unit.work for unit in units)
        controls, *results = study.results(units)
    results.reverse()
    data = xr.concat([result.data for result in results], dim="rule", join="outer", data_vars="all")
    data = data.assign_coords(rule=names, eta_grid=etas).merge(controls.data, compat="override")
    rates = [result.data.attrs["eta"] for result in results]
    data["eta"] = ("rule", rates, {"long_name": "learning rate, chosen on validation"})
    notes = [note for result in (*results, controls) for note in json.loads(result.data.attrs["notes"])]
    others = {rule: described({k: v for k, v in values[rule].items() if k != "eta"}) for rule in names}
    sources = {path: text for one in circuits.values() for path, text in sources_of(one).items()}
    attributes = describe(circuits[names[0]], task, protocol, json.dumps(engines), others, sources)
    attributes["peak_memory"] = peak_memory_of_workers(cores())
    attributes["rule"] = ", ".join(names)
    attributes["notes"] = json.dumps(notes)
    attributes["equations"] = "\n\n".join(equations_text(one, sources) for one in circuits.values())
    return Result(data.drop_attrs(deep=False).assign_attrs(attributes))


@dataclass(frozen=True)
class Taught:
    """A unit: the networks of one rule at every learning rate, told at the one that is best on validation.

    Parameters
    ----------
    circuit, task, protocol : Circuit, Task, Protocol
        What is run.
    values : mapping of str to array
        The parameters of each replicate.
    etas : array (E,)
        The learning rates.
    engine : str
        Who runs it.
    """

    circuit: Circuit
    task: Task
    protocol: Protocol
    values: Parameters
    etas: np.ndarray
    engine: str

    @property
    def work(self) -> int:
        """How many networks it trains."""
        return self.protocol.replicates * len(self.etas)

    def parts(self) -> dict[str, Any]:
        """All that determines the result."""
        return {**vars(self), "task": told_task(self.task, self.protocol.trajectories)}

    @property
    def grid(self) -> Grid:
        """The learning rates that all replicates try."""
        return Grid.of(self.etas, self.protocol.replicates)

    def over_grid(self) -> dict[str, np.ndarray]:
        """The parameters of all replicates at each learning rate, one rate after the other."""
        grid = self.grid
        rates = resolve_parameters(self.circuit, {"eta": grid.each}, len(grid.each))["eta"]
        return {name: given[grid.source] for name, given in self.values.items()} | {"eta": rates}

    def check(self) -> None:
        """Refuse what the rule cannot have, before anything runs."""
        self.over_grid()
        if self.engine in WITHOUT_BRIAN:
            check_protocol(self.circuit, self.protocol, self.values)

    def run(self) -> Result:
        """Scores, weights and records, the learning rate, and the validation MSE over all of them."""
        protocol = self.protocol
        drawn, grid = draw(self.circuit, self.task, protocol), self.grid
        outcome = run(self.circuit, drawn, protocol, self.over_grid(), grid.source, self.engine)
        grid_mse, notes = grid.validation(protocol, outcome)[1], []
        best = grid.best(grid_mse)
        if best is None:  # others are still worth telling
            best = int(np.argmin(self.etas))
            notes.append(f"{self.circuit.rule} diverged at every learning rate: it is told at the smallest")
        data = scored(drawn, protocol, outcome, grid.at(best))
        data["grid_mse"] = (("eta_grid", "replicate"), grid_mse, {"long_name": "final validation MSE"})
        return Result(data.assign_attrs(eta=self.etas[best], notes=json.dumps(notes)))


@dataclass(frozen=True)
class Beside:
    """A unit: the controls of a comparison, networks like those of a rule and what needs none, and what was shown."""

    like: Taught

    @property
    def work(self) -> int:
        """How many networks it trains."""
        return 2 * self.like.work

    def parts(self) -> dict[str, Any]:
        """All that determines the result."""
        return self.like.parts()

    def run(self) -> Result:
        """Scores of the controls, with stimuli and targets of what is recorded."""
        like, protocol = self.like, self.like.protocol
        drawn = draw(like.circuit, like.task, protocol)
        circuit, engine = simplest(like.circuit, like.engine, protocol.reset, like.values)
        networks = Networks(circuit, drawn, protocol, like.values, like.etas, engine)
        predictions, notes = network_controls(networks)
        predictions |= task_controls(like.task, drawn.x, drawn.y, slice(0, protocol.train), slice(-protocol.test, None))
        shown = targets(drawn, protocol) | control_scores(predictions, drawn.y[:, -protocol.test :], drawn.units)
        return Result(xr.Dataset().assign(shown).assign_attrs(notes=json.dumps(notes)))


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
            if not any(TAUGHT_BY[name] == "rule" for name in circuit.learn):
                learn = ", ".join(circuit.learn) or "empty"
                raise InputError(f"learn is {learn}, and rules teach W, U and b: there is nothing to compare")
            raise InputError(f"rule {rule} has no parameter eta, the learning rate that is chosen; name it so")
        mine = {name: value for name, value in given.items() if name in known}
        values[rule] = resolve_parameters(circuit, mine, replicates)
    unknown = set(given) - set().union(*values.values())
    if unknown:
        raise InputError(f"no rule of {', '.join(circuits)} has a parameter {shown(min(unknown))}")
    return values
