"""Whether engines agree on a case: on every number, or on why there is none."""

from __future__ import annotations

import itertools
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from grammar import Case

from autapse_sim.errors import InputError
from autapse_sim.spec.job import Job, Outcome
from autapse_sim.training.train import simulated

EXACT = 1e-10
"""Largest difference of two numbers, relative to the largest of their array."""
NUDGE = 1e-13
"""Relative change of inputs that explains a difference which rounding may make, too."""
ENGINES = {
    "reference": {"engine": "reference"},
    "runtime": {"engine": "runtime"},
    "standalone": {"engine": "standalone", "processes": 1},
    "plain": {"engine": "standalone", "processes": 1, "dense": False},
}
"""Who runs a case: 'plain' is the compiled program on Brian2's own path."""
QUICK, COMPILED = ("reference", "runtime"), ("reference", "standalone", "plain")
BAD = ("differ", "refused by some", "refused with other words", "crash")


@dataclass(frozen=True)
class Judgement:
    """What engines made of a case.

    Parameters
    ----------
    kind : str
        'agree', 'refused alike', 'undecidable', or one of `BAD`.
    said : str
        What differed, or the message.
    alive : tuple of str
        What moved: 'activity', 'weights', 'spikes', 'feedback'; and 'spiking' where neurons have a threshold.
    """

    kind: str
    said: str = ""
    alive: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What one engine made of a case: numbers, or a refusal, or a crash."""

    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    refusal: str = ""
    crash: str = ""


def judge(case: Case, engines: Sequence[str] = QUICK) -> Judgement:
    """Run a case in several engines and compare what they say."""
    with tempfile.TemporaryDirectory(prefix="grammar_") as folder:
        try:
            job = case.job(Path(folder) / "models")
        except InputError as error:
            return Judgement("refused alike", str(error).replace(folder, ""))
        except Exception:
            return Judgement("crash", f"before any engine: {traceback.format_exc()}")
        answers = {name: answer(job, name) for name in engines}
        found = _judged(job, answers)
    return replace(found, said=found.said.replace(folder, ""))


def answer(job: Job, engine: str) -> Answer:
    """What an engine makes of a job."""
    try:
        return Answer(numbers(simulated(job, **ENGINES[engine])))
    except InputError as error:
        return Answer(refusal=str(error))
    except Exception:
        return Answer(crash=traceback.format_exc())


def numbers(outcome: Outcome) -> dict[str, np.ndarray]:
    """Every number of an outcome, by name."""
    found = {name: getattr(outcome, name) for name in ("mse", "prediction", "cross_entropy", "spikes")}
    found |= dict(outcome.weights.items()) | {f"trace {name}": values for name, values in outcome.traces.items()}
    return {name: values for name, values in found.items() if values is not None}


def _judged(job: Job, answers: dict[str, Answer]) -> Judgement:
    crashed = {name: each.crash for name, each in answers.items() if each.crash}
    refused = {name: each.refusal for name, each in answers.items() if each.refusal}
    if crashed:
        return Judgement("crash", "\n".join(f"{name}: {text}" for name, text in crashed.items()))
    if refused:
        said = "\n".join(f"{name}: {refused.get(name, 'runs')}" for name in answers)
        if len(refused) < len(answers):
            return Judgement("refused by some", said)
        alike = len(set(refused.values())) == 1
        return Judgement("refused alike" if alike else "refused with other words", said)
    first, *others = answers
    alive = liveness(job, answers[first].numbers)
    for other in others:
        found = differences(answers[first].numbers, answers[other].numbers)
        if found:
            worst = max(found.values())
            decidable = not np.isfinite(worst) or worst > 10 * sensitivity(job, first)
            alone = sorted(answers[first].numbers.keys() ^ answers[other].numbers.keys())
            said = ", ".join(
                f"{name} {'of one alone' if name in alone else f'{value:.1e}'}" for name, value in found.items()
            )
            return Judgement("differ" if decidable else "undecidable", f"{first} and {other}: {said}", alive)
    return Judgement("agree", alive=alive)


def differences(one: dict[str, np.ndarray], other: dict[str, np.ndarray], exact: float = EXACT) -> dict[str, float]:
    """The arrays that differ by more than `exact`, each with its difference: infinite where it has no like."""
    found = {}
    for name in sorted(one.keys() | other.keys()):
        here = name in one and name in other and one[name].shape == other[name].shape
        value = difference(one[name], other[name]) if here else np.inf
        if value > exact:
            found[name] = value
    return found


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference relative to the largest number; infinite where one has numbers and the other has none."""
    if not np.array_equal(np.isfinite(one), np.isfinite(other)):
        return np.inf
    usable = np.isfinite(one)
    if not usable.any():
        return 0.0
    scale = max(np.abs(one[usable]).max(), np.abs(other[usable]).max())
    return float(np.abs(one[usable] - other[usable]).max() / max(scale, 1e-300))


def sensitivity(job: Job, engine: str) -> float:
    """How much the numbers of a job change where its inputs change as little as rounding might."""
    before = numbers(simulated(job, **ENGINES[engine]))
    return max(
        (
            value
            for other in _nudged(job)
            for value in differences(before, numbers(simulated(other, **ENGINES[engine])), 0).values()
        ),
        default=0.0,
    )


def _nudged(job: Job) -> Iterator[Job]:
    for seed, sign in itertools.product(range(2), (-1, 1)):
        rng = np.random.default_rng(seed)

        def nudge(values: np.ndarray, rng=rng, sign=sign) -> np.ndarray:
            return values * (1 + sign * NUDGE * rng.random(values.shape))

        weights = replace(job.weights, **{name: nudge(values) for name, values in job.weights.items()})
        parameters = {name: nudge(values) for name, values in job.parameters.items()}
        yield replace(job, x=nudge(job.x), weights=weights, parameters=parameters)


def liveness(job: Job, found: dict[str, np.ndarray]) -> tuple[str, ...]:
    """What moved in a job."""
    moved = []
    activity = found.get("trace activity", np.zeros((0, 0, 1, 1)))
    if np.ptp(activity, axis=2).max(initial=0) > 1e-3:
        moved.append("activity")
    if np.abs(found.get("trace feedback", np.zeros(1))).max(initial=0) > 1e-3:
        moved.append("feedback")
    starts = dict(job.weights.items())
    if any(np.abs(found[name] - starts[name]).max(initial=0) > 1e-6 for name in job.circuit.learn):
        moved.append("weights")
    if "spikes" in found:
        moved += ["spiking", *(["spikes"] if found["spikes"].sum() > 0 else [])]
    return tuple(moved)
