"""Comparisons are studies: each rule is trained once, and what was stopped goes on."""

import pytest
from here import Here

import autapse_sim as ap
from autapse_sim.studies.workers import Workers

FEW = ap.Protocol(replicates=3, train=4, validate=2, test=2, validate_every=2)
BALL = ap.BouncingBall(steps=12)


def compare(folder, rules, executor=None, progress=None):
    executor = executor or Here()
    given = rules, BALL, FEW, None, (0.01, 0.1), None, "numpy", progress
    return ap.compare(*given, folder=folder, on=Workers(executor, lambda: 1)).data, executor.calls


def test_a_comparison_goes_on_where_it_was_stopped(tmp_path):
    whole, calls = compare(tmp_path / "whole", ["bptt", "fa", "dfa"])
    assert calls == 4  # each rule, and the controls
    with pytest.raises(KeyboardInterrupt):
        compare(tmp_path / "stopped", ["bptt", "fa", "dfa"], Here([None, None, KeyboardInterrupt()]))
    shares = []
    again, calls = compare(tmp_path / "stopped", ["bptt", "fa", "dfa"], progress=shares.append)
    assert calls == 2
    assert 0.3 < shares[0] < 0.9
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert again.equals(whole)


def test_another_rule_trains_only_itself(tmp_path):
    few, _ = compare(tmp_path, ["bptt", "fa"])
    more, calls = compare(tmp_path, ["bptt", "fa", "rflo"])
    assert calls == 1
    assert more.sel(rule=["bptt", "fa"]).mse.equals(few.mse)
    assert more.control_mse.equals(few.control_mse)


@pytest.mark.parametrize(("given", "said"), [(None, "sample gave NoneType"), (("a", "b"), "x is not an array")])
def test_a_task_that_hands_out_something_else_is_refused_before_anything_runs(tmp_path, given, said):
    class Task:
        steps, inputs, outputs, blanked = 12, 2, 2, None

        def sample(self, rng, replicates, trajectories):
            return given

    with pytest.raises(ap.InputError, match=f"task: {said}"):
        ap.compare(["dfa"], Task(), FEW, engine="numpy", folder=tmp_path, on=Workers(Here(), lambda: 1))
