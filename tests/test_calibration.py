"""Whether what is said of chance holds: intervals cover, copies are not told apart, seeds are fixed beforehand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.experiments.benchmark import benchmarks
from autapse_sim.experiments.verdict.methods import FIXED, Method
from autapse_sim.experiments.verdict.pilots import PILOT, Planned
from autapse_sim.experiments.verdict.points import Point
from autapse_sim.experiments.verdict.trial import Trial, drawn, protocol_of, score, train_method
from autapse_sim.results.scores import median_interval
from autapse_sim.results.statistics import compare_all, compare_paired, reductions

STORED = Path(__file__).parents[1] / "docs" / "data" / "verdict.nc"
COMPARISONS, SEEDS = 200, 20


def shares(compared):
    """How often something is said, and how often the interval of the reduction holds 0."""
    said = [each.verdict != "undecided" for each in compared]
    holds = [each.reduction.low <= 0 <= each.reduction.high for each in compared]
    return np.mean(said), np.mean(holds)


def interval(errors, reference):
    return np.array(median_interval(reductions(errors, reference))[1:])


@pytest.fixture(scope="module")
def scattered():
    """Draws errors of a fixed reservoir, and a rule's log ratios to them of median 0, as they were in a verdict."""
    data = ap.load(STORED).data
    fixed = data.pilot_mse.values[data.pilot_method.values == FIXED]
    fixed = fixed[np.argmin(np.median(fixed, axis=1))]
    ratios = np.log(data.pilot_mse.values[data.pilot_method.values != FIXED] / fixed)
    ratios = np.ravel(ratios - np.median(ratios, axis=1, keepdims=True))
    spread = (ratios - ratios.mean()) / ratios.std()
    assert (spread**4).mean() > 4  # that of a normal distribution, whose tails are lighter, is 3
    return lambda rng, count: (rng.choice(fixed, count), rng.choice(ratios, count))


def test_copies_are_not_told_apart_and_intervals_hold_what_they_say(scattered):
    rng = np.random.default_rng(0)
    null, real = [], []
    for _ in range(4000):
        reference, ratio = scattered(rng, SEEDS)
        copy = reference * np.exp(ratio * rng.choice([-1, 1], SEEDS))  # neither of two copies is the better one
        null.append((copy, reference))
        real.append((0.85 * copy, reference))
    told, found = ([compare_paired(*pair) for pair in pairs[:COMPARISONS]] for pairs in (null, real))
    assert shares(told)[0] <= 0.05
    assert 0.93 <= shares(told)[1] <= 0.97
    low, high = np.transpose([interval(*pair) for pair in null])
    assert 0.94 <= ((low <= 0) & (high >= 0)).mean() <= 0.965  # what more of them tell
    assert np.mean([each.verdict == "lower" for each in found]) > 0.9
    assert shares(found)[1] < 0.1


@pytest.mark.slow
def test_of_several_copies_hardly_ever_is_one_told_apart(scattered):
    rng = np.random.default_rng(1)
    wrong, alone, tries = 0, 0, 2 * COMPARISONS
    for _ in range(tries):
        reference, _ = scattered(rng, SEEDS)
        copies = {name: reference * np.exp(scattered(rng, SEEDS)[1] * rng.choice([-1, 1], SEEDS)) for name in "abcde"}
        compared = compare_all(copies, reference).values()
        wrong += any(each.verdict != "undecided" for each in compared)
        alone += any(replace(each, p=each.p_wilcoxon).verdict != "undecided" for each in compared)
    assert wrong <= 0.05 * tries
    assert alone > 2 * wrong  # what the correction is for


WISHED, MOST, TRIES = 0.08, 200, 2000


def by_pilots(draw):
    """As many seeds as the pilots ask for."""
    planned = Planned.of(*draw(PILOT), WISHED, MOST)
    return interval(*draw(planned.seeds))


def until_narrow(draw):
    """Seeds that are added until the interval is as narrow as is wished."""
    seen = draw(PILOT)
    while np.diff(interval(*seen)) > WISHED and len(seen[0]) < MOST:
        seen = [np.append(one, more) for one, more in zip(seen, draw(4), strict=True)]
    return interval(*seen)


@pytest.mark.slow
def test_intervals_hold_where_pilots_fix_the_seeds_and_not_where_one_stops_as_it_suits():
    holds, widths = {}, {}
    for how in (by_pilots, until_narrow):
        rng = np.random.default_rng(0)
        found = np.array([how(lambda n, rng=rng: (1 + rng.normal(0, 0.1, n), np.ones(n))) for _ in range(TRIES)])
        holds[how] = ((found[:, 0] <= 0) & (found[:, 1] >= 0)).mean()
        widths[how] = np.median(np.diff(found))
    print(f"{holds[by_pilots]:.1%} by the pilots, {holds[until_narrow]:.1%} where one stops as it suits")
    assert 0.93 <= holds[by_pilots] <= 0.97
    assert holds[until_narrow] < holds[by_pilots] - 0.01
    assert widths[by_pilots] == pytest.approx(WISHED, rel=0.15)


def test_what_the_pilots_ask_for_is_fixed_and_said():
    reference = np.linspace(1, 2, PILOT)
    errors = reference * np.linspace(0.8, 1, PILOT)
    wide, narrow, capped = (Planned.of(errors, reference, *asked) for asked in ((1, 200), (0.05, 200), (0.05, 24)))
    assert (wide.seeds, wide.asked) == (PILOT, PILOT)
    assert PILOT < narrow.seeds == narrow.asked == capped.asked < 200
    assert capped.seeds == 24
    wish = "seeds give an interval of the reduction 0.05 wide"
    assert narrow.said(0.043) == f"by the pilots {narrow.asked} {wish}; it is 0.043 wide"
    assert capped.said(0.1) == f"by the pilots {narrow.asked} {wish}, and 24 is the most; it is 0.1 wide"
    errors[:10] = np.inf
    lost = Planned.of(errors, reference, 0.05, 40)
    assert (lost.seeds, lost.asked) == (40, None)
    assert lost.said(np.inf).startswith("too many pilots diverged to say how many seeds give")
    assert lost.told(np.inf) == {"wished": 0.05, "asked": None, "most": 40, "reached": None}


TOGETHER = 1000
"""Networks that are trained as one run."""


def trained(rule, train):
    """Test errors of a rule on the flip-flop, on seeds that no other has, (comparison, copy, seed)."""
    setting = benchmarks()["flip-flop"]
    protocol = replace(setting.protocol, train=train, test=20, validate=2, validate_every=train)
    setting, method = replace(setting, protocol=protocol), Method(rule)
    found = []
    for block in range(2 * COMPARISONS * SEEDS // TOGETHER):
        given = drawn(setting, method, (7, block), TOGETHER)
        how = protocol_of(setting, method, (7, block), TOGETHER)
        outcome = train_method(Trial.of(setting, method), given, how, [Point(0.01)], 0.01)
        found.append(score(setting, given, how, outcome, refit=False).online)
    return np.reshape(found, (COMPARISONS, 2, SEEDS))


@pytest.mark.slow
@pytest.mark.skipif(not compiler(), reason="takes long without a C++ compiler")
def test_copies_of_a_rule_that_were_trained_are_not_told_apart():
    """Two copies on fresh seeds; the same networks are then paired anew four times, which tells the shares closer."""
    learned, begun = trained("autapse", 160), trained("autapse", 16)
    rng = np.random.default_rng(0)
    null = [compare_paired(*pair) for pair in learned]
    said, _ = shares(null)
    for _ in range(4):
        null += [compare_paired(*pair) for pair in rng.permutation(learned.ravel()).reshape(learned.shape)]
    often, holds = shares(null)
    print(
        f"{said:.1%} of {COMPARISONS} told apart; of {len(null)} {often:.1%}, and {holds:.1%} of the intervals hold 0"
    )
    assert max(said, often) <= 0.05
    assert 0.93 <= holds <= 0.97
    real = [compare_paired(one, other) for one, other in zip(learned[:, 0], begun[:, 1], strict=True)]
    assert shares(real)[0] > 0.5  # what is there is found
    assert all(each.verdict != "higher" for each in real)
