"""RFLO and BPTT teach a network of rate neurons a periodic output: the losses of the author's example.

50 tanh neurons with tau_m = 10 steps learn W and the read-out V, with updates at the end of each trial of 100 steps:
W ~ N(0, 1.5^2 / n), V uniform within 0.1 / sqrt(n), feedback B ~ N(0, 1), eta = 0.03 over the mean of the steps. The
example starts from o = 0.1 without input. Here a pulse, which saturates f, leaves o(1) = 1 / tau_m, the same state; it
is not scored. The loss is half the mean squared error, that of the last trial. The example's is of a single seed, so
that what can be asked is whether it is as those of the seeds here.

The example's BPTT is not the gradient to the letter: each step but the last takes up the error of the step after it in
place of its own. A loop over its equations, from the same 40 networks, ends lower than the gradient does, at a median
of 4.5e-4 (quartiles 2.8e-4 to 6.1e-4), among which the published loss ranks seventh of 41.

Controls: the best constant, the autapse rule, and the same networks with W as drawn, where the read-out alone learns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import xarray as xr

from autapse_sim.engines.discrete.simulate import simulate
from autapse_sim.experiments.agreement import among, quartiles
from autapse_sim.experiments.reproduction import Answer, Call, Finding, Reproduction
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.protocol import Schedule
from autapse_sim.spec.weights import Weights
from autapse_sim.tasks.pattern import PatternGeneration
from autapse_sim.tasks.shown import masked

TAU_M, ETA, SATURATING = 10, 0.03, 20.0
TRIALS, FEW_TRIALS, SEEDS, FEW_SEEDS = 10_000, 500, 40, 6
CIRCUIT = Circuit(neurons=50, readout="random", activation="tanh", learn=("W", "V"))
CASES = {
    "bptt": replace(CIRCUIT, rule="bptt"),
    "rflo": replace(CIRCUIT, rule="rflo"),
    "autapse": replace(CIRCUIT, rule="autapse"),
    "read-out alone": replace(CIRCUIT, rule="rflo", learn=("V",)),
}
PUBLISHED = {"bptt": 2.3160511e-4, "rflo": 1.5187803e-4}


def drawn(rng: np.random.Generator, replicates: int, n: int) -> Weights:
    """The networks of the example, one from each of the generator's children."""
    found = [
        (
            1.5 * child.standard_normal((n, n)) / n**0.5,
            0.1 * child.uniform(-1, 1, (1, n)) / n**0.5,
            child.standard_normal((n, 1)),
        )
        for child in rng.spawn(replicates)
    ]
    W, V, B = (np.stack(parts) for parts in zip(*found, strict=True))
    return Weights(W=W, U=np.full((replicates, n, 1), SATURATING), V=V, B=B)


def losses(
    circuit: Circuit, task: PatternGeneration, trials: int, replicates: int, seed: int, etas: tuple[float, ...] = (ETA,)
) -> xr.Dataset:
    """Half the MSE of networks that learn the pattern, (eta, replicate): in the last trial, and in a hundred others."""
    x, y = task.sample(np.random.default_rng(seed), 1, 1)
    nothing = np.zeros(trials, dtype=bool)
    networks = np.tile(np.arange(replicates), len(etas))
    eta = np.repeat(etas, replicates) / task.steps
    tau = np.full(len(eta), TAU_M * STEP)
    job = Job(
        circuit=circuit,
        x=x,
        y=masked(y, task.scored),
        source=0 * networks,
        weights=drawn(np.random.default_rng([seed, 1]), replicates, circuit.neurons).take(networks),
        parameters={"eta": eta, "eta_out": eta, "tau": tau, "tau_m": tau},
        schedule=Schedule(np.zeros(trials, dtype=int), ~nothing, nothing, nothing),
        update="trajectory",
        traced=np.array([], dtype=int),
        seeds=networks,
        averaging=False,
    )
    # the example's mean is over all steps, of which the first has no error
    loss = simulate(job).mse.reshape(len(etas), replicates, trials) / 2 * share(task)
    looks = np.unique(np.linspace(0, trials - 1, 101).astype(int))
    dims = ("tried", "replicate")
    data = {"loss": (dims, loss[..., -1]), "learned": ((*dims, "trial"), loss[..., looks])}
    return xr.Dataset(data, {"tried": list(etas), "trial": looks + 1})


def tested(data: xr.Dataset, pilots: int) -> tuple[np.ndarray, float]:
    """The losses of all but the first seeds, at the learning rate that is best on these, and that rate."""
    loss = np.where(np.isfinite(data.loss.values), data.loss.values, np.inf)
    best = int(np.argmin(np.median(loss[:, :pilots], axis=1)))
    return loss[best, pilots:], float(data.tried.values[best])


def rates_told(chosen: Mapping[str, float], tried: tuple[float, ...]) -> str:
    """The learning rates that were chosen, in words.

    Examples
    --------
    >>> rates_told({"bptt": 0.03, "rflo": 0.1}, (0.01, 0.03, 0.1))
    'Learning rates, of 0.01, 0.03, 0.1: bptt 0.03, rflo 0.1 (at the edge of what was tried).'
    """
    edge = " (at the edge of what was tried)"
    said = (f"{name} {eta:g}" + edge * (eta in (min(tried), max(tried))) for name, eta in chosen.items())
    return f"Learning rates, of {', '.join(map(str, tried))}: {', '.join(said)}."


def share(task: PatternGeneration) -> float:
    """The share of steps that are scored."""
    return 1.0 if task.scored is None else float(task.scored.mean())


def constant(task: PatternGeneration) -> float:
    """The loss of the best constant."""
    floors = task.floors(*task.sample(np.random.default_rng(0), 1, 1))
    return float(floors["constant"][0]) / 2 * share(task)


def units(seed: int, quick: bool) -> dict[str, Call]:
    """All networks of a rule together."""
    trials, replicates = (FEW_TRIALS, FEW_SEEDS) if quick else (TRIALS, SEEDS)
    given = {"task": PatternGeneration(), "trials": trials, "replicates": replicates, "seed": seed}
    return {name: Call(losses, {"circuit": circuit, **given}, replicates) for name, circuit in CASES.items()}


def answer(found: Mapping[str, xr.Dataset], quick: bool) -> Answer:
    """Whether the example's losses are as those of the seeds here."""
    loss = {name: data.loss.values[0] for name, data in found.items()}
    told = [
        Finding(f"half MSE of the last trial, {name}", f"{number:.2g} (one seed)", *_seen(loss[name], number))
        for name, number in PUBLISHED.items()
    ]
    others = "; ".join(f"{name} {quartiles(loss[name])}" for name in loss if name not in PUBLISHED)
    notes = (f"Controls: {others}; the best constant {constant(PatternGeneration()):.2g}.",)
    data = xr.concat([each.squeeze("tried", drop=True) for each in found.values()], "case")
    return Answer(tuple(told), data.assign_coords(case=list(found)), notes)


def _seen(loss: np.ndarray, published: float) -> tuple[str, str, str]:
    return quartiles(loss), *among(loss, published)


reproduction = Reproduction(
    title="RFLO and BPTT, 50 rate neurons, a periodic output: the losses of the author's example",
    source="Murray 2019, eLife 8:e43299, doi:10.7554/eLife.43299, and its example (murray-lab/rflo-learning)",
    published="half MSE after 10,000 trials: BPTT 2.3e-4, RFLO 1.5e-4, one seed each",
    minutes=(4, 0.1),
    quick=f"{FEW_SEEDS} of {SEEDS} seeds, {FEW_TRIALS} of {TRIALS} trials",
    units=units,
    answer=answer,
)
