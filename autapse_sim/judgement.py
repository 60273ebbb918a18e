"""The verdict: does a rule learn recurrence, compared with what, and how sure?

A rule has learned recurrence only where its networks beat, on held-out trajectories and over many seeds, the same
networks with W as it was drawn and the same trained read-out: a random reservoir. Learning rates are chosen on seeds
of their own; every method sees the same trajectories and initial weights.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.alignment import align, cosine, exact_gradient
from autapse_sim.benchmarks import BENCHMARKS, Benchmark
from autapse_sim.controls import Reservoir, physics, stimulus_controls, tune_reservoir
from autapse_sim.crew import Crew
from autapse_sim.engine import cores
from autapse_sim.errors import InputError
from autapse_sim.experiment import Drawn, choose_engine, describe, equations_text, peak_memory
from autapse_sim.job import Progress
from autapse_sim.model import is_file
from autapse_sim.names import one_of
from autapse_sim.protocol import Schedule
from autapse_sim.results import Result
from autapse_sim.scores import best_eta, median_interval
from autapse_sim.statistics import Paired, compare_all, replicates_needed, sentence
from autapse_sim.trial import FITTED, PENALTIES, Method, Scores, drawn, protocol_of, score, train_method

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
AGES = (0.0, 0.1, 0.3, 1.0)
"""Shares of the training after which updates are held against the exact gradient."""
_PILOTS = 10**6  # where the numbers of the pilots' blocks begin


def verdict(
    rule: str,
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
    rule : str
        Name or file.
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
    setting = BENCHMARKS[one_of("benchmark", benchmark, BENCHMARKS)]
    if train is not None:
        every = max(setting.protocol.batch, train // 10 // setting.protocol.batch * setting.protocol.batch)
        setting = replace(setting, protocol=replace(setting.protocol, train=train, validate_every=every))
    if replicates < 2:
        raise InputError(f"replicates is {replicates}; a verdict needs at least 2")
    if precision is not None and not precision > 0:
        raise InputError(f"precision is {precision!r}; it must be positive")
    choose_engine(replace(setting.circuit, rule=rule), "auto")
    methods = _methods(rule, setting)
    if ablations:
        methods |= _ablations(rule, setting)
    blocks = -(-replicates // BLOCK)
    with Crew() as crew:
        work = _Work(crew, progress or (lambda share: None), pilots=PILOT // BLOCK, blocks=blocks)
        pilots = work.map(partial(_pilot_block, setting, methods), [(seed, _PILOTS + k) for k in range(PILOT // BLOCK)])
        grid = {name: np.concatenate([pilot[name] for pilot in pilots], axis=1) for name in methods}
        chosen = {name: float(setting.etas[best_eta(values)]) for name, values in grid.items()}
        if setting.circuit.neuron == "rate":
            reservoir = _reservoir(setting, seed)
            methods[TUNED] = Method(None, reservoir)
            chosen[TUNED] = chosen[FIXED]
        judge_block = partial(_block, setting, methods, chosen)
        found = work.map(judge_block, [(seed, k) for k in range(min(blocks, 4) if precision else blocks)])
        while precision and len(found) < blocks:
            scores = _joined([one["scores"] for one in found])
            reduction = 1 - scores[rule].online / scores[FIXED].online
            needed = min(blocks, -(-replicates_needed(reduction, precision) // BLOCK))
            if needed <= len(found):
                break
            found += work.map(judge_block, [(seed, k) for k in range(len(found), needed)])
    return _result(rule, benchmark, setting, methods, chosen, grid, found, seed)


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
    from autapse_sim.experiment import resolve_parameters
    from autapse_sim.units import Amount

    known = resolve_parameters(replace(setting.circuit, rule=rule), {}, 1)
    found = {"B random": Method(rule, circuit={"feedback": "random"})}
    if setting.circuit.feedback != "symmetric":
        found["B = V^T"] = Method(rule, circuit={"feedback": "symmetric"})
    for steps in (1, 3, 10, 50) if "tau" in known else ():
        tau = Amount(steps * 1e-3, "second", f"{steps} ms")
        found[f"tau = {steps}"] = Method(rule, parameters={"tau": tau})
    how = setting.protocol
    if how.update != "step":
        found["updates per step"] = Method(rule, protocol={"update": "step", "batch": 1, "optimiser": "sgd"})
        found["updates per trajectory"] = Method(rule, protocol={"update": "trajectory", "batch": 1})
    other = "sgd" if how.optimiser == "adam" else "adam"
    found[f"optimiser {other}"] = Method(rule, protocol={"optimiser": other})
    return {f"{rule}, {name}": method for name, method in found.items()}


class _Work:
    """Blocks of seeds on all cores, and how far they are."""

    def __init__(self, crew: Crew, progress: Progress, pilots: int, blocks: int):
        self.crew, self.progress, self.done = crew, progress, 0
        self.all = 4 * pilots + blocks  # a pilot trains at several learning rates

    def map(self, function: Callable[[tuple[int, int]], Any], blocks: list[tuple[int, int]]) -> list[Any]:
        """The results of a function of the blocks, in order."""
        results = []
        for result in self.crew.map(function, blocks):
            results.append(result)
            self.done += 4 if blocks[0][1] >= _PILOTS else 1
            self.progress(min(1.0, self.done / self.all))
        return results


def _pilot_block(setting: Benchmark, methods: Mapping[str, Method], seeds: tuple[int, int]) -> dict[str, np.ndarray]:
    """Final validation MSE of each method over the grid of learning rates, (E, R)."""
    etas = np.array(setting.etas)
    found = {}
    for method, names in _alike(methods):
        given = drawn(setting, method, seeds, BLOCK)
        for name in names:
            protocol = replace(protocol_of(setting, methods[name], seeds, BLOCK), test=0)
            outcome = train_method(setting, methods[name], given, protocol, etas)
            last = score(setting, given, protocol, outcome, refit=False).curve[:, -1]
            found[name] = last.reshape(len(etas), BLOCK)
    return found


def _alike(methods: Mapping[str, Method]) -> Iterator[tuple[Method, list[str]]]:
    """Methods that start from the same draws, together."""
    groups: dict[str, list[str]] = {}
    for name, method in methods.items():
        groups.setdefault(method.circuit.get("feedback", ""), []).append(name)
    for names in groups.values():
        yield methods[names[0]], names


def _reservoir(setting: Benchmark, seed: int) -> Reservoir:
    """The scaled reservoir that does best on the pilots' seeds."""
    method, seeds = Method(None), (seed, _PILOTS)
    given, protocol = drawn(setting, method, seeds, BLOCK), protocol_of(setting, method, seeds, BLOCK)
    train = slice(max(0, protocol.train - FITTED), protocol.train)
    validate = slice(protocol.train, protocol.train + protocol.validate)
    # judged by the read-outs that it will be read with
    how = {"scored": setting.scored, "penalties": PENALTIES}
    return tune_reservoir(given.weights, given.x, given.y, train, validate, setting.circuit.activation, **how)


def _block(
    setting: Benchmark,
    methods: Mapping[str, Method],
    chosen: Mapping[str, float],
    seeds: tuple[int, int],
) -> dict[str, Any]:
    """All that is kept of a block of seeds."""
    scores, memory, example, kept = {}, 0, {}, {}
    for first, names in _alike(methods):
        given = drawn(setting, first, seeds, BLOCK)
        for name in names:
            method = methods[name]
            protocol = protocol_of(setting, method, seeds, BLOCK)
            outcome = train_method(setting, method, given, protocol, np.array([chosen[name]]))
            scores[name] = score(setting, given, protocol, outcome, refit=setting.circuit.neuron == "rate")
            memory = max(memory, outcome.memory)
            if seeds[1] == 0:
                example[name] = outcome.prediction[0, 0]
        if FIXED not in names:
            continue
        kept["controls"] = _controls(setting, given)
        if seeds[1] == 0:
            test = -setting.protocol.test
            kept |= {"target": given.y[0, test], "stimulus": given.x[0, test]}
            kept["alignment"] = _alignment(setting, methods, chosen, given, seeds)
    return kept | {"scores": scores, "memory": memory, "example": example}


def _controls(setting: Benchmark, given: Drawn) -> dict[str, np.ndarray]:
    """Test MSE of every control that needs no network, (R,), and of the best that physics allows for the ball."""
    protocol, task = setting.protocol, setting.task
    # as many trajectories as a refitted read-out gets
    train, test = slice(max(0, protocol.train - FITTED), protocol.train), slice(-protocol.test, None)
    horizon = getattr(task, "horizon", None)
    x = task.observed(given.x) if hasattr(task, "observed") else given.x
    predictions = stimulus_controls(x, given.y, train, test, horizon, task.blanked)
    if horizon is not None:
        predictions["physics: the box and two observations"] = physics(
            x[:, test], horizon, task.radius, 1 - task.radius, task.blanked
        )
    wanted = given.y[:, test][:, :, setting.scored]
    return {
        name: ((prediction[:, :, setting.scored] - wanted) ** 2).mean(axis=(1, 2, 3))
        for name, prediction in predictions.items()
    }


def _alignment(
    setting: Benchmark,
    methods: Mapping[str, Method],
    chosen: Mapping[str, float],
    given: Drawn,
    seeds: tuple[int, int],
) -> dict[str, np.ndarray]:
    """Cosine of a trajectory's update of W with the exact gradient, (ages, R), per method that teaches W.

    The update is the change of W that the run itself makes, with the weights as the method has left them at that age.
    """
    found: dict[str, list[np.ndarray]] = {}
    batch = setting.protocol.batch
    for name, method in methods.items():
        if method.rule is None or method.circuit or method.protocol or setting.circuit.neuron != "rate":
            continue
        for age in AGES:
            train = int(age * setting.protocol.train) // batch * batch
            weights = given.weights
            if train:
                whole = protocol_of(setting, method, seeds, BLOCK)
                shown = replace(whole, train=train, validate=0, test=0, validate_every=1)
                outcome = train_method(setting, method, given, shown, np.array([chosen[name]]))
                weights = outcome.weights
            # one validation trajectory, its update alone
            index = np.array([setting.protocol.train])
            once = Schedule(index, np.array([True]), np.array([False]), np.array([False]))
            rate = 1e-3
            single = {"update": "trajectory", "batch": 1, "optimiser": "sgd"}
            protocol = replace(protocol_of(setting, method, seeds, BLOCK), **single)
            now = replace(given, weights=weights)
            only = replace(setting, circuit=replace(setting.circuit, learn=("W",)))
            outcome = train_method(only, method, now, protocol, np.array([rate]), once)
            update = (weights.W - outcome.weights.W) / rate
            exact = exact_gradient(_probe(only, now, protocol), int(index[0]))
            found.setdefault(name, []).append(cosine(update, exact))
            if name == CEILING:
                blind = align(_probe(only, now, protocol, "autapse"), int(index[0]))
                found.setdefault(BLIND, []).append(blind.control_trajectory["bptt"])
    return {name: np.stack(values) for name, values in found.items()}


def _probe(setting: Benchmark, given: Drawn, protocol: Any, rule: str = "bptt"):
    """The job of a block in which one trajectory teaches W."""
    from autapse_sim.experiment import prepare, resolve_parameters

    circuit = replace(setting.circuit, rule=rule)
    values = resolve_parameters(circuit, {}, protocol.replicates)
    job = prepare(circuit, given, protocol, values, np.arange(protocol.replicates))
    return replace(job, scored=setting.scored)


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
    chosen: Mapping[str, float],
    grid: Mapping[str, np.ndarray],
    found: list[dict[str, Any]],
    seed: int,
) -> Result:
    """The evidence, with names on every axis, and the answer."""
    scores = _joined([one["scores"] for one in found])
    controls = {name: np.concatenate([one["controls"][name] for one in found]) for name in found[0]["controls"]}
    varied = [name for name in scores if name.startswith(f"{rule}, ")]
    names = [name for name in scores if name not in varied]
    replicates = len(scores[rule].online)
    data = xr.Dataset(coords={"method": names, "replicate": np.arange(replicates), "eta_grid": list(setting.etas)})
    units = {"units": "squared box lengths" if hasattr(setting.task, "horizon") else "1"}

    def add(name: str, dims: tuple[str, ...], values: Any, long_name: str) -> None:
        data[name] = (dims, np.asarray(values), {"long_name": long_name, **units})

    add("mse_online", ("method", "replicate"), [scores[n].online for n in names], "test MSE")
    add("mse_refit", ("method", "replicate"), [scores[n].refit for n in names], "test MSE, read-out refitted")
    curves = np.array([scores[n].curve.T for n in names])
    add("curve", ("method", "updates", "replicate"), curves, "validation MSE")
    batch = setting.protocol.batch if setting.protocol.update == "batch" else 1
    data = data.assign_coords(updates=setting.protocol.validation_points // batch)
    data["eta"] = ("method", [chosen[n] for n in names], {"long_name": "learning rate, chosen on other seeds"})
    piloted = [n for n in names if n in grid]
    pilots = np.full((len(names), *grid[rule].shape), np.nan)
    pilots[[names.index(n) for n in piloted]] = [grid[n] for n in piloted]
    add("grid_mse", ("method", "eta_grid", "pilot"), pilots, "validation MSE at the end, on the pilots' seeds")
    data = data.assign_coords(control=list(controls))
    add("control_mse", ("control", "replicate"), list(controls.values()), "test MSE of the control")
    if varied:
        data = data.assign_coords(ablation=varied)
        add("ablation_mse", ("ablation", "replicate"), [scores[n].online for n in varied], "test MSE")
        data["ablation_eta"] = ("ablation", [chosen[n] for n in varied])
    first = found[0]
    shown = [n for n in names if n in first["example"]]
    example = np.stack([first["example"][n] for n in names]) if len(shown) == len(names) else None
    if example is not None:
        add("example_prediction", ("method", "step", "coordinate"), example, "prediction")
    add("example_target", ("step", "coordinate"), first["target"], "target")
    add("example_stimulus", ("step", "input"), first["stimulus"], "stimulus")
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
    attributes = describe(circuit, setting.task, protocol, "standalone, numpy", {"eta": dict(chosen)})
    attributes |= {
        "sentence": answer,
        **({"unit": "box lengths"} if hasattr(setting.task, "horizon") else {}),
        "benchmark": benchmark,
        "title": setting.title,
        "heading": heading(setting, replicates, seed),
        "methods": json.dumps({name: described(name, methods.get(name), rule) for name in [*names, *varied]}),
        "statistics": json.dumps({against: _plain(pairs) for against, pairs in judged.items()}),
        "peak_memory": peak_memory(cores() * max(one["memory"] for one in found)),
        "equations": equations_text(circuit),
    }
    data = data.assign_attrs(attributes)
    return Result(data.assign_attrs(table=text(data, judged[FIXED])))


def judge(data: xr.Dataset, rule: str) -> dict[str, dict[str, Paired]]:
    """Every method against what a rule has to beat, paired over seeds, corrected for the number of methods.

    The references are the fixed reservoir with the read-out as trained, the tuned reservoir with both read-outs
    refitted, and the best control that needs no network.
    """
    online = {name: data.mse_online.sel({"method": name}).values for name in data.method.values.tolist()}
    taught = {name: values for name, values in online.items() if name not in (*RESERVOIRS, BIASES)}
    judged = {FIXED: compare_all(taught, online[FIXED])}
    if BIASES in online:
        judged[BIASES] = compare_all(taught, online[BIASES])
    if TUNED in online:
        refit = {name: data.mse_refit.sel({"method": name}).values for name in (*taught, TUNED)}
        judged[TUNED] = compare_all({name: refit[name] for name in taught}, refit[TUNED])
    plain = [name for name in data.control.values.tolist() if not name.startswith("physics")]
    medians = {name: float(np.median(data.control_mse.sel(control=name))) for name in plain}
    best = min(medians, key=medians.__getitem__)
    judged[best] = compare_all(taught, data.control_mse.sel(control=best).values)
    return judged


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
    elif fixed.verdict == "higher":
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


def heading(setting: Benchmark, replicates: int, seed: int) -> str:
    """What was run, in a line."""
    circuit, protocol = setting.circuit, setting.protocol
    how = f"batches of {protocol.batch}" if protocol.update == "batch" else f"updates per {protocol.update}"
    scored = int(setting.scored.sum())
    return (
        f"n = {circuit.neurons}, {circuit.activation}, {', '.join(circuit.learn)} learn, {protocol.optimiser}, {how}; "
        f"B {circuit.feedback}; eq. 1's 1/t is {'in' if protocol.averaging else 'out'}; {protocol.train} training, "
        f"{protocol.test} test trajectories, {scored} of {setting.task.steps} steps scored; {replicates} seeds a "
        f"method, seed {seed}; learning rates chosen on {PILOT} other seeds"
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
    head = f"{'':{wide}}{'eta':>7}  {'test MSE, median [95%]':<27}{'refitted':<10}{'diverged':<10}"
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
            line += f"{f'{refit:.4f}' if np.isfinite(refit) else '-':<10}{np.sum(~np.isfinite(one[errors].values)):<10}"
            if name in against_fixed:
                reduction, won = against_fixed[name].reduction, against_fixed[name].won
                span = f"[{100 * reduction.low:.0f}, {100 * reduction.high:.0f}]"
                line += f"{100 * reduction.estimate:.0f}% {span}, lower in {won.estimate:.0%} of the seeds"
            rows.append((median, line.rstrip()))
        lines += [line for _, line in sorted(rows)]
    memory = f"peak memory {data.attrs['peak_memory']}"
    return "\n".join([data.attrs["sentence"], "", data.attrs["heading"], *lines, memory])
