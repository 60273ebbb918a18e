"""Verdicts are studies: stopped and started again they go on, more seeds compute the new ones alone."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from here import Here

import autapse_sim as ap
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.experiments.benchmark import Benchmark
from autapse_sim.experiments.verdict import trial
from autapse_sim.experiments.verdict.answer import judge as judge_all
from autapse_sim.experiments.verdict.block import Beside, Judged
from autapse_sim.experiments.verdict.methods import FIXED, Method
from autapse_sim.experiments.verdict.pilots import Pilot
from autapse_sim.experiments.verdict.points import Chosen, Point
from autapse_sim.studies.workers import Workers

FEW = ap.Protocol(train=16, validate=2, test=2, validate_every=8, update="batch", batch=8, optimiser="adam")
CIRCUIT = ap.Circuit(neurons=4, readout="random", activation="tanh", learn=("W", "V", "c"), feedback="symmetric")
BALL = Benchmark(
    "foresee a ball", ap.BouncingBall(steps=12, horizon=2), CIRCUIT, FEW, etas=(0.01, 0.03), beside=("fa", "dfa")
)
METHODS = 7
"""The rule, bptt and two others, and three that learn no recurrence; the tuned reservoir comes after the pilots."""
PILOTS = 2 * METHODS + 1
FIRST, NEXT = METHODS + 1 + 1 + 4, METHODS + 1 + 1
"""Units of the first block of seeds, with alignments, and of any other."""


@pytest.fixture(autouse=True)
def benchmark(monkeypatch):
    monkeypatch.setattr("autapse_sim.experiments.benchmark.benchmarks", lambda: {"ball": BALL})
    monkeypatch.setattr("autapse_sim.experiments.verdict.pilots.GROWTH", 0)  # a known number of units


def judge(folder, executor=None, rule="rflo", replicates=16, **options):
    executor = executor or Here()
    found = ap.verdict(rule, "ball", replicates, folder=folder, on=Workers(executor, lambda: 1), **options).data
    return found, executor.calls


def contents(folder):
    return {path.name: path.read_bytes() for path in (folder / "units").glob("*.nc")}


def same(one, other):
    """Whether two verdicts are the same, but for when and with how much memory they were made."""
    told = [
        {k: v for k, v in data.attrs.items() if k not in ("provenance", "peak_memory", "table")}
        for data in (one, other)
    ]
    return one.equals(other) and told[0] == told[1]


class Copy:
    """Say what is shown; nothing that a task may have beside what it must."""

    steps, inputs, outputs, blanked = 12, 2, 2, None
    scored = horizon = observed = physics = floors = None

    def sample(self, rng, replicates, trajectories):
        x = np.stack([child.normal(size=(trajectories, self.steps, 2)) for child in rng.spawn(replicates)])
        return x, x


def test_what_a_task_may_have_may_be_none():
    data = Beside(replace(BALL, task=Copy()), (0, 1)).run().data
    assert (data.control_mse.sel(control="affine of x(t)") < 1e-9).all()


class Foreseen(Copy):
    """The same of which somebody knows everything, by names of one's own."""

    def physics(self, x):
        return {"who sees": x, "training mean": x}


def test_what_who_knows_the_task_foresees_is_no_control_whatever_it_is_called():
    data = Beside(replace(BALL, task=Foreseen()), (0, 1)).run().data
    known = {"physics: who sees", "physics: training mean"}
    assert (data.control_mse.sel(control=list(known)) == 0).all()
    assert (data.control_mse.sel(control="training mean") > 0.1).all()
    errors = {name: (("method", "replicate"), np.ones((3, 8))) for name in ("mse_online", "mse_refit")}
    data = data.assign(errors).assign_coords(method=["mine", "bptt", FIXED])
    assert not known & judge_all(data, "mine").keys()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (lambda x: x, "task: what physics gives is array"),
        (lambda x: {"all": x[..., :1]}, "task: what physics predicts by 'all' has shape (8, 2, 12, 1), expected"),
        (lambda x: {"all": "x"}, "task: what physics predicts by 'all' is not an array of numbers"),
        (lambda x: {"all": x / 0}, "task: physics raised"),
    ],
)
def test_what_is_foreseen_has_to_be_predictions_by_name(monkeypatch, given, says):
    monkeypatch.setattr(Foreseen, "physics", lambda task, x: given(x))
    with np.errstate(all="raise"), pytest.raises(ap.InputError, match=re.escape(says)):
        Beside(replace(BALL, task=Foreseen()), (0, 1)).run()


@pytest.mark.slow
def test_a_verdict_goes_on_where_it_was_stopped_with_the_same_bits(tmp_path):
    whole, calls = judge(tmp_path / "whole")
    assert calls == PILOTS + FIRST + NEXT
    for stop in (3, PILOTS + 7):
        broken = Here([None] * stop + [KeyboardInterrupt()])
        with pytest.raises(KeyboardInterrupt):
            judge(tmp_path / "stopped", broken)
    again, calls = judge(tmp_path / "stopped")
    assert calls == FIRST + NEXT - 10
    assert same(again, whole)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")


@pytest.mark.slow
def test_more_seeds_compute_the_new_ones_alone(tmp_path):
    few, _ = judge(tmp_path, replicates=8)
    more, calls = judge(tmp_path, replicates=24)
    assert calls == 2 * NEXT
    assert np.array_equal(more.mse_online[:, :8], few.mse_online)
    assert np.array_equal(more.curve[..., :8], few.curve)
    again, calls = judge(tmp_path, replicates=8)
    assert calls == 0
    assert same(again, few)


@pytest.mark.slow
def test_what_other_verdicts_have_trained_is_not_trained_again(tmp_path):
    one, _ = judge(tmp_path, rule="rflo", replicates=8)
    other, calls = judge(tmp_path, rule="snap1", replicates=8)
    assert calls == 2 + 1 + 1
    assert np.array_equal(other.mse_online.sel({"method": "bptt"}), one.mse_online.sel({"method": "bptt"}))


@pytest.mark.slow
def test_an_edited_rule_is_judged_anew_and_nothing_else(tmp_path):
    path = tmp_path / "mine.py"
    errors = []
    for sign in "-+":
        update = f"w {sign}= eta*feedback_post*activity_pre"
        path.write_text(f"from autapse_sim import Rule\nrule = Rule(update={update!r}, parameters={{'eta': 0.1}})\n")
        data, calls = judge(tmp_path / "study", rule=str(path), replicates=8)
        errors.append(data.mse_online.sel({"method": str(path)}).values)
    assert calls == 2 + 1 + 1
    assert np.abs(errors[0] - errors[1]).max() > 1e-6


@pytest.mark.slow
def test_a_unit_that_fails_is_tried_again_and_told(tmp_path):
    _, calls = judge(tmp_path, Here([OSError("gone")]), replicates=8)
    assert calls == PILOTS + FIRST + 1
    with pytest.raises(RuntimeError, match="OSError: gone"):
        judge(tmp_path / "b", Here([OSError("gone")]), replicates=8, retries=0)


@pytest.mark.slow
def test_what_is_kept_differs_where_the_benchmark_does(tmp_path, monkeypatch):
    judge(tmp_path, replicates=8)
    other = replace(BALL, task=replace(BALL.task, speed=0.04))
    monkeypatch.setattr("autapse_sim.experiments.benchmark.benchmarks", lambda: {"ball": other})
    data, calls = judge(tmp_path, replicates=8)
    assert calls == PILOTS + FIRST
    assert json.loads(data.attrs["task"])["speed"] == 0.04


@pytest.mark.skipif(not compiler(), reason="what is swept in single precision is compiled")
@pytest.mark.parametrize("rule", ["bptt", "rflo"])
def test_pilots_are_swept_in_single_precision_and_nothing_else(rule, monkeypatch):
    seen, sweep = [], trial.simulated
    monkeypatch.setattr(
        trial, "simulated", lambda job, *how, **more: seen.append(job.circuit.precision) or sweep(job, *how, **more)
    )
    one, points = trial.Trial.of(BALL, Method(rule)), (Point(0.01), Point(0.03))
    rough = Pilot(one, points, 0.01, (0, 1)).run().data.tried.sel(score=0)
    assert set(seen) == {"single"}
    seen.clear()
    Judged(one, Chosen(*points, 0.01), (0, 1)).run()
    assert set(seen) == {"double"}
    monkeypatch.setattr("autapse_sim.experiments.verdict.pilots.ROUGH", "double")
    exact = Pilot(one, points, 0.01, (0, 1)).run().data.tried.sel(score=0)
    assert 0 < np.abs(rough / exact - 1).max() < 1e-4
