"""What may be said of a rule: paired comparisons with all that it has to beat, the answer, and the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain, islice
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.checks import real
from autapse_sim.experiments.benchmark import Benchmark
from autapse_sim.experiments.verdict.methods import CEILING, FIXED, PLAIN, TUNED, UNTAUGHT
from autapse_sim.experiments.verdict.pilots import PILOT
from autapse_sim.names import short
from autapse_sim.results.answers import LEARNS, NO_MORE, NOT, UNSAID, UNSURE
from autapse_sim.results.scores import FEWEST, median_heading, median_interval
from autapse_sim.results.statistics import Paired, compare_all, sentence
from autapse_sim.results.table import SHARES, TUNED_AS, columns, error_text, judged_by, refitted, tuned
from autapse_sim.spec.circuit import Circuit
from autapse_sim.tasks.arrays import ArrayTask
from autapse_sim.tasks.shown import PHYSICS
from autapse_sim.training.declared import declared
from autapse_sim.training.reservoir import Reservoir

WORTHWHILE = 0.05
"""The least reduction of the error that is worth speaking of, where nothing else is said."""


def worth_speaking_of(given: Any) -> float:
    """The least reduction that is worth speaking of, a share of the error, or an `InputError`."""
    return real("worthwhile", given, above=0, most=0.99)


def judge(data: xr.Dataset, rule: str, worthwhile: float = WORTHWHILE) -> dict[str, dict[str, Paired]]:
    """Every method against what a rule has to beat, paired over seeds, corrected for the number of methods.

    The references are the fixed reservoir with the read-out as trained, the tuned reservoir with both read-outs
    refitted, and the best control that needs no network. The other methods are held against the rule itself, too.
    What is lower by less than `worthwhile` of the error is not worth speaking of.
    """
    return against_references(data, worthwhile) | {rule: against_others(data, rule)}


def against_references(data: xr.Dataset, worthwhile: float, family: int | None = None) -> dict[str, dict[str, Paired]]:
    """Every method against what each has to beat, as `judge` has it; `family` is that of `compare_all`."""
    online = _by_method(data.mse_online)
    taught = _taught(online)
    judged = {FIXED: compare_all(taught, online[FIXED], family, worthwhile)}
    if PLAIN in online:
        judged[PLAIN] = compare_all(taught, online[PLAIN], family, worthwhile)
    if TUNED in online:
        refit = _by_method(data.mse_refit)
        judged[TUNED] = compare_all(_taught(refit), refit[TUNED], family, worthwhile)
    plain = [name for name in data.control.values.tolist() if not name.startswith(PHYSICS)]
    # what is no number counts as infinite: it is no control that is easily beaten
    medians = {name: float(median_interval(data.control_mse.sel(control=name).values)[0]) for name in plain}
    best = min(medians, key=medians.__getitem__)
    judged[best] = compare_all(taught, data.control_mse.sel(control=best).values, family, worthwhile)
    return judged


def against_others(data: xr.Dataset, rule: str, family: int | None = None) -> dict[str, Paired]:
    """The other methods that learn, against a rule; `family` is that of `compare_all`."""
    online = _by_method(data.mse_online)
    others = {name: errors for name, errors in _taught(online).items() if name != rule}
    return compare_all(others, online[rule], family)


def _by_method(errors: xr.DataArray) -> dict[str, np.ndarray]:
    """Errors (R,) by the name of the method."""
    return dict(zip(errors.method.values.tolist(), errors.transpose("method", "replicate").values, strict=True))


def _taught(errors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those of the methods that learn with recurrence."""
    return {name: values for name, values in errors.items() if name not in UNTAUGHT}


def judge_floors(data: xr.Dataset, rule: str) -> dict[float, dict[tuple[str, str], Paired]]:
    """What becomes of the refitted comparisons with other least penalties: by penalty, (method, reference).

    As in `judge`, each is corrected for the number of methods.
    """
    found = {}
    for floor in data.floor.values.tolist():
        refit = _by_method(data.mse_refit_floor.sel(floor=floor))
        judged = {against: compare_all(_taught(refit), refit[against]) for against in (FIXED, TUNED)}
        pairs = dict.fromkeys([(rule, FIXED), (rule, TUNED), (CEILING, FIXED)])
        found[floor] = {(name, against): judged[against][name] for name, against in pairs}
    return found


def dependence(judged: Mapping[float, Mapping[tuple[str, str], Paired]]) -> str:
    """A line that says which refitted comparisons come out otherwise with other least penalties; empty if none."""
    found = []
    for name, against in next(iter(judged.values())):
        verdicts = {floor: pairs[name, against].verdict for floor, pairs in judged.items()}
        if len(set(verdicts.values())) > 1:
            told = ", ".join(f"{verdict} at {floor:g}" for floor, verdict in verdicts.items())
            found.append(f"{short(name)} against the {against}: {told}")
    return f"what refitted read-outs give depends on the least ridge penalty: {'; '.join(found)}" if found else ""


def floors_of(data: xr.Dataset, rule: str, reservoirs: Mapping[float, Reservoir], score: str) -> list[dict[str, Any]]:
    """What the refitted read-outs give with each least penalty, as JSON holds it; `score` is what the errors are."""
    found = []
    for floor, pairs in judge_floors(data, rule).items():
        errors = _by_method(data.mse_refit_floor.sel(floor=floor))
        shown = dict.fromkeys([FIXED, TUNED, rule, CEILING])
        medians = {name: float(median_interval(errors[name])[0]) for name in shown}
        compared = plain({f"{name} against {against}": paired for (name, against), paired in pairs.items()})
        said = [[name, sentence(paired, f"the {against}", score)] for (name, against), paired in pairs.items()]
        scales = {"gain": reservoirs[floor].gain, "input_scale": reservoirs[floor].input_scale}
        told = {name: value if np.isfinite(value) else None for name, value in medians.items()}
        found.append({"floor": floor, "median": told, TUNED: scales, "comparisons": compared, "said": said})
    return found


def answer_of(about: str, rule: str, judged: Mapping[str, Mapping[str, Paired]], score: str) -> str:
    """The answer in one sentence.

    Parameters
    ----------
    about : str
        What was judged, and where.
    rule : str
        Its name among the methods.
    judged : mapping
        What `judge` found. Where another method's errors are within what is worth speaking of, the two are said to be
        the same: by intervals that hold for all methods at once.
    score : str
        What the errors are.
    """
    against = {name: pairs[rule] for name, pairs in judged.items() if name != rule}
    fixed = against[FIXED]
    kind, unbeaten = kind_of(rule, judged)
    answer = kind
    if kind in (NO_MORE, UNSURE):
        answer += f" by {', '.join(unbeaten)}{_nor_the_ceiling(unbeaten, rule, judged)}"
    if kind in (UNSURE, UNSAID):
        answer += _more([against[name] for name in unbeaten])
    said = [f"it {sentence(fixed, f'the {FIXED}', score)}"]
    if TUNED in against:
        said.append(f"with refitted read-outs it {sentence(against[TUNED], f'the {TUNED}', score)}")
    if rule != CEILING:
        said.append(f"{CEILING} {sentence(judged[FIXED][CEILING], f'the {FIXED}', score)}")
    alike = [name for name, paired in judged.get(rule, {}).items() if equivalent(paired, fixed.margin)]
    if alike:
        said.append(f"its errors are those of {', '.join(alike)} within {fixed.margin:.0%}")
    return f"{about}: {answer}; {'; '.join(said)}."


def kind_of(rule: str, judged: Mapping[str, Mapping[str, Paired]]) -> tuple[str, list[str]]:
    """Which of the answers holds for a rule, and what keeps it from a better one; `judged` is what `judge` found.

    It learns where its errors are shown to be lower by more than is worth speaking of, and it does not where they are
    shown to be lower by less, or higher. No number of seeds gives one where another number may give the other.
    """
    against = {name: pairs[rule].worth for name, pairs in judged.items() if name != rule}
    if against[FIXED] != "more":
        return (NOT if against[FIXED] == "less" else UNSAID), [FIXED]
    for answer, worth in ((NO_MORE, "less"), (UNSURE, "undecided")):
        if found := [name for name, one in against.items() if one == worth]:
            return answer, found
    return LEARNS, []


def _nor_the_ceiling(unbeaten: Sequence[str], rule: str, judged: Mapping[str, Mapping[str, Paired]]) -> str:
    """What of it the exact gradient does not beat either: there the task asks for no more."""
    found = [name for name in unbeaten if rule != CEILING and judged[name][CEILING].worth != "more"]
    return f" ({CEILING} does not beat {' and '.join(found)} either)" if found else ""


def equivalent(paired: Paired, worthwhile: float) -> bool:
    """Whether it is shown that errors are the same, but for less than is worth speaking of.

    Examples
    --------
    >>> from autapse_sim.results.statistics import compare_paired
    >>> reference = np.linspace(1, 2, 41)
    >>> equivalent(compare_paired(1.01 * reference, reference), 0.05)
    True
    >>> equivalent(compare_paired(1.1 * reference, reference), 0.05)
    False
    """
    return -worthwhile < paired.joint.low and paired.joint.high < worthwhile


def _more(undecided: Sequence[Paired]) -> str:
    """How many seeds would tell, as far as one can know from those that there are."""
    needed = max(map(_needed, undecided))
    # of an interval that is not symmetric the half is no guide to the side that decides
    known = undecided[0].replicates < needed < np.inf
    return f" (some {float(f'{needed:.2g}'):,.0f} seeds would tell)" if known else ""


def _needed(paired: Paired) -> float:
    """How many seeds would tell whether the reduction is worth speaking of; infinite where that cannot be known."""
    reduction = paired.joint if np.isfinite(paired.joint.width) else paired.reduction
    far = abs(paired.margin - reduction.estimate)
    if not (np.isfinite(reduction.width) and far > 0):
        return np.inf
    return max(FEWEST, np.ceil(paired.replicates * (reduction.width / 2 / far) ** 2))


def heading(setting: Benchmark, replicates: int, seed: int, readouts: Sequence[float], target: np.ndarray) -> str:
    """What was run, in a line; `target` (T, c) is that of a test trajectory, NaN where it does not count."""
    circuit, protocol = setting.circuit, setting.protocol
    how = f"batches of {protocol.batch}" if protocol.update == "batch" else f"updates per {protocol.update}"
    scored = int((~np.isnan(target)).any(axis=-1).sum())  # the task leaves steps out, too
    rates = " to ".join(dict.fromkeys(f"{rate:g}" for rate in (min(readouts), max(readouts))))
    given = isinstance(setting.task, ArrayTask)
    return (
        f"n = {circuit.neurons}, {_kind(circuit)}, {', '.join(circuit.learn)} learn, {protocol.optimiser}, {how}; "
        f"B {circuit.feedback}; eq. 1's 1/t is {'in' if protocol.averaging else 'out'}; {protocol.train} training, "
        f"{protocol.test} test trajectories, {scored} of {setting.task.steps} steps scored; {replicates} seeds a "
        f"method, seed {seed}; learning rates chosen for each score on {PILOT} other seeds"
        + (" of the weights, and on the very trajectories that are judged" if given else "")
        + (f", the read-out's ({rates}) on reservoirs" if "V" in circuit.learn else "")
    )


def _kind(circuit: Circuit) -> str:
    """What the neurons are: their name, where they are not the rate neuron, and the activation, where they have one."""
    names = [short(circuit.neuron)] * (circuit.neuron != "rate")
    return ", ".join([*names, *[circuit.activation] * bool(declared(replace(circuit, learn=())).activations)])


def plain(pairs: Mapping[str, Paired]) -> dict[str, Any]:
    """Comparisons as JSON holds them (None for what is not finite)."""

    def finite(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: finite(item) for key, item in value.items()}
        return None if isinstance(value, float) and not np.isfinite(value) else value

    return {
        name: finite(asdict(paired)) | {"verdict": paired.verdict, "worth": paired.worth}
        for name, paired in pairs.items()
    }


EDGE = "*: at the edge of what was tried"


def text(data: xr.Dataset, against_fixed: Mapping[str, Paired]) -> str:
    """The table: every method, control and ablation, the best first, each with its reduction of the error."""
    parts = {
        "method": ("mse_online", "eta"),
        "control": ("control_mse", ""),
        "ablation": ("ablation_mse", "ablation_eta"),
    }
    edges = json.loads(data.attrs.get("edges", "{}"))
    extras = [name for name in SHARES if name in data]
    rows: dict[str, list[list[str]]] = {}
    for kind in (kind for kind in parts if kind in data.dims):
        errors, rate = parts[kind]
        found = []
        for name in data[kind].values.tolist():
            one = data.sel({kind: name})
            median, low, high = map(float, median_interval(one[errors].values))
            said = "{} [{}, {}]".format(*map(error_text, (median, low, high)))
            ends = edges.get(name, ())
            values = _starred(tuned(one, TUNED_AS[kind]), ends) if kind in TUNED_AS else ""
            cells = [f"{name} ({values})" if values else name]
            cells.append(f"{float(one[rate]):g}{'*' if 'eta' in ends else ''}" if rate else "")
            cells += [said, _refitted(one, ends) if kind == "method" else "-"]
            cells.append(str(np.sum(~np.isfinite(one[errors].values))))
            cells += [f"{float(one[extra].mean()):.0%}" if kind == "method" else "-" for extra in extras]
            cells.append(_reduced(against_fixed[name]) if name in against_fixed else "")
            found.append((median, cells))
        rows[kind] = [cells for _, cells in sorted(found)]
    error = median_heading(judged_by(data), data.sizes["replicate"])
    head = ["", "eta", error, "refitted (eta)", "diverged", *extras]
    head.append(f"reduction against the {FIXED}")
    first, *others = columns([head, *chain(*rows.values())], right=(1,))
    left, lines = iter(others), [first]
    for kind, each in rows.items():
        lines += [f"-- {kind}s ".ljust(len(first), "-"), *islice(left, len(each))]
    told = [EDGE] if any("*" in cell for row in chain(*rows.values()) for cell in row) else []
    memory = f"peak memory {data.attrs['peak_memory']}"
    return "\n".join([data.attrs["sentence"], "", data.attrs["heading"], *lines, *told, memory])


def _reduced(paired: Paired) -> str:
    """By how much the error is lower than that of the reference, and how often."""
    reduction, won = paired.reduction, paired.won
    span = f"[{100 * reduction.low:z.0f}, {100 * reduction.high:z.0f}]"
    return f"{100 * reduction.estimate:z.0f}% {span}, lower in {won.estimate:.0%} of the seeds"


def _starred(values: str, edges: Sequence[str], named: Callable[[str], str] = str) -> str:
    """What is tuned of a method, starred where that lies at an edge, as which it is `named`."""
    return ", ".join(f"{each}{'*' if named(each.split(' = ')[0]) in edges else ''}" for each in values.split(", "))


def _refitted(one: xr.Dataset, edges: Sequence[str]) -> str:
    """The median error of a method with its read-out refitted, and where that is, in words."""
    refit = float(median_interval(one.mse_refit.values)[0])
    if not np.isfinite(refit):
        return "-"
    other = tuned(one, "tuned_refit")
    where = f"{float(one.eta_refit):g}{'*' if refitted('eta') in edges else ''}"
    if other != tuned(one):
        where += f", {_starred(other, edges, refitted)}"
    return f"{error_text(refit)} ({where})"
