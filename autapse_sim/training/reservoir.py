"""Random networks in which nothing learns: their activity, and the scales at which they do best."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from autapse_sim.engines.discrete.network import Network
from autapse_sim.results.scores import error_of
from autapse_sim.spec.weights import Weights
from autapse_sim.training.readouts import PENALTIES, penalised_readouts

GAINS = (0.5, 0.8, 1.0, 1.2, 1.5)
INPUT_SCALES = (0.1, 0.3, 1.0, 3.0)
"""What W and U of a reservoir may be multiplied by."""


def activity(weights: Weights, x: np.ndarray, activation: str, tau_m: np.ndarray | None = None) -> np.ndarray:
    """The activity of discrete networks in which nothing learns.

    Parameters
    ----------
    weights : Weights
        Of R networks.
    x : array (R, K, T, m)
        Stimulus.
    activation : str
        Name of f.
    tau_m : array (R,), optional
        The time constant of their neurons in steps; 1 by default.

    Returns
    -------
    array (R, K, T, n)
    """
    R, K, T, _ = x.shape
    out = np.empty((R, K, T, weights.W.shape[1]))
    size = max(1, 2**13 // (K * out.shape[3]))
    for networks in np.split(np.arange(R), range(size, R, size)):
        mine = None if tau_m is None else tau_m[networks]
        network = Network(weights.take(networks), activation, (), T, tau_m=mine)
        network.show(x[networks], np.zeros((len(networks), K, T, weights.V.shape[1])))
        with np.errstate(all="ignore"):
            network.run()
        out[networks] = network.layout.split(network.o, 1).transpose(2, 1, 0, 3)
    return out


@dataclass(frozen=True)
class Reservoir:
    """How a random network is scaled.

    Parameters
    ----------
    gain, input_scale : float
        What W and U are multiplied by.
    error : array (gains, scales, R)
        Validation error of the fitted read-out over the grid that it was chosen from.
    """

    gain: float
    input_scale: float
    error: np.ndarray

    def of(self, weights: Weights) -> Weights:
        """The scaled weights."""
        return _scaled(weights, self.gain, self.input_scale)


def tune_reservoir(
    weights: Weights,
    y: np.ndarray,
    train: slice,
    validate: slice,
    run: Callable[[Weights], np.ndarray],
    gains: Sequence[float] = GAINS,
    input_scales: Sequence[float] = INPUT_SCALES,
    penalties: Sequence[Sequence[float]] = (PENALTIES,),
    loss: str = "mse",
) -> list[Reservoir]:
    """The gains and input scales at which random networks, read out by a fitted affine map, do best.

    A control is only as honest as it is good: the reservoir that a rule must beat is the tuned one. Give it networks
    and trajectories of other seeds than those that it is tested on.

    Parameters
    ----------
    weights : Weights
        Of R networks as they were drawn.
    y : array (R, K, T, c)
        Target; where it is NaN it does not count.
    train, validate : slice
        The trajectories that the read-out is fitted to, and those that choose penalty, gain and input scale.
    run : callable
        Gives the activity (R, K, T, n) of networks of some weights, see `activity`.
    gains, input_scales : sequence of float
        The grid.
    penalties : sequence of sequences of float
        As in `penalised_readout`; for each of them a reservoir is chosen.
    loss : {'mse', 'cross-entropy'}
        What is to be small.
    """
    wanted = y[:, validate]
    errors = np.empty((len(penalties), len(gains), len(input_scales), len(y)))
    for (g, gain), (s, scale) in product(enumerate(gains), enumerate(input_scales)):
        o = run(_scaled(weights, gain, scale))
        select = o[:, validate], wanted
        predictions = penalised_readouts((o[:, train], y[:, train]), select, o[:, validate], penalties, loss)
        errors[:, g, s] = [error_of(loss)(each, wanted).mean(axis=1) for each in predictions]
    found = []
    for each in errors:
        medians = np.median(np.where(np.isnan(each), np.inf, each), axis=-1)
        row, column = map(int, np.unravel_index(np.argmin(medians), medians.shape))
        found.append(Reservoir(gains[row], input_scales[column], each))
    return found


def _scaled(weights: Weights, gain: float, input_scale: float) -> Weights:
    return replace(weights, W=gain * weights.W, U=input_scale * weights.U)
