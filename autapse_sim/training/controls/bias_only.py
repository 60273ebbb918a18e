"""The biases learn, without recurrence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autapse_sim.training.beside import Networks, Predictions
from autapse_sim.training.in_numpy import WITHOUT_BRIAN
from autapse_sim.training.trained import trained

PLACE, NEEDS = 20, "network"


def predict(networks: Networks) -> Predictions:
    """W = 0, and B = V^T: without recurrent feedback FA is then the exact gradient of the discrete network's biases."""
    weights = networks.drawn.weights
    nothing = np.zeros_like(weights.W)
    silent = replace(weights, W=nothing, B=weights.V.transpose(0, 2, 1), B_rec=nothing)
    return {"bias only": trained(networks, ("b",), silent)} if networks.protocol.train else {}


def note(networks: Networks) -> list[str]:
    """By which rule, where that is not the exact gradient."""
    by = f"control 'bias only': the biases learn by {networks.circuit.rule} with B = V^T"
    return [] if networks.engine in WITHOUT_BRIAN else [by]
