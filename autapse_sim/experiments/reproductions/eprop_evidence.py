"""e-prop with adapting neurons accumulates evidence: the losses that NEST and TensorFlow computed.

The task, the network, the draws and the losses are those of NEST's test of its e-prop models (NEST 3.10,
``test_eprop_classification`` in testsuite/pytests/synapses/test_eprop_bsshslm_2020_plasticity.py), after Bellec et al.
2020, fig. 3: 50 LIF and 50 ALIF neurons see 7 cues to the left or to the right and tell, after a delay, on which side
there were more. NEST does not divide what drives a neuron by its membrane time constant: thresholds here are its
thresholds times 1 - alpha. It divides gradients by the steps of the recall, which Adam's epsilon alone notices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.experiments.agreement import exact
from autapse_sim.experiments.reproduction import Answer, Call, Finding, Reproduction
from autapse_sim.results.result import Result
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.weights import Weights
from autapse_sim.training.train import train

INPUTS, NEURONS, OUTPUTS = 40, 100, 2
CUES, CUE, SPACING, DELAY, RECALL = 7, 100, 50, 1050, 150
STEPS = CUES * (CUE + SPACING) + DELAY + RECALL
PROBABILITY, MINORITY = 0.04, 0.3
UPDATES = 5

NEST = {
    1: [0.741152550006, 0.740388187700, 0.665785233177, 0.663644193322, 0.729428962844],
    2: [0.702163370672, 0.735555303152, 0.740354864111, 0.683882815282, 0.707841122268],
}
"""NEST's losses by the size of a batch, with all digits that are published."""
TENSORFLOW = [0.741152524948, 0.740388214588, 0.665785133838, 0.663644134998, 0.729429066181]
"""Those of the original implementation (Bellec et al. 2020), in single precision, for batches of 1."""
TOLERANCES = {"NEST": 1e-11, "TensorFlow": 1e-6}
"""NEST's own test holds NEST to 1e-8, and single precision to 1e-6; here all 12 digits of NEST's agree."""

ALPHA, RHO = np.exp(-1 / 20), np.exp(-1 / 2000)
PARAMETERS = {
    "tau_m": "20 ms",
    "tau_out": "20 ms",
    "tau_e": "20 ms",
    "tau_a": "2000 ms",
    "t_ref": "5 ms",
    "v_th": 0.6 * (1 - ALPHA),
    "beta": 1.7 * (1 - RHO) * np.repeat([0.0, 1.0], NEURONS // 2)[None],
    "gamma": 0.3,
    "eta": 5e-3,
    "eta_out": 5e-3,
    "c_reg": 300.0,
    "f_target": "10 Hz",
}
CIRCUIT = Circuit(
    neuron="alif",
    rule="eprop_alif",
    neurons=NEURONS,
    readout="random",
    learn=("W", "U", "V"),
    loss="cross-entropy",
)


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Trajectories given as arrays, whose last steps are scored."""

    x: np.ndarray
    y: np.ndarray
    inputs: int = INPUTS
    outputs: int = OUTPUTS
    steps: int = STEPS
    blanked: None = None

    @property
    def scored(self) -> np.ndarray:
        """The steps of the recall."""
        return np.arange(STEPS) >= STEPS - RECALL

    def sample(self, rng: np.random.Generator, replicates: int, trajectories: int) -> tuple[np.ndarray, np.ndarray]:
        """The first of them."""
        return self.x[:replicates, :trajectories], self.y[:replicates, :trajectories]


def trajectories(rng: np.random.RandomState, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """The spikes that the inputs send and the targets, drawn as NEST's test draws a batch."""
    majority = rng.choice([0, 1], batch)
    share = np.stack([np.array([MINORITY, 1 - MINORITY], np.float32)[[one, 1 - one]] for one in majority])
    cues = np.stack([rng.choice([0, 1], CUES, p=p) for p in share])
    probability = np.zeros((batch, STEPS, 4, INPUTS // 4))
    for k in range(batch):
        for number, cue in enumerate(cues[k]):
            start = number * (CUE + SPACING) + SPACING
            probability[k, start : start + CUE, cue] = PROBABILITY
    probability[:, -RECALL:, 2] = PROBABILITY
    probability[:, :, 3] = PROBABILITY / 4
    spikes = probability.reshape(batch, STEPS, INPUTS) > rng.rand(batch * STEPS * INPUTS).reshape(batch, STEPS, INPUTS)
    spikes[:, 0] = False
    right = (cues.sum(axis=1) > CUES // 2).astype(int)
    return spikes.astype(float), np.repeat(np.eye(OUTPUTS)[right][:, None], STEPS, axis=1)


def drawn(batch: int) -> tuple[Trajectories, Weights]:
    """Task and weights, drawn in the order of NEST's test from its seed."""
    rng = np.random.RandomState(1)
    U = rng.randn(INPUTS, NEURONS).T / np.sqrt(INPUTS)
    W = rng.randn(NEURONS, NEURONS).T / np.sqrt(NEURONS)
    np.fill_diagonal(W, 0)
    limit = np.sqrt(6 / (NEURONS + OUTPUTS))
    V = rng.uniform(-limit, limit, (NEURONS, OUTPUTS)).T
    B = rng.randn(NEURONS, OUTPUTS)
    weights = Weights(*(np.float32(one).astype(float)[None] for one in (W, U, V, B)))
    x, y = (np.concatenate(one)[None] for one in zip(*(trajectories(rng, batch) for _ in range(UPDATES)), strict=True))
    return Trajectories(x, y), weights


def trained(
    batch: int = 1, circuit: Circuit = CIRCUIT, optimiser: str = "adam-hat", **changed: Any
) -> tuple[Result, np.ndarray]:
    """The result of 5 updates with NEST's parameters but for those given, and the loss of each."""
    task, weights = drawn(batch)
    protocol = Protocol(
        replicates=1,
        train=UPDATES * batch,
        validate=0,
        test=0,
        update="batch",
        batch=batch,
        optimiser=optimiser,
        epsilon=1e-8 * RECALL,
        constraints=("sparse",),
        record=0,
    )
    result = train(circuit, task, protocol, weights, {**PARAMETERS, **changed})
    return result, result.data.cross_entropy_train.values[0].reshape(UPDATES, batch).mean(axis=1)


def losses(circuit: Circuit, batch: int) -> xr.Dataset:
    """The loss of each update."""
    return xr.Dataset({"loss": ("update", trained(batch, circuit)[1])})


def units(seed: int, quick: bool) -> dict[int, Call]:
    """A network for each size of a batch; all draws are NEST's whatever the seed."""
    return {batch: Call(losses, {"circuit": CIRCUIT, "batch": batch}) for batch in ([1] if quick else NEST)}


def answer(found: Mapping[int, xr.Dataset], quick: bool) -> Answer:
    """Whether the losses are NEST's and TensorFlow's."""
    compared = [("NEST", batch, NEST[batch]) for batch in found] + [("TensorFlow", 1, TENSORFLOW)]
    told = []
    for who, batch, published in compared:
        here = found[batch].loss.values
        theirs, ours = (", ".join(f"{loss:.12f}" for loss in each) for each in (published, here))
        what = f"losses of {UPDATES} updates, batches of {batch}, {who}"
        told.append(Finding(what, theirs, ours, *exact(here, published, TOLERANCES[who])))
    return Answer(tuple(told), xr.concat(list(found.values()), "batch").assign_coords(batch=list(found)))


reproduction = Reproduction(
    title="e-prop, 50 LIF and 50 adaptive neurons, evidence accumulation: the losses of NEST and TensorFlow",
    source="Bellec et al. 2020, Nature Communications 11:3625, doi:10.1038/s41467-020-17236-y, and NEST 3.10.0",
    published="the losses of the first 5 updates, from the same weights and input spikes",
    minutes=(0.3, 0.2),
    quick="batches of 1 alone",
    units=units,
    answer=answer,
    shorter=False,
)
