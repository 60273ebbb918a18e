"""The paper's claims: measured whole on little, and answered by rules that planted numbers lead to every answer."""

from dataclasses import replace

import numpy as np
import pytest
from here import Here

import autapse_sim as ap
from autapse_sim.experiments.paper import cases, decide, trials
from autapse_sim.experiments.paper.cases import Case, Networks, paper_rules
from autapse_sim.experiments.paper.setting import ANSWERS, SPECTRA, Setting
from autapse_sim.experiments.paper.table import claims, claims_table
from autapse_sim.experiments.paper.trials import Trials
from autapse_sim.results.statistics import Interval, compare_paired
from autapse_sim.studies.study import studying
from autapse_sim.studies.workers import Workers
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.train import run

HOLDS, EMPTY, FAILS, OPEN = ANSWERS
LITTLE = Setting(
    task=ap.BouncingBall(steps=20, horizon=2),
    protocol=ap.Protocol(train=10, validate=2, test=3),
    etas=(0.03, 0.3),
    gentle=(0.001,),
    pilots=3,
    sizes=(2, 4),
    engine="numpy",
    turns=5,
)
HIGH, LOW, ACROSS = Interval(0.95, 0.92, 0.98), Interval(0.01, 0.0, 0.03), Interval(0.5, 0.005, 0.995)


def paired(factor, count=40):
    """Errors that are `factor` times the reference's; at 1, as often higher as lower."""
    reference = np.random.default_rng(0).uniform(1, 2, count)
    noise = np.random.default_rng(1).normal(0, 0.05, count // 2)
    return compare_paired(reference * (factor + np.concatenate([noise, -noise])), reference)


BETTER, WORSE, SAME = paired(0.5), paired(2.0), paired(1.0)


@pytest.mark.slow
def test_every_claim_is_measured_and_answered():
    shares = []
    found = claims(6, seed=1, progress=shares.append, setting=LITTLE)
    assert [one.key for one in found] == list("abcdefghijk")
    assert {one.answer for one in found} <= set(ANSWERS)
    assert all(one.says and "nan" not in one.measured for one in found)
    assert shares == sorted(shares)
    assert shares[-1] == 1
    text = claims_table(found)
    assert all(f"({one.key}) {one.answer.upper()}: {one.says}" in text for one in found)
    again = claims(6, seed=1, setting=LITTLE)
    assert [one for one in again if one.key != "h"] == [one for one in found if one.key != "h"]
    assert claims(6, seed=2, setting=LITTLE)[1].measured != found[1].measured


@pytest.mark.slow
def test_in_continuous_time_all_is_slower_and_the_controls_filter_too():
    with studying(None) as study:
        fast = Trials(LITTLE, 4, 0, study)
        slow, rules = fast.slower(10), paper_rules(tau_m=10)
        assert (slow.setting.task.steps, slow.setting.task.horizon) == (200, 20)
        x, later = (each.blocks[0].drawn(rules["dfa"]).x for each in (fast, slow))
        np.testing.assert_allclose(later[:, :, ::10], x, rtol=0, atol=1e-12)  # the same ball, seen ten times as often
        trained = {rule: one.test_mse for rule, one in slow.trained(rules).items()}
        still = slow.controls("sigmoid", 10)["untrained W"]
        circuit = replace(rules["dfa"].circuit, learn=("W",))
        drawn = slow.blocks[0].drawn(rules["dfa"])
        values = resolve_parameters(circuit, {"eta": 0.0, "tau_m": "10 ms"}, 4)
        nothing = run(circuit, drawn, slow.blocks[0].protocol, values, np.arange(4), "numpy").mse[:, -3:].mean(axis=1)
        np.testing.assert_allclose(still, nothing, rtol=1e-10)
        assert np.abs(still / slow.controls("sigmoid")["untrained W"] - 1).max() > 1e-3
        assert all(np.abs(one - still).max() > 1e-6 for one in trained.values())


@pytest.mark.parametrize(
    ("decide", "numbers", "expected"),
    [
        (decide.decide_following, ([HIGH], [BETTER]), HOLDS),
        (decide.decide_following, ([HIGH], [BETTER, WORSE]), EMPTY),
        (decide.decide_following, ([HIGH, LOW], [BETTER]), FAILS),
        (decide.decide_following, ([HIGH], [SAME]), OPEN),
        (decide.decide_following, ([HIGH, ACROSS], [WORSE]), OPEN),
        (decide.decide_learning, ([BETTER, BETTER],), HOLDS),
        (decide.decide_learning, ([BETTER, WORSE, SAME],), FAILS),
        (decide.decide_learning, ([BETTER, SAME],), OPEN),
        (decide.decide_ranking, (LOW,), HOLDS),
        (decide.decide_ranking, (HIGH,), FAILS),
        (decide.decide_ranking, (ACROSS,), OPEN),
        (decide.decide_divergence, (HIGH, [HIGH]), HOLDS),
        (decide.decide_divergence, (HIGH, [HIGH, Interval(-0.2, -0.3, -0.1)]), EMPTY),
        (decide.decide_divergence, (LOW, [HIGH]), FAILS),
        (decide.decide_divergence, (HIGH, [Interval(0, -0.1, 0.1)]), OPEN),
        (decide.decide_spectrum, ({"positive": HIGH, "negative": LOW},), HOLDS),
        (decide.decide_spectrum, ({"positive": HIGH, "negative": HIGH},), FAILS),
        (decide.decide_spectrum, ({"positive": ACROSS, "negative": LOW},), OPEN),
        (decide.decide_effect, ([Interval(0.03, 0.02, 0.04), LOW],), HOLDS),
        (decide.decide_effect, ([Interval(-0.03, -0.04, -0.02)],), HOLDS),
        (decide.decide_effect, ([Interval(0.001, -0.005, 0.006)],), FAILS),
        (decide.decide_effect, ([LOW],), OPEN),
        (decide.decide_size, (HIGH, HIGH), HOLDS),
        (decide.decide_size, (HIGH, LOW), EMPTY),
        (decide.decide_size, (LOW, LOW), FAILS),
        (decide.decide_size, (HIGH, ACROSS), OPEN),
        (decide.decide_speed, ([Interval(8, 7, 9)], [Interval(3, 2.5, 4)]), HOLDS),
        (decide.decide_speed, ([Interval(8, 7, 9)], [Interval(3, 2.5, 4), Interval(1, 0.9, 1.1)]), EMPTY),
        (decide.decide_speed, ([Interval(1, 0.9, 1.1)], [Interval(3, 2.5, 4)]), FAILS),
        (decide.decide_speed, ([Interval(2, 1.5, 2.5)], [Interval(3, 2.5, 4)]), OPEN),
        (decide.decide_readout, ([BETTER], [BETTER]), HOLDS),
        (decide.decide_readout, ([BETTER], [WORSE]), EMPTY),
        (decide.decide_readout, ([WORSE], [BETTER]), FAILS),
        (decide.decide_readout, ([BETTER], [SAME]), OPEN),
    ],
)
def test_planted_numbers_lead_to_every_answer(decide, numbers, expected):
    assert decide(*numbers) == expected


def trials_of(study, replicates=4):
    return Trials(LITTLE, replicates, 0, study)


@pytest.fixture
def study():
    with studying(None, Workers(Here(), lambda: 1)) as here:
        yield here


def test_a_diverged_seed_is_counted(monkeypatch, study):
    def explode(weights, generators):
        W = 0.1 * weights.W
        W[1] = 1e9
        return replace(weights, W=W)

    monkeypatch.setitem(cases.STARTS, "explode", explode)
    trained = trials_of(study).trained({"": Case(ap.Circuit(activation="linear"), start="explode")}, eta=0.03)[""]
    assert np.isfinite(trained.test_mse).tolist() == [True, False, True, True]
    assert not (trained.after < trained.before)[1]
    assert trained.outside[1] == pytest.approx(1, abs=0.2)
    compared = compare_paired(trained.test_mse, np.ones(4))
    assert (compared.diverged, compared.won.estimate) == (1, 0.75)


def test_where_all_networks_diverge_the_smallest_rate_is_taken(monkeypatch, study):
    monkeypatch.setitem(cases.STARTS, "explode", lambda weights, generators: replace(weights, W=1e9 * weights.W))
    case = Case(ap.Circuit(activation="linear"), start="explode")
    assert trials_of(study).best({"": case}) == {"": 0.001}


@pytest.mark.parametrize("kind", SPECTRA)
def test_the_feedback_has_the_spectrum_that_is_asked_for(kind):
    networks = Networks(LITTLE, 0, True, 0, 20)
    case = Case(ap.Circuit(feedback="random"), start=kind)
    drawn, plain = networks.drawn(case), networks.drawn(Case(ap.Circuit()))
    assert all(map(SPECTRA[kind], np.linalg.eigvals(drawn.weights.B)))
    np.testing.assert_array_equal(drawn.weights.B, drawn.weights.B_rec)
    np.testing.assert_array_equal(drawn.x, plain.x)
    part = Networks(LITTLE, 0, True, 5, 3).drawn(case)
    np.testing.assert_array_equal(part.weights.B, drawn.weights.B[5:8])
    np.testing.assert_array_equal(part.y, drawn.y[5:8])


def test_more_networks_begin_with_the_same_and_a_kept_study_trains_only_the_new(monkeypatch, tmp_path):
    monkeypatch.setattr(trials, "BLOCK", 3)
    workers, case = Workers(Here(), lambda: 1), {"": Case(ap.Circuit(rule="dfa"))}
    with studying(tmp_path, workers) as kept:
        few = trials_of(kept, 5).trained(case)[""]
    before = {path.name for path in (tmp_path / "units").iterdir()}
    with studying(tmp_path, workers) as kept:
        many = trials_of(kept, 8).trained(case)[""]
    added = {path.name for path in (tmp_path / "units").iterdir()} - before
    assert len(before) == 1 + 2  # pilots and two blocks; the second one was not whole
    assert len(added) == 2
    np.testing.assert_array_equal(many.test_mse[:5], few.test_mse)
    assert len(set(many.test_mse)) == 8


def test_an_interval_needs_two_networks():
    with pytest.raises(ap.InputError, match="at least 2"):
        claims(1, setting=LITTLE)
