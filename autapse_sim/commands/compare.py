"""The command `autapse compare`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

import autapse_sim as ap
from autapse_sim.commands.options import experiment_options, setting, study_options
from autapse_sim.commands.output import FIGURES, drawing, folder_for, say_slower, show, write_others
from autapse_sim.machine.bars import Tell, bar
from autapse_sim.machine.session import computing
from autapse_sim.studies.workers import helper, started

HOME = "autapse_sim.experiments.compare"
"""What workers read while this process reads it, too."""


@click.command()
@click.option("--rule", "rules", multiple=True, help="A rule, by name or file; may be repeated. [default: all four]")
@click.option("--eta", "etas", multiple=True, type=float, help="A learning rate of the grid; may be repeated.")
@experiment_options
@study_options
@computing()
def compare(rules: tuple[str, ...], etas: tuple[float, ...], out: Path | None, as_json: bool, **options: Any) -> None:
    """Compare rules on the bouncing ball, each at its best learning rate, with honest controls.

    Without options: the paper's experiment (n = 2, U = V = I, sigmoid, only W learns; bptt, fa, dfa, autapse). What is
    trained is kept in the folder study beside what is written; stopped and started again, it goes on from there.
    """
    engine, on, retries = (options.pop(name) for name in ("engine", "on", "retries"))
    with helper(FIGURES) as beside, started(on, HOME) as place:
        from autapse_sim.experiments.compare import ETAS, RULES

        rules = rules or RULES
        circuit, task, protocol, parameters = setting(options, rules[0])
        say_slower((replace(circuit, rule=rule) for rule in rules), engine)
        folder = folder_for(out, "compare")
        with bar("comparing") as progress:
            tell, study = _reading_figures(progress), (folder / "study", place, retries)
            result = ap.compare(rules, task, protocol, circuit, etas or ETAS, parameters, engine, tell, *study)
        path = folder / "compare.nc"
        result.save(path)
        from autapse_sim.results.plots.catalogue import figures

        names = list(figures("result"))
        order = [*names[1:2], *names[:1], *names[2:]]  # fig2, which takes longest, is begun first
        write = drawing(result, order, folder, beside)
        show(result, as_json)
        write_others([path], write)


def _reading_figures(progress: Tell) -> Tell:
    """The same, which imports what draws the figures as soon as something is done, while workers do the rest."""

    def tell(share: float) -> None:
        progress(share)
        if share:
            from matplotlib.backends import backend_agg, backend_pdf  # noqa: F401  # they are looked up by their names

            from autapse_sim.results.plots.catalogue import figures

            figures("result")

    return tell
