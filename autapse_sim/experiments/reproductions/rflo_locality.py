"""What locality and what random feedback cost: RFLO, the gradient, and what lies between them.

30 tanh neurons (tau = 10 steps) learn a periodic output of 80 tau by BPTT, RFLO, RFLO whose errors come back by V^T
(locality without random feedback), and the gradient whose errors come back by B (random feedback without locality).
In the paper the two local ones end alike, above the two others, which end alike. Weights and target are those of the
author's example (see rflo-pattern). The paper's learning rates and number of trials are not known here: rates are
chosen for each rule on four seeds of their own, from the same grid, and training takes 5,000 trials. A loss is as
another one here, if it is no more than half as much again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import xarray as xr

from autapse_sim.experiments.agreement import lower, no_worse, quartiles
from autapse_sim.experiments.reproduction import Answer, Call, Finding, Reproduction
from autapse_sim.experiments.reproductions.rflo_pattern import CIRCUIT, losses, rates_told, tested
from autapse_sim.tasks.pattern import PatternGeneration

TASK = PatternGeneration(steps=800)
RULES = ("bptt", "bptt_random_feedback", "rflo_exact_feedback", "rflo")
TRIALS, FEW_TRIALS, SEEDS, FEW_SEEDS, PILOTS = 5000, 100, 9, 2, 4
ETAS, MARGIN = (0.01, 0.03, 0.1), 0.5


def units(seed: int, quick: bool) -> dict[str, Call]:
    """All networks of a rule together, at all rates: the first seeds choose one."""
    trials, seeds = (FEW_TRIALS, FEW_SEEDS) if quick else (TRIALS, SEEDS)
    given = {"task": TASK, "trials": trials, "replicates": PILOTS + seeds, "seed": seed, "etas": ETAS}
    networks = len(ETAS) * (PILOTS + seeds)
    circuit = replace(CIRCUIT, neurons=30)
    return {rule: Call(losses, {"circuit": replace(circuit, rule=rule), **given}, networks) for rule in RULES}


def answer(found: Mapping[str, xr.Dataset], quick: bool) -> Answer:
    """Whether locality costs something, and random feedback nothing."""
    chosen = {rule: tested(data, PILOTS) for rule, data in found.items()}
    loss = {rule: values for rule, (values, _) in chosen.items()}
    pairs = (
        ("locality costs", "a higher loss than that of bptt", "rflo_exact_feedback", "bptt"),
        ("RFLO costs", "a higher loss than that of bptt", "rflo", "bptt"),
        ("random feedback costs the gradient nothing", "the same loss", "bptt_random_feedback", "bptt"),
        ("random feedback costs RFLO nothing", "the same loss", "rflo", "rflo_exact_feedback"),
    )
    told = []
    for what, published, rule, other in pairs:
        one, two = loss[rule], loss[other]
        same = published == "the same loss"
        said = no_worse(one, two, MARGIN, other, "loss") if same else lower(two, one, rule, "loss")
        told.append(Finding(what, published, f"{rule}: {quartiles(one)}; {other}: {quartiles(two)}", *said))
    rates = rates_told({rule: eta for rule, (_, eta) in chosen.items()}, ETAS)
    data = xr.concat(list(found.values()), "case").assign_coords(case=list(found))
    return Answer(tuple(told), data, (rates,))


reproduction = Reproduction(
    title="RFLO, 30 rate neurons, a period of 80 tau: locality explains the gap to BPTT, random feedback costs no more",
    source="Murray 2019, eLife 8:e43299, fig. 2d, doi:10.7554/eLife.43299",
    published="locality explains the gap to BPTT, random feedback costs nothing more (medians of nine realisations)",
    minutes=(10, 0.3),
    quick=f"{FEW_SEEDS} of {SEEDS} seeds, {FEW_TRIALS} of {TRIALS} trials",
    units=units,
    answer=answer,
    unknown="learning rates, number of trials",
)
