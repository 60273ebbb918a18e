"""The evidence of a verdict: the numbers of all blocks of seeds, with names on every axis, and the answer to them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.experiments.benchmark import Benchmark
from autapse_sim.experiments.verdict.answer import answer_of, dependence, floors_of, heading, judge, judge_floors, plain
from autapse_sim.experiments.verdict.answer import text as table
from autapse_sim.experiments.verdict.block import AGES
from autapse_sim.experiments.verdict.methods import CEILING, FIXED, Method, described
from autapse_sim.experiments.verdict.pilots import Planned, Tried
from autapse_sim.experiments.verdict.points import Chosen, told
from autapse_sim.experiments.verdict.trial import FLOORS
from autapse_sim.machine.memory import peak_memory_of_workers
from autapse_sim.machine.processes import cores
from autapse_sim.names import short
from autapse_sim.results.result import Result
from autapse_sim.spec.units import squared
from autapse_sim.training.description import describe, sources_of
from autapse_sim.training.labels import ALIVE
from autapse_sim.training.reservoir import Reservoir


@dataclass(frozen=True)
class Case:
    """What is judged, and how.

    Parameters
    ----------
    rule : str
        Name or file of the rule.
    benchmark : str
        The name of the setting.
    setting : Benchmark
        What has to be learned.
    seed : int
        All draws follow from it.
    worthwhile : float
        The least reduction of the error that is worth speaking of.
    methods : dict of str to Method
        What is trained.
    chosen : dict of str to Chosen
        Where each is judged, by the pilots.
    tried : dict of str to Tried
        What the pilots gave.
    reservoirs : dict of float to Reservoir
        The tuned ones, by least penalty.
    left_out : tuple of str
        Rules that it would be judged beside, if they went with the neuron.
    """

    rule: str
    benchmark: str
    setting: Benchmark
    seed: int
    worthwhile: float
    methods: Mapping[str, Method]
    chosen: Mapping[str, Chosen] = field(default_factory=dict)
    tried: Mapping[str, Tried] = field(default_factory=dict)
    reservoirs: Mapping[float, Reservoir] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """What the units of a block of seeds gave: of each method, of what needs no network, and of updates of W."""

    methods: Mapping[str, xr.Dataset]
    beside: xr.Dataset
    aligned: Mapping[str, xr.Dataset]


ALIVE_SAYS = f"whether the mean rate was from {ALIVE[0]:g} to {ALIVE[1]:g} Hz, neither silent nor saturated"

Arrays = dict[str, tuple[Any, ...]]
"""Arrays by name, each with its dimensions and what it is."""


def joined(blocks: Sequence[Block], name: str, part: str) -> np.ndarray:
    """An array of a method, of all blocks' seeds."""
    return np.concatenate([block.methods[name][part].values for block in blocks])


def result_of(case: Case, blocks: Sequence[Block], planned: Planned | None = None) -> Result:
    """The evidence, and the answer; with how the number of seeds was fixed, if by the pilots."""
    rule, setting = case.rule, case.setting
    varied = [name for name in blocks[0].methods if name.startswith(f"{rule}, ")]
    names = [name for name in blocks[0].methods if name not in varied]
    unit = getattr(setting.task, "units", "1")
    measure, square = measured(setting)
    replicates = len(joined(blocks, rule, "online"))
    coordinates = {"method": names, "replicate": np.arange(replicates)}
    arrays = _scores(case, blocks, names) | _pilots(case, names)
    coordinates["control"] = blocks[0].beside.control.values
    controls = np.concatenate([block.beside.control_mse.values for block in blocks], axis=1)
    arrays["control_mse"] = ("control", "replicate"), controls, _about(f"test {measure} of the control", square)
    coordinates["floor"] = list(FLOORS)
    if varied:
        coordinates["ablation"] = varied
        errors = np.array([joined(blocks, name, "online") for name in varied])
        arrays["ablation_mse"] = ("ablation", "replicate"), errors, _about(f"test {measure}", square)
        arrays["ablation_eta"] = "ablation", [case.chosen[name].online.eta for name in varied]
        arrays["ablation_tuned"] = "ablation", [told(case.chosen[name].online.values) for name in varied]
    batch = setting.protocol.batch if setting.protocol.update == "batch" else 1
    coordinates["updates"] = setting.protocol.validation_points // batch
    arrays |= _example(blocks[0], names, unit) | _learned(blocks, names)
    coordinates["part"] = ["real", "imaginary"]
    if blocks[0].aligned:
        coordinates["updates_aligned"] = (np.array(AGES) * setting.protocol.train) // batch
        arrays |= _alignment(blocks[0], names)
    return _answered(xr.Dataset(arrays, coordinates), case, blocks, [*names, *varied], planned)


def measured(setting: Benchmark) -> tuple[str, str]:
    """What the errors of a setting are, and their unit."""
    if setting.circuit.loss == "cross-entropy":
        return "cross-entropy", "nat"
    return "MSE", squared(getattr(setting.task, "units", "1"))


def _about(long_name: str, units: str = "1") -> dict[str, str]:
    return {"long_name": long_name, "units": units}


def _scores(case: Case, blocks: Sequence[Block], names: Sequence[str]) -> Arrays:
    """The errors of every method, and the learning rates at which they are made."""
    online, refit, curve = (np.array([joined(blocks, n, part) for n in names]) for part in ("online", "refit", "looks"))
    chosen = {"long_name": "learning rate, chosen on other seeds"}
    floors = "read-out refitted with penalties from floor on"
    measure, units = measured(case.setting)
    arrays: Arrays = {
        "mse_online": (("method", "replicate"), online, _about(f"test {measure}", units)),
        "mse_refit": (("method", "replicate"), refit[:, :, 0], _about(f"test {measure}, read-out refitted", units)),
        "mse_refit_floor": (("method", "replicate", "floor"), refit, _about(f"test {measure}, {floors}", units)),
        "curve": (("method", "updates", "replicate"), curve.transpose(0, 2, 1), _about(f"validation {measure}", units)),
        "eta": ("method", [case.chosen[name].online.eta for name in names], chosen),
        "eta_refit": ("method", [case.chosen[name].refit.eta for name in names], chosen),
        "eta_out": ("method", [case.chosen[name].readout for name in names], chosen),
    }
    for name, long_name in (("alive", ALIVE_SAYS), ("accuracy", "share of the scored steps that are classified right")):
        if name in blocks[0].methods[names[0]]:
            found = np.array([joined(blocks, method, name) for method in names])
            arrays[name] = ("method", "replicate"), found, _about(long_name)
    return arrays


def _pilots(case: Case, names: Sequence[str]) -> Arrays:
    """The errors of the pilots at every point that was tried, one method after the other."""
    tried = {name: case.tried[name] for name in names if name in case.tried}
    online, refit = np.concatenate([one.errors for one in tried.values()], axis=1)
    points = [point for one in tried.values() for point in one.points]
    dims, about, (measure, units) = ("trial", "pilot"), "at the end, on the pilots' seeds", measured(case.setting)
    found: Arrays = {
        "pilot_mse": (dims, online, _about(f"validation {measure} {about}", units)),
        "pilot_mse_refit": (dims, refit, _about(f"{measure}, read-out refitted, {about}", units)),
        "pilot_method": ("trial", [name for name, one in tried.items() for _ in one.points]),
        "pilot_eta": ("trial", [point.eta for point in points], _about("learning rate")),
        "pilot_tuned": ("trial", [told(point.values) for point in points]),
    }
    judged = [case.chosen[name] for name in names]
    found["tuned"] = "method", [told(one.online.values) for one in judged]
    found["tuned_refit"] = "method", [told(one.refit.values) for one in judged]
    return found


def _edges(case: Case, names: Sequence[str]) -> dict[str, list[str]]:
    """What of a method's best points lies at an edge of what was tried, by its name, where anything does."""
    edges = {name: case.tried[name].edges for name in names if name in case.tried}
    return {name: each for name, each in edges.items() if each}


def _example(first: Block, names: Sequence[str], unit: str) -> Arrays:
    """One test trajectory of the first network of each method."""
    predictions = np.stack([first.methods[name]["example"].values for name in names])
    return {
        "example_prediction": (("method", "step", "coordinate"), predictions, _about("prediction", unit)),
        "example_target": (("step", "coordinate"), first.beside.example_target.values, _about("target", unit)),
        "example_stimulus": (("step", "input"), first.beside.example_stimulus.values, _about("stimulus", unit)),
    }


def _learned(blocks: Sequence[Block], names: Sequence[str]) -> Arrays:
    """What learning did to W: singular values of the change, in how many directions it lies, and eigenvalues.

    The number of directions is the participation ratio of the squared singular values, (sum s^2)^2 / sum s^4.
    """
    values = np.array([joined(blocks, name, "moved") for name in names])
    powers = values**2 / np.maximum((values**2).max(axis=-1, keepdims=True), np.finfo(float).tiny)
    with np.errstate(invalid="ignore"):
        ratio = powers.sum(axis=-1) ** 2 / (powers**2).sum(axis=-1)  # NaN where nothing changed
    about = _about("directions in which the change of W lies (participation ratio)")
    example = np.stack([blocks[0].methods[name]["modes"].values for name in names])
    return {
        "directions": (("method", "replicate"), ratio, about),
        "singular": (("method", "replicate", "direction"), values, _about("singular values of the change of W")),
        "eigenvalue": (("method", "mode", "part"), example, _about("eigenvalues of W after learning, first network")),
    }


def _alignment(first: Block, names: Sequence[str]) -> Arrays:
    """How the updates of W by each rule lie to the exact gradient, and those of a rule that is blind to activity."""
    cosines = {name: data["aligned"].values for name, data in first.aligned.items()}
    nothing = np.full_like(cosines[CEILING], np.nan)
    dims, about = ("updates_aligned", "aligned_seed"), _about("cosine with the exact gradient")
    return {
        "alignment": (("method", *dims), np.array([cosines.get(name, nothing) for name in names]), about),
        "alignment_blind": (dims, first.aligned[CEILING]["blind"].values, about),
    }


def _answered(
    data: xr.Dataset, case: Case, blocks: Sequence[Block], names: Sequence[str], planned: Planned | None
) -> Result:
    """The evidence with what it says, and what made it."""
    rule, setting, replicates = case.rule, case.setting, data.sizes["replicate"]
    unit = getattr(setting.task, "units", "1")
    judged, measure = judge(data, rule, case.worthwhile), f"test {measured(setting)[0]}"
    left_out = f"; left out, since they do not go with it: {', '.join(case.left_out)}" if case.left_out else ""
    reached = judged[FIXED][rule].reduction.width
    how_many = f"; {planned.said(reached)}" if planned else ""
    about = f"{short(rule)} on {case.benchmark} ({setting.title})"
    circuit, protocol = (
        replace(setting.circuit, rule=rule),
        replace(setting.protocol, replicates=replicates, seed=case.seed),
    )
    readouts = [one.readout for one in case.chosen.values()]
    what_was_run = heading(setting, replicates, case.seed, readouts, data.example_target.values)
    engines = json.dumps({name: one.attrs["engine"] for name, one in blocks[0].methods.items()})
    rates = {"chosen": {name: asdict(one) for name, one in case.chosen.items()}}
    attributes = describe(circuit, setting.task, protocol, engines, rates, sources_of(circuit))
    attributes |= {
        "score": measure,
        "worthwhile": str(case.worthwhile),
        "sentence": answer_of(about, rule, judged, measure),
        **({} if unit == "1" else {"unit": unit}),
        "benchmark": case.benchmark,
        "title": setting.title,
        "heading": what_was_run + how_many + left_out,
        **({"planned": json.dumps(planned.told(reached))} if planned else {}),
        "methods": json.dumps({name: described(name, case.methods.get(name), rule) for name in names}),
        "statistics": json.dumps({against: plain(pairs) for against, pairs in judged.items()}),
        "edges": json.dumps(_edges(case, names)),
        "floors": json.dumps(floors_of(data, rule, case.reservoirs, measure)),
        "peak_memory": peak_memory_of_workers(cores()),
    }
    data = data.assign_attrs(attributes)
    mind = dependence(judge_floors(data, rule))
    return Result(data.assign_attrs(table="\n".join(filter(None, [table(data, judged[FIXED]), mind]))))
