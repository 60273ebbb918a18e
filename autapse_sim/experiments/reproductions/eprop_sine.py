"""e-prop for spiking neurons draws a sum of sines: NEST's losses, iteration by iteration.

nest_eprop_sine.npz is what NEST 3.10.0 computed for the task of its example
``eprop_supervised_regression_sine-waves_bsshslm_2020`` (after Bellec et al. 2020; NEST's own test holds it to the
TensorFlow original at a relative 1e-7): NumPy seed 1, 20 iterations of 1000 steps of 1 ms, double precision. Initial
weights U, W and V (w_in_rec, w_rec_rec, w_rec_out) and feedback B (b_out_rec) are [post, pre]; input_spikes is
np.packbits over time, the same in each iteration; loss is half the sum over steps of (read-out - target)^2. Another
order of the same sums gives the same losses to the last digits up to iteration 8; in the 9th a spike falls differently
through rounding, and the runs part by 1e-4 to 2e-2.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.experiments.agreement import exact
from autapse_sim.experiments.reproduction import Answer, Call, Finding, Reproduction
from autapse_sim.results.result import Result
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.weights import Weights
from autapse_sim.tasks.arrays import ArrayTask
from autapse_sim.training.train import train

SAME, FEW, TOLERANCE = 8, 2, 1e-9
"""Iterations in which no spike falls differently through rounding, those of a quick run, and how well losses agree."""
CIRCUIT = Circuit(neuron="lif", rule="eprop", neurons=100, readout="random", learn=("W", "U", "V"))
PARAMETERS = {"eta": 1e-4, "eta_out": 1e-4, "c_reg": 300.0}
WEIGHTS = {"W": "w_rec_rec", "U": "w_in_rec", "V": "w_rec_out", "B": "b_out_rec"}


def reference() -> dict[str, np.ndarray]:
    """Weights, stimulus and target of the task, and NEST's losses."""
    with np.load(Path(__file__).with_name("nest_eprop_sine.npz")) as data:
        return dict(data)


def trained(
    nest: Mapping[str, np.ndarray], iterations: int, circuit: Circuit = CIRCUIT, **parameters: Any
) -> tuple[Result, np.ndarray]:
    """The result of some iterations with NEST's parameters but for those given, and the loss of each."""
    x = np.unpackbits(nest["input_spikes"], axis=1).T[: len(nest["target"])]
    shown = (np.broadcast_to(one, (1, iterations, *one.shape)) for one in (x, nest["target"][:, None]))
    weights = Weights(**{name: nest[key][None] for name, key in WEIGHTS.items()})
    protocol = Protocol(
        replicates=1,
        train=iterations,
        validate=0,
        test=0,
        update="trajectory",
        constraints=("sparse",),
        record=0,
    )
    result = train(circuit, ArrayTask(*shown), protocol, weights, {**PARAMETERS, **parameters})
    return result, result.data.mse_train.values[0] * len(nest["target"]) / 2


def losses(circuit: Circuit, nest: Mapping[str, np.ndarray], iterations: int) -> xr.Dataset:
    """The loss of each iteration."""
    return xr.Dataset({"loss": ("iteration", trained(nest, iterations, circuit)[1])})


def units(seed: int, quick: bool) -> dict[str, Call]:
    """One network, whose weights and stimulus are NEST's whatever the seed."""
    return {"": Call(losses, {"circuit": CIRCUIT, "nest": reference(), "iterations": FEW if quick else SAME})}


def answer(found: Mapping[str, xr.Dataset], quick: bool) -> Answer:
    """Whether the losses are NEST's."""
    here = found[""].loss.values
    expected = reference()["loss"][: len(here)]
    one = Finding(
        f"losses of iterations 1 to {len(here)}",
        ", ".join(f"{loss:.9g}" for loss in expected),
        ", ".join(f"{loss:.9g}" for loss in here),
        *exact(here, expected, TOLERANCE),
    )
    return Answer((one,), found[""].assign(loss_published=("iteration", expected)))


reproduction = Reproduction(
    title="e-prop, 100 LIF neurons, a sum of four sines: the losses of NEST",
    source="NEST 3.10.0, after Bellec et al. 2020, Nature Communications 11:3625, doi:10.1038/s41467-020-17236-y",
    published="the losses of the first 8 iterations, from the same weights and input spikes",
    minutes=(0.2, 0.1),
    quick=f"{FEW} of {SAME} iterations",
    units=units,
    answer=answer,
    shorter=False,
)
