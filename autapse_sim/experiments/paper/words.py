"""Families of comparisons, intervals, and how both are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from scipy.stats import binomtest

from autapse_sim.experiments.compare import RULES
from autapse_sim.experiments.paper.cases import Case
from autapse_sim.experiments.paper.decide import lower
from autapse_sim.experiments.paper.trials import Trials
from autapse_sim.results.scores import median_interval
from autapse_sim.results.statistics import Interval, Paired, compare_all, holm


def families(errors: Mapping[str, tuple[Mapping[str, np.ndarray], np.ndarray]]) -> dict[tuple[str, str], Paired]:
    """Rules compared with several references, all as one family, by (reference, rule)."""
    found = {
        (name, rule): one
        for name, (rules, reference) in errors.items()
        for rule, one in compare_all(rules, reference).items()
    }
    corrected = holm([one.p_wilcoxon for one in found.values()])
    return {key: replace(one, p=float(p)) for (key, one), p in zip(found.items(), corrected, strict=True)}


def median_of(values: np.ndarray) -> Interval:
    return Interval(*(float(value) for value in median_interval(values)))


def mean_of(values: np.ndarray) -> Interval:
    """Mean with a bootstrap interval."""
    resampled = np.random.default_rng(0).choice(values, (2000, len(values))).mean(axis=1)
    return Interval(float(values.mean()), *(float(q) for q in np.quantile(resampled, (0.025, 0.975))))


def share_of(found: np.ndarray) -> Interval:
    """Share with Wilson's interval."""
    count = int(np.sum(found))
    interval = binomtest(count, len(found)).proportion_ci(method="wilson")
    return Interval(count / len(found), interval.low, interval.high)


def negated(found: Interval) -> Interval:
    return Interval(-found.estimate, -found.high, -found.low)


def order_of(errors: np.ndarray) -> str:
    """The rules from the lowest error to the highest."""
    return " < ".join(RULES[k] for k in np.argsort(errors, kind="stable"))


def orders_of(errors: np.ndarray) -> list[str]:
    """The order of every network, from errors (rules, R)."""
    return [order_of(one) for one in errors.T]


def told(compared: Mapping[tuple[str, str], Paired]) -> str:
    """'untrained W: all (yes); persistence: bptt (yes), dfa (no)'."""
    parts = []
    for name in dict.fromkeys(name for name, _ in compared):
        group = {rule: lower(one) for (other, rule), one in compared.items() if other == name}
        words = {True: " (yes)", None: " (undecided)", False: " (no)"}
        alike = set(group.values())
        text = f"all{words[alike.pop()]}" if len(alike) == 1 else ", ".join(r + words[v] for r, v in group.items())
        parts.append(f"{name}: {text}")
    return "; ".join(parts)


def rates_told(trials: Trials, cases: Mapping[str, Case]) -> str:
    """The learning rates of rules, in words."""
    least = {rule: min(case.etas(trials.setting)) for rule, case in cases.items()}
    chosen = trials.best(cases)
    marked = (f"{rule} {eta:g}{', the smallest tried' * (eta == least[rule])}" for rule, eta in chosen.items())
    return f"each at its best eta: {'; '.join(marked)}"


def listed(found: Mapping[str, Interval], write: Callable[[Interval], str]) -> str:
    return ", ".join(f"{name} {write(one)}" for name, one in found.items())


def as_number(found: Interval) -> str:
    estimate, low, high = (f"{v:.4f}" if abs(v) < 10 else f"{v:.1e}" for v in (found.estimate, found.low, found.high))
    return f"{estimate} [{low}, {high}]"


def as_percent(found: Interval, digits: int = 0) -> str:
    estimate, low, high = (f"{100 * v:.{digits}f}" for v in (found.estimate, found.low, found.high))
    return f"{estimate}% [{low}, {high}]"


def as_ratio(found: Interval) -> str:
    return f"{found.estimate:.2g} [{found.low:.2g}, {found.high:.2g}]"
