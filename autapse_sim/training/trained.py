"""Networks in which less is learned than in those that are compared, at the learning rate that is best for them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autapse_sim.errors import InputError
from autapse_sim.spec.weights import Weights
from autapse_sim.training.beside import Networks
from autapse_sim.training.declared import declared, resolve_parameters
from autapse_sim.training.grid import Grid
from autapse_sim.training.in_numpy import compiled_or_numpy
from autapse_sim.training.train import run


def trained(networks: Networks, learn: tuple[str, ...], weights: Weights) -> np.ndarray:
    """Test predictions (R, K, T, c) of a circuit that begins with some weights, of which those of `learn` learn."""
    circuit, protocol = replace(networks.circuit, learn=learn), networks.protocol
    known = resolve_parameters(circuit, {}, protocol.replicates)
    known |= {name: networks.parameters[name] for name in known if name in networks.parameters}
    rates = declared(circuit).etas
    grid = Grid.of(networks.etas if rates else networks.etas[:1], protocol.replicates)
    values = {name: given[grid.source] for name, given in known.items()} | dict.fromkeys(rates, grid.each)
    free = replace(protocol, record=0, constraints=(), bound=None)
    drawn = replace(networks.drawn, weights=weights)
    engine = compiled_or_numpy(circuit, "auto") if networks.engine == "numpy" else networks.engine
    outcome = run(circuit, drawn, free, values, grid.source, engine)
    best = grid.best(grid.validation(protocol, outcome)[1])
    if best is None:
        raise InputError(f"at least half of its replicates diverged at each of {len(grid.rates)} learning rates")
    return outcome.prediction[:, grid.at(best)].transpose(1, 0, 2, 3)
