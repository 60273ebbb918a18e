"""A long training in stretches, of which one alone has to fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import Outcome
from autapse_sim.spec.model import carried
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.weights import Weights
from autapse_sim.tasks.base import Task
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import draw
from autapse_sim.training.train import choose_engine, prepare, simulated


def stretches(
    circuit: Circuit, task: Task, protocol: Protocol, weights: Weights, parameters: Mapping[str, Any]
) -> Iterator[Outcome]:
    """Train without end, `protocol.train` trajectories at a time; each stretch goes on from the one before.

    What a stretch shows is drawn from the protocol's seed and the number of the stretch, when it is asked for.

    Parameters
    ----------
    circuit, task, weights, parameters : Circuit, Task, Weights, mapping
        As of `train`.
    protocol : Protocol
        Of one stretch.

    Yields
    ------
    Outcome
        Of each stretch; its weights are those that the next one starts from.

    Examples
    --------
    >>> import autapse_sim as ap
    >>> circuit, task, protocol = ap.Circuit(), ap.BouncingBall(steps=9), ap.Protocol(1, 3, 0, 0, record=0)
    >>> rounds = stretches(circuit, task, protocol, draw(circuit, task, protocol).weights, {})
    >>> next(rounds).mse.shape, next(rounds).mse.shape
    ((1, 3), (1, 3))
    """
    circuit = carried(circuit)
    values, networks = resolve_parameters(circuit, parameters, protocol.replicates), np.arange(protocol.replicates)
    engine, outcome, number = choose_engine(circuit, "auto"), None, 0
    while True:
        seed = int(np.random.SeedSequence([protocol.seed, number]).generate_state(1)[0])
        drawn = draw(circuit, task, replace(protocol, seed=seed), weights)
        job = prepare(circuit, drawn, protocol, values, networks)
        if outcome is not None:
            states = {name: state.values[-1] for name, state in outcome.states.items()}
            job = replace(job, weights=outcome.weights, origin=weights, done=number * protocol.train, start=states)
        job = replace(job, states_after=tuple(sorted({*job.states_after, protocol.train})))
        outcome, number = simulated(job, engine), number + 1
        yield outcome
