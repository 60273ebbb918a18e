"""Whether a rule goes the way of the exact gradient, in a circuit of any neuron."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from autapse_sim.checks import instance
from autapse_sim.errors import InputError
from autapse_sim.experiments.alignment import aligned
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.weights import Weights
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.library import task_called
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import draw
from autapse_sim.training.train import choose_engine, prepare


def align(
    circuit: Circuit,
    task: Task | str | Path,
    protocol: Protocol,
    weights: Weights | None = None,
    parameters: Mapping[str, Any] | None = None,
    engine: str = "auto",
) -> xr.Dataset:
    """Compare what a rule makes of each training trajectory with the exact gradient, while the weights stand still.

    Alignment explains, it does not rank: where all rates are positive, even a rule that is blind to the presynaptic
    activity points the right way. That rule, (B err) 1^T in place of a change of W, is the control.

    Parameters
    ----------
    circuit : Circuit
        Neuron, rule, sizes and what learns; `through_reset` says which gradient.
    task : Task, str or path
        What is shown.
    protocol : Protocol
        Replicates, training trajectories and seed. The gradient has eq. 1's 1/t where the protocol has it: with rules
        that do not (eprop, rflo, autapse), averaging=False compares like with like. No more of it is used.
    weights : Weights, optional
        At which they are compared, with a leading axis of replicates: those of a result, say. Drawn where not given.
    parameters : mapping, optional
        As in `train`.
    engine : str
        Who runs the rule, as in `train`.

    Returns
    -------
    xarray.Dataset
        Cosines `W`, `U` and `b`, as far as the rule teaches them, and `blind`, by replicate and trajectory: 1 is
        gradient descent. NaN where one of the two is nothing.

    Examples
    --------
    >>> import autapse_sim as ap
    >>> protocol = ap.Protocol(replicates=2, train=3)
    >>> found = ap.align(ap.Circuit(rule="bptt", neuron="leaky"), ap.BouncingBall(steps=10), protocol)
    >>> found.W.shape, float(found.W.min().round(9))
    ((2, 3), 1.0)
    """
    task = task_called(task)
    instance("circuit", circuit, Circuit)
    instance("protocol", protocol, Protocol)
    if not protocol.train:
        raise InputError("alignment is of training trajectories; train is 0")
    engine = choose_engine(circuit, engine)
    values = resolve_parameters(circuit, parameters, protocol.replicates)
    drawn = draw(circuit, task, protocol, weights)
    job = prepare(circuit, drawn, protocol, values, np.arange(protocol.replicates))
    found = [aligned(job, engine, trajectory) for trajectory in range(protocol.train)]
    data = {
        name: (("replicate", "trajectory"), np.stack([each[name] for each in found], axis=1), {"long_name": "cosine"})
        for name in found[0]
    }
    attributes = {"rule": str(circuit.rule), "neuron": str(circuit.neuron), "engine": engine}
    return xr.Dataset(data, attrs=attributes | {"through_reset": str(circuit.through_reset)})
