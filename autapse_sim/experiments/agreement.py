"""Whether what came out agrees with what was published: each function gives the answer, and what decided.

That two things agree has to be shown, as that they differ has: what does neither cannot be said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import ttest_ind_from_stats

from autapse_sim.experiments.verdict.answer import equivalent
from autapse_sim.results.scores import FEWEST, LEVEL, median_interval
from autapse_sim.results.statistics import compare_paired, sentence

REPRODUCED, NOT, UNSAID = ANSWERS = ("reproduced", "not reproduced", "cannot be said")
Decided = tuple[str, str]
"""One of `ANSWERS`, and what decided."""


@dataclass(frozen=True)
class Sample:
    """What is known of published seeds.

    Parameters
    ----------
    mean, sd : float
        Over seeds; sd is that of a sample (divided by count - 1), and 0 where only a number was published.
    count : int
        How many seeds; 2 where that was not published, which then does not matter.
    """

    mean: float
    sd: float = 0.0
    count: int = 2

    @classmethod
    def of(cls, values: np.ndarray) -> Sample:
        """That of seeds that are all known."""
        return cls(float(np.mean(values)), float(np.std(values, ddof=1)), len(values))


def quartiles(values: np.ndarray) -> str:
    """Seeds in words: their median and quartiles, and how many diverged.

    Examples
    --------
    >>> quartiles(np.array([1.0, 2.0, 3.0, np.nan]))
    'median 2.5, quartiles 1.75 to inf, 4 seeds, 1 diverged'
    """
    values = np.where(np.isfinite(values), values, np.inf)
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    diverged = int(np.isinf(values).sum())
    said = f"median {middle:.3g}, quartiles {low:.3g} to {high:.3g}, {len(values)} seeds"
    return said + f", {diverged} diverged" * bool(diverged)


def exact(found: np.ndarray | Sequence[float], published: np.ndarray | Sequence[float], tolerance: float) -> Decided:
    """Whether numbers are the same within a relative tolerance, each of them.

    Examples
    --------
    >>> exact([1.0, 2.0], [1.0, 2.0 + 1e-9], 1e-6)[0]
    'reproduced'
    >>> exact([1.0, 2.1], [1.0, 2.0], 1e-6)
    ('not reproduced', 'largest relative difference 5.0e-02, tolerance 1e-06')
    """
    off = float(np.max(np.abs(np.asarray(found) / np.asarray(published) - 1)))
    return REPRODUCED if off <= tolerance else NOT, f"largest relative difference {off:.1e}, tolerance {tolerance:g}"


def same_mean(found: np.ndarray, published: Sample, margin: float) -> Decided:
    """Whether the mean over seeds is that of published seeds: two one-sided tests of Welch's, each at 5%.

    Fewer than `FEWEST` seeds show nothing to be the same; a seed that diverged leaves no mean, and so no agreement.

    Parameters
    ----------
    found : array (R,)
        The seeds here.
    published : Sample
        Those elsewhere.
    margin : float
        The least difference of the means that is worth speaking of, in their unit.

    Examples
    --------
    >>> seeds = np.random.default_rng(0).normal(1.0, 0.1, (2, 20))
    >>> [same_mean(seeds[0] + off, Sample.of(seeds[1]), 0.2)[0] for off in (0, 0.2, 0.5)]
    ['reproduced', 'cannot be said', 'not reproduced']
    """
    found = np.asarray(found, dtype=float)
    if not np.isfinite(found).all():
        return NOT, f"{np.sum(~np.isfinite(found))} of {len(found)} seeds diverged"
    if len(found) < 2:
        return UNSAID, "1 seed"

    def p_of(shift: float, alternative: str) -> float:
        """That the difference of the means lies on one side of a shift."""
        mine = Sample.of(found)
        if mine.sd == published.sd == 0:
            off = mine.mean - published.mean - shift
            return 0.0 if (off > 0) == (alternative == "greater") and off else 1.0
        theirs = (published.mean + shift, published.sd, published.count)
        tested = ttest_ind_from_stats(mine.mean, mine.sd, mine.count, *theirs, equal_var=False, alternative=alternative)
        return float(tested.pvalue)

    p = max(p_of(-margin, "greater"), p_of(margin, "less"))
    by = f"two one-sided tests, margin {margin:g}, p = {p:.2g}, {len(found)} seeds"
    if min(p_of(margin, "greater"), p_of(-margin, "less")) <= LEVEL / 2:
        return NOT, by
    return REPRODUCED if p <= LEVEL and len(found) >= FEWEST else UNSAID, by


def _spread(found: np.ndarray) -> str:
    return "95% interval of the median" if len(found) >= FEWEST else "range of the seeds"


def near(found: np.ndarray, published: float, margin: float) -> Decided:
    """Whether the median over seeds is a published number, within a relative margin: by its 95% interval.

    Examples
    --------
    >>> seeds = np.random.default_rng(0).normal(1.0, 0.1, 40)
    >>> [near(seeds, number, 0.1)[0] for number in (1.0, 1.12, 2.0)]
    ['reproduced', 'cannot be said', 'not reproduced']
    """
    _, low, high = median_interval(np.asarray(found, dtype=float))
    least, most = sorted((published * (1 - margin), published * (1 + margin)))
    by = f"{_spread(found)}, {low:.3g} to {high:.3g}, against {least:.3g} to {most:.3g}; {len(found)} seeds"
    if len(found) < FEWEST:
        return UNSAID, by
    return REPRODUCED if least <= low and high <= most else NOT if high < least or low > most else UNSAID, by


def below(found: np.ndarray, threshold: float) -> Decided:
    """Whether the median over seeds lies below a number: by its 95% interval.

    Examples
    --------
    >>> seeds = np.linspace(1, 2, 20)
    >>> [below(seeds, threshold)[0] for threshold in (3, 1.5, 0.5)]
    ['reproduced', 'cannot be said', 'not reproduced']
    """
    found = np.where(np.isfinite(found), found, np.inf)
    _, low, high = median_interval(found)
    by = f"{_spread(found)}, {low:.3g} to {high:.3g}, against {threshold:.3g}; {len(found)} seeds"
    if len(found) < FEWEST:
        return UNSAID, by
    return REPRODUCED if high < threshold else NOT if low > threshold else UNSAID, by


def among(found: np.ndarray, published: float) -> Decided:
    """Whether the number of a single published run is as those of the seeds here: by its rank among them.

    Within their range it may be one of them. Beyond it, it is none of them where that has a probability of 5% or less,
    which takes 39 seeds.

    Examples
    --------
    >>> among(np.arange(10.0), 3.5)[0], among(np.arange(10.0), 11)[0], among(np.arange(40.0), 50)[0]
    ('reproduced', 'cannot be said', 'not reproduced')
    """
    found = np.asarray(found, dtype=float)
    below, above = int((found <= published).sum()), int((found >= published).sum())
    p = min(1.0, 2 * (min(below, above) + 1) / (len(found) + 1))
    by = f"rank {below} among {len(found)} seeds, p = {p:.2g}"
    if min(below, above):
        return REPRODUCED if len(found) >= FEWEST and p > LEVEL else NOT if p <= LEVEL else UNSAID, by
    return NOT if p <= LEVEL else UNSAID, by


def lower(errors: np.ndarray, reference: np.ndarray, against: str, score: str = "error") -> Decided:
    """Whether errors are lower than those of a reference, paired over seeds.

    Parameters
    ----------
    errors, reference : array (R,)
        Not negative; NaN and infinity are seeds that diverged.
    against, score : str
        What the reference is, and what the errors are, in words.

    Examples
    --------
    >>> reference = np.linspace(1, 2, 20)
    >>> lower(0.5 * reference, reference, "the read-out alone")
    ('reproduced', 'lowers error by 50% [50, 50] against the read-out alone, 20 seeds')
    """
    paired = compare_paired(errors, reference)
    found = {"lower": REPRODUCED, "higher": NOT, "undecided": UNSAID}[paired.verdict]
    return found, f"{sentence(paired, against, score)}, {paired.replicates} seeds"


def alike(errors: np.ndarray, reference: np.ndarray, margin: float, against: str, score: str = "error") -> Decided:
    """Whether errors are those of a reference within a relative margin, paired over seeds.

    Examples
    --------
    >>> reference = np.linspace(1, 2, 20)
    >>> [alike(factor * reference, reference, 0.1, "the gradient")[0] for factor in (1.05, 1.5)]
    ['reproduced', 'not reproduced']
    """
    paired = compare_paired(errors, reference)
    reduction = paired.reduction
    beyond = paired.replicates >= FEWEST and (reduction.low > margin or reduction.high < -margin)
    found = REPRODUCED if equivalent(paired, margin) else NOT if beyond else UNSAID
    return found, f"{sentence(paired, against, score)}, margin {margin:.0%}, {paired.replicates} seeds"


def no_worse(errors: np.ndarray, reference: np.ndarray, margin: float, against: str, score: str = "error") -> Decided:
    """Whether errors exceed those of a reference by less than a relative margin, paired over seeds.

    Examples
    --------
    >>> reference = np.linspace(1, 2, 20)
    >>> [no_worse(factor * reference, reference, 0.1, "the gradient")[0] for factor in (0.5, 1.05, 1.5)]
    ['reproduced', 'reproduced', 'not reproduced']
    """
    paired = compare_paired(errors, reference)
    reduction = paired.reduction
    found = REPRODUCED if reduction.low > -margin else NOT if reduction.high < -margin else UNSAID
    if paired.replicates < FEWEST:
        found = UNSAID
    return found, f"{sentence(paired, against, score)}, margin {margin:.0%}, {paired.replicates} seeds"
