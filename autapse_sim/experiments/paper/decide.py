"""What decides about a claim: an interval on one side of a threshold; where it spans the threshold, 'undecided'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from autapse_sim.experiments.paper.setting import EMPTY, FAILS, HOLDS, OPEN
from autapse_sim.results.statistics import Interval, Paired

FOLLOWS = 0.5
"""R2 after the best affine map from which on a prediction follows the trajectory."""
AGREES = 0.9
"""Share of networks with the order of the medians from which on rankings do not differ from run to run."""
SOMETIMES = 0.05
"""Share of networks that end worse than they began from which on a rule sometimes diverges."""
MATTERS = 0.01
"""Relative change of the test MSE from which on a parameter matters."""
OUTSIDE = 0.05
"""Share of predictions far outside the box by which a larger network must exceed a small one."""
FASTER = 2.0
"""Ratio of times from which on something is much faster."""
MAJORITY = 0.5


def above(found: Interval, threshold: float) -> bool | None:
    """Whether an interval lies above a threshold.

    Examples
    --------
    >>> [above(Interval(0.5, 0.4, 0.6), threshold) for threshold in (0.3, 0.7, 0.5)]
    [True, False, None]
    """
    return True if found.low > threshold else False if found.high < threshold else None


def below(found: Interval, threshold: float) -> bool | None:
    """Whether an interval lies below a threshold."""
    return None if above(found, threshold) is None else not above(found, threshold)


def lower(found: Paired) -> bool | None:
    """Whether an error is lower than that of the reference."""
    return {"lower": True, "higher": False, "undecided": None}[found.verdict]


def every(found: Iterable[bool | None]) -> bool | None:
    """Whether all are true: one that is false decides, else one that cannot be told leaves it open.

    Examples
    --------
    >>> every([True, True]), every([True, None, False]), every([True, None])
    (True, False, None)
    """
    found = list(found)
    return False if False in found else None if None in found else True


def answer(true: bool | None, telling: bool | None = True) -> str:
    """The answer to a claim that is true or not, and that tells more than a control does or not."""
    if true is None or (true and telling is None):
        return OPEN
    return FAILS if not true else HOLDS if telling else EMPTY


def decide_following(r2: Iterable[Interval], against: Iterable[Paired]) -> str:
    """(a) Predictions follow if R2 is above `FOLLOWS`; it tells something if they do so better than the controls."""
    return answer(every(above(one, FOLLOWS) for one in r2), every(map(lower, against)))


def decide_learning(against: Iterable[Paired]) -> str:
    """(b, j) The dynamics are learned if the error is lower than that of every control without motion."""
    return answer(every(map(lower, against)))


def decide_ranking(agreeing: Interval) -> str:
    """(c) Rankings differ if fewer than `AGREES` of the networks rank the rules as the medians do."""
    return answer(below(agreeing, AGREES))


def decide_divergence(share: Interval, more: Iterable[Interval]) -> str:
    """(d) A rule sometimes diverges above `SOMETIMES`; it tells something of the rule if it does so more than others.

    Parameters
    ----------
    share : Interval
        Of networks that diverged.
    more : iterable of Interval
        By how much it exceeds the share of each other rule.
    """
    return answer(above(share, SOMETIMES), every(above(one, 0) for one in more))


def decide_spectrum(fell: Mapping[str, Interval]) -> str:
    """(e) The error of most networks falls with the first spectrum, and rises with all others."""
    positive, *others = fell.values()
    return answer(every([above(positive, MAJORITY), *(below(one, MAJORITY) for one in others)]))


def decide_effect(changes: Iterable[Interval]) -> str:
    """(f) A parameter matters if a relative change of the error lies beyond `MATTERS`, and not if all lie within."""
    changes = list(changes)
    beyond = any(one.low > MATTERS or one.high < -MATTERS for one in changes)
    within = all(one.low > -MATTERS and one.high < MATTERS for one in changes)
    return answer(True if beyond else False if within else None)


def decide_size(excess: Interval, scaled: Interval) -> str:
    """(g) More predictions are far outside in large networks; it tells something if V ~ N(0, 1/n) does not cure it."""
    return answer(above(excess, OUTSIDE), above(scaled, OUTSIDE))


def decide_speed(plain: Iterable[Interval], best: Iterable[Interval]) -> str:
    """(h) The rule is faster than the others as defined; it tells something if it is than their best forms too."""
    return answer(every(above(one, FASTER) for one in plain), every(above(one, FASTER) for one in best))


def decide_readout(mended: Iterable[Paired], fixed: Iterable[Paired]) -> str:
    """(i) A trained V mends if errors fall; it tells something of the rules if they fall below those of a fixed W."""
    return answer(every(map(lower, mended)), every(map(lower, fixed)))
