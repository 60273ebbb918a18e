"""Which weights have to learn: recurrent ones alone, the read-out alone, or both, by RFLO.

30 tanh neurons (tau = 10 steps) learn a periodic output of 20 tau, a period of the paper's fig. 2a. In the paper the
recurrent weights alone fail, and both end lower than the read-out alone. Weights and target are those of the author's
example (see rflo-pattern). The paper's period, learning rates and number of trials are not known here: rates are chosen
for each case on four seeds of their own, from the same grid; training takes 10,000 trials, as the example does. To fail
is to end above half the loss of the best constant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import xarray as xr

from autapse_sim.experiments.agreement import below, lower, quartiles
from autapse_sim.experiments.reproduction import Answer, Call, Finding, Reproduction
from autapse_sim.experiments.reproductions.rflo_pattern import CIRCUIT, constant, losses, rates_told, tested
from autapse_sim.tasks.pattern import PatternGeneration

TASK = PatternGeneration(steps=200)
RFLO = replace(CIRCUIT, neurons=30, rule="rflo")
CASES = {
    "recurrent alone": replace(RFLO, learn=("W",)),
    "read-out alone": replace(RFLO, learn=("V",)),
    "both": RFLO,
}
TRIALS, FEW_TRIALS, SEEDS, FEW_SEEDS, PILOTS = 10_000, 200, 12, 2, 4
ETAS = (0.01, 0.03, 0.1)


def units(seed: int, quick: bool) -> dict[str, Call]:
    """All networks of a case together, at all rates: the first seeds choose one."""
    trials, seeds = (FEW_TRIALS, FEW_SEEDS) if quick else (TRIALS, SEEDS)
    given = {"task": TASK, "trials": trials, "replicates": PILOTS + seeds, "seed": seed, "etas": ETAS}
    networks = len(ETAS) * (PILOTS + seeds)
    return {name: Call(losses, {"circuit": circuit, **given}, networks) for name, circuit in CASES.items()}


def answer(found: Mapping[str, xr.Dataset], quick: bool) -> Answer:
    """Whether the recurrent weights alone fail, and both do better than the read-out alone."""
    chosen = {name: tested(data, PILOTS) for name, data in found.items()}
    recurrent, readout, both = (chosen[name][0] for name in CASES)
    half = constant(TASK) / 2
    told = (
        Finding(
            f"recurrent weights alone fail: {half:.3g} over their loss is below 1",
            "fail",
            quartiles(recurrent),
            *below(half / recurrent, 1),
        ),
        Finding(
            "both end lower than the read-out alone",
            "lower",
            f"both: {quartiles(both)}; read-out alone: {quartiles(readout)}",
            *lower(both, readout, "the read-out alone", "loss"),
        ),
    )
    rates = rates_told({name: eta for name, (_, eta) in chosen.items()}, ETAS)
    data = xr.concat(list(found.values()), "case").assign_coords(case=list(found))
    return Answer(told, data, (rates,))


reproduction = Reproduction(
    title="RFLO, 30 rate neurons, a periodic output: both recurrent and read-out weights have to learn",
    source="Murray 2019, eLife 8:e43299, fig. 2, supplement 2, doi:10.7554/eLife.43299",
    published="recurrent weights alone fail; both beat the read-out alone",
    minutes=(4, 0.2),
    quick=f"{FEW_SEEDS} of {SEEDS} seeds, {FEW_TRIALS} of {TRIALS} trials",
    units=units,
    answer=answer,
    unknown="period, learning rates, number of trials",
)
