"""Paired statistics: known answers, coverage by simulation, divergence, and what must not be found."""

import numpy as np
import pytest
from scipy.stats import wilcoxon

from autapse_sim.engines.discrete import simulate
from autapse_sim.errors import InputError
from autapse_sim.results.scores import median_interval
from autapse_sim.results.statistics import (
    Interval,
    Paired,
    compare_all,
    compare_paired,
    holm,
    replicates_needed,
    sentence,
)
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.protocol import Schedule
from autapse_sim.spec.weights import draw_weights
from autapse_sim.tasks.memory import FlipFlop
from autapse_sim.training.readouts import penalised_readout
from autapse_sim.training.reservoir import activity


def errors(seed, count=100, factor=1.0, spread=0.1):
    """Errors of a reference that vary much over replicates, and those of a rule that follow them."""
    rng = np.random.default_rng(seed)
    reference = rng.lognormal(0, 1, count)
    return factor * reference * np.exp(spread * rng.normal(size=count)), reference


def test_known_answers():
    rule, reference = np.array([1.0, 2.0, 3.0, 8.0, 5.0]), np.array([2.0, 4.0, 4.0, 4.0, 5.0])
    paired = compare_paired(rule, reference)
    assert paired.difference.estimate == -1
    assert paired.reduction.estimate == 0.25
    assert paired.won.estimate == (3 + 0.5) / 5
    assert paired.p_sign == pytest.approx(2 * (1 + 4) / 16)  # 3 of the 4 that are decided
    assert (paired.replicates, paired.diverged, paired.reference_diverged) == (5, 0, 0)
    rule, reference = errors(0, 30)
    assert compare_paired(rule, reference).p_wilcoxon == wilcoxon(np.log(rule), np.log(reference)).pvalue


def test_pairing_finds_what_the_spread_over_replicates_hides():
    rule, reference = errors(1, 60, factor=0.95)
    paired = compare_paired(rule, reference)
    assert paired.verdict == "lower"
    assert paired.reduction.low < 0.05 < paired.reduction.high
    shuffled = compare_paired(np.random.default_rng(0).permutation(rule), reference)
    assert shuffled.verdict == "undecided"


def test_both_ways_round():
    rule, reference = errors(2, factor=0.8)
    assert compare_paired(rule, reference).verdict == "lower"
    assert compare_paired(reference, rule).verdict == "higher"
    assert compare_paired(reference, reference).verdict == "undecided"
    assert compare_paired(reference, reference).p_wilcoxon == 1
    assert compare_paired(reference, reference).won.estimate == 0.5


@pytest.mark.slow
def test_without_an_effect_hardly_anything_is_found():
    wrong = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        reference = rng.lognormal(0, 1, 30)
        family = {name: reference * np.exp(0.2 * rng.normal(size=30)) for name in "abcde"}
        wrong += any(one.verdict != "undecided" for one in compare_all(family, reference).values())
    assert wrong <= 7


def test_with_an_effect_it_is_found():
    right = 0
    for seed in range(25):
        rng = np.random.default_rng(seed)
        reference = rng.lognormal(0, 1, 60)
        family = {name: 0.85 * reference * np.exp(0.2 * rng.normal(size=60)) for name in "abcde"}
        right += all(one.verdict == "lower" for one in compare_all(family, reference).values())
    assert right >= 24


def test_holm_by_hand():
    np.testing.assert_allclose(holm([0.5, 0.001, 0.02, 0.02]), [0.5, 0.004, 0.06, 0.06])
    np.testing.assert_array_equal(holm([0.9, 0.8]), [1, 1])
    assert holm([]).shape == (0,)
    rule, reference = errors(3, factor=0.97)
    alone = compare_paired(rule, reference)
    family = compare_all({"rule": rule, **{str(k): errors(k)[0] for k in range(9)}}, reference)
    assert family["rule"].p > family["rule"].p_wilcoxon == alone.p_wilcoxon == alone.p


def test_diverged_replicates_are_the_worst_and_stay():
    rule, reference = errors(4, 40, factor=0.8)
    lost = rule.copy()
    lost[:12] = np.nan
    paired = compare_paired(lost, reference)
    assert (paired.replicates, paired.diverged) == (40, 12)
    assert paired.won.estimate == compare_paired(rule, reference).won.estimate - (rule < reference)[:12].sum() / 40
    assert paired.reduction.estimate < compare_paired(rule, reference).reduction.estimate
    assert paired.verdict == "undecided"
    dropped = compare_paired(rule[12:], reference[12:])
    assert dropped.verdict == "lower"  # what would be claimed if they were left out

    lost[:30] = np.inf
    paired = compare_paired(lost, reference)
    assert paired.difference.estimate == np.inf
    assert paired.reduction.estimate == -np.inf
    assert paired.verdict == "higher"
    assert (
        sentence(paired, "W = 0", "test MSE")
        == "raises test MSE without bound against W = 0; 30 of 40 replicates diverged"
    )

    other_way = compare_paired(reference, lost)
    assert other_way.reference_diverged == 30
    assert other_way.reduction.estimate == 1
    both = compare_paired(lost, lost)
    assert both.won.estimate == 0.5
    assert both.difference.estimate == both.reduction.estimate == 0


def test_replicates_needed_give_the_width():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        pilot = rng.normal(0.1, 0.1, 60)
        needed = replicates_needed(pilot, 0.02)
        widths = [np.subtract(*median_interval(rng.normal(0.1, 0.1, needed))[:0:-1]) for _ in range(5)]
        assert 0.5 < np.mean(widths) / 0.02 < 2
        assert needed == pytest.approx(4 * replicates_needed(pilot, 0.04), abs=4)
    assert replicates_needed(np.full(10, 0.3), 0.01) == 1
    assert replicates_needed(np.array([1, np.inf, np.inf]), 1) is None


def made(estimate, low, high, p=0.0, diverged=0):
    one = Interval(estimate, low, high)
    return Paired(100, one, one, Interval(0.5, 0.4, 0.6), diverged, 0, p, p, p, one, 0.0, p, p)


@pytest.mark.parametrize(
    ("paired", "said"),
    [
        (made(0.08, 0.06, 0.10), "lowers test MSE by 8% [6, 10] against the fixed net"),
        (made(0.861, 0.8604, 0.8622), "lowers test MSE by 86.1% [86.0, 86.2] against the fixed net"),
        (made(-0.5, -0.6, -0.4), "raises test MSE by 50% [40, 60] against the fixed net"),
        (made(-0.001, -0.02, 0.03), "cannot be told from the fixed net: lowers test MSE by 0% [-2, 3]"),
        (made(-0.1, -0.14, -0.02, p=0.06),
         "cannot be told from the fixed net: raises test MSE by 10% [2, 14], p = 0.06 of all that is compared"),
        (made(0.08, 0.06, 0.10, p=0.06),
         "cannot be told from the fixed net: lowers test MSE by 8% [6, 10], p = 0.06 of all that is compared"),
        (made(0.08, -np.inf, 0.1, diverged=7),
         "cannot be told from the fixed net: lowers test MSE by 8% [-inf, 10]; 7 of 100 replicates diverged"),
    ],
)  # fmt: skip
def test_sentences(paired, said):
    assert sentence(paired, "the fixed net", "test MSE") == said


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_rules_are_told_from_the_reservoir(seed):
    """An exact rule beats the fixed network whatever the seed; the same rule with its sign flipped does not."""
    R, train, n = 24, 320, 6
    rng = np.random.default_rng(seed)
    x, y = FlipFlop(steps=40, probability=0.1).sample(rng, R, train + 60)
    fit, select, test = slice(0, 30), slice(train, train + 20), slice(train + 20, None)
    weights = draw_weights(rng, R, n, 1, 1, "random", "symmetric")
    none = np.zeros(train, dtype=bool)

    def error(rule=None, sign=1):
        trained = weights
        if rule:
            rates = {"eta": np.full(R, sign * 0.01), "eta_out": np.full(R, 0.01), "tau": np.full(R, 5 * STEP)}
            circuit = Circuit(rule=rule, neurons=n, readout="random", activation="tanh", learn=("W", "b", "V", "c"))
            schedule = Schedule(np.arange(train), ~none, none, none)
            how = {"batch": 8, "optimiser": "adam", "averaging": False}
            job = Job(circuit, x, y, np.arange(R), weights, rates, schedule, "batch", np.arange(0), np.arange(R), **how)
            trained = simulate(job).weights
        o = activity(trained, x, "tanh")
        prediction = penalised_readout((o[:, fit], y[:, fit]), (o[:, select], y[:, select]), o[:, test], (1e-3,))
        return ((prediction - y[:, test]) ** 2).mean(axis=(1, 2, 3))

    family = {"oracle": error("bptt"), "broken": error("bptt", sign=-1), "nothing": error()}
    compared = compare_all(family, error())
    assert compared["oracle"].verdict == "lower"
    assert compared["oracle"].reduction.estimate > 0.3
    assert compared["broken"].verdict != "lower"
    assert compared["broken"].reduction.estimate < 0
    assert compared["nothing"].verdict == "undecided"
    assert "lowers test MSE by" in sentence(compared["oracle"], "the fixed reservoir", "test MSE")


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="3 errors are compared with 2"):
        compare_paired(np.ones(3), np.ones(2))
    with pytest.raises(InputError, match=r"errors have shape \(2, 2\)"):
        compare_paired(np.ones((2, 2)), np.ones((2, 2)))
    with pytest.raises(InputError, match="an error is -1"):
        compare_paired(np.array([-1.0]), np.ones(1))
    with pytest.raises(InputError, match="width is 0"):
        replicates_needed(np.ones(5), 0)
    with pytest.raises(InputError, match="1 replicates; it needs at least 2"):
        replicates_needed(np.ones(1), 1)


def test_joint_intervals_hold_all_at_once():
    """Of ten rules that are as good as the reference, all ten joint intervals hold 0 as often as one interval does."""
    alone, joint, tries = 0, 0, 120
    for seed in range(tries):
        rng = np.random.default_rng(seed)
        reference = rng.lognormal(0, 1, 40)
        family = {name: reference * np.exp(0.2 * rng.normal(size=40)) for name in "abcdefghij"}
        compared = compare_all(family, reference).values()
        alone += all(one.reduction.low <= 0 <= one.reduction.high for one in compared)
        joint += all(one.joint.low <= 0 <= one.joint.high for one in compared)
    assert joint / tries > 0.92
    assert alone / tries < 0.75


def test_of_too_few_replicates_no_joint_interval_says_anything():
    rule, reference = errors(5, 8)
    assert np.isfinite(compare_paired(rule, reference).joint.width)
    assert compare_paired(rule, reference).joint == compare_paired(rule, reference).reduction
    eight = compare_all({"rule": rule}, reference, family=10)["rule"]  # 2/2^8 is more than 0.05/10
    assert (eight.joint.low, eight.joint.high) == (-np.inf, np.inf)
    assert compare_paired(rule[:5], reference[:5]).joint.width == np.inf


def test_what_is_printed_below_zero_is_not_called_lower():
    reference = np.linspace(1, 2, 40)
    said = sentence(compare_paired(1.002 * reference, reference), "the reservoir", "test MSE")
    assert "raises test MSE by" in said
    assert "-" not in said.split("[")[0]


def test_ties_lie_within_the_interval_of_the_share_that_is_won():
    reference = np.array([1.0, 1, 1, 1, 1, 2])
    paired = compare_paired(np.array([1.0, 1, 1, 1, 1, 1]), reference)
    assert paired.won.low <= paired.won.estimate <= paired.won.high
    assert paired.won.low == compare_paired(np.array([2.0, 2, 2, 2, 2, 1]), reference).won.low


def test_p_and_interval_are_of_the_same_quantity_and_what_keeps_them_apart_is_said():
    rng = np.random.default_rng(5)
    reference = rng.uniform(1, 100, 24)
    rule = reference * rng.normal(0.97, 0.1, 24)
    scaled = rng.uniform(1e-3, 1e3, 24)
    assert compare_paired(rule, reference).p == compare_paired(scaled * rule, scaled * reference).p
    alone = compare_paired(rule, reference)
    assert sentence(alone, "the other", "test MSE").startswith("lowers test MSE by")
    many = int(np.ceil(0.05 / alone.p)) + 1
    one = compare_all({str(name): rule for name in range(many)}, reference)["0"]
    assert one.reduction.low > 0
    assert sentence(one, "the other", "test MSE").startswith("cannot be told from the other: lowers test MSE by")
    assert f", p = {one.p:.2g} of all that is compared" in sentence(one, "the other", "test MSE")


@pytest.mark.parametrize("seeds", [12, 20, 60])
def test_what_is_just_worth_speaking_of_is_seldom_called_more_or_less(seeds):
    rng = np.random.default_rng(seeds)
    said = []
    for _ in range(400):
        reference = rng.lognormal(0, 0.3, seeds)
        said.append(compare_paired(0.95 * reference * rng.lognormal(0, 0.1, seeds), reference, margin=0.05).worth)
    assert 1 - said.count("undecided") / 400 < 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
    reference = rng.lognormal(0, 0.3, seeds)
    assert compare_paired(0.8 * reference * rng.lognormal(0, 0.1, seeds), reference, margin=0.05).worth == "more"
    assert compare_paired(1.1 * reference * rng.lognormal(0, 0.1, seeds), reference, margin=0.05).worth == "less"
