"""Speed of studies: many trainings, many units, what a unit costs beside its work, opening, and a dask cluster.

    python tests/benchmarks/studies.py [--json] [--only NAME]

Prints each measure beside its bar. The machine should be quiet; what is compared runs in turns.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import psutil
import xarray as xr

import autapse_sim as ap
from autapse_sim.machine.crew import Crew
from autapse_sim.results.result import Result
from autapse_sim.studies.execute import execute
from autapse_sim.studies.store import Store
from autapse_sim.studies.sweep import plan_sweep
from autapse_sim.studies.unit import name_of
from autapse_sim.studies.workers import AHEAD, Workers, workers

TURNS = 3
FEW = ap.Protocol(replicates=25, train=100, validate=0, test=2)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as home:
        yield Path(home)


@contextmanager
def local(size: int) -> Iterator[Workers]:
    """Workers of this machine."""
    with Crew(size) as crew:
        yield Workers(crew, lambda: AHEAD * size)


def seconds(run: Callable[[], Any]) -> float:
    before = time.perf_counter()
    run()
    return time.perf_counter() - before


def trainings() -> dict[str, float]:
    """10,000 networks of the paper's size, 100 seeds at 10 learning rates and 10 time constants, warm."""
    grid = {"eta": np.logspace(-3, 0, 10).tolist(), "tau": [f"{k} ms" for k in range(2, 22, 2)]}
    protocol = ap.Protocol(replicates=100, train=100, validate=0, test=1)

    def run() -> float:
        with folder() as home, most_memory() as most:
            taken = seconds(lambda: ap.sweep(grid, home, task=ap.BouncingBall(), protocol=protocol))
            opened = seconds(lambda: ap.open_study(home))
        return taken, most[0], opened

    run()
    taken, most, opened = (median(each) for each in zip(*(run() for _ in range(TURNS)), strict=True))
    return {"10,000 trainings, s": taken, "their memory, GB": most / 1e9, "opening 10,000 trainings, s": opened}


@contextmanager
def most_memory() -> Iterator[list[int]]:
    """The most memory of this process and all below it, shared pages counted once, seen every 50 ms."""
    most, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.05):
            total = 0
            for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:
                    continue
            most[0] = max(most[0], total)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield most
    finally:
        over.set()
        watcher.join()


def structural() -> dict[str, float]:
    """60 units that each are a circuit of their own, on one worker, on two, and on a dask cluster of two."""
    grid = {"neurons": list(range(4, 34)), "rule": ["dfa", "bptt"]}
    circuit = ap.Circuit(readout="random", learn=("W", "V"))
    protocol = ap.Protocol(replicates=25, train=100, validate=0, test=2, update="trajectory")
    plan = plan_sweep(grid, circuit, ap.BouncingBall(), protocol, engine="numpy")
    assert len(plan.units) == 60

    def taken(some: Workers) -> float:
        with folder() as home:
            return seconds(lambda: execute(plan.units, Store(home), some))

    with local(1) as one, local(2) as two, cluster() as dask:
        sides = {"one": one, "two": two, **({"dask": dask} if dask else {})}
        turns = [{name: taken(some) for name, some in sides.items()} for _ in range(TURNS + 1)]
    best = {name: median(turn[name] for turn in turns[1:]) for name in sides}  # in the first turn workers start
    found = {"60 units, 2 workers over 1": best["one"] / best["two"]}
    return found | ({"60 units, dask over local": best["dask"] / best["two"]} if dask else {})


@contextmanager
def cluster() -> Iterator[Workers | None]:
    """A dask cluster of two workers, where there is dask."""
    try:
        from distributed import LocalCluster
    except ImportError:
        yield None
        return
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as made,
        workers(made.scheduler_address) as some,
    ):
        yield some


@dataclass(frozen=True)
class Nothing:
    """A unit that does nothing, and keeps as much as one of a sweep does."""

    number: int
    work = 1

    def parts(self) -> dict[str, int]:
        return {"number": self.number}

    def run(self) -> Result:
        rng = np.random.default_rng(self.number)
        return Result(
            xr.Dataset({"a": (("replicate", "k"), rng.random((25, 100))), "b": ("replicate", rng.random(25))})
        )


def overhead() -> dict[str, float]:
    """What a unit costs beside its work, on one worker."""
    units = {name_of(unit): unit for unit in map(Nothing, range(200))}

    def taken(some: Workers) -> float:
        with folder() as home:
            return seconds(lambda: execute(units, Store(home), some)) / len(units)

    with local(1) as one:
        taken(one)  # the worker starts
        return {"overhead of a unit, ms": 1e3 * median(taken(one) for _ in range(TURNS))}


def opening() -> dict[str, float]:
    """Opening a study of 400 units with 25 networks each."""
    few = ap.Protocol(replicates=25, train=10, validate=0, test=1)
    grid = {"neurons": list(range(2, 22)), "horizon": list(range(1, 21))}
    with folder() as home:
        ap.sweep(grid, home, ap.Circuit(readout="random", rule="dfa"), ap.BouncingBall(steps=30), few, engine="numpy")
        assert len(list(home.glob("units/*.nc"))) == 400
        return {"opening 400 units of 25, s": median(seconds(lambda: ap.open_study(home)) for _ in range(TURNS))}


BARS = {
    "10,000 trainings, s": ("<", 15),
    "their memory, GB": ("<", 2),
    "opening 10,000 trainings, s": ("<", 5),
    "60 units, 2 workers over 1": (">", 1.8),
    "60 units, dask over local": ("<", 1.15),
    "overhead of a unit, ms": ("<", 50),
    "opening 400 units of 25, s": ("<", 5),
}
MEASURES = {each.__name__: each for each in (trainings, structural, overhead, opening)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=MEASURES)
    asked = parser.parse_args()
    found: dict[str, float] = {}
    for name, measure in MEASURES.items():
        if asked.only in (None, name):
            found |= measure()
    if asked.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        side, bar = BARS[name]
        met = value < bar if side == "<" else value > bar
        print(f"{name:<32}{value:>9.3g}   {side} {bar:<6g}{'' if met else 'not met'}")


if __name__ == "__main__":
    main()
