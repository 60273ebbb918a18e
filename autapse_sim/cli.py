"""The command line: `autapse compare | train | verdict | plot | models | cache`."""

from __future__ import annotations

import contextlib
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

import autapse_sim as ap
from autapse_sim import checks
from autapse_sim.circuit import FEEDBACKS, LEARNABLE, PRECISIONS, READOUTS, Circuit
from autapse_sim.commands.sweep import sweep
from autapse_sim.errors import InputError, in_a_line
from autapse_sim.protocol import UPDATES, Protocol
from autapse_sim.session import Commands, computing
from autapse_sim.units import amount


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(ap.__version__, prog_name="autapse")
def main() -> None:
    """A bench that settles whether a learning rule works in a recurrent circuit."""


main.add_command(sweep)


def _experiment(command: Callable) -> Callable:
    """The options that `compare` and `train` share."""
    options = [
        click.option("--neuron", default="rate", show_default=True, help="Neuron, by name or file."),
        click.option("--neurons", default=2, show_default=True, help="n, the number of neurons."),
        click.option(
            "--readout", type=click.Choice(READOUTS), help="U = V = I, or drawn. [default: identity for n = 2]"
        ),
        click.option("--activation", default="sigmoid", show_default=True, help="f, one of those that the neuron has."),
        click.option("--learn", default="W", show_default=True, help=f"What learns: any of {','.join(LEARNABLE)}."),
        click.option("--feedback", type=click.Choice(FEEDBACKS), default="conditioned", show_default=True, help="B."),
        click.option("--substeps", default=1, show_default=True, help="Integration steps in a step of the stimulus."),
        click.option("--method", help="Integrator of Brian2. [default: the neuron's]"),
        click.option(
            "--precision",
            type=click.Choice(PRECISIONS),
            default="double",
            show_default=True,
            help="Of Brian2's numbers.",
        ),
        click.option("--replicates", default=100, show_default=True, help="Networks per rule."),
        click.option("--trajectories", default=100, show_default=True, help="Training trajectories."),
        click.option("--validate", default=20, show_default=True, help="Validation trajectories."),
        click.option("--test", default=20, show_default=True, help="Test trajectories."),
        click.option("--update", type=click.Choice(UPDATES), default="step", show_default=True, help="When W changes."),
        click.option("--seed", default=0, show_default=True, help="All draws follow from it."),
        click.option("--record", default=5, show_default=True, help="Replicates kept in full."),
        click.option("--steps", default=100, show_default=True, help="T, steps of a trajectory."),
        click.option("--horizon", default=1, show_default=True, help="h, steps ahead to predict."),
        click.option("--speed", default=0.05, show_default=True, help="Of the ball, box lengths per step."),
        click.option("--gravity", default=0.0, show_default=True, help="Box lengths per step squared."),
        click.option("--radius", default=0.0, show_default=True, help="Of the ball, box lengths."),
        click.option("--noise", default=0.0, show_default=True, help="S.d. of the observation noise, box lengths."),
        click.option("--occlusion", nargs=2, type=int, help="BLANK PERIOD: input blanked BLANK steps in PERIOD."),
        click.option("--tau", help="Time constant of the trace, e.g. '10 ms' (10 steps)."),
        click.option("--parameter", "-p", multiple=True, help="Any other parameter, e.g. -p eta_out=0.01."),
        click.option(
            "--engine", default="auto", show_default=True, help="auto, standalone, runtime, reference or numpy."
        ),
        click.option("--out", type=Path, help="Folder for what is written. [default: results/COMMAND]"),
        click.option("--json", "as_json", is_flag=True, help="Print the table as JSON."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _where(command: Callable) -> Callable:
    """The options of commands that run as studies."""
    place = "Where it runs: local, tcp://HOST:PORT (dask) or slurm."
    command = click.option("--retries", default=1, show_default=True, help="How often what failed is tried again.")(
        command
    )
    return click.option("--on", default="local", show_default=True, help=place)(command)


def _setting(options: dict[str, Any], rule: str) -> tuple[Circuit, ap.BouncingBall, Protocol, dict[str, Any]]:
    """Circuit, task, protocol and parameters that the options name."""
    take = options.pop
    readout = take("readout") or ("identity" if options["neurons"] == 2 else "random")
    learn = tuple(part for part in re.split(r"[,\s]+", take("learn")) if part)
    names = ("neuron", "neurons", "activation", "feedback", "substeps", "method", "precision")
    circuit = Circuit(rule=rule, readout=readout, learn=learn, **{name: take(name) for name in names})
    names = ("replicates", "validate", "test", "update", "seed", "record")
    protocol = Protocol(train=take("trajectories"), **{name: take(name) for name in names})
    names = ("steps", "horizon", "speed", "gravity", "radius", "noise", "occlusion")
    task = ap.BouncingBall(**{name: take(name) for name in names})
    given = {}
    for text in take("parameter"):
        name, equals, value = text.partition("=")
        if not equals:
            raise InputError(f"--parameter {text!r}: write NAME=VALUE, for example eta_out=0.01")
        given[name.strip()] = value
    tau = take("tau")
    if tau is not None:
        given["tau"] = tau
    return circuit, task, protocol, {name: amount(value, name) for name, value in given.items()}


def _folder(out: Path | None, default: str) -> Path:
    """The folder for results, made and tried before anything is computed."""
    import tempfile

    folder = checks.path("--out", out) if out else Path("results", default)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(f"output folder {folder} cannot be written: {error.strerror}") from error
    return folder


@contextlib.contextmanager
def _bar(label: str) -> Iterator[Callable[[float], None]]:
    """A progress bar on standard error (none where that is no terminal)."""
    with click.progressbar(length=1000, label=label, file=sys.stderr) as bar:
        yield lambda share: bar.update(int(1000 * share) - bar.pos)


def _print(result: ap.Result, as_json: bool) -> None:
    from autapse_sim import table

    if "mse" not in result.data:
        click.echo("no test trajectories, and so no scores", err=True)
    elif as_json:
        click.echo(json.dumps(table.rows(result.data), indent=1))
        for note in table.notes(result.data):
            click.echo(note, err=True)
    else:
        click.echo(table.text(result.data))


def _write_others(files: list[Path], others: Mapping[str, Callable[[], list[Path]]]) -> None:
    """Write what is made of a result that was written, and say what there is; what fails is named, and leaves the rest.

    InputError at the end where a file could not be written.
    """
    failed = []
    for name, write in others.items():
        try:
            files = files + write()
        except (ValueError, ArithmeticError, MemoryError, OSError, RuntimeError) as error:
            click.echo(f"{name} is left out: {in_a_line(error)}", err=True)
            failed += [name] * isinstance(error.__cause__, OSError)
    click.echo(f"written to {files[0].parent}: {', '.join(path.name for path in files)}", err=True)
    if failed:
        raise InputError(f"{', '.join(failed)} could not be written; the result is in {files[0]}")


def _say_slower(circuits: Iterable[Circuit], engine: str) -> None:
    """Say so where Brian2 runs without a compiler that was not declined."""
    from autapse_sim.experiment import choose_engine

    if engine == "auto" and any(choose_engine(circuit, engine) == "runtime" for circuit in circuits):
        click.echo("no C++ compiler found: Brian2 runs in runtime mode, same numbers, but slower", err=True)


@main.command()
@click.option("--rule", "rules", multiple=True, help="A rule, by name or file; may be repeated. [default: all four]")
@click.option("--eta", "etas", multiple=True, type=float, help="A learning rate of the grid; may be repeated.")
@_experiment
@_where
@computing()
def compare(rules: tuple[str, ...], etas: tuple[float, ...], out: Path | None, as_json: bool, **options: Any) -> None:
    """Compare rules on the bouncing ball, each at its best learning rate, with honest controls.

    Without options: the paper's experiment (n = 2, U = V = I, sigmoid, only W learns; bptt, fa, dfa, autapse). What is
    trained is kept in the folder study beside what is written; stopped and started again, it goes on from there.
    """
    from autapse_sim.comparison import ETAS, RULES
    from autapse_sim.plots import FIGURES
    from autapse_sim.plots.style import save

    engine, on, retries = (options.pop(name) for name in ("engine", "on", "retries"))
    rules = rules or RULES
    circuit, task, protocol, parameters = _setting(options, rules[0])
    _say_slower((replace(circuit, rule=rule) for rule in rules), engine)
    folder = _folder(out, "compare")
    with _bar("comparing") as progress:
        study = folder / "study", on, retries
        result = ap.compare(rules, task, protocol, circuit, etas or ETAS, parameters, engine, progress, *study)
    path = folder / "compare.nc"
    result.save(path)
    _print(result, as_json)
    draw = {name: lambda name=name: save(FIGURES[name](result.data), folder, name) for name in FIGURES}
    _write_others([path], draw)


@main.command()
@click.option("--rule", default="autapse", show_default=True, help="The rule, by name or file.")
@click.option("--eta", type=float, help="Learning rate. [default: the rule's]")
@_experiment
@computing()
def train(rule: str, eta: float | None, out: Path | None, as_json: bool, **options: Any) -> None:
    """Train one rule on the bouncing ball and test it."""
    engine = options.pop("engine")
    circuit, task, protocol, parameters = _setting(options, rule)
    if eta is not None:
        parameters["eta"] = eta
    _say_slower([circuit], engine)
    folder = _folder(out, "train")
    with _bar(f"training {rule}") as progress:
        result = ap.train(circuit, task, protocol, parameters=parameters, engine=engine, progress=progress)
    path = folder / "train.nc"
    result.save(path)
    _print(result, as_json)
    _write_others([path], {})


@main.command()
@click.argument("rule", required=False)
@click.option("--benchmark", default="bounce", show_default=True, help="What has to be learned.")
@click.option("--replicates", default=200, show_default=True, help="Seeds of every method.")
@click.option("--seed", default=0, show_default=True, help="All draws follow from it.")
@click.option("--precision", type=float, help="Wished width of the interval of the reduction, e.g. 0.04.")
@click.option("--trajectories", type=int, help="Training trajectories. [default: the benchmark's]")
@click.option("--ablations", is_flag=True, help="Train variants of the rule too.")
@click.option("--claims", is_flag=True, help="Measure what the paper says, claim by claim; no RULE is needed.")
@_where
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
    Benchmarks: bounce, occlusion, noise, paper, flip-flop, integrator, copy.
    """
    from dataclasses import asdict

    if rule is None and not claims:
        raise InputError("which rule? write for example: autapse verdict autapse, or autapse verdict --claims")
    folder = _folder(out, "verdict")
    measured = []
    if claims:
        from autapse_sim.claims import claims as measure
        from autapse_sim.claims import claims_table

        with _bar("measuring claims") as progress:
            measured = measure(options["replicates"], options["seed"], progress)
        if not as_json:
            click.echo(claims_table(measured))
    if rule is None:
        if as_json:
            click.echo(json.dumps([asdict(claim) for claim in measured], indent=1))
        return
    with _bar(f"judging {rule}") as progress:
        result = ap.verdict(rule, train=trajectories, progress=progress, folder=folder / "study", **options)
    if measured:
        told = [{**asdict(claim), "claim": claim.key, "verdict": claim.answer} for claim in measured]
        result = ap.Result(result.data.assign_attrs(claims=json.dumps(told)))
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
    from autapse_sim.page import write_page
    from autapse_sim.plots.evidence import evidence
    from autapse_sim.plots.style import save

    figures = evidence(result)
    draw = {name: lambda name=name: save(figures[name], path.parent, name) for name in figures}
    _write_others([path], {**draw, "the page": lambda: [write_page(result, path.with_suffix(".html"), figures)]})


@main.command()
@click.argument("figure")
@click.argument("result", type=Path)
@click.option("--rule", help="Of several rules. [default: the first; for traces, those that have one]")
@click.option("--replicate", type=int, help="Number of the replicate. [default: 0]")
@click.option("--phase", "phases", multiple=True, help="E.g. 'test 1'; may be repeated. [default: first and last]")
@click.option("--before", type=Path, help="A result of the same networks before learning, for FIGURE circuit.")
@click.option("--out", type=Path, default=Path(), help="Folder for the figure.")
def plot(figure: str, result: Path, out: Path, before: Path | None, phases: tuple[str, ...], **options: Any) -> None:
    """Draw FIGURE from a RESULT file, as PDF and PNG.

    \b
    fig1             true and predicted trajectories
    fig2             learning curves
    traces           activity, traces, feedback and error over a trajectory
    raster           spikes, rate, membrane and traces, stimulus and error over time
    activity         the same with the activity of all neurons as an image
    circuit          W, its eigenvalues, principal components of the activity

    \b
    Of a verdict:
    scores           test error of every method and control
    learning_curves  validation error during training
    example          predictions of one held-out trajectory
    alignment        updates beside the exact gradient
    ablations        the rule with one part changed
    learning_rates   what every learning rate gives
    """
    import inspect

    from autapse_sim.names import one_of
    from autapse_sim.plots.catalogue import ALL, check_held, figures_of
    from autapse_sim.plots.style import save

    loaded = ap.load(result)
    draw = ALL[figure if figure in ALL else one_of("figure", figure, figures_of(loaded))]
    taken = inspect.signature(draw).parameters
    if "phases" in taken:
        options["phases"] = phases or None
    elif len(phases) > 1:
        raise InputError(f"figure {figure} takes one --phase at most")
    else:
        options["phase"] = phases[0] if phases else None
    given = {name: value for name, value in {**options, "before": before}.items() if value is not None}
    for name in given.keys() - taken.keys():
        raise InputError(f"figure {figure} takes no --{name}")
    if before:
        given["before"] = ap.load(before).data
    check_held(loaded, figure)
    for path in save(draw(loaded.data, **given), _folder(out, "plot"), figure):
        click.echo(click.format_filename(path))


@main.command()
def models() -> None:
    """List the neurons and rules that come with the package."""
    from autapse_sim import discrete
    from autapse_sim.description import discrete_text
    from autapse_sim.model import library

    for kind in ("neurons", "rules"):
        click.echo(kind)
        for name, path in library(kind).items():
            click.echo(f"  {name:<18}{_first_line(path.read_text())}")
    click.echo("rules without equations, for the discrete network (engine numpy)")
    for name in sorted(discrete.RULES.keys() - library("rules").keys()):
        click.echo(f"  {name:<18}{discrete_text(name).splitlines()[0]}")


def _first_line(source: str) -> str:
    return source.split('"""')[1].strip().splitlines()[0]


@main.command()
@click.option("--clear", is_flag=True, help="Remove them all.")
def cache(clear: bool) -> None:
    """Show the compiled programs that are kept for the next time."""
    from autapse_sim import cache as store

    kept = store.entries()
    programs = [entry for entry in kept if entry.kind == "program"]
    counts = f"{_count(len(programs), 'program')}, {_count(len(kept) - len(programs), 'manifest')}"
    what = f"{counts}, {_size(sum(entry.bytes for entry in kept))}"
    if clear:
        removed = store.clear()
        click.echo(f"{store.folder()}: removed {removed} of {len(kept)} entries ({what})")
        return
    click.echo(f"{store.folder()}: {what}")
    if programs:
        click.echo(f"  {'key':<12}  {'size':>8}  last used")
    for entry in programs:
        click.echo(f"  {entry.key[:12]:<12}  {_size(entry.bytes):>8}  {entry.used:%Y-%m-%d %H:%M}")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.1f} kB"
