"""What was found of a model, as lines: each section a heading and what stands under it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from autapse_sim.engines.brian.assembly.order import SAYS
from autapse_sim.experiments.checking.trial import LONG, MANY, Trial
from autapse_sim.results.table import columns
from autapse_sim.spec.audit import QUESTIONS, Audit
from autapse_sim.spec.variables import Variable

CLOSE = 1e-9
"""Weights of two engines that differ by no more are the same but for rounding."""


def variables(found: list[Variable]) -> list[str]:
    """A table of variables."""
    return columns([["name", "place", "unit", "role"], *([v.name, v.place, v.unit, v.role] for v in found)])


def order(trial: Trial) -> list[str]:
    """What happens in a step, one after the other."""
    return [f"{number:>2}  {SAYS[slot]}" for number, slot in enumerate(trial.slots, 1)]


def audit(found: Audit | None) -> Iterator[str]:
    """What a rule asks of a brain, each answer with the terms that cause it."""
    if found is None:
        yield "nobody states what it asks"
        return
    for name, question in QUESTIONS.items():
        causes = getattr(found, name)
        held = name in ("synapse", "neuron", "signals")
        yield f"{question}: {(len(causes) or 'none') if held else 'yes' if causes else 'no'}"
        yield from (f"  {cause}" for cause in causes)


def against(trial: Trial) -> Iterator[str]:
    """What the circuit was held against, and how it stands to that."""
    if trial.difference is None:
        yield "reference interpreter: none (no equations, random numbers, or an integrator that it does not have)"
    elif trial.difference <= CLOSE:
        yield f"reference interpreter: the same weights, to {trial.difference:.1g}"
    else:
        yield f"reference interpreter: other weights, by {trial.difference:.2g}: it is chaotic, or an engine wrong"
    if trial.finer is not None:
        half = f"steps half as long (--substeps {2 * trial.circuit.substeps})"
        yield f"{half}: activity differs by {trial.finer:.1%} of its standard deviation"
    if trial.without_gradient:
        yield f"exact gradient: not compared ({trial.without_gradient})"
    elif trial.cosines:
        told = ", ".join(f"{name} {_cosine(value)}" for name, value in trial.cosines.items() if name != "blind")
        yield f"exact gradient: cosine of the change in one trajectory, with B = V^T: {told}"
        yield f"  (of W changed by (B err) 1^T, blind to what arrives: {_cosine(trial.cosines['blind'])})"
    else:
        yield "exact gradient: of W, U and b alone, which this rule does not teach"
    still = [name for name, by in trial.moved.items() if by == 0]
    if still:
        yield f"nothing happened: {', '.join(still)} did not change in {LONG} steps"


def _cosine(value: float) -> str:
    return "nothing to compare" if math.isnan(value) else f"{value:.2f}"


def cost(trial: Trial) -> Iterator[str]:
    """What a step costs, and how it runs."""
    n = trial.circuit.neurons
    yield f"{trial.nanoseconds:,.0f} ns a network-step (engine {trial.engine}, n = {n}, {MANY} networks, one core)"
    if not trial.apart:
        yield "no dense loops: it runs in NumPy"
        return
    yield "dense loops: yes"
    for name, why in trial.apart.items():
        yield f"{name}: change and next sum {f'in two passes: {why}' if why else 'in one pass over the weights'}"
