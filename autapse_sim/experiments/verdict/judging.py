"""The verdict: does a rule learn recurrence, compared with what, and how sure?

A rule has learned recurrence only where its networks beat, on held-out trajectories and over many seeds, the same
networks with W as it was drawn and the same trained read-out: a random reservoir. Learning rates are chosen on seeds
of their own; every method sees the same trajectories and initial weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from autapse_sim.checks import function, mapping, real, truth, whole
from autapse_sim.engines import discrete
from autapse_sim.errors import InputError
from autapse_sim.experiments.benchmark import CHANGEABLE, Benchmark, benchmark_called
from autapse_sim.experiments.verdict.answer import WORTHWHILE, worth_speaking_of
from autapse_sim.experiments.verdict.block import Aligned, Beside, Judged
from autapse_sim.experiments.verdict.evidence import Block, Case, result_of
from autapse_sim.experiments.verdict.going import check_goes, refusal
from autapse_sim.experiments.verdict.methods import FIXED, TUNED, Method, ablations_of, methods_of
from autapse_sim.experiments.verdict.pilots import PILOT, Planned, chosen_points, points_for, tuned_reservoirs
from autapse_sim.experiments.verdict.trial import BLOCK, FLOORS, Trial, blocks_for
from autapse_sim.machine.bars import shows_progress
from autapse_sim.names import one_of, short
from autapse_sim.results.result import Result
from autapse_sim.spec.job import Progress
from autapse_sim.spec.model import Rule, carried, is_file, rules
from autapse_sim.spec.written import model_name
from autapse_sim.studies.study import Study, studying
from autapse_sim.studies.unit import Unit
from autapse_sim.studies.workers import Executor, Workers
from autapse_sim.training.declared import check_optimiser
from autapse_sim.training.sizes import NUMBER, check_memory, check_sizes


@shows_progress("judging")
def verdict(
    rule: str | Path | Rule,
    benchmark: str | Path | Benchmark = "bounce",
    replicates: int = 200,
    seed: int = 0,
    precision: float | None = None,
    ablations: bool = False,
    worthwhile: float = WORTHWHILE,
    train: int | None = None,
    changes: Mapping[str, Any] = MappingProxyType({}),
    progress: Progress | bool | None = None,
    folder: str | Path | None = None,
    on: str | Executor | Workers = "local",
    retries: int = 1,
) -> Result:
    """Judge a rule.

    Parameters
    ----------
    rule : str, path or Rule
        Name or file, or the rule itself.
    benchmark : str, path or Benchmark
        Name (see `autapse benchmarks`), a file that defines ``benchmark = ap.Benchmark(...)``, or the setting itself.
    replicates : int
        Seeds of every method; a multiple of 8 is run.
    seed : int
        All draws follow from it.
    precision : float, optional
        Wished width of the interval of the rule's reduction of the error against the fixed reservoir (0.04 is 4 in a
        hundred): by the pilots, as many seeds are judged as it takes, up to `replicates`. What width it has then, the
        result says.
    ablations : bool
        Whether variants of the rule are trained too, each at its own learning rate.
    worthwhile : float
        The least reduction of the error that is worth speaking of: below it a rule does not learn, and what differs by
        less is the same.
    train : int, optional
        Training trajectories, where not those of the benchmark.
    changes : mapping
        What is other than in the benchmark, as `Benchmark.changed` takes it: ``{"neuron": "leaky"}``. The page says so.
    progress : callable or bool, optional
        True shows a bar, which notebooks do unless it is False; a function is called with the completed share, 0 to 1.
    folder : str or Path, optional
        Where all that is trained is kept: what is there, of this verdict or of another one, is not trained again. Not
        kept where not given.
    on : str, Executor or Workers
        Where it runs: 'local', the address of a dask scheduler, 'slurm', or an executor of concurrent.futures.
    retries : int
        How often what failed is tried again.

    Returns
    -------
    Result
        With a dimension `method`; the attribute `sentence` is the answer.
    """
    rule = model_name("rule", rule, kind="Rule")
    benchmark, setting = benchmark_called(benchmark)
    setting = changed(benchmark, setting, changes, train)
    replicates, seed = whole("replicates", replicates, least=2), whole("seed", seed)
    precision = None if precision is None else real("precision", precision, above=0)
    ablations, worthwhile = truth("ablations", ablations), worth_speaking_of(worthwhile)
    tell = function("progress", progress)
    case = case_of(rule, benchmark, setting, seed, worthwhile, ablations)
    check_kept(case, replicates)
    with studying(folder, on, retries, tell) as study:
        study.total = work(case, replicates)
        result = evidence(case, study, replicates, precision)
        study.progress(1.0)
    return result


def changed(benchmark: str, setting: Benchmark, changes: Mapping[str, Any], train: int | None) -> Benchmark:
    """The benchmark with what is other than in it, and with another number of training trajectories."""
    if changes := mapping("changes", changes, "{'neuron': 'leaky'}"):
        for name in changes:
            one_of("change", name, CHANGEABLE)
        setting = setting.changed(**changes).checked(f"benchmark {benchmark}")
    if train is None:
        return setting
    train, batch = whole("train", train, least=1), setting.protocol.batch
    # looks at validation as often in relation
    every = max(batch, train // 10 // batch * batch)
    return replace(setting, protocol=replace(setting.protocol, train=train, validate_every=every))


def case_of(
    rule: str, benchmark: str, setting: Benchmark, seed: int, worthwhile: float, ablations: bool = False
) -> Case:
    """What is trained to judge a rule on a benchmark, or an `InputError` that says why it cannot be judged there."""
    judged = replace(setting.circuit, rule=rule)
    check_goes(rule, setting)
    rule = carried(judged).rule
    others = [carried(replace(judged, rule=known_rule(other))) for other in setting.beside]
    refused = {other.rule: refusal(other.rule, setting) for other in others}
    setting = replace(setting, beside=tuple(other for other, why in refused.items() if why is None))
    left_out = tuple(str(other) for other, why in refused.items() if why is not None)
    methods = methods_of(rule, setting) | (ablations_of(rule, setting) if ablations else {})
    _check_names(methods)
    for how in {setting.protocol.optimiser, *(method.protocol.get("optimiser", "sgd") for method in methods.values())}:
        check_optimiser(judged, replace(setting.protocol, optimiser=how))
    check_sizes(
        judged, setting.task, replace(setting.protocol, replicates=BLOCK), BLOCK, rates=_trials(setting, methods)
    )
    return Case(rule, benchmark, setting, seed, worthwhile, methods, left_out=left_out)


def _check_names(methods: Iterable[str]) -> None:
    """Refuse methods that a reader could not tell apart: rules in files are called by the names of these."""
    called: dict[str, str] = {}
    for name in methods:
        other = called.setdefault(short(name), name)
        if other != name:
            alike = f"{other} and {name} would both be called {short(name)!r} here"
            raise InputError(f"{alike}; give the file another name")


def check_kept(case: Case, replicates: int) -> None:
    """Refuse more replicates than have their scores in memory."""
    kept = NUMBER * len(case.methods) * (case.setting.protocol.looks + len(FLOORS) + 1)
    check_memory(replicates * kept, f"the scores of {replicates} replicates", "give fewer")


def work(case: Case, replicates: int) -> int:
    """How many networks a verdict trains, if no grid grows."""
    trials = _trials(case.setting, case.methods)
    return len(case.methods) * BLOCK * (trials * PILOT // BLOCK + 2 * blocks_for(replicates))


def evidence(case: Case, study: Study, replicates: int, precision: float | None = None) -> Result:
    """The verdict on a case, with `precision` as `verdict` takes it."""
    case = _prepared(case, study)
    planned = None
    if precision is not None:
        own, fixed = (case.tried[name].at(0, case.chosen[name].online) for name in (case.rule, FIXED))
        planned = Planned.of(own, fixed, precision, replicates)
        replicates = planned.seeds
    return result_of(case, _judged(case, study, range(blocks_for(replicates))), planned)


def _trials(setting: Benchmark, methods: Mapping[str, Method]) -> int:
    """At how many points each method is tried first."""
    return max(map(len, points_for(setting, methods).values()))


def known_rule(rule: str, what: str = "rule beside") -> str:
    """A rule that has to be there, by name or file."""
    return rule if is_file(rule) else one_of(what, rule, rules() | discrete.references().keys())


def _prepared(case: Case, study: Study) -> Case:
    """The case with what is chosen on the pilots: where each method is judged, and the tuned reservoir."""
    tried, chosen = chosen_points(case.setting, case.methods, study, case.seed)
    case = replace(case, tried=tried, chosen=chosen)
    reservoirs = tuned_reservoirs(case.setting, study, case.seed)
    methods = {**case.methods, TUNED: Method(None, reservoirs[FLOORS[0]])}
    return replace(case, methods=methods, chosen={**chosen, TUNED: chosen[FIXED]}, reservoirs=reservoirs)


def _judged(case: Case, study: Study, numbers: Sequence[int]) -> list[Block]:
    """The blocks of seeds of those numbers; updates of W are looked at in the first."""
    trials = {name: Trial.of(case.setting, method) for name, method in case.methods.items()}
    plain = {
        name: trial
        for name, trial in trials.items()
        if (method := trial.method).rule and not (method.circuit or method.protocol or method.parameters)
    }
    units: list[Unit] = []
    places: list[tuple[int, str, str]] = []
    for number in numbers:
        seeds = (case.seed, number)
        for name, trial in trials.items():
            tuned = tuple(case.reservoirs.values()) if name == TUNED else ()
            units.append(Judged(trial, case.chosen[name], seeds, tuned))
            places.append((number, "methods", name))
        units.append(Beside(case.setting, seeds))
        places.append((number, "beside", ""))
        if number == 0:
            units += [Aligned(trial, case.chosen[name], seeds) for name, trial in plain.items()]
            places += [(number, "aligned", name) for name in plain]
    found = {place: result.data for place, result in zip(places, study.results(units), strict=True)}

    def part(number: int, kind: str) -> dict:
        return {name: data for (block, what, name), data in found.items() if (block, what) == (number, kind)}

    return [Block(part(k, "methods"), part(k, "beside")[""], part(k, "aligned")) for k in numbers]
