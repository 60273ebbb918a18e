"""Paired comparison of errors over replicates, and what may be said of it.

Two rules are compared replicate by replicate: the same initial weights, the same trajectories. An error of NaN or
infinity is a replicate that diverged; it counts as worse than any that did not, and is never dropped. Everywhere lower
is better: for R2, compare 1 - R2, the unexplained share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, log10

import numpy as np

from autapse_sim.errors import InputError
from autapse_sim.results.scores import LEVEL, median_interval

_HUGE = 1e100  # stands in for infinity where differences are ranked


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95% interval.

    Parameters
    ----------
    estimate, low, high : float
        In the unit of what is estimated; infinite where so many replicates diverged that nothing else can be said.
    """

    estimate: float
    low: float
    high: float

    @property
    def width(self) -> float:
        """high - low, infinite where one of the two is."""
        return np.inf if np.isinf([self.low, self.high]).any() else self.high - self.low


@dataclass(frozen=True)
class Paired:
    """How a rule's errors stand to those of a reference, over R replicates.

    Parameters
    ----------
    replicates : int
        R.
    difference : Interval
        Median over replicates of error - reference error, see `autapse_sim.results.scores.median_interval`.
    reduction : Interval
        Median over replicates of 1 - error / reference error: 0.08 is 8% lower, negative is higher.
    won : Interval
        Share of replicates with the lower error (a tie is half won), with Wilson's interval, whichever way ties go.
    diverged, reference_diverged : int
        Replicates that did.
    p_sign, p_wilcoxon : float
        Two-sided, of the sign test (ties left out) and of Wilcoxon's signed-rank test (ties split) of the logarithms of
        error / reference error: what the reduction is of, twice and half being as far from 1.
    p : float
        `p_wilcoxon`, corrected by Holm's method for the family that was compared (see `compare_all`).
    joint : Interval
        The reduction with an interval so wide that those of the whole family hold at once (Bonferroni); infinite where
        there are too few replicates for that. That errors are the same is shown by this one.
    margin : float
        The least reduction that is worth speaking of.
    p_margin_wilcoxon, p_margin : float
        As `p_wilcoxon` and `p`, of the reduction against `margin` instead of 0.
    """

    replicates: int
    difference: Interval
    reduction: Interval
    won: Interval
    diverged: int
    reference_diverged: int
    p_sign: float
    p_wilcoxon: float
    p: float
    joint: Interval
    margin: float
    p_margin_wilcoxon: float
    p_margin: float

    @property
    def verdict(self) -> str:
        """'lower' or 'higher' where the interval of the reduction excludes 0 and p <= LEVEL, else 'undecided'."""
        if self.p > LEVEL or self.reduction.low <= 0 <= self.reduction.high:
            return "undecided"
        return "lower" if self.reduction.low > 0 else "higher"

    @property
    def worth(self) -> str:
        """'more' or 'less' where the interval of the reduction excludes `margin` and p_margin <= LEVEL, or 'undecided'.

        One excludes the other, whatever the number of replicates.
        """
        if self.p_margin > LEVEL or self.reduction.low <= self.margin <= self.reduction.high:
            return "undecided"
        return "more" if self.reduction.low > self.margin else "less"


def compare_paired(errors: np.ndarray, reference: np.ndarray, family: int = 1, margin: float = 0.0) -> Paired:
    """Compare the errors of a rule with those of a reference on the same replicates.

    Parameters
    ----------
    errors, reference : array (R,)
        Not negative; NaN and infinity are replicates that diverged.
    family : int
        For how many comparisons `joint` holds at once.
    margin : float
        The least reduction that is worth speaking of.

    Examples
    --------
    >>> reference = np.linspace(1, 2, 41)
    >>> paired = compare_paired(0.9 * reference, reference, margin=0.2)
    >>> round(paired.reduction.estimate, 6), paired.won.estimate, paired.verdict, paired.worth
    (0.1, 1.0, 'lower', 'less')
    """
    from scipy.stats import binomtest  # slow to load, and not for who only draws

    errors, reference = (_checked(array) for array in (errors, reference))
    if errors.shape != reference.shape:
        raise InputError(
            f"{len(errors)} errors are compared with {len(reference)}; they must be of the same replicates"
        )
    count = len(errors)
    with np.errstate(invalid="ignore"):
        difference = np.where(errors == reference, 0, errors - reference)
    wins, ties = int((difference < 0).sum()), int((difference == 0).sum())
    least, most = (binomtest(won, count).proportion_ci(method="wilson") for won in (wins, wins + ties))
    decided = count - ties
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(errors == reference, 0, np.log(errors) - np.log(reference))
    p_wilcoxon, p_margin = _p_signed_rank(ratios), _p_signed_rank(ratios - np.log1p(-margin))
    reduced = reductions(errors, reference)
    return Paired(
        replicates=count,
        difference=_median(difference),
        reduction=_median(reduced),
        won=Interval((wins + ties / 2) / count, least.low, most.high),
        diverged=int(np.isinf(errors).sum()),
        reference_diverged=int(np.isinf(reference).sum()),
        p_sign=float(binomtest(wins, decided).pvalue) if decided else 1.0,
        p_wilcoxon=p_wilcoxon,
        p=p_wilcoxon,
        joint=_joint(reduced, family),
        margin=margin,
        p_margin_wilcoxon=p_margin,
        p_margin=p_margin,
    )


def _p_signed_rank(ratios: np.ndarray) -> float:
    """The two-sided p of Wilcoxon's signed-rank test of logarithms of ratios; those of what diverged are infinite."""
    from scipy.stats import wilcoxon

    return float(wilcoxon(np.clip(ratios, -_HUGE, _HUGE), zero_method="zsplit").pvalue) if ratios.any() else 1.0


def reductions(errors: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """1 - error / reference error of each replicate, (R,); errors that diverged are infinite.

    Examples
    --------
    >>> reductions(np.array([0.9, 2.0, np.inf, np.inf]), np.array([1.0, 1.0, 1.0, np.inf]))
    array([ 0.1, -1. , -inf,  0. ])
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(errors == reference, 0, 1 - errors / reference)


def compare_all(
    errors: Mapping[str, np.ndarray], reference: np.ndarray, family: int | None = None, margin: float = 0.0
) -> dict[str, Paired]:
    """Compare several rules with one reference, as one family: each p and `joint` are corrected for their number.

    Parameters
    ----------
    errors : mapping of str to array (R,)
        By name of the rule.
    reference : array (R,)
        Of the same replicates.
    family : int, optional
        As of `compare_paired`, where these comparisons are not all.
    margin : float
        As of `compare_paired`.

    Examples
    --------
    >>> reference = np.linspace(1, 2, 41)
    >>> found = compare_all({"one": reference + 0.01, "other": reference - 0.01}, reference)
    >>> found["one"].joint.width > found["one"].reduction.width
    True
    """
    family = family or len(errors)
    compared = [compare_paired(values, reference, family, margin) for values in errors.values()]
    return dict(zip(errors, corrected(compared), strict=True))


def corrected(family: Sequence[Paired]) -> list[Paired]:
    """The comparisons of a family with each p corrected for their number by Holm's method."""
    ps = holm([one.p_wilcoxon for one in family]), holm([one.p_margin_wilcoxon for one in family])
    return [replace(one, p=float(p), p_margin=float(m)) for one, p, m in zip(family, *ps, strict=True)]


def holm(p: Sequence[float] | np.ndarray) -> np.ndarray:
    """The p of a family, corrected by Holm's step-down method (Holm 1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    array([0.03, 0.06, 0.06])
    """
    p = np.asarray(p, dtype=float)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(stepped, 1)
    return corrected


def replicates_needed(pilot: np.ndarray, width: float) -> int | None:
    """How many replicates bring the interval of the median down to a width; None where too many diverged to tell.

    The width shrinks with the root of the number of replicates.

    Parameters
    ----------
    pilot : array (R,)
        Differences or reductions of a first few replicates.
    width : float
        That is wished for, in their unit.

    Examples
    --------
    >>> pilot = np.random.default_rng(0).normal(0.1, 0.05, 50)
    >>> replicates_needed(pilot, 0.02) > 50
    True
    """
    if not width > 0:
        raise InputError(f"width is {width!r}; it must be positive")
    pilot = np.asarray(pilot, dtype=float)
    if len(pilot) < 2:
        raise InputError(f"the pilot has {len(pilot)} replicates; it needs at least 2")
    found = _median(pilot).width
    return None if np.isinf(found) else max(1, ceil(len(pilot) * (found / width) ** 2))


def sentence(paired: Paired, against: str, score: str) -> str:
    """What a comparison says, in words: to be read after the name of the rule.

    Parameters
    ----------
    paired : Paired
        The comparison.
    against : str
        What the reference is.
    score : str
        What the errors are.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> reference = rng.uniform(1, 2, 200)
    >>> paired = compare_paired(reference * rng.normal(0.92, 0.15, 200), reference)
    >>> sentence(paired, "the fixed reservoir", "test MSE")
    'lowers test MSE by 11% [8, 14] against the fixed reservoir'
    """
    reduction = paired.reduction
    if reduction.estimate == -np.inf:
        said = f"raises {score} without bound"
    elif paired.verdict == "higher" or _percent(reduction).startswith("-"):
        raised = Interval(-reduction.estimate, -reduction.high, -reduction.low)
        said = f"raises {score} by {_percent(raised)}"
    else:
        said = f"lowers {score} by {_percent(reduction)}"
    if paired.verdict != "undecided":
        said = f"{said} against {against}"
    else:
        said = f"cannot be told from {against}: {said}"
        if reduction.low > 0 or reduction.high < 0:
            # an interval that excludes 0 alone is not enough: it is one of several comparisons, or of a skewed few
            said += f", p = {paired.p:.2g} of all that is compared"
    if paired.diverged:
        said += f"; {paired.diverged} of {paired.replicates} replicates diverged"
    if paired.reference_diverged:
        said += f"; {paired.reference_diverged} of {paired.replicates} diverged in {against}"
    return said


def _percent(share: Interval) -> str:
    """'8% [6, 10]', with as many digits as the interval's width deserves."""
    decimals = min(3, max(0, ceil(-log10(100 * share.width)))) if 0 < share.width < np.inf else 0
    estimate, low, high = (
        "-inf"
        if value == -np.inf
        else "inf"
        if value == np.inf
        else f"{round(100 * value, decimals) + 0.0:.{decimals}f}"
        for value in (share.estimate, share.low, share.high)
    )
    return f"{estimate}% [{low}, {high}]"


def _median(values: np.ndarray, level: float = LEVEL) -> Interval:
    return Interval(*(float(value) for value in median_interval(values, level=level)))


def _joint(values: np.ndarray, family: int) -> Interval:
    """One of a family of intervals that hold at once."""
    level = LEVEL / family
    found = _median(values, level)
    told = 2 * 0.5 ** len(values) <= level  # how often all lie on one side of the median
    return found if told else Interval(found.estimate, -np.inf, np.inf)


def _checked(errors: np.ndarray) -> np.ndarray:
    """Errors (R,) with infinity for those that diverged."""
    errors = np.asarray(errors, dtype=float)
    if errors.ndim != 1 or not len(errors):
        raise InputError(f"errors have shape {errors.shape}; expected one for each replicate")
    errors = np.where(np.isnan(errors), np.inf, errors)
    if (errors < 0).any():
        raise InputError(f"an error is {errors.min():g}; errors must not be negative")
    return errors
