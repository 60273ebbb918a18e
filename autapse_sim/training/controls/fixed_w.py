"""W stays as it was drawn, and the read-out learns as far as it does in the circuit."""

from __future__ import annotations

from autapse_sim.training.beside import Networks, Predictions
from autapse_sim.training.trained import trained

PLACE, NEEDS = 30, "network"


def predict(networks: Networks) -> Predictions:
    """V and c learn at the rate that is best on validation."""
    readout = tuple(sorted({"V", "c"} & set(networks.circuit.learn)))
    if not readout or not networks.protocol.train:
        return {}
    return {"fixed W, trained read-out": trained(networks, readout, networks.drawn.weights)}
