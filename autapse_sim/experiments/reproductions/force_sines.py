"""FORCE teaches chaotic networks a sum of four sines, which they go on with by themselves.

1000 chaotic neurons (g = 1.5, connection probability 0.1; tau = 10 ms in steps of 1 ms), whose read-out is fed back,
learn to produce a sum of four sines (period 120 tau) within 1000 tau, and then go on by themselves for as long again.
The paper shows learning within about 1000 tau, and no numbers: a network has learned here where the error over the
first period without learning is below 1% of the variance of the target, and goes on where that of the last period is,
up to a shift in time: nothing tells a network what time it is, so that small errors of its period add up.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from autapse_sim.experiments.agreement import below, quartiles
from autapse_sim.experiments.reproduction import Answer, Call, Finding, Reproduction
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.weights import Weights
from autapse_sim.tasks.arrays import ArrayTask
from autapse_sim.training.train import train

TAU = 10  # steps
PERIOD = 120 * TAU
GAIN, PROBABILITY, LEARNED = 1.5, 0.1, 0.01
NEURONS, DURATION, SEEDS = 1000, 1000, 20
FEW_NEURONS, SHORT, FEW_SEEDS = 200, 240, 2
"""Neurons, duration in tau, and networks; those of a quick run."""


def circuit(neurons: int) -> Circuit:
    """The network, of which the read-out learns and is fed back."""
    given = {"readout": "random", "activation": "tanh", "learn": "V", "returned": True}
    return Circuit(neuron="leaky", readout_rule="force", neurons=neurons, **given)  # type: ignore[arg-type]


def sines(steps: int) -> np.ndarray:
    """The target: four sines of the period of one and of a half, a third and a quarter of it."""
    phase = 2 * np.pi * np.arange(steps) / PERIOD
    amplitudes = {1: 1, 2: 1 / 2, 3: 1 / 6, 4: 1 / 3}
    return 1.3 / 1.5 * np.sum([amplitude * np.sin(k * phase) for k, amplitude in amplitudes.items()], axis=0)


def chaotic(rng: np.random.Generator, neurons: int) -> Weights:
    """Sparse recurrent weights of standard deviation g/sqrt(p N), a silent read-out, uniform feedback."""
    shape = (1, neurons, neurons)
    W = rng.normal(0, GAIN / np.sqrt(PROBABILITY * neurons), shape) * (rng.random(shape) < PROBABILITY)
    nothing = np.zeros((1, neurons, 1))
    F = rng.uniform(-1, 1, (1, neurons, 1))
    return Weights(W=W, U=nothing, V=nothing.swapaxes(1, 2), B=nothing, F=F)


def errors(circuit: Circuit, duration: int, alpha: float, seed: int, number: int) -> xr.Dataset:
    """The error of a network without learning, as shares of the target's variance, and that of all by tenths."""
    rng = np.random.default_rng([seed, number])
    steps, n = duration * TAU, circuit.neurons
    target = sines(2 * steps).reshape(1, 2, steps, 1)
    result = train(
        circuit,
        ArrayTask(np.zeros_like(target), target),
        Protocol(replicates=1, train=1, validate=0, test=1, reset=False, record=1),
        weights=chaotic(rng, n),
        parameters={"alpha": alpha, "a_0": rng.normal(0, 0.5, (1, n))},
    )
    error = result.data.trace_error.values[0, :, :, 0]
    tenths = np.abs(error[:, : steps // 10 * 10]).reshape(2, 10, -1).mean(axis=2)
    produced = error[1] + target[0, 1, :, 0]
    parts = {"all": error[1], "first": error[1, :PERIOD], "last": off(produced[-PERIOD:], target[0, 1, -PERIOD:, 0])}
    data = {name: np.mean(part**2) / target.var() for name, part in parts.items()}
    return xr.Dataset({**data, "tenths": (("stage", "tenth"), tenths)}, {"stage": ["learning", "test"]})


def off(produced: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The difference of two signals of a period, at the shift at which it is smallest."""
    shifts = np.stack([np.roll(target, shift) for shift in range(len(target))])
    return produced - shifts[np.argmin(((produced - shifts) ** 2).mean(axis=1))]


def units(seed: int, quick: bool) -> dict[int, Call]:
    """A network each."""
    neurons, duration, seeds = (FEW_NEURONS, SHORT, FEW_SEEDS) if quick else (NEURONS, DURATION, SEEDS)
    given = {"circuit": circuit(neurons), "duration": duration, "alpha": 1.0, "seed": seed}
    return {number: Call(errors, {**given, "number": number}) for number in range(seeds)}


def answer(found: Mapping[int, xr.Dataset], quick: bool) -> Answer:
    """Whether the networks go on with the sines by themselves."""
    data = xr.concat(list(found.values()), "replicate").assign_coords(replicate=list(found))
    kinds = {"first": "of the first period", "last": "of the last period, up to a shift in time,"}
    told = []
    for name, said in kinds.items():
        what = f"error {said} without learning, as a share of the target's variance"
        share = data[name].values
        told.append(Finding(what, f"produced: below {LEARNED:g}", quartiles(share), *below(share, LEARNED)))
    tenths = (
        f"Mean |error| by tenths, {stage}: " + ", ".join(f"{value:.3g}" for value in each)
        for stage, each in zip(data.stage.values, data.tenths.median("replicate").values, strict=True)
    )
    drift = f"Error over all of the time without learning, with no shift: {quartiles(data['all'].values)}."
    return Answer(tuple(told), data, (drift, *tenths))


reproduction = Reproduction(
    title="FORCE, 1000 chaotic rate neurons, a sum of four sines",
    source="Sussillo & Abbott 2009, Neuron 63:544, doi:10.1016/j.neuron.2009.07.018",
    published="learned within about 1000 tau, and produced without learning from then on",
    minutes=(5, 0.2),
    quick=f"{FEW_NEURONS} of {NEURONS} neurons, {SHORT} of {DURATION} tau, {FEW_SEEDS} of {SEEDS} networks",
    units=units,
    answer=answer,
    unknown="alpha (1 here), how many networks were tried, and how long learning took exactly",
)
