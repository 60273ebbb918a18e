"""Several rules judged on several benchmarks, as one study: who learns what, and how they stand to each other."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from autapse_sim.checks import function, items, whole
from autapse_sim.engines import discrete
from autapse_sim.errors import InputError
from autapse_sim.experiments.benchmark import Benchmark, benchmark_called, benchmarks
from autapse_sim.experiments.verdict.answer import WORTHWHILE, worth_speaking_of
from autapse_sim.experiments.verdict.board import Judgement, board
from autapse_sim.experiments.verdict.evidence import Case
from autapse_sim.experiments.verdict.going import refusal
from autapse_sim.experiments.verdict.judging import case_of, changed, check_kept, evidence, known_rule, work
from autapse_sim.experiments.verdict.methods import CEILING
from autapse_sim.experiments.verdict.pilots import points_for
from autapse_sim.experiments.verdict.trial import BLOCK, Trial, blocks_for, drawn, protocol_of, train_method
from autapse_sim.machine.bars import shows_progress
from autapse_sim.results.result import Result
from autapse_sim.spec.job import Progress
from autapse_sim.spec.model import Rule, rules
from autapse_sim.spec.protocol import Schedule
from autapse_sim.spec.written import model_name
from autapse_sim.studies.study import studying
from autapse_sim.studies.workers import Executor, Workers

SEEDS = {"spiking": 16}
"""Seeds of every method in a family of benchmarks, where nothing is said; `FEW` in the others."""
FEW = 56
UNASKED = ("rtrl", "bptt_random_feedback", "rflo_exact_feedback")
"""Rules that are left out where nothing is said: one gives the numbers of the ceiling, two are ablations of others."""
TIMED = 2
"""Updates that are timed."""


@dataclass(frozen=True)
class Plan:
    """What a scoreboard trains.

    Parameters
    ----------
    cases : dict of str to Case
        What is trained on each benchmark, by its name.
    rules : dict of str to tuple of str
        The rules that go with each.
    replicates : dict of str to int
        Seeds of every method on each.
    left_out : dict of str to tuple of str
        The rules that do not go with each.
    """

    cases: Mapping[str, Case]
    rules: Mapping[str, tuple[str, ...]]
    replicates: Mapping[str, int]
    left_out: Mapping[str, tuple[str, ...]]

    @property
    def networks(self) -> dict[str, int]:
        """How many networks are trained on each, if no grid of learning rates grows."""
        return {name: work(case, self.replicates[name]) for name, case in self.cases.items()}

    def text(self) -> str:
        """What is trained, a line a benchmark."""
        lines = []
        for name, case in self.cases.items():
            setting, networks = case.setting, self.networks[name]
            shown = networks * len(Schedule.of(setting.protocol).trajectory) * setting.task.steps
            without = f"; without {', '.join(self.left_out[name])}" if self.left_out[name] else ""
            others = [rule for rule in self.rules[name] if rule != CEILING]
            who = f"{', '.join(others)} and {CEILING}" if others else CEILING
            who += f", {self.replicates[name]} seeds"
            how_much = f"{networks} networks of {setting.circuit.neurons} neurons, {shown:.1e} steps"
            lines.append(f"{name} ({setting.family}): {who}; {how_much}{without}")
        return "\n".join(lines)


def plan_scoreboard(
    rules: Iterable[str | Path | Rule] | None = None,
    benchmarks: Iterable[str | Path | Benchmark] | None = None,
    replicates: int | None = None,
    seed: int = 0,
    worthwhile: float = WORTHWHILE,
    train: int | None = None,
    changes: Mapping[str, Any] = MappingProxyType({}),
) -> Plan:
    """What `scoreboard` would run, with its parameters."""
    asked = _rules(rules)
    settings = _settings(benchmarks, changes, train)
    replicates = None if replicates is None else whole("replicates", replicates, least=2)
    seed, worthwhile = whole("seed", seed), worth_speaking_of(worthwhile)
    cases, going, many = {}, {}, {}
    for name, setting in settings.items():
        going[name] = tuple(rule for rule in asked if refusal(rule, setting) is None)
        asked_for = SEEDS.get(setting.family, FEW) if replicates is None else replicates
        many[name] = BLOCK * blocks_for(asked_for)
        if going[name]:
            first, *others = going[name]
            cases[name] = case_of(first, name, replace(setting, beside=tuple(others)), seed, worthwhile)
            check_kept(cases[name], many[name])
    if not cases:
        why = refusal(asked[0], next(iter(settings.values())))
        raise InputError(f"none of {', '.join(asked)} goes with {', '.join(settings)}: {why}")
    left_out = {name: tuple(rule for rule in asked if rule not in going[name]) for name in cases}
    return Plan(cases, {name: going[name] for name in cases}, {name: many[name] for name in cases}, left_out)


def plan_verdict(
    rule: str | Path | Rule,
    benchmark: str | Path | Benchmark,
    replicates: int,
    seed: int = 0,
    worthwhile: float = WORTHWHILE,
    train: int | None = None,
    changes: Mapping[str, Any] = MappingProxyType({}),
) -> Plan:
    """What `verdict` would run, with its parameters: a rule beside those that its benchmark names."""
    called, setting = benchmark_called(benchmark)
    many = BLOCK * blocks_for(whole("replicates", replicates, least=2))
    seed, worthwhile = whole("seed", seed), worth_speaking_of(worthwhile)
    rule, setting = model_name("rule", rule, kind="Rule"), changed(called, setting, changes, train)
    case = case_of(rule, called, setting, seed, worthwhile)
    check_kept(case, many)
    rules = tuple(dict.fromkeys((case.rule, *case.setting.beside)))
    return Plan({called: case}, {called: rules}, {called: many}, {called: case.left_out})


@shows_progress("judging")
def scoreboard(
    rules: Iterable[str | Path | Rule] | None = None,
    benchmarks: Iterable[str | Path | Benchmark] | None = None,
    replicates: int | None = None,
    seed: int = 0,
    worthwhile: float = WORTHWHILE,
    train: int | None = None,
    changes: Mapping[str, Any] = MappingProxyType({}),
    progress: Progress | bool | None = None,
    folder: str | Path | None = None,
    on: str | Executor | Workers = "local",
    retries: int = 1,
) -> Result:
    """Judge several rules on several benchmarks.

    Parameters
    ----------
    rules : iterable, optional
        Names, files or rules; all that come with the package and teach W, where not given.
    benchmarks : iterable, optional
        Names, files or benchmarks; all that there are, where not given.
    replicates : int, optional
        Seeds of every method; a multiple of 8 is run. Where not given, 16 for spiking networks, and 56 else.
    seed, worthwhile, train, changes, progress, folder, on, retries
        As of `verdict`; the folder may be that of verdicts.

    Returns
    -------
    Result
        `error` and `share` with dimensions `benchmark`, `method` and `replicate`; NaN where a rule does not go with a
        benchmark. The attribute `answers` has the answer of each rule on each benchmark.
    """
    plan = plan_scoreboard(rules, benchmarks, replicates, seed, worthwhile, train, changes)
    return judged_all(plan, function("progress", progress), folder, on, retries)


def judged_all(
    plan: Plan,
    progress: Progress | None = None,
    folder: str | Path | None = None,
    on: str | Executor | Workers = "local",
    retries: int = 1,
) -> Result:
    """Run a plan; parameters as of `scoreboard`."""
    found = {}
    with studying(folder, on, retries, progress) as study:
        study.total = sum(plan.networks.values())
        for name, case in plan.cases.items():
            result = evidence(case, study, plan.replicates[name])
            found[name] = Judgement(case, plan.rules[name], result.data, costs(case))
        study.progress(1.0)
    return board(found)


def costs(case: Case) -> dict[str, float]:
    """What each rule and the ceiling of a case takes for a network in a step, in nanoseconds on one core."""
    setting = case.setting
    count = TIMED * setting.protocol.batch
    short = replace(setting.protocol, train=count, validate=1, test=1, validate_every=count)
    setting = replace(setting, protocol=short)
    first = points_for(setting, case.methods)
    found = {}
    for name in (name for name, method in case.methods.items() if name == method.rule):
        trial = Trial.of(setting, case.methods[name])
        given, protocol = (
            drawn(setting, trial.method, (case.seed, 0)),
            protocol_of(setting, trial.method, (case.seed, 0)),
        )
        seconds = []
        for _ in range(2):  # what is compiled or read at first is not counted
            begun = time.perf_counter()
            outcome = train_method(trial, given, protocol, first[name][:1])
            seconds.append(outcome.seconds or time.perf_counter() - begun)
        steps = len(Schedule.of(protocol).trajectory) * setting.task.steps
        found[name] = 1e9 * min(seconds) / (steps * BLOCK)
    return found


def _rules(given: Iterable[str | Path | Rule] | None) -> list[str]:
    """The rules that are judged, each once: those that teach W, where none is named."""
    if given is None:
        without = discrete.references().keys() - {CEILING, *UNASKED}
        return sorted(rules() | without)
    named = [model_name("rules", rule, kind="Rule") for rule in items("rules", given, "rules")]
    if not named:
        raise InputError("no rule is to be judged; name one, or give none for all")
    named = [known_rule(rule, "rule") for rule in named]
    return [rule for rule in dict.fromkeys(named) if rule != CEILING] or named[:1]


def _settings(
    given: Iterable[str | Path | Benchmark] | None, changes: Mapping[str, Any], train: int | None
) -> dict[str, Benchmark]:
    """The benchmarks by their names, with what is changed."""
    called = list(benchmarks().items())
    if given is not None:
        called = [benchmark_called(each) for each in items("benchmarks", given, "benchmarks")]
    if not called:
        raise InputError("no benchmark is named; name one, or give none for all")
    found: dict[str, Benchmark] = {}
    for name, setting in called:
        if name in found:
            raise InputError(f"benchmark {name} is there twice")
        found[name] = changed(name, setting, changes, train)
    return found
