"""Sweeps for tests: small ones, in this process."""

from here import Here

import autapse_sim as ap
from autapse_sim.studies import sweep as sweeps
from autapse_sim.studies.execute import execute
from autapse_sim.studies.store import Store
from autapse_sim.studies.workers import Workers

FEW = ap.Protocol(replicates=3, train=4, validate=2, test=2, validate_every=2)
DRAWN = ap.Circuit(readout="random", learn=("W", "V"))
BALL = ap.BouncingBall(steps=12)


def run(folder, grid, executor=None, protocol=FEW, retries=1, **given):
    plan = sweeps.plan_sweep(grid, protocol=protocol, **{"circuit": DRAWN, "task": BALL, "engine": "numpy", **given})
    store = Store(folder)
    store.keep_plan(plan, {})
    executor = executor or Here()
    execute(plan.units, store, Workers(executor, lambda: 1), retries)
    return sweeps.open_study(folder), executor


def contents(folder):
    return {path.name: path.read_bytes() for path in (folder / "units").glob("*.nc")}
