"""What every engine is given and what it gives back, in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from autapse_sim.circuit import Circuit
from autapse_sim.protocol import Schedule
from autapse_sim.weights import Weights

STEP = 1e-3
"""Length of one step of the stimulus in seconds; tau_m of the rate neuron, so that Euler is the discrete network."""

Progress = Callable[[float], None]
"""Called now and then with the completed share, 0 to 1."""


@dataclass(frozen=True)
class Job:
    """N networks, what they are shown and how they learn.

    Parameters
    ----------
    circuit : Circuit
        What is simulated.
    x : array (S, K, T, m)
        K stimulus trajectories for each of S sources.
    y : array (S, K, T, c)
        The targets.
    source : int array (N,)
        Which of the S sources a network sees, so that a grid over parameters shares its stimuli.
    weights : Weights
        With a leading axis of N.
    parameters : mapping of str to array (N,)
        The parameters of neuron and rules, in SI units (tau in seconds; see `STEP`).
    schedule : Schedule
        The order of presentations.
    update : {'step', 'trajectory', 'batch'}
        When weights change.
    traced : int array (Q,)
        Networks whose traces are kept.
    batch : int
        Trajectories per update, see `Protocol`.
    optimiser : {'sgd', 'momentum', 'adam'}
        How a gradient becomes a change, see `Protocol`.
    averaging : bool
        Whether the 1/t of eq. 1 is in, see `Protocol`.
    scored : bool array (T,), optional
        The steps whose error counts, in learning and in the MSE; None is all of them. At the others err is 0.
    """

    circuit: Circuit
    x: np.ndarray
    y: np.ndarray
    source: np.ndarray
    weights: Weights
    parameters: Mapping[str, np.ndarray]
    schedule: Schedule
    update: str
    traced: np.ndarray
    batch: int = 1
    optimiser: str = "sgd"
    averaging: bool = True
    scored: np.ndarray | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run gives back.

    Parameters
    ----------
    mse : array (N, P)
        Mean over scored steps and coordinates of (prediction - target)^2, per presentation.
    weights : Weights
        After the last presentation.
    prediction : array (kept presentations, N, T, c)
        Predictions of all networks where the schedule keeps them.
    traces : dict of str to array (traced presentations, Q, T, n or c)
        'activity', 'feedback', 'error', and each trace of the rule by its name ('k').
    engine : str
        What ran it: 'standalone', 'runtime' or 'numpy'.
    """

    mse: np.ndarray
    weights: Weights
    prediction: np.ndarray
    traces: dict[str, np.ndarray]
    engine: str
