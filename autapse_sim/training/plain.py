"""A circuit as a plain Brian2 network, shown what `train` would show it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autapse_sim.checks import instance
from autapse_sim.errors import InputError
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.model import carried
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.weights import Weights
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.library import task_called
from autapse_sim.training.declared import check_optimiser, resolve_parameters
from autapse_sim.training.description import without_equations
from autapse_sim.training.draws import draws
from autapse_sim.training.sizes import check_sizes
from autapse_sim.training.train import choose_engine, prepare

if TYPE_CHECKING:
    from autapse_sim.engines.brian.plain import PlainNetwork


def plain(
    circuit: Circuit,
    task: Task | str | Path = "bouncing-ball",
    protocol: Protocol | None = None,
    weights: Weights | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> PlainNetwork:
    """The Brian2 network of a circuit, see `Circuit.brian2`."""
    protocol = instance("protocol", protocol or Protocol(replicates=1), Protocol)
    circuit, task = carried(circuit), task_called(task)
    if without_equations(circuit):
        raise InputError(
            f"rule {circuit.rule!r} has no equations that Brian2 could run; take one that has, such as 'dfa'"
        )
    choose_engine(circuit, "runtime")
    check_optimiser(circuit, protocol)
    check_sizes(circuit, task, protocol, protocol.replicates)
    values = resolve_parameters(circuit, parameters, protocol.replicates)
    ((_, drawn),) = draws(circuit, task, protocol, weights, protocol.replicates)
    from autapse_sim.engines.brian.plain import PlainNetwork

    return PlainNetwork.of(prepare(circuit, drawn, protocol, values, np.arange(protocol.replicates)))
