"""Names on what came out: scores, predictions, traces and weights of an experiment, each with its unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from autapse_sim.results.scores import affine_r2, diverged, divergence, mean_squared_error
from autapse_sim.spec.job import STEP, Outcome
from autapse_sim.spec.protocol import Protocol, Schedule
from autapse_sim.spec.units import squared

if TYPE_CHECKING:
    from autapse_sim.training.draws import Drawn

ALIVE = (0.1, 200.0)
"""Mean rate in Hz of a network of spiking neurons that is neither silent nor saturated."""
WEIGHT_DIMS = {
    "W": ("post", "pre"),
    "B_rec": ("post", "pre"),
    "U": ("neuron", "input"),
    "V": ("coordinate", "neuron"),
    "B": ("neuron", "coordinate"),
    "b": ("neuron",),
    "c": ("coordinate",),
    "F": ("neuron", "coordinate"),
}
SCORED = (
    *("replicate", "training_trajectory", "validation", "trajectory", "checkpoint", "coordinate", "step", "input"),
    *("neuron", "post", "pre", "mse", "mse_train", "mse_validate", "cross_entropy", "cross_entropy_train"),
    *("diverged", "r2_trajectory", "r2_network", "rate", "alive"),
)
"""What dimensions and arrays of scored networks are called, beside weights, states and what is recorded."""


def is_scored(name: str) -> bool:
    """Whether something of scored networks, but for what is recorded, goes by that name."""
    return name in SCORED or name.removesuffix("_checkpoint") in WEIGHT_DIMS or name.startswith("state_")


def scored(drawn: Drawn, protocol: Protocol, outcome: Outcome, networks: np.ndarray, done: int = 0) -> xr.Dataset:
    """Scores, weights, predictions and traces of some of an outcome's networks, with names.

    They are those of all replicates in order, once or several times over: as many `replicate` there are. Training
    trajectories are counted with the `done` ones that the networks had before.
    """
    schedule = Schedule.of(protocol)
    replicates, times = len(networks), len(networks) // protocol.replicates
    mse = outcome.mse[networks]
    recorded = np.arange(min(protocol.record, protocol.replicates))
    block = networks[0] // protocol.replicates * len(recorded) + np.arange(len(recorded))
    square = squared(drawn.units)
    data = xr.Dataset(coords={"replicate": np.arange(replicates), "recorded": recorded})
    data = data.assign_coords(coordinate=np.arange(drawn.y.shape[-1]))

    def add(name: str, dims: tuple[str, ...], values: np.ndarray, long_name: str, units: str = "1") -> None:
        data[name] = (dims, values, {"long_name": long_name, "units": units})

    if protocol.train:
        add("mse_train", ("replicate", "training_trajectory"), mse[:, schedule.learn], "training MSE", square)
        data.coords["training_trajectory"] = done + np.arange(1, protocol.train + 1)
    if protocol.validate:
        points = protocol.validation_points
        validation = mse[:, schedule.look].reshape(replicates, len(points), protocol.validate)
        add("mse_validate", ("replicate", "validation"), validation.mean(axis=2), "validation MSE", square)
        data.coords["validation"] = done + points
    test = mse[:, schedule.keep]
    weights = outcome.weights.take(networks)
    bad = diverged(test, np.tile(divergence(drawn.y), times), *(value for _, value in weights.items()))
    add("diverged", ("replicate",), bad, "not finite, or a test MSE far beyond the spread of the targets")
    if protocol.test:
        prediction = outcome.prediction[:, networks].transpose(1, 0, 2, 3)
        target = drawn.y[:, -protocol.test :]
        target = np.tile(target, (times, 1, 1, 1)) if times > 1 else target
        per_trajectory, per_network = r2_scores(prediction, target)
        add("mse", ("replicate", "trajectory"), test, "test MSE", square)
        add("r2_trajectory", ("replicate",), per_trajectory, "R2 after the best affine map of each trajectory")
        add("r2_network", ("replicate",), per_network, "R2 after the best affine map of each network")
        dims = ("recorded", "trajectory", "step", "coordinate")
        add("prediction", dims, prediction[recorded], "prediction", drawn.units)
        data.coords["trajectory"] = np.arange(protocol.test)
    if outcome.cross_entropy is not None:
        nats = outcome.cross_entropy[networks]
        if protocol.train:
            learning = nats[:, schedule.learn]
            add("cross_entropy_train", ("replicate", "training_trajectory"), learning, "training cross-entropy", "nat")
        if protocol.test:
            add("cross_entropy", ("replicate", "trajectory"), nats[:, schedule.keep], "test cross-entropy", "nat")
    for name, array in weights.items():
        add(name, ("replicate", *WEIGHT_DIMS[name]), array, f"{name} after training")
    for name, array in outcome.traces.items():
        dims = ("recorded", "phase", "step", "coordinate" if name == "error" else "neuron")
        unit = drawn.units if name == "error" else outcome.units.get(name, "1")
        add(f"trace_{name}", dims, array[:, block].transpose(1, 0, 2, 3), name, unit)
    if outcome.spikes is not None:
        duration = mse.shape[1] * drawn.x.shape[2] * STEP
        rate = outcome.spikes[networks] / duration
        add("rate", ("replicate", "neuron"), rate, "spikes per second in the whole run", "Hz")
        add("alive", ("replicate",), alive(rate), f"mean rate from {ALIVE[0]:g} to {ALIVE[1]:g} Hz")
    if outcome.traces:
        data.coords["phase"] = phases(protocol, done)
    return data.assign(telemetry(protocol, outcome, networks, done))


def telemetry(protocol: Protocol, outcome: Outcome, networks: np.ndarray, done: int) -> dict[str, Any]:
    """The weights at checkpoints of some of an outcome's networks, and their states: at the end, and at checkpoints."""
    found: dict[str, Any] = {}
    counts = np.array(protocol.kept_after, dtype=int)
    for name, values in outcome.checkpoints.items():
        about = {"long_name": f"{name} after so many training trajectories", "units": "1"}
        found[f"{name}_checkpoint"] = (
            ("replicate", "checkpoint", *WEIGHT_DIMS[name]),
            values[:, networks].swapaxes(0, 1),
            about,
        )
        found["checkpoint"] = done + counts
    for name, state in outcome.states.items():
        if len(state.values):
            found[f"state_{name}"] = (("replicate", *state.dims), state.values[-1][networks])
        if protocol.checkpoint_states and len(counts):
            kept = state.values[: len(counts), networks].swapaxes(0, 1)
            found[f"state_{name}_checkpoint"] = (("replicate", "checkpoint", *state.dims), kept)
    return found


def alive(rate: np.ndarray) -> np.ndarray:
    """Whether networks are neither silent nor saturated, by the rates of their neurons in Hz, (R, n) to bool (R,)."""
    mean = rate.mean(axis=1)
    return (mean >= ALIVE[0]) & (mean <= ALIVE[1])


def phases(protocol: Protocol, done: int = 0) -> list[str]:
    """The names of the traced presentations, in order."""
    names = [f"training {done + k}" for k in dict.fromkeys((1, protocol.train)) if protocol.train]
    return names + [f"test {k}" for k in range(1, min(protocol.test, protocol.record_tests) + 1)]


def r2_scores(prediction: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """R2 after the best affine map: mean over trajectories with one map each, and with one map per network."""
    merged = (len(target), -1, target.shape[-1])
    per_network = affine_r2(prediction.reshape(merged), target.reshape(merged))
    return affine_r2(prediction, target).mean(axis=1), per_network


def targets(drawn: Drawn, protocol: Protocol) -> dict[str, Any]:
    """The stimulus and target of the recorded replicates' test trajectories, and the stimulus of the traced phases."""
    recorded = min(protocol.record, protocol.replicates)
    schedule = Schedule.of(protocol)
    traced = schedule.trajectory[schedule.trace]
    # copies, or a block of replicates would stay in memory for the few that are recorded
    x, y = (array[:recorded] for array in (drawn.x, drawn.y))
    about = {"long_name": "stimulus", "units": drawn.stimulus_units}
    shown = {"trace_stimulus": (("recorded", "phase", "step", "input"), x[:, traced], about)} if traced.size else {}
    if not protocol.test:
        return shown
    x, y = (array[:, -protocol.test :].copy() for array in (x, y))
    return shown | {
        "target": (("recorded", "trajectory", "step", "coordinate"), y, {"long_name": "target", "units": drawn.units}),
        "stimulus": (("recorded", "trajectory", "step", "input"), x, about),
    }


def control_scores(predictions: Mapping[str, np.ndarray], target: np.ndarray, units: str) -> dict[str, Any]:
    """MSE and affine R2 of controls, from their predictions (R, K, T, c) of test targets (NaN: does not count)."""
    scores = [r2_scores(prediction, target) for prediction in predictions.values()]
    with np.errstate(over="ignore", invalid="ignore"):  # of networks that diverged
        mse = np.stack([mean_squared_error(prediction, target, axis=(2, 3)) for prediction in predictions.values()])
    about = {"long_name": "test MSE of the control", "units": squared(units)}
    return {
        "control": list(predictions),
        "control_mse": (("control", "replicate", "trajectory"), mse, about),
        "control_r2_trajectory": (("control", "replicate"), np.stack([each for each, _ in scores])),
        "control_r2_network": (("control", "replicate"), np.stack([whole for _, whole in scores])),
    }
