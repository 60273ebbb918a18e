"""FORCE teaches spiking neurons a sine, which they go on with by themselves.

Leaky integrate-and-fire neurons (tau_m = 10 ms, threshold -40 mV, reset -65 mV, refractory for 2 ms, driven to the
threshold) send each other spikes through synapses that rise within 2 ms and decay within 20 ms; weights are sparse and
make them chaotic, the read-out is fed back with strength Q = 10. The read-out learns a sine of 5 Hz for 5 s, and
produces it without learning for 5 s more. The setting is that of fig. 2 of the paper, as its code was written for
Brian2 (examples/frompapers/Nicola_Clopath_2017.py there), which shows the sine and gives no numbers: it is learned here
where the error of the last second without learning is below 5% of the variance of the sine, up to a shift in time.
Integration steps are of 0.05 ms, as there. Learning begins at once, and each of these steps counts a twentieth, where
there it begins after 5 s without, and every 2.5 ms counts.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from autapse_sim.experiments.agreement import below, quartiles
from autapse_sim.experiments.reproduction import Answer, Call, Finding, Reproduction
from autapse_sim.experiments.reproductions.force_sines import off
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.weights import Weights
from autapse_sim.tasks.arrays import ArrayTask
from autapse_sim.training.train import train

STEP_RATE, FREQUENCY = 1000, 5
"""Steps and cycles in a second."""
GAIN, PROBABILITY, RETURNED, LEARNED = 0.04, 0.1, 10, 0.05
ALPHA = 1 / (0.1 * 0.05e-3)
"""P starts at 0.1 times the integration step, in seconds."""
NEURONS, SECONDS, SEEDS = 2000, 5, 6
FEW_NEURONS, SHORT, FEW_SEEDS = 200, 1, 2
"""Neurons, seconds of each phase, and networks; those of a quick run."""


def circuit(neurons: int) -> Circuit:
    """The network, of which the read-out learns and is fed back."""
    from brian2 import ms  # which takes its time

    from autapse_sim.spec.model import Neuron

    neuron = Neuron(
        equations="""
            dv/dt = (-v + v_drive + drive + input + bias)/tau_m : 1 (unless refractory)
            dr/dt = (-r + h)/tau_r : 1
            dh/dt = -h/tau_d : 1
            activity = r : 1
        """,
        threshold="v >= v_th",
        reset="""
            v = v_reset
            h += jump
        """,
        refractory="t_ref",
        method="euler",
        initial={"v": "v_0"},
        parameters={
            "tau_m": 10 * ms,
            "tau_r": 2 * ms,
            "tau_d": 20 * ms,
            "t_ref": 2 * ms,
            "v_drive": -40.0,
            "v_th": -40.0,
            "v_reset": -65.0,
            "v_0": -65.0,
            "jump": 50.0,  # 1/tau_d, so that r is a rate in Hz
        },
    )
    given = {"readout": "random", "learn": "V", "returned": True, "substeps": 20}
    return Circuit(neuron=neuron, readout_rule="force", neurons=neurons, **given)  # type: ignore[arg-type]


def drawn(rng: np.random.Generator, neurons: int) -> Weights:
    """Sparse recurrent weights of standard deviation G/(p sqrt(N)), a silent read-out, uniform feedback."""
    shape = (1, neurons, neurons)
    sparse = rng.random(shape) < PROBABILITY
    W = GAIN * rng.standard_normal(shape) * sparse / (np.sqrt(neurons) * PROBABILITY)
    nothing = np.zeros((1, neurons, 1))
    F = RETURNED * rng.uniform(-1, 1, (1, neurons, 1))
    return Weights(W=W, U=nothing, V=nothing.swapaxes(1, 2), B=nothing, F=F)


def errors(circuit: Circuit, seconds: int, seed: int, number: int) -> xr.Dataset:
    """The error of a network without learning, as shares of the sine's variance, and its mean rate in Hz."""
    rng = np.random.default_rng([seed, number])
    steps, n = seconds * STEP_RATE, circuit.neurons
    sine = np.sin(2 * np.pi * FREQUENCY * np.arange(steps) / STEP_RATE)
    target = np.broadcast_to(sine[None, None, :, None], (1, 2, steps, 1)).copy()
    result = train(
        circuit,
        ArrayTask(np.zeros_like(target), target),
        Protocol(replicates=1, train=1, validate=0, test=1, reset=False, record=1),
        weights=drawn(rng, n),
        parameters={"alpha": ALPHA, "v_0": rng.uniform(-65, 30, (1, n))},
    )
    error = result.data.trace_error.values[0, :, :, 0]
    produced = error[1] + sine
    parts = {"all": error[1], "last": off(produced[-STEP_RATE:], sine[-STEP_RATE:])}
    data = {name: np.mean(part**2) / sine.var() for name, part in parts.items()}
    data["while_learning"] = np.mean(error[0] ** 2) / sine.var()
    return xr.Dataset({**data, "hertz": float(result.data.rate.mean())})


def units(seed: int, quick: bool) -> dict[int, Call]:
    """A network each."""
    neurons, seconds, seeds = (FEW_NEURONS, SHORT, FEW_SEEDS) if quick else (NEURONS, SECONDS, SEEDS)
    given = {"circuit": circuit(neurons), "seconds": seconds, "seed": seed}
    return {number: Call(errors, {**given, "number": number}) for number in range(seeds)}


def answer(found: Mapping[int, xr.Dataset], quick: bool) -> Answer:
    """Whether the networks go on with the sine by themselves."""
    data = xr.concat(list(found.values()), "replicate").assign_coords(replicate=list(found))
    share = data["last"].values
    what = "error of the last second without learning, up to a shift in time, as a share of the sine's variance"
    told = Finding(what, f"produced: below {LEARNED:g}", quartiles(share), *below(share, LEARNED))
    notes = (
        f"Error over all of the time without learning, with no shift: {quartiles(data['all'].values)}.",
        f"Error while the read-out learns: {quartiles(data.while_learning.values)}.",
        f"Mean rate in Hz: {quartiles(data.hertz.values)}.",
    )
    return Answer((told,), data, notes)


reproduction = Reproduction(
    title="FORCE, 2000 spiking neurons, a sine of 5 Hz",
    source="Nicola & Clopath 2017, Nature Communications 8:2208, fig. 2, doi:10.1038/s41467-017-01827-3",
    published="a sine of 5 Hz is learned within 5 s, and produced without learning from then on",
    minutes=(28, 0.3),
    quick=f"{FEW_NEURONS} of {NEURONS} neurons, {SHORT} of {SECONDS} s, {FEW_SEEDS} of {SEEDS} networks",
    units=units,
    answer=answer,
)
