"""The verdict: does a rule learn recurrence, compared with what, and how sure?

A rule has learned recurrence only where its networks beat, on held-out trajectories and over many seeds, the same
networks with W as it was drawn and the same trained read-out: a random reservoir. Learning rates are chosen on seeds
of their own; every method sees the same trajectories and initial weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.alignment import align, cosine, exact_gradient
from autapse_sim.benchmarks import BENCHMARKS, Benchmark
from autapse_sim.checks import function, real, truth, whole
from autapse_sim.controls import Reservoir, observed, task_controls, tune_reservoir
from autapse_sim.crew import Crew
from autapse_sim.description import describe, peak_memory, sources_of
from autapse_sim.engine import cores
from autapse_sim.errors import InputError
from autapse_sim.experiment import Drawn, choose_engine
from autapse_sim.job import STEP, Progress
from autapse_sim.model import Rule, is_file
from autapse_sim.names import one_of
from autapse_sim.protocol import Schedule
from autapse_sim.results import Result
from autapse_sim.scores import best_eta, mean_squared_error, median_interval
from autapse_sim.sizes import NUMBER, check_memory, check_sizes
from autapse_sim.statistics import Paired, compare_all, replicates_needed, sentence
from autapse_sim.tasks.base import Task
from autapse_sim.trial import (
    FITTED,
    FLOORS,
    Method,
    Scores,
    drawn,
    protocol_of,
    refit_mse,
    refit_penalties,
    score,
    train_method,
)
from autapse_sim.units import squared
from autapse_sim.written import model_name

CEILING, FIXED, TUNED = "bptt", "fixed reservoir", "tuned reservoir"
STILL, BIASES = "W = 0", "bias only (W = 0)"
RESERVOIRS = (FIXED, TUNED, STILL)
OTHERS = ("fa", "dfa", "rflo", "autapse")
"""The rules that a rule is judged beside."""
BLIND = "(B err) 1^T"
"""A rule that is blind to activity: the control of an alignment."""
BLOCK = 8
"""Seeds that are drawn and trained together; a seed's draws do not depend on how many blocks there are."""
PILOT = 16
"""Seeds on which learning rates and the reservoir are chosen; none of them is judged."""
WORTHWHILE = 0.05
"""Least reduction of the MSE against the fixed reservoir that is worth speaking of: below it a rule does not learn."""
FEEDBACK = {
    "random": "B random",
    "symmetric": "B = V^T",
    "conditioned": "V B's eigenvalues positive",
    "mixed": "V B's eigenvalues mixed",
    "negative": "V B's eigenvalues negative",
}
"""The kinds of feedback among the ablations, as they are named there."""
TAUS = (1, 3, 10, 25, 50)
"""The time constants among the ablations, in steps."""
ALIKE = 0.02
"""Excess of an MSE over the least one of a grid up to which its learning rate is as good for a read-out."""
AGES = (0.0, 0.1, 0.3, 1.0)
"""Shares of the training after which updates are held against the exact gradient."""
_PILOTS = 10**6  # where the numbers of the pilots' blocks begin


def verdict(
    rule: str | Path | Rule,
    benchmark: str = "bounce",
    replicates: int = 200,
    seed: int = 0,
    precision: float | None = None,
    ablations: bool = False,
    train: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Judge a rule.

    Parameters
    ----------
    rule : str, path or Rule
        Name or file, or the rule itself.
    benchmark : str
        One of `BENCHMARKS`.
    replicates : int
        Seeds of every method; a multiple of 8 is run.
    seed : int
        All draws follow from it.
    precision : float, optional
        Wished width of the interval of the rule's reduction of the error against the fixed reservoir (0.04 is 4 in a
        hundred): seeds are added until it is reached, up to `replicates`.
    ablations : bool
        Whether variants of the rule are trained too, each at its own learning rate.
    train : int, optional
        Training trajectories, where not those of the benchmark.
    progress : callable, optional
        Called with the completed share, 0 to 1.

    Returns
    -------
    Result
        With a dimension `method`; the attribute `sentence` is the answer.
    """
    rule = model_name("rule", rule, kind="Rule")
    setting = BENCHMARKS[one_of("benchmark", benchmark, BENCHMARKS)]
    replicates, seed = whole("replicates", replicates, least=2), whole("seed", seed)
    precision = None if precision is None else real("precision", precision, above=0)
    ablations = truth("ablations", ablations)
    function("progress", progress)
    if train is not None:
        train = whole("train", train, least=1)
        every = max(setting.protocol.batch, train // 10 // setting.protocol.batch * setting.protocol.batch)
        setting = replace(setting, protocol=replace(setting.protocol, train=train, validate_every=every))
    judged = replace(setting.circuit, rule=rule)
    choose_engine(judged, "auto")
    sources = sources_of(judged)
    methods = _methods(rule, setting)
    if ablations:
        methods |= _ablations(rule, setting)
    check_sizes(judged, setting.task, replace(setting.protocol, replicates=BLOCK), BLOCK, rates=len(setting.etas))
    kept = NUMBER * len(methods) * (setting.protocol.looks + len(FLOORS) + 1)
    check_memory(replicates * kept, f"the scores of {replicates} replicates", "give fewer")
    blocks = -(-replicates // BLOCK)
    with Crew() as crew:
        work = _Work(crew, progress or (lambda share: None), amount=blocks + 5 * PILOT // BLOCK)
        grid, chosen = _pilots(setting, methods, work, seed)
        reservoirs = {}
        if setting.circuit.neuron == "rate":
            reservoirs = _reservoirs(setting, seed)
            methods[TUNED] = Method(None, reservoirs[FLOORS[0]])
            chosen[TUNED] = chosen[FIXED]
        judge_block = partial(_block, setting, methods, chosen, reservoirs)
        found = work.map(judge_block, [(seed, k) for k in range(min(blocks, 4) if precision else blocks)])
        while precision and len(found) < blocks:
            scores = _joined([one["scores"] for one in found])
            reduction = 1 - scores[rule].online / scores[FIXED].online
            needed = min(blocks, -(-replicates_needed(reduction, precision) // BLOCK))
            if needed <= len(found):
                break
            found += work.map(judge_block, [(seed, k) for k in range(len(found), needed)])
    if sources_of(judged) != sources:
        raise InputError(f"a model file of rule {rule!r} was changed while it was judged; run it again")
    return _result(rule, benchmark, setting, methods, chosen, grid, reservoirs, found, seed, sources)


def _pilots(
    setting: Benchmark, methods: Mapping[str, Method], work: _Work, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, Rates]]:
    """MSE of the pilots over the grid of learning rates, (score, E, R), and the rates at which each method is judged.

    The read-out of all methods learns at the rate that suits the fixed reservoir, so that with eta towards 0 every
    rule becomes that; where a method starts from W = 0 or changes the protocol, at the one that suits a reservoir which
    does so too. Of rates that are as good for a reservoir, by `ALIKE`, it is the smallest: a restless read-out teaches
    W its own noise.
    """
    blocks = [(seed, _PILOTS + k) for k in range(PILOT // BLOCK)]

    def tried(some: Mapping[str, Method], readout: Mapping[str, float], weight: int) -> dict[str, np.ndarray]:
        pilots = work.map(partial(_pilot_block, setting, some, readout), blocks, weight)
        return {name: np.concatenate([pilot[name] for pilot in pilots], axis=2) for name in some}

    resting = {name: method for name, method in methods.items() if method.rule is None}
    learning = {name: method for name, method in methods.items() if method.rule is not None}
    like = {name: STILL if method.reservoir else FIXED for name, method in learning.items()}
    like |= {name: json.dumps(method.protocol) for name, method in learning.items() if method.protocol}
    alone = {how: Method(None, protocol=json.loads(how)) for how in like.values() if how not in resting}
    grid = tried(resting | alone, {}, weight=1)
    best = {name: _gentle(setting, values[0]) for name, values in grid.items()}
    chosen = {name: Rates(best[name], best[name], best[name]) for name in resting}
    readout = {name: best[how] for name, how in like.items()}
    grid |= tried(learning, readout, weight=4)
    for name in learning:
        online, refit = grid[name]
        best[name] = _best(setting, online)
        chosen[name] = Rates(best[name], _best(setting, refit, best[name]), readout[name])
    return {name: grid[name] for name in methods}, chosen


def _best(setting: Benchmark, mse: np.ndarray, otherwise: float | None = None) -> float:
    """The learning rate with the least MSE (E, R), else, where most pilots diverge at each of them, the smallest."""
    if np.isfinite(np.median(mse, axis=1)).any():
        return float(setting.etas[best_eta(mse)])
    return min(setting.etas) if otherwise is None else otherwise


def _gentle(setting: Benchmark, mse: np.ndarray) -> float:
    """The smallest learning rate whose MSE (E, R) is as good as the least."""
    medians = np.median(np.where(np.isnan(mse), np.inf, mse), axis=1)
    near = medians <= (1 + ALIKE) * medians.min()
    return min(eta for eta, good in zip(setting.etas, near, strict=True) if good)


def _methods(rule: str, setting: Benchmark) -> dict[str, Method]:
    """What is trained: the rule, exact gradients, the other rules, and the reservoir as drawn."""
    names = [rule, CEILING, *(other for other in OTHERS if setting.circuit.neuron == "rate")]
    methods = {name: Method(name) for name in dict.fromkeys(names)}
    # where only W learns, the reservoir's read-out stands still too: it is the untrained network
    methods[FIXED] = Method(None)
    if setting.circuit.neuron == "rate":
        silent = Reservoir(gain=0.0, input_scale=1.0, mse=np.array([]))
        learn = tuple(sorted({"b", *setting.circuit.learn} - {"W"}))
        methods |= {STILL: Method(None, silent), BIASES: Method(CEILING, silent, circuit={"learn": learn})}
    return methods


def _ablations(rule: str, setting: Benchmark) -> dict[str, Method]:
    """Variants of a rule that tell what its result hangs on."""
    from autapse_sim.declared import resolve_parameters
    from autapse_sim.units import Amount

    known = resolve_parameters(replace(setting.circuit, rule=rule), {}, 1)
    found = {
        name: Method(rule, circuit={"feedback": feedback})
        for feedback, name in FEEDBACK.items()
        if feedback != setting.circuit.feedback and (feedback != "mixed" or setting.task.outputs > 1)
    }
    taus = {steps: Amount(steps * STEP, "second", f"{steps} ms") for steps in TAUS} if "tau" in known else {}
    own = round(known["tau"][0] / STEP) if taus else None
    found |= {f"tau = {n}": Method(rule, parameters={"tau": tau}) for n, tau in taus.items() if n != own}
    if rule == "autapse":
        put_back = {n: Method("autapse_f_prime", parameters={"tau": taus[n]}) for n in (1, own)}
        found |= {f"f' put back, tau = {n}": method for n, method in put_back.items()}
    how = setting.protocol
    slow = {"step": "sgd", "trajectory": how.optimiser}
    for update, optimiser in slow.items():
        if update != how.update:
            changes = {"update": update, "batch": 1, "optimiser": optimiser}
            found[f"updates per {update}"] = Method(rule, protocol=changes)
    other = "sgd" if how.optimiser == "adam" else "adam"
    found[f"optimiser {other}"] = Method(rule, protocol={"optimiser": other})
    return {f"{rule}, {name}": method for name, method in found.items()}


class _Work:
    """Blocks of seeds on all cores, and how far they are.

    Parameters
    ----------
    crew : Crew
        The processes.
    progress : callable
        Called with the completed share, 0 to 1.
    amount : int
        Of all the work there is, in blocks.
    """

    def __init__(self, crew: Crew, progress: Progress, amount: int) -> None:
        self.crew, self.progress, self.amount, self.done = crew, progress, amount, 0

    def map(
        self, function: Callable[[tuple[int, int]], Any], blocks: list[tuple[int, int]], weight: int = 1
    ) -> list[Any]:
        """The results of a function of the blocks, in order; each is as much work as `weight` blocks."""
        results = []
        for result in self.crew.map(function, blocks):
            results.append(result)
            self.done += weight
            self.progress(min(1.0, self.done / self.amount))
        return results


@dataclass(frozen=True)
class Rates:
    """The learning rates at which a method is judged, chosen on the pilots.

    Parameters
    ----------
    online, refit : float
        Of the rule, for the score of the read-out as trained, and for that of the refitted one; where no rule learns,
        of the read-out.
    readout : float
        Of the read-out.
    """

    online: float
    refit: float
    readout: float


def _pilot_block(
    setting: Benchmark, methods: Mapping[str, Method], readout: Mapping[str, float], seeds: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Final MSE of each method over the grid of learning rates, (score, E, R).

    The scores are the validation MSE of the read-out as trained, and the MSE of the refitted one, which the validation
    trajectories have helped to fit, on other trajectories of the same seeds. The read-out learns at the rate `readout`
    of the method, or at those of the grid where it has none.
    """
    etas = np.array(setting.etas)
    found = {}
    for method, names in _alike(methods):
        given = drawn(setting, method, seeds, BLOCK)
        for name in names:
            whole = protocol_of(setting, methods[name], seeds, BLOCK)
            protocol = replace(whole, test=0)
            outcome = train_method(setting, methods[name], given, protocol, etas, readout.get(name))
            last = score(setting, given, protocol, outcome, refit=False).curve[:, -1]
            refit = np.full_like(last, np.nan)
            if setting.circuit.neuron == "rate":
                refit = refit_mse(setting, given, whole, outcome.weights, FLOORS[:1])[:, 0]
            found[name] = np.reshape([last, refit], (2, len(etas), BLOCK))
    return found


def _alike(methods: Mapping[str, Method]) -> Iterator[tuple[Method, list[str]]]:
    """Methods that start from the same draws, together."""
    groups: dict[str, list[str]] = {}
    for name, method in methods.items():
        groups.setdefault(method.circuit.get("feedback", ""), []).append(name)
    for names in groups.values():
        yield methods[names[0]], names


def _reservoirs(setting: Benchmark, seed: int) -> dict[float, Reservoir]:
    """The scaled reservoir that does best on the pilots' seeds, for each least penalty of its read-out."""
    method, seeds = Method(None), (seed, _PILOTS)
    given, protocol = drawn(setting, method, seeds, BLOCK), protocol_of(setting, method, seeds, BLOCK)
    shown = slice(max(0, protocol.train - FITTED), protocol.train + protocol.validate)
    x, y = given.x[:, shown], given.y[:, shown]
    parts = slice(0, -protocol.validate), slice(-protocol.validate, None)
    tune = partial(tune_reservoir, given.weights, x, y, *parts, setting.circuit.activation)
    # judged by the read-outs that it will be read with
    return {floor: tune(penalties=refit_penalties(floor)) for floor in FLOORS}


def _block(
    setting: Benchmark,
    methods: Mapping[str, Method],
    chosen: Mapping[str, Rates],
    reservoirs: Mapping[float, Reservoir],
    seeds: tuple[int, int],
) -> dict[str, Any]:
    """All that is kept of a block of seeds."""
    scores, memory, example, kept, engines = {}, 0, {}, {}, {}
    for first, names in _alike(methods):
        given = drawn(setting, first, seeds, BLOCK)
        for name in names:
            method = methods[name]
            protocol = protocol_of(setting, method, seeds, BLOCK)
            rates = chosen[name]
            etas = np.array(list(dict.fromkeys([rates.online, rates.refit])))
            outcome = train_method(setting, method, given, protocol, etas, rates.readout)
            every = score(setting, given, protocol, outcome, refit=setting.circuit.neuron == "rate")
            scores[name] = Scores(every.online[:BLOCK], every.refit[-BLOCK:], every.curve[:BLOCK])
            if name == TUNED:
                tuned = [
                    refit_mse(setting, given, protocol, one.of(given.weights), [floor])
                    for floor, one in reservoirs.items()
                ]
                scores[name] = replace(scores[name], refit=np.concatenate(tuned, axis=1))
            memory, engines[name] = max(memory, outcome.memory), outcome.engine
            if seeds[1] == 0:
                example[name] = outcome.prediction[0, 0]
        if FIXED not in names:
            continue
        kept["controls"] = _controls(setting, given)
        if seeds[1] == 0:
            test = -setting.protocol.test
            kept |= {"target": given.y[0, test], "stimulus": _seen(setting.task, given.x)[0, test]}
            kept["alignment"] = _alignment(setting, methods, chosen, given, seeds)
    return kept | {"scores": scores, "memory": memory, "example": example, "engines": engines}


def _controls(setting: Benchmark, given: Drawn) -> dict[str, np.ndarray]:
    """Test MSE of every control that needs no network, (R,), and of what the task's own physics allow for."""
    protocol, task = setting.protocol, setting.task
    # as many trajectories as a refitted read-out gets
    train, test = slice(max(0, protocol.train - FITTED), protocol.train), slice(-protocol.test, None)
    predictions = task_controls(task, given.x, given.y, train, test)
    if hasattr(task, "physics"):
        predictions |= task.physics(given.x[:, test])
    return {
        name: mean_squared_error(prediction, given.y[:, test], axis=(2, 3)).mean(axis=1)
        for name, prediction in predictions.items()
    }


def _seen(task: Task, x: np.ndarray) -> np.ndarray:
    """The same, with NaN where the stimulus is blanked."""
    seen = observed(task, x).copy()
    if task.blanked is not None:
        seen[..., task.blanked, :] = np.nan
    return seen


def _alignment(
    setting: Benchmark,
    methods: Mapping[str, Method],
    chosen: Mapping[str, Rates],
    given: Drawn,
    seeds: tuple[int, int],
) -> dict[str, np.ndarray]:
    """Cosine of a trajectory's update of W with the exact gradient, (ages, R), per method that teaches W.

    The update is the change of W that the run itself makes, with the weights as the method has left them at that age.
    """
    found: dict[str, list[np.ndarray]] = {}
    batch = setting.protocol.batch
    for name, method in methods.items():
        changed = method.circuit or method.protocol or method.parameters
        if method.rule is None or changed or setting.circuit.neuron != "rate":
            continue
        for age in AGES:
            train = int(age * setting.protocol.train) // batch * batch
            weights = given.weights
            if train:
                whole = protocol_of(setting, method, seeds, BLOCK)
                shown = replace(whole, train=train, validate=0, test=0, validate_every=1)
                rates = chosen[name]
                outcome = train_method(setting, method, given, shown, np.array([rates.online]), rates.readout)
                weights = outcome.weights
            # one validation trajectory, its update alone
            index = np.array([setting.protocol.train])
            once = Schedule(index, np.array([True]), np.array([False]), np.array([False]))
            rate = 1e-3
            single = {"update": "trajectory", "batch": 1, "optimiser": "sgd"}
            protocol = replace(protocol_of(setting, method, seeds, BLOCK), **single)
            now = replace(given, weights=weights)
            only = replace(setting, circuit=replace(setting.circuit, learn=("W",)))
            outcome = train_method(only, method, now, protocol, np.array([rate]), schedule=once)
            update = (weights.W - outcome.weights.W) / rate
            exact = exact_gradient(_probe(only, now, protocol), int(index[0]))
            found.setdefault(name, []).append(cosine(update, exact))
            if name == CEILING:
                blind = align(_probe(only, now, protocol, "autapse"), int(index[0]))
                found.setdefault(BLIND, []).append(blind.control_trajectory["bptt"])
    return {name: np.stack(values) for name, values in found.items()}


def _probe(setting: Benchmark, given: Drawn, protocol: Any, rule: str = "bptt"):
    """The job of a block in which one trajectory teaches W."""
    from autapse_sim.declared import resolve_parameters
    from autapse_sim.experiment import prepare

    circuit = replace(setting.circuit, rule=rule)
    values = resolve_parameters(circuit, {}, protocol.replicates)
    return prepare(circuit, given, protocol, values, np.arange(protocol.replicates))


def _joined(blocks: list[dict[str, Scores]]) -> dict[str, Scores]:
    """The scores of all blocks, by method."""
    parts = [part.name for part in fields(Scores)]
    return {
        name: Scores(*(np.concatenate([getattr(block[name], part) for block in blocks]) for part in parts))
        for name in blocks[0]
    }


def _result(
    rule: str,
    benchmark: str,
    setting: Benchmark,
    methods: Mapping[str, Method],
    chosen: Mapping[str, Rates],
    grid: Mapping[str, np.ndarray],
    reservoirs: Mapping[float, Reservoir],
    found: list[dict[str, Any]],
    seed: int,
    sources: Mapping[str, str],
) -> Result:
    """The evidence, with names on every axis, and the answer."""
    scores = _joined([one["scores"] for one in found])
    controls = {name: np.concatenate([one["controls"][name] for one in found]) for name in found[0]["controls"]}
    varied = [name for name in scores if name.startswith(f"{rule}, ")]
    names = [name for name in scores if name not in varied]
    replicates = len(scores[rule].online)
    data = xr.Dataset(coords={"method": names, "replicate": np.arange(replicates), "eta_grid": list(setting.etas)})
    unit = getattr(setting.task, "units", "1")

    def add(name: str, dims: tuple[str, ...], values: Any, long_name: str, units: str = squared(unit)) -> None:
        data[name] = (dims, np.asarray(values), {"long_name": long_name, "units": units})

    add("mse_online", ("method", "replicate"), [scores[n].online for n in names], "test MSE")
    refits = np.array([scores[n].refit for n in names])
    add("mse_refit", ("method", "replicate"), refits[:, :, 0], "test MSE, read-out refitted")
    if reservoirs:
        data = data.assign_coords(floor=list(FLOORS))
        about = "test MSE, read-out refitted with penalties from floor on"
        add("mse_refit_floor", ("method", "replicate", "floor"), refits, about)
    curves = np.array([scores[n].curve.T for n in names])
    add("curve", ("method", "updates", "replicate"), curves, "validation MSE")
    batch = setting.protocol.batch if setting.protocol.update == "batch" else 1
    data = data.assign_coords(updates=setting.protocol.validation_points // batch)
    about = {"long_name": "learning rate, chosen on other seeds"}
    data["eta"] = ("method", [chosen[n].online for n in names], about)
    data["eta_refit"] = ("method", [chosen[n].refit for n in names], about)
    data["eta_out"] = ("method", [chosen[n].readout for n in names], about)
    pilots = np.array([grid.get(n, np.full_like(grid[rule], np.nan)) for n in names])
    dims = ("method", "eta_grid", "pilot")
    add("grid_mse", dims, pilots[:, 0], "validation MSE at the end, on the pilots' seeds")
    add("grid_mse_refit", dims, pilots[:, 1], "MSE at the end, read-out refitted, on the pilots' seeds")
    data = data.assign_coords(control=list(controls))
    add("control_mse", ("control", "replicate"), list(controls.values()), "test MSE of the control")
    if varied:
        data = data.assign_coords(ablation=varied)
        add("ablation_mse", ("ablation", "replicate"), [scores[n].online for n in varied], "test MSE")
        data["ablation_eta"] = ("ablation", [chosen[n].online for n in varied])
    first = found[0]
    shown = [n for n in names if n in first["example"]]
    example = np.stack([first["example"][n] for n in names]) if len(shown) == len(names) else None
    if example is not None:
        add("example_prediction", ("method", "step", "coordinate"), example, "prediction", unit)
    add("example_target", ("step", "coordinate"), first["target"], "target", unit)
    add("example_stimulus", ("step", "input"), first["stimulus"], "stimulus", unit)
    aligned = dict(first.get("alignment", {}))
    if aligned:
        data = data.assign_coords(updates_aligned=(np.array(AGES) * setting.protocol.train) // batch)
        dims, about = ("updates_aligned", "aligned_seed"), {"long_name": "cosine with the exact gradient", "units": "1"}
        data["alignment_blind"] = (dims, aligned.pop(BLIND), about)
        nothing = np.full_like(aligned[rule], np.nan)
        data["alignment"] = (("method", *dims), [aligned.get(n, nothing) for n in names], about)
    judged = judge(data, rule)
    answer = answer_of(rule, benchmark, setting.title, judged, data)
    protocol = replace(setting.protocol, replicates=replicates, seed=seed)
    circuit = replace(setting.circuit, rule=rule)
    rates = {name: asdict(one) for name, one in chosen.items()}
    attributes = describe(circuit, setting.task, protocol, json.dumps(found[0]["engines"]), {"eta": rates}, sources)
    attributes |= {
        "sentence": answer,
        **({} if unit == "1" else {"unit": unit}),
        "benchmark": benchmark,
        "title": setting.title,
        "heading": heading(setting, replicates, seed, chosen[FIXED].readout),
        "methods": json.dumps({name: described(name, methods.get(name), rule) for name in [*names, *varied]}),
        "statistics": json.dumps({against: _plain(pairs) for against, pairs in judged.items()}),
        "floors": json.dumps(_floors(data, rule, reservoirs)),
        "peak_memory": peak_memory(cores() * max(one["memory"] for one in found)),
    }
    data = data.assign_attrs(attributes)
    mind = dependence(judge_floors(data, rule))
    return Result(data.assign_attrs(table="\n".join(filter(None, [text(data, judged[FIXED]), mind]))))


def judge(data: xr.Dataset, rule: str) -> dict[str, dict[str, Paired]]:
    """Every method against what a rule has to beat, paired over seeds, corrected for the number of methods.

    The references are the fixed reservoir with the read-out as trained, the tuned reservoir with both read-outs
    refitted, and the best control that needs no network.
    """
    online = _by_method(data.mse_online)
    taught = _taught(online)
    judged = {FIXED: compare_all(taught, online[FIXED])}
    if BIASES in online:
        judged[BIASES] = compare_all(taught, online[BIASES])
    if TUNED in online:
        refit = _by_method(data.mse_refit)
        judged[TUNED] = compare_all(_taught(refit), refit[TUNED])
    plain = [name for name in data.control.values.tolist() if not name.startswith("physics")]
    medians = {name: float(np.median(data.control_mse.sel(control=name))) for name in plain}
    best = min(medians, key=medians.__getitem__)
    judged[best] = compare_all(taught, data.control_mse.sel(control=best).values)
    return judged


def _by_method(errors: xr.DataArray) -> dict[str, np.ndarray]:
    """Errors (R,) by the name of the method."""
    return dict(zip(errors.method.values.tolist(), errors.transpose("method", "replicate").values, strict=True))


def _taught(errors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those of the methods that learn with recurrence."""
    return {name: values for name, values in errors.items() if name not in (*RESERVOIRS, BIASES)}


def judge_floors(data: xr.Dataset, rule: str) -> dict[float, dict[tuple[str, str], Paired]]:
    """What becomes of the refitted comparisons with other least penalties: by penalty, (method, reference).

    As in `judge`, each is corrected for the number of methods.
    """
    found = {}
    for floor in data.floor.values.tolist() if "floor" in data.coords else ():
        refit = _by_method(data.mse_refit_floor.sel(floor=floor))
        judged = {against: compare_all(_taught(refit), refit[against]) for against in (FIXED, TUNED)}
        pairs = dict.fromkeys([(rule, FIXED), (rule, TUNED), (CEILING, FIXED)])
        found[floor] = {(name, against): judged[against][name] for name, against in pairs}
    return found


def dependence(judged: Mapping[float, Mapping[tuple[str, str], Paired]]) -> str:
    """A line that says which refitted comparisons come out otherwise with other least penalties; empty if none."""
    found = []
    for name, against in next(iter(judged.values()), ()):
        verdicts = {floor: pairs[name, against].verdict for floor, pairs in judged.items()}
        if len(set(verdicts.values())) > 1:
            told = ", ".join(f"{verdict} at {floor:g}" for floor, verdict in verdicts.items())
            found.append(f"{Path(name).stem if is_file(name) else name} against the {against}: {told}")
    return f"refitted MSE depends on the least ridge penalty: {'; '.join(found)}" if found else ""


def _floors(data: xr.Dataset, rule: str, reservoirs: Mapping[float, Reservoir]) -> list[dict[str, Any]]:
    """What the refitted read-outs give with each least penalty, as JSON holds it."""
    found = []
    for floor, pairs in judge_floors(data, rule).items():
        errors = _by_method(data.mse_refit_floor.sel(floor=floor))
        shown = dict.fromkeys([FIXED, TUNED, rule, CEILING])
        medians = {name: float(median_interval(errors[name])[0]) for name in shown}
        plain = _plain({f"{name} against {against}": paired for (name, against), paired in pairs.items()})
        said = [[name, sentence(paired, f"the {against}")] for (name, against), paired in pairs.items()]
        scales = {"gain": reservoirs[floor].gain, "input_scale": reservoirs[floor].input_scale}
        medians = {name: value if np.isfinite(value) else None for name, value in medians.items()}
        found.append({"floor": floor, "median": medians, TUNED: scales, "comparisons": plain, "said": said})
    return found


def answer_of(
    rule: str, benchmark: str, title: str, judged: Mapping[str, Mapping[str, Paired]], data: xr.Dataset
) -> str:
    """The answer in one sentence."""
    against = {name: pairs[rule] for name, pairs in judged.items()}
    fixed = against[FIXED]
    unbeaten = [name for name, paired in against.items() if paired.verdict != "lower"]
    if fixed.verdict == "lower" and not unbeaten:
        answer = "learns recurrence"
    elif fixed.verdict == "lower":
        answer = f"learns, but no more than is done without learning recurrence by {', '.join(unbeaten)}"
    elif fixed.verdict == "higher" or fixed.reduction.high < WORTHWHILE:
        answer = "does not learn recurrence"
    else:
        answer = "cannot be said to learn recurrence"
    said = [f"it {sentence(fixed, f'the {FIXED}')}"]
    if TUNED in against:
        said.append(f"with refitted read-outs it {sentence(against[TUNED], f'the {TUNED}')}")
    if rule != CEILING:
        said.append(f"{CEILING} {sentence(judged[FIXED][CEILING], f'the {FIXED}')}")
    name = Path(rule).stem if is_file(rule) else rule
    return f"{name} on {benchmark} ({title}): {answer}; {'; '.join(said)}."


def heading(setting: Benchmark, replicates: int, seed: int, readout: float) -> str:
    """What was run, in a line."""
    circuit, protocol = setting.circuit, setting.protocol
    how = f"batches of {protocol.batch}" if protocol.update == "batch" else f"updates per {protocol.update}"
    scored = int(setting.scored.sum())
    return (
        f"n = {circuit.neurons}, {circuit.activation}, {', '.join(circuit.learn)} learn, {protocol.optimiser}, {how}; "
        f"B {circuit.feedback}; eq. 1's 1/t is {'in' if protocol.averaging else 'out'}; {protocol.train} training, "
        f"{protocol.test} test trajectories, {scored} of {setting.task.steps} steps scored; {replicates} seeds a "
        f"method, seed {seed}; learning rates chosen for each score on {PILOT} other seeds"
        + (f", the read-out's ({readout:g}) on the {FIXED}" if "V" in circuit.learn else "")
    )


def described(name: str, method: Method | None, rule: str) -> str:
    """What a method is, in a line."""
    if method is None or method.rule is None:
        scaled = method.reservoir if method else None
        if name == STILL:
            return "no recurrence; only the read-out learns"
        how = f", W and U scaled by {scaled.gain:g} and {scaled.input_scale:g}, chosen on other seeds" if scaled else ""
        return f"W as it was drawn{how}; only the read-out learns"
    if name == BIASES:
        return "no recurrence; the biases of the neurons learn by the exact gradient, and the read-out where it does"
    roles = {CEILING: "the exact gradient, as the ceiling", rule: "the rule that is judged"}
    changes = {**method.circuit, **method.protocol, **{k: getattr(v, "text", v) for k, v in method.parameters.items()}}
    return roles.get(name) or ", ".join(f"{key} = {value}" for key, value in changes.items()) or "another rule"


def _plain(pairs: Mapping[str, Paired]) -> dict[str, Any]:
    """Comparisons as JSON holds them (None for what is not finite)."""

    def finite(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: finite(item) for key, item in value.items()}
        return None if isinstance(value, float) and not np.isfinite(value) else value

    return {name: finite(asdict(paired)) | {"verdict": paired.verdict} for name, paired in pairs.items()}


def text(data: xr.Dataset, against_fixed: Mapping[str, Paired]) -> str:
    """The table: every method, control and ablation, the best first, each with its reduction of the error."""
    parts = {
        "method": ("mse_online", "eta"),
        "control": ("control_mse", ""),
        "ablation": ("ablation_mse", "ablation_eta"),
    }
    wide = max(len(name) for kind in parts if kind in data.dims for name in data[kind].values.tolist()) + 2
    head = f"{'':{wide}}{'eta':>7}  {'test MSE, median [95%]':<27}{'refitted (eta)':<17}{'diverged':<10}"
    lines = [f"{head}reduction against the {FIXED}"]
    for kind, (errors, rate) in parts.items():
        if kind not in data.dims:
            continue
        lines.append(f"-- {kind}s ".ljust(len(lines[0]), "-"))
        rows = []
        for name in data[kind].values.tolist():
            one = data.sel({kind: name})
            median, low, high = (float(value) for value in median_interval(one[errors].values))
            line = f"{name:<{wide}}{f'{float(one[rate]):g}' if rate else '':>7}  "
            line += f"{f'{median:.4f} [{low:.4f}, {high:.4f}]':<27}"
            refit = np.median(one.mse_refit) if kind == "method" else np.nan
            said = f"{refit:.4f} ({float(one.eta_refit):g})" if np.isfinite(refit) else "-"
            line += f"{said:<17}{np.sum(~np.isfinite(one[errors].values)):<10}"
            if name in against_fixed:
                reduction, won = against_fixed[name].reduction, against_fixed[name].won
                span = f"[{100 * reduction.low:.0f}, {100 * reduction.high:.0f}]"
                line += f"{100 * reduction.estimate:.0f}% {span}, lower in {won.estimate:.0%} of the seeds"
            rows.append((median, line.rstrip()))
        lines += [line for _, line in sorted(rows)]
    memory = f"peak memory {data.attrs['peak_memory']}"
    return "\n".join([data.attrs["sentence"], "", data.attrs["heading"], *lines, memory])
