"""The command `autapse verdict`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

import autapse_sim as ap
from autapse_sim.commands.options import pairs, study_options, task_of
from autapse_sim.commands.output import FIGURES, drawing, folder_for, write_others
from autapse_sim.errors import InputError
from autapse_sim.machine.bars import bar
from autapse_sim.machine.session import computing
from autapse_sim.spec.circuit import FEEDBACKS
from autapse_sim.studies.workers import helper


@click.command()
@click.argument("rules", nargs=-1, metavar="[RULE]...")
@click.option("--benchmark", multiple=True, help="A name or my_benchmark.py; may be given again. [default: bounce]")
@click.option("--all", "everything", is_flag=True, help="All rules, if none is named, on all benchmarks, if none is.")
@click.option("--dry-run", is_flag=True, help="Say what is trained, and stop.")
@click.option("--replicates", type=int, help="Seeds of every method, in eights. [default: 200; of several 56 or 16]")
@click.option("--seed", default=0, show_default=True, help="All draws follow from it.")
@click.option(
    "--precision",
    type=float,
    help="As many seeds, up to --replicates, as make the interval of the reduction so wide by the pilots, e.g. 0.04.",
)
@click.option("--worthwhile", default=0.05, show_default=True, help="Least reduction of the error worth speaking of.")
@click.option("--trajectories", type=int, help="Training trajectories. [default: the benchmark's]")
@click.option("--ablations", is_flag=True, help="Train variants of the rule too.")
@click.option("--neuron", help="Another neuron than the benchmark's, by name or file.")
@click.option("--neurons", type=int, help="n, the number of neurons. [default: the benchmark's]")
@click.option("--feedback", type=click.Choice(FEEDBACKS), help="B. [default: the benchmark's]")
@click.option("--task", help="A name (autapse tasks), my_task.py or arrays.npz. [default: the benchmark's]")
@click.option("-t", "--task-option", multiple=True, metavar="NAME=VALUE", help="Of that task.")
@click.option("--parameter", "-p", multiple=True, help="Of the neuron, e.g. -p tau_m='5 ms'.")
@click.option("--claims", is_flag=True, help="Measure what the paper says, claim by claim; no RULE is needed.")
@study_options
@click.option("--out", type=Path, help="Folder for what is written. [default: results/verdict, or results/scoreboard]")
@click.option("--json", "as_json", is_flag=True, help="Print the comparisons as JSON.")
@computing()
def verdict(
    rules: tuple[str, ...],
    benchmark: tuple[str, ...],
    everything: bool,
    dry_run: bool,
    claims: bool,
    out: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Judge each RULE (a name or a file): does it learn recurrence, compared with what, and how sure?

    Every method trains the same networks on the same trajectories; learning rates are chosen on other seeds. What is
    trained is kept in the folder study beside what is written: stopped and started again, or with more replicates, a
    verdict goes on from there. Several rules or benchmarks make one scoreboard.
    `autapse benchmarks` lists the benchmarks that there are.
    """
    if not (rules or claims or everything):
        raise InputError("which rule? write for example: autapse verdict autapse, or autapse verdict --claims")
    options["changes"] = _changes({name: options.pop(name) for name in CHANGED})
    options["train"] = options.pop("trajectories")
    several = everything or len(rules) > 1 or len(benchmark) > 1
    folder = folder_for(out, "scoreboard" if several else "verdict")
    if not several and options["replicates"] is None:
        options["replicates"] = 200
    if several or dry_run:
        if claims or options.pop("ablations") or options.pop("precision") is not None:
            others = "--claims, --ablations and --precision"
            alone = f"{others} are of one rule on one benchmark"
            raise InputError(alone if several else f"--dry-run tells of a verdict without {others}")
        named = benchmark or (None if everything else ("bounce",))
        return _several(rules or None, named, several, dry_run, folder, as_json, options)
    if claims and not rules:
        _refuse_others()
    measured = _claims(folder, options, as_json) if claims else []
    if rules:
        _one(rules[0], benchmark[0] if benchmark else "bounce", measured, folder, as_json, options)
    elif as_json:
        click.echo(json.dumps([asdict(claim) for claim in measured], indent=1))


def _refuse_others() -> None:
    """Claims have settings of their own: what is about a verdict is not for them."""
    context = click.get_current_context()
    theirs = {"claims", "replicates", "seed", "on", "retries", "out", "as_json", "rules"}
    for name in context.params:
        if name not in theirs and context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise InputError(
                f"--{name.replace('_', '-')} is about the verdict on a RULE, and --claims alone measures the paper's; "
                "name a RULE, or leave it out"
            )


def _claims(folder: Path, options: Mapping[str, Any], as_json: bool) -> list[Any]:
    """Measure what the paper says."""
    from autapse_sim.experiments.paper.table import claims as measure
    from autapse_sim.experiments.paper.table import claims_table

    with bar("measuring claims") as progress:
        how = {name: options[name] for name in ("replicates", "seed", "on", "retries")}
        measured = measure(progress=progress, folder=folder / "study", **how)
    if not as_json:
        click.echo(claims_table(measured))
    return measured


def _one(
    rule: str, benchmark: str, measured: list[Any], folder: Path, as_json: bool, options: Mapping[str, Any]
) -> None:
    """Judge a rule on a benchmark."""
    with bar(f"judging {rule}") as progress:
        result = ap.verdict(rule, benchmark, progress=progress, folder=folder / "study", **options)
    if measured:
        answers = [{**asdict(claim), "claim": claim.key, "verdict": claim.answer} for claim in measured]
        result = ap.Result(result.data.assign_attrs(claims=json.dumps(answers)))
    path = folder / "verdict.nc"
    result.save(path)
    attributes = result.data.attrs
    if as_json:
        told = {name: json.loads(attributes[name]) for name in ("statistics", "floors", "methods")}
        click.echo(json.dumps({"sentence": attributes["sentence"], **told}, indent=1))
    else:
        click.echo(attributes["table"])
    _write_evidence(result, path)


def _several(
    rules: tuple[str, ...] | None,
    benchmarks: tuple[str, ...] | None,
    several: bool,
    dry_run: bool,
    folder: Path,
    as_json: bool,
    options: dict[str, Any],
) -> None:
    """Judge several rules on several benchmarks, or say what is trained for that, or for one rule on one of them."""
    from autapse_sim.experiments.verdict.scoreboard import judged_all, plan_scoreboard, plan_verdict

    how = {name: options.pop(name) for name in ("on", "retries")}
    if several:
        plan = plan_scoreboard(rules, benchmarks, **options)
    else:
        (rule,), (benchmark,) = rules or (), benchmarks or ()
        plan = plan_verdict(rule, benchmark, **options)
    click.echo(f"{plan.text()}\n{sum(plan.networks.values())} networks in all", err=True)
    if dry_run:
        return
    with bar("judging") as progress:
        result = judged_all(plan, progress, folder / "study", **how)
    path = folder / "scoreboard.nc"
    result.save(path)
    click.echo(result.data.attrs["answers"] if as_json else result.data.attrs["table"])
    _write_evidence(result, path)


CHANGED = ("neuron", "neurons", "feedback", "task", "task_option", "parameter")
"""The options that are other than in the benchmark."""


def _changes(options: dict[str, Any]) -> dict[str, Any]:
    """What is other than in the benchmark."""
    name, of_task, parameters = (options.pop(option) for option in ("task", "task_option", "parameter"))
    if of_task and name is None:
        raise InputError("-t is of another task than the benchmark's: name it with --task")
    given = {key: value for key, value in options.items() if value is not None}
    given |= {"task": task_of({}, name, of_task)} if name is not None else {}
    named = pairs(parameters, "--parameter", "tau_m='5 ms'")
    return given | ({"parameters": named} if named else {})


def _write_evidence(result: ap.Result, path: Path) -> None:
    """Write the figures and the page of a verdict or a scoreboard beside its result."""
    from autapse_sim.results.plots.catalogue import figures_of
    from autapse_sim.results.report.write import write_page

    with helper(FIGURES) as beside:
        figures = figures_of(result, path.stem)
        draw = drawing(result, figures, path.parent, beside)
        held = {name: draw(result) for name, draw in figures.items()}
        write_others([path], {"the page": lambda: [write_page(result, path.with_suffix(".html"), held)], **draw})
