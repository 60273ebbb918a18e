"""The command `autapse verdict`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

import autapse_sim as ap
from autapse_sim.commands.options import study_options
from autapse_sim.commands.output import bar, folder_for, write_others
from autapse_sim.errors import InputError
from autapse_sim.machine.session import computing


@click.command()
@click.argument("rule", required=False)
@click.option("--benchmark", default="bounce", show_default=True, help="A name or my_benchmark.py.")
@click.option("--replicates", default=200, show_default=True, help="Seeds of every method.")
@click.option("--seed", default=0, show_default=True, help="All draws follow from it.")
@click.option("--precision", type=float, help="Wished width of the interval of the reduction, e.g. 0.04.")
@click.option("--worthwhile", default=0.05, show_default=True, help="Least reduction of the error worth speaking of.")
@click.option("--trajectories", type=int, help="Training trajectories. [default: the benchmark's]")
@click.option("--ablations", is_flag=True, help="Train variants of the rule too.")
@click.option("--claims", is_flag=True, help="Measure what the paper says, claim by claim; no RULE is needed.")
@study_options
@click.option("--out", type=Path, help="Folder for what is written. [default: results/verdict]")
@click.option("--json", "as_json", is_flag=True, help="Print the comparisons as JSON.")
@computing()
def verdict(
    rule: str | None, trajectories: int | None, claims: bool, out: Path | None, as_json: bool, **options: Any
) -> None:
    """Judge RULE (a name or a file): does it learn recurrence, compared with what, and how sure?

    Every method trains the same networks on the same trajectories; learning rates are chosen on other seeds. What is
    trained is kept in the folder study beside what is written: stopped and started again, or with more replicates, a
    verdict goes on from there.
    `autapse benchmarks` lists the benchmarks that there are.
    """
    from dataclasses import asdict

    if rule is None and not claims:
        raise InputError("which rule? write for example: autapse verdict autapse, or autapse verdict --claims")
    folder = folder_for(out, "verdict")
    measured = []
    if claims:
        from autapse_sim.experiments.paper.table import claims as measure
        from autapse_sim.experiments.paper.table import claims_table

        with bar("measuring claims") as progress:
            how = {name: options[name] for name in ("replicates", "seed", "on", "retries")}
            measured = measure(progress=progress, folder=folder / "study", **how)
        if not as_json:
            click.echo(claims_table(measured))
    if rule is None:
        if as_json:
            click.echo(json.dumps([asdict(claim) for claim in measured], indent=1))
        return
    with bar(f"judging {rule}") as progress:
        result = ap.verdict(rule, train=trajectories, progress=progress, folder=folder / "study", **options)
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


def _write_evidence(result: ap.Result, path: Path) -> None:
    """Write the figures and the page of a verdict beside its result."""
    from autapse_sim.results.plots.catalogue import figures_of
    from autapse_sim.results.plots.style import save
    from autapse_sim.results.report.verdict import write_page

    figures = {name: draw(result) for name, draw in figures_of(result, "verdict").items()}
    draw = {name: lambda name=name: save(figures[name], path.parent, name) for name in figures}
    write_others([path], {**draw, "the page": lambda: [write_page(result, path.with_suffix(".html"), figures)]})
