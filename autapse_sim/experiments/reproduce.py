"""Seeing published results again: what was published is run, held against what came out, and answered."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import Any

import xarray as xr

from autapse_sim.checks import function, truth, whole
from autapse_sim.experiments.reproduction import Answer, Reproduction, reproduction_called
from autapse_sim.machine.bars import shows_progress
from autapse_sim.results.result import Result, provenance
from autapse_sim.spec.job import Progress
from autapse_sim.studies.study import studying
from autapse_sim.studies.workers import Executor, Workers

WIDTH = 120
"""Of the table."""


@shows_progress("reproducing")
def reproduce(
    name: str | Path | Reproduction,
    quick: bool = False,
    seed: int = 0,
    progress: Progress | bool | None = None,
    folder: str | Path | None = None,
    on: str | Executor | Workers = "local",
    retries: int = 1,
) -> Result:
    """Run what was published, and say whether it is reproduced.

    Parameters
    ----------
    name : str, path or Reproduction
        Name (see `autapse reproduce --list`), a file that defines ``reproduction = ap.Reproduction(...)``, or itself.
    quick : bool
        Whether fewer seeds or a shorter training do: such a run says so, and seldom shows anything.
    seed : int
        All draws follow from it, but for those that were published.
    progress : callable or bool, optional
        True shows a bar, which notebooks do unless it is False; a function is called with the completed share, 0 to 1.
    folder : str or Path, optional
        Where all that is trained is kept: what is there is not trained again. Not kept where not given.
    on : str, Executor or Workers
        Where it runs: 'local', the address of a dask scheduler, 'slurm', or an executor of concurrent.futures.
    retries : int
        How often what failed is tried again.

    Returns
    -------
    Result
        With a dimension `finding`; the attribute `answer` is 'reproduced', 'not reproduced' or 'cannot be said',
        `sentence` says why, `table` says all.

    Examples
    --------
    >>> reproduce("eprop-sine", quick=True).data.attrs["answer"]  # doctest: +SKIP
    'reproduced'
    """
    name, what = reproduction_called(name)
    quick, seed = truth("quick", quick), whole("seed", seed)
    tell = function("progress", progress)
    units = what.units(seed, quick)
    with studying(folder, on, retries, tell) as study:
        study.total = sum(unit.work for unit in units.values())
        results = study.results(list(units.values()))
        study.progress(1.0)
    found = {key: result.data for key, result in zip(units, results, strict=True)}
    answer = what.answered(found, quick)
    return Result(_data(answer, _about(name, what, answer, quick, seed)))


def _about(name: str, what: Reproduction, answer: Answer, quick: bool, seed: int) -> dict[str, Any]:
    """What is said of a reproduction, as attributes hold it."""
    kinds = [one.answer for one in answer.findings]
    counts = ", ".join(f"{kinds.count(kind)} of {len(kinds)} {kind}" for kind in dict.fromkeys(kinds))
    short = f", a quick run ({what.quick})" if quick else ""
    sentence = f"{name}{short}: {answer.kind}. {what.title}; of what was published, {counts}."
    about = {"name": name, "title": what.title, "source": what.source, "published": what.published, "seed": seed}
    told = json.dumps([asdict(one) for one in answer.findings])
    about |= {
        "quick": int(quick),
        "answer": answer.kind,
        "sentence": sentence,
        "findings": told,
        "notes": json.dumps(answer.notes),
    }
    command = f"autapse_sim.reproduce({name!r}, quick={quick}, seed={seed})"
    about["provenance"] = json.dumps(provenance(command))
    return about | {"table": table(about)}


def table(about: dict[str, Any]) -> str:
    """A reproduction as text: the answer, the source, and each finding with what decided."""
    lines = [*textwrap.wrap(about["sentence"], WIDTH), *textwrap.wrap(about["source"], WIDTH)]
    lines += textwrap.wrap(f"Published: {about['published']}", WIDTH)
    for one in json.loads(about["findings"]):
        told = {"published": one["published"], "here": one["here"], "by": one["by"]}
        lines.append(f"{one['answer'].upper()}: {one['what']}")
        for label, said in told.items():
            lines += textwrap.wrap(f"{label:<10}{said}", WIDTH, initial_indent="    ", subsequent_indent=" " * 14)
    for note in json.loads(about["notes"]):
        lines += textwrap.wrap(note, WIDTH)
    return "\n".join(lines)


def _data(answer: Answer, about: dict[str, Any]) -> xr.Dataset:
    """The numbers with the answers."""
    findings = {"finding": [one.what for one in answer.findings]}
    kinds = xr.Dataset({"agrees": ("finding", [one.answer for one in answer.findings])}, findings)
    return answer.data.merge(kinds).assign_attrs(about)
