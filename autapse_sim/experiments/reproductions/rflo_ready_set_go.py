"""How long an interval RFLO learns to hold: Ready, Set, and a pulse as long after Set as Set came after Ready.

Networks of tanh neurons (tau = 10 steps) are shown a pulse on a channel (Ready) and one on another (Set), an interval
later that is drawn for each trial, up to a longest one; their read-out has to peak as long after Set. In the paper RFLO
does as well as BPTT where the longest interval is 15 tau, and worse where it is 20. The paper's sizes, learning rates
and number of trials are not known here. Here 50 neurons learn U, W and V in 5,000 trials, whose intervals are drawn
evenly between a third of the longest and the longest; pulses last a tau, and the target is a Gaussian, 2 tau wide and 1
high. Rates are chosen for each rule on four seeds of their own, from the same grid. The loss is the mean of the last
500 trials; it is as good as another one, if it is no more than half as much again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr

from autapse_sim.engines.discrete.simulate import simulate
from autapse_sim.experiments.agreement import lower, no_worse, quartiles
from autapse_sim.experiments.reproduction import Answer, Call, Finding, Reproduction
from autapse_sim.experiments.reproductions.rflo_pattern import TAU_M, rates_told, tested
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.protocol import Schedule
from autapse_sim.spec.weights import Weights

CIRCUIT = Circuit(neurons=50, readout="random", activation="tanh", learn=("U", "W", "V"))
RULES, LONGEST = ("bptt", "rflo"), (15, 20)
ETAS, MARGIN = (0.003, 0.01, 0.03, 0.1), 0.5
TRIALS, FEW_TRIALS, SEEDS, FEW_SEEDS, PILOTS = 5000, 100, 12, 2, 4
WIDTH = 2.0
"""Of the target, in tau."""


def shown(rng: np.random.Generator, longest: int, trials: int) -> tuple[np.ndarray, np.ndarray]:
    """Stimuli (trials, T, 2) and targets (trials, T, 1) of intervals up to the longest, in tau."""
    steps = (2 * longest + 5) * TAU_M
    ready = TAU_M
    interval = rng.integers(longest * TAU_M // 3, longest * TAU_M + 1, trials)[:, None]
    t = np.arange(steps)
    x = np.stack([(t >= start) & (t < start + TAU_M) for start in (ready + 0 * interval, ready + interval)], axis=-1)
    y = np.exp(-((t - ready - 2 * interval) ** 2) / (2 * (WIDTH * TAU_M) ** 2))
    return x.astype(float), y[..., None]


def drawn(rng: np.random.Generator, replicates: int, n: int) -> Weights:
    """Networks as in the author's example, with two channels of input."""
    found = [
        (
            1.5 * child.standard_normal((n, n)) / n**0.5,
            child.uniform(-1, 1, (n, 2)),
            0.1 * child.uniform(-1, 1, (1, n)) / n**0.5,
            child.standard_normal((n, 1)),
        )
        for child in rng.spawn(replicates)
    ]
    return Weights(*(np.stack(parts) for parts in zip(*found, strict=True)))


def losses(circuit: Circuit, longest: int, trials: int, replicates: int, seed: int) -> xr.Dataset:
    """Half the MSE of the last tenth of the trials, (tried, replicate), and that of every tenth."""
    x, y = shown(np.random.default_rng([seed, longest]), longest, trials)
    networks = np.tile(np.arange(replicates), len(ETAS))
    eta = np.repeat(ETAS, replicates) / x.shape[1]
    tau = np.full(len(eta), TAU_M * STEP)
    order = np.arange(trials)
    job = Job(
        circuit=circuit,
        x=x[None],
        y=y[None],
        source=0 * networks,
        weights=drawn(np.random.default_rng([seed, 1]), replicates, circuit.neurons).take(networks),
        parameters={"eta": eta, "eta_out": eta, "tau": tau, "tau_m": tau},
        schedule=Schedule(order, order >= 0, order < 0, order < 0),
        update="trajectory",
        traced=np.array([], dtype=int),
        seeds=networks,
        averaging=False,
    )
    tenths = simulate(job).mse.reshape(len(ETAS), replicates, 10, -1).mean(axis=3) / 2
    dims = ("tried", "replicate")
    return xr.Dataset({"loss": (dims, tenths[..., -1]), "learned": ((*dims, "tenth"), tenths)}, {"tried": list(ETAS)})


def units(seed: int, quick: bool) -> dict[tuple[int, str], Call]:
    """All networks of a rule and a longest interval together, at all rates: the first seeds choose one."""
    trials, seeds = (FEW_TRIALS, FEW_SEEDS) if quick else (TRIALS, SEEDS)
    given = {"trials": trials, "replicates": PILOTS + seeds, "seed": seed}
    networks = len(ETAS) * (PILOTS + seeds)
    return {
        (longest, rule): Call(losses, {"circuit": replace(CIRCUIT, rule=rule), "longest": longest, **given}, networks)
        for longest in LONGEST
        for rule in RULES
    }


def answer(found: Mapping[tuple[int, str], xr.Dataset], quick: bool) -> Answer:
    """Whether RFLO is as good as BPTT up to 15 tau, and worse at 20."""
    chosen = {key: tested(data, PILOTS) for key, data in found.items()}
    told = []
    for longest, published in zip(LONGEST, ("as good as BPTT", "worse than BPTT"), strict=True):
        bptt, rflo = (chosen[longest, rule][0] for rule in RULES)
        near = published == "as good as BPTT"
        said = no_worse(rflo, bptt, MARGIN, "bptt", "loss") if near else lower(bptt, rflo, "rflo", "loss")
        here = f"rflo: {quartiles(rflo)}; bptt: {quartiles(bptt)}"
        told.append(Finding(f"RFLO, intervals up to {longest} tau", published, here, *said))
    rates = rates_told({f"{rule} up to {longest} tau": eta for (longest, rule), (_, eta) in chosen.items()}, ETAS)
    nothing = ", ".join(f"{longest} tau {silence(longest):.2g}" for longest in LONGEST)
    notes = (rates, f"Loss of the mean target: {nothing}.")
    data = xr.concat(list(found.values()), "case")
    return Answer(tuple(told), data.assign_coords(case=[f"{rule} {longest}" for longest, rule in found]), notes)


def silence(longest: int) -> float:
    """The loss of who knows when Ready was, and not when Set was."""
    y = shown(np.random.default_rng(0), longest, 500)[1]
    return float(y.var(axis=0).mean()) / 2


reproduction = Reproduction(
    title="RFLO, Ready-Set-Go: as good as BPTT for intervals up to 15 tau, worse for 20",
    source="Murray 2019, eLife 8:e43299, doi:10.7554/eLife.43299",
    published="as good as BPTT up to 15 tau, worse at 20",
    minutes=(15, 0.3),
    quick=f"{FEW_SEEDS} of {SEEDS} seeds, {FEW_TRIALS} of {TRIALS} trials",
    units=units,
    answer=answer,
    unknown="sizes, learning rates, number of trials, widths of the pulses",
)
