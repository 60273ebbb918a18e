"""The numbers of a scoreboard: verdicts side by side, corrected for their number, and how rules stand over all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from autapse_sim.experiments.verdict.answer import against_others, against_references, answer_of, kind_of, plain
from autapse_sim.experiments.verdict.evidence import Case
from autapse_sim.experiments.verdict.methods import CEILING, FIXED, PLAIN, TUNED, UNTAUGHT
from autapse_sim.experiments.verdict.standing import mean, middle, profile, ranks, shares
from autapse_sim.names import short
from autapse_sim.results.answers import LEARNS, NO_MORE, NOT, UNSAID, UNSURE
from autapse_sim.results.result import Result
from autapse_sim.results.statistics import Paired, corrected
from autapse_sim.results.table import columns, tuned

ALL = "all"
"""All families together."""
LEVELS = np.round(np.arange(-0.2, 1.21, 0.02), 2)
"""Shares of the way at which profiles are taken."""
BOUNDS = ("estimate", "low", "high")
MARKS = {LEARNS: "+", NO_MORE: "o", UNSURE: "~", NOT: "-", UNSAID: "?"}
"""The answers in a table."""
SAYS = "; ".join(f"{mark} {answer}" for answer, mark in MARKS.items())


@dataclass(frozen=True)
class Judgement:
    """What came of a benchmark.

    Parameters
    ----------
    case : Case
        What was judged.
    rules : tuple of str
        Those that were asked for, and go with it.
    data : xarray.Dataset
        The verdict.
    costs : dict of str to float
        What rules take, in nanoseconds a network-step.
    """

    case: Case
    rules: tuple[str, ...]
    data: xr.Dataset
    costs: Mapping[str, float]


def board(found: Mapping[str, Judgement]) -> Result:
    """The scoreboard of verdicts on several benchmarks, by their names."""
    rules = list(dict.fromkeys(rule for one in found.values() for rule in one.rules if rule != CEILING))
    methods = [*rules, CEILING, *UNTAUGHT]
    seeds = max(one.data.sizes["replicate"] for one in found.values())
    errors = np.full((len(found), len(methods), seeds), np.nan)
    refitted, share = errors.copy(), errors.copy()
    controls = list(dict.fromkeys(name for one in found.values() for name in one.data["control"].values.tolist()))
    beside = np.full((len(found), len(controls), seeds), np.nan)
    cost = np.full((len(found), len(methods)), np.nan)
    for row, one in enumerate(found.values()):
        names = one.data["method"].values.tolist()
        for column, method in enumerate(methods):
            if method in names:
                values = np.where(np.isfinite(mse := one.data.mse_online.sel({"method": method}).values), mse, np.inf)
                errors[row, column, : len(values)] = values
                refit = one.data.mse_refit.sel({"method": method}).values
                refitted[row, column, : len(values)] = np.where(np.isfinite(refit), refit, np.inf)
            cost[row, column] = one.costs.get(method, np.nan)
        many = one.data.sizes["replicate"]
        for name in one.data["control"].values.tolist():
            beside[row, controls.index(name), :many] = one.data.control_mse.sel(control=name).values
        fixed, ceiling = (errors[row, methods.index(name), :many] for name in (FIXED, CEILING))
        share[row, :, :many] = shares(errors[row, :, :many], fixed, ceiling)
    families = {name: one.case.setting.family for name, one in found.items()}
    standing = _standing(share, errors, list(families.values()), methods)
    dims = ("benchmark", "method")
    about = "error on test trajectories, MSE or cross-entropy; infinite where a network diverged"
    data = xr.Dataset(
        {
            "error": ((*dims, "replicate"), errors, {"long_name": about}),
            "error_refit": ((*dims, "replicate"), refitted, {"long_name": "the same, read-out refitted"}),
            "control_error": (
                ("benchmark", "control", "replicate"),
                beside,
                {"long_name": "the same of what needs no network"},
            ),
            "share": ((*dims, "replicate"), share, {"long_name": f"share of the way from {FIXED} to {CEILING}"}),
            "cost": (dims, cost, {"long_name": "time of a network-step on one core", "units": "ns"}),
            "family_of": ("benchmark", list(families.values())),
            **standing,
        },
        {
            "benchmark": list(found),
            "method": methods,
            "control": controls,
            "replicate": np.arange(seeds),
            "family": _families(families.values()),
            "bound": list(BOUNDS),
            "level": LEVELS,
        },
    )
    return Result(_answered(data, found, rules))


def _standing(share: np.ndarray, errors: np.ndarray, families: Sequence[str], methods: Sequence[str]) -> dict:
    """Interquartile mean, rank and profile of each method in each family, where it goes with all that is in it."""
    names = _families(families)
    count = len(methods)
    middles, ranked = np.full((2, len(names), count, len(BOUNDS)), np.nan)
    profiles = np.full((len(names), count, len(LEVELS)), np.nan)
    for k, family in enumerate(names):
        # where the ceiling is no better than the reservoir there is no way to go
        rows = [row for row, its in enumerate(families) if family in (its, ALL) and not np.isnan(share[row]).all()]
        there = [m for m in range(count) if rows and np.isfinite(share[rows, m]).any(axis=-1).all()]
        compared = [m for m in there if methods[m] not in UNTAUGHT]
        places = [ranks(_known(errors[row][compared])) for row in rows] if compared else []
        for m in there:
            each = [_known(share[row, m]) for row in rows]
            middles[k, m], profiles[k, m] = middle(each), profile(each, LEVELS)
        for place, m in enumerate(compared):
            ranked[k, m] = mean([one[place] for one in places])
    return {
        "middle": (("family", "method", "bound"), middles, {"long_name": "interquartile mean of the share"}),
        "mean_rank": (("family", "method", "bound"), ranked, {"long_name": "mean rank over benchmarks"}),
        "profile": (("family", "method", "level"), profiles, {"long_name": "share of the runs above a level"}),
    }


def _families(each: Iterable[str]) -> list[str]:
    """The families of benchmarks, and all together where there are several."""
    names = list(dict.fromkeys(each))
    return names if len(names) == 1 else [*names, ALL]


def _known(values: np.ndarray) -> np.ndarray:
    """The seeds that a benchmark has, along the last axis."""
    return values[..., ~np.isnan(values).any(axis=tuple(range(values.ndim - 1)))]


def _answered(data: xr.Dataset, found: Mapping[str, Judgement], rules: Sequence[str]) -> xr.Dataset:
    """The numbers with the answers, and what made them."""
    taught = {name: len({*one.rules, CEILING}) for name, one in found.items()}
    family, pairs_of_rules = sum(taught.values()), sum(count * (count - 1) for count in taught.values())
    judged = over_all({n: against_references(one.data, one.case.worthwhile, family) for n, one in found.items()})
    answers: dict[str, dict[str, dict]] = {}
    for name, one in found.items():
        answers[name] = {}
        for rule in dict.fromkeys((*one.rules, CEILING)):
            pairs = judged[name] | {rule: against_others(one.data, rule, pairs_of_rules)}
            about, score = f"{short(rule)} on {name}", one.data.attrs["score"]
            kind, unbeaten = kind_of(rule, pairs)
            answers[name][rule] = {
                "answer": kind,
                "unbeaten": unbeaten if kind in (NO_MORE, UNSURE) else [],
                "sentence": answer_of(about, rule, pairs, score),
                **plain({FIXED: pairs[FIXED][rule]}),
            }
    first = next(iter(found.values())).data.attrs
    attributes = {
        "answers": json.dumps(answers),
        "sentence": _sentence(answers, [*rules, CEILING]),
        "headings": json.dumps({name: one.data.attrs["heading"] for name, one in found.items()}),
        "titles": json.dumps({name: one.case.setting.title for name, one in found.items()}),
        "edges": json.dumps({name: json.loads(one.data.attrs["edges"]) for name, one in found.items()}),
        "chosen": json.dumps({name: _chosen(one) for name, one in found.items()}),
        "worthwhile": first["worthwhile"],
        "provenance": first["provenance"],
        "peak_memory": first["peak_memory"],
    }
    data = data.assign_attrs(attributes)
    return data.assign_attrs(table=text(data))


def over_all(judged: Mapping[str, dict[str, dict[str, Paired]]]) -> dict[str, dict[str, dict[str, Paired]]]:
    """The comparisons with each reference, corrected for the number of methods and benchmarks by Holm's method.

    Their joint intervals are so from the start. The best control without a network may be another one on each
    benchmark: it is the last reference of each.
    """
    found = {name: {against: dict(pairs) for against, pairs in one.items()} for name, one in judged.items()}
    roles: dict[str, list[tuple[str, str, str]]] = {}
    for name, one in found.items():
        for against, pairs in one.items():
            role = against if against in (FIXED, PLAIN, TUNED) else "control"
            roles.setdefault(role, []).extend((name, against, method) for method in pairs)
    for places in roles.values():
        family = corrected([found[name][against][method] for name, against, method in places])
        for (name, against, method), paired in zip(places, family, strict=True):
            found[name][against][method] = paired
    return found


def _chosen(one: Judgement) -> dict[str, str]:
    """What was chosen of each method, in words."""
    found = {}
    for name in (name for name in one.data["method"].values.tolist() if name != TUNED):
        its = one.data.sel({"method": name})
        read_out = f"read-out at {float(its.eta_out):g}" if "V" in one.case.setting.circuit.learn else ""
        found[name] = ", ".join(filter(None, [f"eta = {float(its.eta):g}", tuned(its), read_out]))
    return found


def _sentence(answers: Mapping[str, Mapping[str, Mapping]], rules: Sequence[str]) -> str:
    """How often each rule learns recurrence, in a sentence."""
    said = []
    for rule in rules:
        kinds = [one[rule]["answer"] for one in answers.values() if rule in one]
        said.append(f"{short(rule)} on {kinds.count(LEARNS)} of {len(kinds)}")
    return f"Recurrence is learned by {', '.join(said)} benchmarks." if said else ""


def text(data: xr.Dataset) -> str:
    """The tables: the share of the way of each rule on each benchmark with the answer, and how rules stand over all."""
    answers = json.loads(data.attrs["answers"])
    rules = [name for name in data["method"].values.tolist() if name not in UNTAUGHT]
    names = data["benchmark"].values.tolist()
    way = [["share of the way", *names]]
    for rule in rules:
        shown = data.share.sel({"method": rule})
        cells = [_cell(shown.sel(benchmark=name).values, answers[name].get(rule)) for name in names]
        way.append([short(rule), *cells])
    families = data["family"].values.tolist()
    shown = (("middle half", "middle", "{:z.0%}"), ("mean rank", "mean_rank", "{:.1f}"))
    standing = [["", *(f"{what}, {family}" for what, *_ in shown for family in families), "ns a network-step"]]
    cost = data.cost.median("benchmark", skipna=True)
    for rule in rules:
        one = data.sel({"method": rule})
        cells = [_bounded(one[name].sel(family=family).values, form) for _, name, form in shown for family in families]
        standing.append([short(rule), *cells, _number(float(cost.sel({"method": rule})))])
    return "\n".join(
        [
            data.attrs["sentence"],
            "",
            "(median over seeds)",
            *columns(way),
            "",
            *SAYS.split("; "),
            "",
            *columns(standing),
        ]
    )


def _cell(values: np.ndarray, answer: Mapping | None) -> str:
    known = values[~np.isnan(values)]
    share = f"{np.median(known):z.0%}" if known.size else "n/a"  # exact gradients go no way, or it was not judged
    return f"{share} {MARKS[answer['answer']] if answer else ''}".strip()


def _bounded(values: np.ndarray, form: str) -> str:
    if np.isnan(values).any():
        return "-"
    estimate, low, high = (form.format(value).replace("%", "") for value in values)
    return f"{estimate} [{low}, {high}]"


def _number(value: float) -> str:
    return f"{value:,.0f}" if np.isfinite(value) else "-"
