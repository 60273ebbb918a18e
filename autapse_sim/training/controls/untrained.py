"""The circuit as it was drawn, without recurrence, and as it was drawn under the best read-out of its activity."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from autapse_sim.results.table import UNTRAINED
from autapse_sim.training.beside import Networks, Predictions
from autapse_sim.training.readouts import readout_controls
from autapse_sim.training.train import prepare, unlearned

PLACE, NEEDS = 10, "network"


def predict(networks: Networks) -> Predictions:
    """Nothing learns; one run gives all three."""
    circuit, drawn, protocol = networks.circuit, networks.drawn, networks.protocol
    replicates = protocol.replicates
    twice = np.tile(np.arange(replicates), 2)
    given = {name: values[twice] for name, values in networks.parameters.items()}
    job = prepare(replace(circuit, learn=()), drawn, replace(protocol, record=0), given, twice)
    job.weights.W[replicates:] = 0
    schedule = job.schedule
    if protocol.reset:  # looks at the validation trajectories change nothing
        schedule = schedule.part(schedule.learn | schedule.keep)
    schedule = replace(schedule, trace=schedule.learn | schedule.keep)
    outcome = unlearned(replace(job, schedule=schedule, traced=np.arange(replicates)), networks.engine)
    prediction = outcome.prediction.transpose(1, 0, 2, 3)
    predictions = {UNTRAINED: prediction[:replicates], "W = 0": prediction[replicates:]}
    if protocol.train:
        seen, tested = np.split(outcome.traces["activity"].transpose(1, 0, 2, 3), [protocol.train], axis=1)
        target = drawn.y[:, : protocol.train]
        predictions["best affine read-out, untrained W"] = readout_controls(seen, target, tested)
    return predictions
