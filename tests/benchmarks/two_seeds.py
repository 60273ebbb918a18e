"""Two scoreboards that share no seed, side by side: whether a court says the same twice.

    python tests/benchmarks/two_seeds.py [RULE ...] [--benchmark NAME]... [--seeds 0 1] [--replicates N]
        [--trajectories N] [--folder STUDY] [--json]
    python tests/benchmarks/two_seeds.py --of scoreboard.nc other/scoreboard.nc

Prints what each says of every method on every benchmark. One answer may be more certain than the other; where one shows
what the other shows to be false, they contradict each other, and the exit code is 1. Without --benchmark it takes those
that are leak-free.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import autapse_sim as ap
from autapse_sim.experiments.benchmark import benchmarks
from autapse_sim.experiments.verdict.board import MARKS, SAYS
from autapse_sim.names import short
from autapse_sim.results.answers import LEARNS, NO_MORE, NOT, UNSURE
from autapse_sim.results.table import columns

Answers = Mapping[str, Mapping[str, Mapping]]
"""The attribute `answers` of a scoreboard: by benchmark and method."""


def contradictions(one: Answers, other: Answers) -> list[tuple[str, str]]:
    """The benchmarks and methods of which one scoreboard shows that the rule learns, and the other that it does not.

    Nor do two agree of which one shows that it does more than is done without recurrence, and the other that it does
    no more. Nothing contradicts that something cannot be said.
    """
    found = []
    for name in one.keys() & other.keys():
        for rule in one[name].keys() & other[name].keys():
            said = {answers[name][rule]["answer"] for answers in (one, other)}
            if (NOT in said and said & {LEARNS, NO_MORE, UNSURE}) or said == {LEARNS, NO_MORE}:
                found.append((name, rule))
    return sorted(found)


def table(one: Answers, other: Answers) -> str:
    """Method by benchmark: both answers and reductions, - where there is none, ! where they contradict each other."""
    against = contradictions(one, other)
    rules = list(dict.fromkeys(rule for board in (one, other) for each in board.values() for rule in each))
    names = list(dict.fromkeys([*one, *other]))
    rows = [["", *names]]
    for rule in rules:
        cells = []
        for name in names:
            both = [_cell(answers.get(name, {}).get(rule)) for answers in (one, other)]
            cells.append(f"{' / '.join(both)}{' !' if (name, rule) in against else ''}")
        rows.append([short(rule), *cells])
    return "\n".join([*columns(rows), f"{SAYS}; ! they contradict each other"])


def _cell(answer: Mapping | None) -> str:
    """The mark of an answer with the reduction of the error against the fixed reservoir."""
    if answer is None:
        return "-"
    estimate = answer["fixed reservoir"]["reduction"]["estimate"]
    return f"{MARKS[answer['answer']]} {'-inf' if estimate is None else round(100 * estimate)}%"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rules", nargs="*")
    parser.add_argument("--benchmark", action="append")
    parser.add_argument("--seeds", nargs=2, type=int, default=(0, 1))
    parser.add_argument("--replicates", type=int)
    parser.add_argument("--trajectories", type=int)
    parser.add_argument("--folder", type=Path, help="Where what is trained is kept.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--of", nargs=2, type=Path, help="Scoreboards that are there.", metavar="FILE")
    given = parser.parse_args()
    boards = [json.loads(ap.load(file).data.attrs["answers"]) for file in given.of or ()] or judged(given)
    against = contradictions(*boards)
    if given.json:
        print(json.dumps({"answers": boards, "contradictions": against}, indent=1))
    else:
        print(table(*boards))
    sys.exit(1 if against else 0)


def judged(given: argparse.Namespace) -> list[Answers]:
    """The answers of two scoreboards that are run."""
    named = given.benchmark or [name for name, one in benchmarks().items() if one.family == "leak-free"]
    boards = []
    for seed in given.seeds:
        how = {"replicates": given.replicates, "train": given.trajectories, "folder": given.folder}
        result = ap.scoreboard(given.rules or None, named, seed=seed, progress=False, **how)
        boards.append(json.loads(result.data.attrs["answers"]))
    return boards


if __name__ == "__main__":
    main()
