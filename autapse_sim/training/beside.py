"""What is predicted beside a circuit: each control is a module of the folder controls, and is given what it needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from autapse_sim.errors import InputError
from autapse_sim.names import modules_in
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.shown import observed
from autapse_sim.training.draws import Drawn

Parameters = Mapping[str, np.ndarray]
Predictions = dict[str, np.ndarray]


@dataclass(frozen=True)
class Shown:
    """What a control sees that needs no network.

    Parameters
    ----------
    x : array (R, K, T, m)
        What the stimulus shows.
    y : array (R, K, T, c)
        Target; where it is NaN it does not count, and nothing is fitted to it.
    train, test : slice
        The trajectories that fitted controls learn from, and those that all predict.
    select : slice, optional
        Those on which fitted controls choose how much they are shrunk; least squares, where there are none.
    horizon : int, optional
        Steps from stimulus to target.
    blanked : bool array (T,), optional
        Steps at which the stimulus is blanked.
    loss : {'mse', 'cross-entropy'}
        What is to be small, of what is shrunk.
    """

    x: np.ndarray
    y: np.ndarray
    train: slice
    test: slice
    select: slice | None = None
    horizon: int | None = None
    blanked: np.ndarray | None = None
    loss: str = "mse"

    @property
    def trained(self) -> bool:
        """Whether there are trajectories to learn from."""
        return self.x[:, self.train].shape[1] > 0

    @property
    def alike(self) -> bool:
        """Whether the stimulus has as many coordinates as the target."""
        return self.x.shape[3] == self.y.shape[3]


@dataclass(frozen=True)
class Networks:
    """What a control is given that is a network: the circuit that is compared, in which it learns less.

    Parameters
    ----------
    circuit : Circuit
        With one of the rules that are compared.
    drawn : Drawn
        Trajectories and initial weights.
    protocol : Protocol
        As the rules have it.
    parameters : mapping of str to array (R,) or (R, n)
        Those of the circuit.
    etas : array (E,)
        Learning rates that a control may choose from, on validation, as the rules do.
    engine : str
        Who runs it.
    """

    circuit: Circuit
    drawn: Drawn
    protocol: Protocol
    parameters: Parameters
    etas: np.ndarray
    engine: str


def _controls(*needs: str) -> Iterator[tuple[str, ModuleType]]:
    """The controls that need one of these, in their order."""
    from autapse_sim.training import controls

    for name, module in sorted(modules_in(controls).items(), key=lambda item: item[1].PLACE):
        if module.NEEDS in needs:
            yield name, module


def stimulus_controls(shown: Shown, history: bool = True) -> Predictions:
    """Predictions of the test targets from the stimulus alone.

    Parameters
    ----------
    shown : Shown
        What there is to see.
    history : bool
        Whether controls are asked that look back.

    Returns
    -------
    dict of str to array (R, K, T, c)
        Of the test trajectories, by the name of the control.

    Examples
    --------
    >>> position = np.arange(8.0).reshape(1, 1, 8, 1)
    >>> shown = Shown(position[:, :, :-1], position[:, :, 1:], train=slice(0, 0), test=slice(0, 1), horizon=1)
    >>> {name: prediction[0, 0, :4, 0].tolist() for name, prediction in stimulus_controls(shown).items()}
    {'persistence': [0.0, 1.0, 2.0, 3.0], 'linear extrapolation': [0.0, 2.0, 3.0, 4.0]}
    """
    predictions: Predictions = {}
    for _, module in _controls("step", *(["history"] if history else [])):
        predictions |= module.predict(shown)
    return predictions


def task_controls(
    task: Task,
    x: np.ndarray,
    y: np.ndarray,
    train: slice,
    test: slice,
    history: bool = True,
    select: slice | None = None,
    loss: str = "mse",
) -> Predictions:
    """The `stimulus_controls` of a task, from what its stimulus shows."""
    shown = Shown(observed(task, x), y, train, test, select, getattr(task, "horizon", None), task.blanked, loss)
    return stimulus_controls(shown, history)


def network_controls(networks: Networks) -> tuple[Predictions, list[str]]:
    """Predictions of the test targets by controls that are networks.

    Parameters
    ----------
    networks : Networks
        The circuit that is compared.

    Returns
    -------
    predictions : dict of str to array (R, K, T, c)
        By the name of the control.
    notes : list of str
        What has to be said of them, and which are left out.
    """
    predictions: Predictions = {}
    notes: list[str] = []
    for name, module in _controls("network"):
        try:
            found = module.predict(networks)
        except InputError as error:
            notes.append(f"control {name.replace('_', ' ')!r} is left out: {error}")
            continue
        predictions |= found
        notes += module.note(networks) if found and hasattr(module, "note") else []
    return predictions, notes
