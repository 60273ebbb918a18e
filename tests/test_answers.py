"""What is said of a rule, by the evidence that there is."""

import html
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from autapse_sim.experiments.benchmark import benchmarks
from autapse_sim.experiments.checking.check import check
from autapse_sim.experiments.verdict.answer import (
    EDGE,
    answer_of,
    dependence,
    heading,
    judge,
    judge_floors,
    plain,
    text,
)
from autapse_sim.experiments.verdict.methods import FIXED, PLAIN, STILL, TUNED, Method
from autapse_sim.experiments.verdict.trial import FLOORS, drawn
from autapse_sim.results.answers import UNSURE
from autapse_sim.results.report.verdict import scores as page_scores
from autapse_sim.tasks.arrays import ArrayTask

METHODS = ["mine", "bptt", "autapse", FIXED, TUNED, STILL, PLAIN]


def evidence(online, refit, seeds=60, control=1.2, scatter=0.02):
    """Errors of 'mine' as factors of the fixed reservoir's, seed by seed; bptt halves them, the others are as good."""
    rng = np.random.default_rng(3)
    base = rng.uniform(0.04, 0.06, seeds)

    def scattered(factor):
        return factor * base * rng.normal(1, scatter, seeds)

    factors = {"mine": online, "bptt": 0.5}
    errors = {name: base if name == FIXED else scattered(factors.get(name, 1.0)) for name in METHODS}
    refits = {name: scattered({"mine": refit, "bptt": 0.5}.get(name, 1.0)) for name in METHODS}
    floors = [[refits[name] * factor for name in METHODS] for factor in (1, 2, 4)]
    return xr.Dataset(
        {
            "mse_online": (("method", "replicate"), [errors[name] for name in METHODS]),
            "mse_refit": (("method", "replicate"), [refits[name] for name in METHODS]),
            "control_mse": (("control", "replicate"), [control * base, 0 * base]),
            "mse_refit_floor": (("floor", "method", "replicate"), floors),
            "eta": ("method", np.full(len(METHODS), 0.01)),
            "eta_refit": ("method", np.full(len(METHODS), 0.001)),
        },
        coords={"method": METHODS, "floor": list(FLOORS), "control": ["affine of 20 lags", "physics: the box"]},
        attrs={"sentence": "an answer", "heading": "a heading", "peak_memory": "1 MB"},
    )


def said(data, score="test MSE"):
    return answer_of("mine on bounce (a task)", "mine", judge(data, "mine"), score)


def test_all_that_an_answer_says_is_of_its_score():
    answer = said(evidence(0.5, 0.5), "test cross-entropy")
    assert answer.count("test cross-entropy") == 3  # against the fixed and the tuned reservoir, and that of bptt
    assert "MSE" not in answer


def test_a_planted_oracle_learns_and_a_planted_broken_rule_does_not():
    assert "mine on bounce (a task): learns recurrence; it lowers test MSE by" in said(evidence(0.5, 0.5))
    assert ": does not learn recurrence; it raises test MSE by" in said(evidence(1.3, 1.2))
    assert ": does not learn recurrence; it cannot be told from the fixed reservoir" in said(evidence(1.0, 1.0))
    assert ": does not learn recurrence; it lowers test MSE by 1.9%" in said(evidence(0.98, 1.0, seeds=200))
    answer = said(evidence(0.94, 1.0, seeds=5))
    assert ": cannot be said to learn recurrence (some " in answer
    assert " seeds would tell); it cannot be told from" in answer


@pytest.mark.parametrize("seeds", [12, 40, 1000, 4000])
def test_what_lowers_the_error_a_little_neither_learns_with_few_seeds_nor_fails_to_with_many(seeds):
    """An answer holds for what there is to lower, not for how many seeds there are to see it."""
    little = said(evidence(0.965, 0.5, seeds, scatter=0.1)).split(": ")[1]
    enough = said(evidence(0.93, 0.5, seeds, scatter=0.1)).split(": ")[1]
    if seeds < 1000:
        assert little.startswith("cannot be said to learn recurrence (some ")
        assert enough.startswith("cannot be said to learn recurrence (some ")
    else:
        assert little.startswith("does not learn recurrence; it lowers test MSE by")
        assert enough.startswith("learns recurrence; it lowers test MSE by")


def test_the_same_is_shown_not_taken_for_granted():
    assert "its errors are those of autapse within 5%" in said(evidence(1.01, 1.0))
    assert "its errors are those of" not in said(evidence(1.1, 1.0))
    assert "its errors are those of" not in said(evidence(1.0, 1.0, seeds=4))


def test_what_does_without_recurrence_has_to_be_beaten_too():
    assert f"no more than is done without learning recurrence by {TUNED};" in said(evidence(0.7, 1.0))
    by_lags = said(evidence(0.7, 0.7, control=0.6))
    assert "learns, but no more than is done without learning recurrence by affine of 20 lags;" in by_lags
    nor_bptt = "by affine of 20 lags (bptt does not beat affine of 20 lags either);"
    assert nor_bptt in said(evidence(0.7, 0.7, control=0.4))
    assert "learns recurrence;" in said(evidence(0.7, 0.7))  # physics is the ceiling, not a control


def test_no_more_than_without_recurrence_is_shown_not_taken_for_granted():
    def beside(seeds):
        data = evidence(0.7, 0.7, seeds=seeds, control=0.76)
        data.control_mse[0] *= np.random.default_rng(0).normal(1, 0.1, seeds)
        return said(data)

    few, many = beside(24), beside(1000)
    assert f"{UNSURE} by affine of 20 lags (some " in few
    assert "learns recurrence;" in many
    close = evidence(0.7, 0.7, seeds=200, control=0.7)
    assert "learns, but no more than is done without learning recurrence by affine of 20 lags;" in said(close)


@pytest.mark.parametrize("lost", [np.nan, np.inf])
def test_a_control_that_gives_no_number_is_not_the_one_to_beat(lost):
    data = xr.concat([evidence(0.7, 0.7), evidence(0.7, 0.7, control=0.65)], "control", data_vars=["control_mse"])
    data = data.assign_coords(control=["training mean", "physics: one", "affine of 20 lags", "physics: the box"])
    data.control_mse[0, :1] = lost
    assert "affine of 20 lags" in judge(data, "mine")
    assert "no more than is done without learning recurrence by affine of 20 lags" in said(data)


def test_a_star_stands_beside_what_lies_at_an_edge():
    data = evidence(0.5, 0.5)
    others = [""] * (len(METHODS) - 1)
    data["tuned"] = "method", ["tau = 3 ms, gain = 2", *others]
    data["tuned_refit"] = "method", ["tau = 5 ms, gain = 9", *others]
    data["ablation_mse"] = ("ablation", "replicate"), data.mse_online.values[:2]
    data = data.assign_coords(ablation=["mine, B random", "mine, tau = 1"])
    data["ablation_eta"], data["ablation_tuned"] = ("ablation", [0.2, 0.3]), ("ablation", ["tau = 8 ms", ""])
    edges = {"mine": ["tau", "refitted gain"], "bptt": ["eta"], "autapse": ["refitted eta"], "mine, B random": ["tau"]}
    for known in (edges, {}):
        lines = text(data.assign_attrs(edges=json.dumps(known)), judge(data, "mine")[FIXED]).splitlines()
        line = {name: next(line for line in lines if line.startswith(name)) for name in edges}
        star = "*" if known else ""
        assert line["mine"].startswith(f"mine (tau = 3 ms{star}, gain = 2) ")
        assert f" (0.001, tau = 5 ms, gain = 9{star}) " in line["mine"]
        assert " 0.01 " in line["mine"]
        assert f" 0.01{star} " in line["bptt"]
        assert " (0.001) " in line["bptt"]
        assert " 0.01 " in line["autapse"]
        assert f" (0.001{star}) " in line["autapse"]
        assert line["mine, B random"].startswith(f"mine, B random (tau = 8 ms{star}) ")
        assert any(line.startswith("mine, tau = 1  ") for line in lines)
        assert (EDGE in lines) == bool(known)


def test_a_diverged_seed_counts_as_lost():
    data = evidence(0.5, 0.5)
    data.mse_online[0, :40] = np.nan
    answer = said(data)
    assert "does not learn recurrence" in answer or "cannot be said" in answer
    assert "40 of 60 replicates diverged" in answer
    table = text(data, judge(data, "mine")[FIXED])
    assert next(line for line in table.splitlines() if line.startswith("mine")).split()[-8:][0] != "0"


def test_what_a_few_diverged_seeds_leave_to_be_said_stands_in_both_tables():
    data = evidence(0.5, 0.5)
    data.mse_online[0, :25], data.mse_refit[0, :25] = np.nan, np.nan
    judged = judge(data, "mine")
    refit = np.median(np.where(np.isnan(data.mse_refit[0]), np.inf, data.mse_refit[0]))
    table = text(data, judged[FIXED])
    data = data.assign_attrs(table=table, statistics=json.dumps({FIXED: plain(judged[FIXED])}))
    shown = html.unescape(page_scores(data))
    assert judged[FIXED]["mine"].reduction.low == -np.inf
    for line in next(line for line in table.splitlines() if line.startswith("mine")), shown:
        assert f"{refit:.4f}" in line
        assert re.search(r"\d\d% \[-inf, \d\d\], lower in 58% of the seeds", line)


@pytest.mark.parametrize(("factor", "power"), [(1e-6, "e-08"), (1e9, "e+07")])
def test_small_and_large_errors_are_told_apart_in_both_tables(factor, power):
    data = evidence(0.5, 0.5)
    for name in ("mse_online", "mse_refit", "control_mse"):
        data[name] = factor * data[name]
    judged = judge(data, "mine")
    table = text(data, judged[FIXED])
    data = data.assign_attrs(table=table, statistics=json.dumps({FIXED: plain(judged[FIXED])}))
    medians = [f"{float(np.median(each)):.1e}" for each in (data.mse_online[0], data.mse_refit[0])]
    assert all(median.endswith(power) for median in medians)
    for line in next(line for line in table.splitlines() if line.startswith("mine")), page_scores(data):
        assert all(median in line for median in medians)


def test_it_is_said_which_neurons_were_run():
    known = benchmarks()
    starts = {"copy": "n = 8, tanh, W", "copy-leaky": "n = 8, leaky, tanh, W", "pattern-lif": "n = 50, lif, W"}
    for name, start in starts.items():
        assert heading(known[name], 8, 0, [0.01], np.ones((100, 1))).startswith(start)


def test_it_is_said_that_pilots_see_what_is_judged_where_the_task_is_arrays():
    copy, said = benchmarks()["copy"], "and on the very trajectories that are judged"
    arrays = ArrayTask(*copy.task.sample(np.random.default_rng(0), 1, 3))
    assert said in heading(replace(copy, task=arrays), 8, 0, [0.01], np.ones((100, 1)))
    assert said not in heading(copy, 8, 0, [0.01], np.ones((100, 1)))


@pytest.mark.parametrize(("name", "scored"), [("copy", 95), ("cues-alif", 20), ("pattern-lif", 300)])
def test_it_is_said_how_many_steps_count_by_the_setting_and_by_the_task(name, scored):
    setting = benchmarks()[name]
    target = drawn(setting, Method(None), (0, 0), 1).y[0, -1]
    assert f" {scored} of {setting.task.steps} steps scored;" in heading(setting, 8, 0, [0.01], target)
    about = next(check(name))[1]
    assert about == [f"{setting.title}; {scored} steps of a trajectory count"]


def test_it_is_said_where_the_read_outs_penalty_decides():
    data = evidence(0.5, 0.7)
    judged = judge_floors(data, "mine")
    assert {pair for pairs in judged.values() for pair in pairs} == {("mine", FIXED), ("mine", TUNED), ("bptt", FIXED)}
    assert judged[FLOORS[0]]["mine", TUNED] == judge(data, "mine", worthwhile=0.0)[TUNED]["mine"]
    assert dependence(judged) == ""
    tuned = dict(zip(METHODS, data.mse_refit_floor.sel(floor=1e-10), strict=True))[TUNED]
    tuned *= 0.5
    assert dependence(judge_floors(data, "mine")) == (
        "what refitted read-outs give depends on the least ridge penalty: mine against the tuned reservoir: "
        "lower at 0.001, lower at 1e-06, higher at 1e-10"
    )
