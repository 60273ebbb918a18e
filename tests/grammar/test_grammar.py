"""Models that nobody wrote: whoever runs them gives the same numbers, or refuses them in the same words."""

from collections import Counter

import precompiled
import pytest
from agreement import BAD, COMPILED, QUICK, differences, numbers
from campaign import SANITIZED, cheap_programs, judge_seed, liveness
from grammar import FEATURES, NOISY, case_of, covering
from scipy.stats import binom

from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.training.train import simulated

FLOORS = {"activity": 0.8, "weights": 0.7, "feedback": 0.8, "spikes": 0.5}
"""The least share of cases in which something moves; of neurons with a threshold, that spike."""
CHANCE = 1e-4
"""Fewer than that are not a matter of which cases came."""


def assert_agreement(judged, ran=0.7):
    """No case fails, most of them run, and what runs is alive."""
    judged = dict(judged)
    bad = {seed: f"{found.kind}: {found.said}" for seed, found in judged.items() if found.kind in BAD}
    assert not bad
    kinds = Counter(found.kind for found in judged.values())
    assert kinds["agree"] >= ran * len(judged), kinds
    assert kinds["undecidable"] <= max(1, 0.02 * len(judged)), kinds
    shares = liveness([{"kind": found.kind, "alive": found.alive} for found in judged.values()])
    for what, (moved, of) in shares.items():
        assert binom.cdf(moved, of, FLOORS[what]) > CHANCE, shares


def judged_here(seeds, engines, features=FEATURES):
    """Judge the cases of seeds one after the other, in this process."""
    return ((seed, judge_seed(seed, engines, features)) for seed in seeds)


@pytest.mark.parametrize("part", range(2))
def test_the_reference_and_brian_agree(part):
    """In few cases, in which each feature stands three times."""
    assert_agreement(judged_here(covering(range(300), 3)[part::2], QUICK))


@pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
@pytest.mark.parametrize("part", range(2))
def test_the_reference_and_compiled_programs_agree(part, shared_folder):
    """In fewer cases, in which nearly each feature stands once."""
    with cheap_programs(precompiled.flags(shared_folder, precompiled.CHEAP)):
        assert_agreement(judged_here(covering(range(300, 600), 1)[part:5:2], COMPILED), ran=0.5)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 1200, 100))
def test_the_reference_and_brian_agree_on_many(first):
    assert_agreement(judged_here(range(first, first + 100), QUICK))


@pytest.mark.slow
@pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
@pytest.mark.parametrize("first", range(2000, 2040, 20))
def test_compiled_programs_touch_nothing_that_is_not_theirs(first):
    """With the sanitizers of addresses and of undefined behaviour, which end a program at the first fault."""
    with cheap_programs(SANITIZED):
        assert_agreement(judged_here(range(first, first + 20), COMPILED))


@pytest.mark.slow
@pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
def test_random_numbers_are_those_of_a_network_whoever_draws_them():
    seeds = range(12)
    assert sum("rand" in case_of(seed, NOISY).neuron + case_of(seed, NOISY).rule for seed in seeds) > 6
    with cheap_programs():
        assert_agreement(judged_here(seeds, ("runtime", "standalone"), NOISY))


def test_a_small_difference_in_meaning_is_found(tmp_path):
    """A control that must fail: the factor of one term is off by a part in a million."""
    off, seen = "0.4000004*eta", 0
    for seed in range(60):
        case = case_of(seed, FEATURES & {"several terms", "trace", "temporaries", "comments"})
        if "0.4*eta" not in case.rule:
            continue
        other = type(case)(**{**vars(case), "rule": case.rule.replace("0.4*eta", off)})
        one, two = (
            numbers(simulated(each.job(tmp_path / f"{seed}_{each is case}"), "runtime")) for each in (case, other)
        )
        assert not differences(one, one)
        assert "W" in differences(one, two)
        seen += 1
        if seen == 2:
            return
    raise AssertionError("no case had such a term")
