"""Controls that are networks: the circuit that is compared itself, with nothing learned, or less of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from autapse_sim.errors import InputError
from autapse_sim.results.table import UNTRAINED
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.training.controls import readout_controls
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.grid import Grid
from autapse_sim.training.train import Drawn, discretely, prepare, run, unlearned

Parameters = Mapping[str, np.ndarray]
Predictions = dict[str, np.ndarray]


def network_controls(
    circuit: Circuit,
    drawn: Drawn,
    protocol: Protocol,
    parameters: Parameters,
    etas: np.ndarray,
    engine: str,
) -> tuple[Predictions, list[str]]:
    """Predictions of the test targets by controls that are networks, each the circuit itself with less that is learned.

    Parameters
    ----------
    circuit : Circuit
        Of one of the rules that are compared.
    drawn : Drawn
        Trajectories and initial weights.
    protocol : Protocol
        As the rules have it.
    parameters : mapping of str to array (R,) or (R, n)
        Those of the circuit.
    etas : array (E,)
        Learning rates that a control may choose from, on validation, as the rules do.
    engine : str
        As the rule has it; the discrete network stands in for the engine where it is the same circuit.

    Returns
    -------
    predictions : dict of str to array (R, K, T, c)
        'untrained W' and 'W = 0', where nothing is learned; 'best affine read-out, untrained W', fitted to the
        activity; 'bias only', where the biases are learned with W = 0; 'fixed W, trained read-out', where V and c are
        learned as far as they are in the circuit.
    notes : list of str
        What has to be said of them, and which are left out.
    """
    if _discrete(circuit, protocol, parameters):
        circuit, engine = replace(circuit, rule="fa"), "numpy"
    setting = circuit, drawn, protocol, parameters
    predictions, notes = _unlearned(*setting, engine), []
    if not protocol.train:
        return predictions, notes
    weights = drawn.weights
    # with W = 0 and no recurrent feedback, FA with B = V^T is the exact gradient of the discrete network's biases
    silent = {"W": np.zeros_like(weights.W), "B": weights.V.transpose(0, 2, 1), "B_rec": np.zeros_like(weights.W)}
    readout = tuple(sorted({"V", "c"} & set(circuit.learn)))
    learned = {"bias only": (("b",), replace(weights, **silent)), "fixed W, trained read-out": (readout, weights)}
    for name, (learn, start) in learned.items():
        if not learn:
            continue
        less = replace(circuit, learn=learn), replace(drawn, weights=start), protocol, parameters
        try:
            predictions[name] = _learned(*less, etas, engine)
        except InputError as error:
            notes.append(f"control {name!r} is left out: {error}")
    if engine != "numpy" and "bias only" in predictions:
        notes.append(f"control 'bias only': the biases learn by {circuit.rule} with B = V^T")
    return predictions, notes


def _discrete(circuit: Circuit, protocol: Protocol, parameters: Parameters) -> bool:
    """Whether the discrete network is what the circuit does, with a read-out that learns, too."""
    shared = all(values.ndim == 1 for values in parameters.values())
    return discretely(circuit) and circuit.readout_rule == "delta" and protocol.reset and shared


def _unlearned(circuit: Circuit, drawn: Drawn, protocol: Protocol, parameters: Parameters, engine: str) -> Predictions:
    """The circuit as it was drawn and with W = 0, in one run, and the best read-out of the former's activity."""
    replicates = protocol.replicates
    twice = np.tile(np.arange(replicates), 2)
    given = {name: values[twice] for name, values in parameters.items()}
    job = prepare(replace(circuit, learn=()), drawn, replace(protocol, record=0), given, twice)
    job.weights.W[replicates:] = 0
    schedule = job.schedule
    if protocol.reset:  # looks at the validation trajectories change nothing
        schedule = schedule.part(schedule.learn | schedule.keep)
    schedule = replace(schedule, trace=schedule.learn | schedule.keep)
    outcome = unlearned(replace(job, schedule=schedule, traced=np.arange(replicates)), engine)
    prediction = outcome.prediction.transpose(1, 0, 2, 3)
    predictions = {UNTRAINED: prediction[:replicates], "W = 0": prediction[replicates:]}
    if protocol.train:
        seen, tested = np.split(outcome.traces["activity"].transpose(1, 0, 2, 3), [protocol.train], axis=1)
        target = drawn.y[:, : protocol.train]
        predictions["best affine read-out, untrained W"] = readout_controls(seen, target, tested)
    return predictions


def _learned(
    circuit: Circuit,
    drawn: Drawn,
    protocol: Protocol,
    parameters: Parameters,
    etas: np.ndarray,
    engine: str,
) -> np.ndarray:
    """Test predictions of a circuit in which W stays as it is, at the learning rate that is best on validation."""
    known = resolve_parameters(circuit, {}, protocol.replicates)
    known |= {name: parameters[name] for name in known if name in parameters}
    rates = [name for name in known if name.startswith("eta")]
    grid = Grid.of(etas if rates else etas[:1], protocol.replicates)
    values = {name: given[grid.source] for name, given in known.items()} | dict.fromkeys(rates, grid.each)
    free = replace(protocol, record=0, constraints=(), bound=None)
    outcome = run(circuit, drawn, free, values, grid.source, engine)
    best = grid.best(grid.validation(protocol, outcome)[1])
    if best is None:
        raise InputError(f"at least half of its replicates diverged at each of {len(grid.rates)} learning rates")
    return outcome.prediction[:, grid.at(best)].transpose(1, 0, 2, 3)
