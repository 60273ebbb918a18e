"""Trained networks to and from the neuromorphic intermediate representation (NIR), with the extra ``nir``.

input -> U, b -> neurons <-> W; neurons -> (filter ->) V, c -> output. Neurons are NIR's LIF (`lif_hard`), or its LI
(`leaky` and `rate` with activation 'linear'). Times are in seconds. A spike is a pulse of 1 for a step of 1 ms, as
simulators of NIR have it that run with dt = 1 ms. What NIR has no node for is refused by its name. See Pedersen et al.
2024, "Neuromorphic intermediate representation", doi:10.1038/s41467-024-52259-9.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autapse_sim.checks import path as checked_path
from autapse_sim.checks import whole
from autapse_sim.errors import InputError, in_a_line
from autapse_sim.machine.files import made, read_whole, write_whole
from autapse_sim.results import recordings
from autapse_sim.results.result import Result, dataset, of_rule, rule_of
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.weights import Weights

if TYPE_CHECKING:
    from nir import NIRGraph

SUFFIXES = (".nir",)
NEURONS = {"lif_hard": "LIF", "leaky": "LI", "rate": "LI"}
"""The neurons that NIR has, and what it calls them."""
KEPT = ("neuron", "substeps", "method", "precision", "feedback")
"""What of a circuit NIR has no place for, and stands in the metadata: how it is integrated."""


class Network(NamedTuple):
    """A network that was read: a circuit without learning, its weights (R = 1), and parameters."""

    circuit: Circuit
    weights: Weights
    parameters: dict[str, Any]


def to_nir(result: Result, replicate: int = 0, rule: str | None = None) -> NIRGraph:
    """The trained network of one replicate as a NIR graph.

    Parameters
    ----------
    result : Result
        Of a circuit of `lif_hard` neurons, or of `leaky` or `rate` neurons with activation 'linear'.
    replicate : int
        The number of the replicate.
    rule : str, optional
        Which rule, of a result of several; else the first.

    Returns
    -------
    nir.NIRGraph

    Raises
    ------
    InputError
        nir is not installed, or NIR cannot say what the circuit has: another neuron or activation, a delay, a returned
        prediction, a softmax; or the network diverged.
    """
    nir = _package()
    rule, replicate = rule_of(result, rule), whole("replicate", replicate)
    told = json.loads(dataset(result).attrs["circuit"])
    _sayable(told)
    n, values = told["neurons"], _values(result, replicate, rule)
    held = {name: recordings.weights(result, name, replicate, rule) for name in ("W", "U", "V")}
    data = of_rule(result, rule)
    b, c = (recordings.weights(result, name, replicate, rule) if name in data else None for name in ("b", "c"))
    if not all(np.isfinite(each).all() for each in held.values()):
        raise InputError(f"network {replicate} of {rule} diverged: it has weights that are not finite")
    nodes = {
        "input": nir.Input(np.array([held["U"].shape[1]])),
        "U": nir.Affine(held["U"], np.zeros(n) if b is None else b),
        "neurons": _neurons(nir, told["neuron"], n, values),
        "W": nir.Linear(held["W"]),
        "V": nir.Affine(held["V"], np.zeros(len(held["V"])) if c is None else c),
        "output": nir.Output(np.array([held["V"].shape[0]])),
    }
    edges = [("input", "U"), ("U", "neurons"), ("neurons", "W"), ("W", "neurons"), ("V", "output")]
    if told["neuron"] == "lif_hard":
        nodes["filter"] = nir.LI(*_each(n, values["tau_out"], 1.0, 0.0))
        edges += [("neurons", "filter"), ("filter", "V")]
    else:
        edges += [("neurons", "V")]
    kept = {name: told[name] for name in KEPT} | {"gamma": values.get("gamma")}
    return nir.NIRGraph(nodes, edges, metadata={"autapse_sim": json.dumps(kept)})


def from_nir(path: str | Path) -> Network:
    """Read a network from a .nir file, of this package or of another one.

    Parameters
    ----------
    path : str or Path
        The file: one population of LIF or LI neurons, all in a row from input to output, with synapses among them.

    Returns
    -------
    Network
        Circuit (nothing learns; the read-out is random by name, since its weights are given), weights with a leading
        axis of one replicate and B = V^T, and parameters with their units, to be given to `train`.

    Raises
    ------
    InputError
        nir is not installed, the file is no NIR file, or it holds what no circuit here is.
    """
    nir, path = _package(), checked_path("path", path)
    read_whole(path)  # it is there, and an ordinary file
    try:
        graph = nir.read(path)
    except Exception as error:  # of h5py and nir, whatever they find
        raise InputError(f"{path} cannot be read as NIR: {in_a_line(error)}") from error
    place = _chain(graph, path)
    neurons, first, last = place["neurons"], place["U"], place["V"]
    kept, kind, n = _kept(graph, path), type(neurons).__name__, len(np.ravel(neurons.tau))
    name = kept.get("neuron", "lif_hard" if kind == "LIF" else "leaky")
    _plain(neurons, path)
    parameters = {"tau_m": _time(neurons.tau)}
    if kind == "LIF":
        reset = np.zeros(n) if neurons.v_reset is None else neurons.v_reset
        parameters |= {"v_th": _shared(neurons.v_threshold), "v_reset": _shared(reset)}
        if "filter" not in place:
            raise InputError(f"{path}: spikes go to the read-out without a filter; put an LI node between them")
        _plain(place["filter"], path)
        parameters["tau_out"] = _time(place["filter"].tau)
        parameters |= {"gamma": kept["gamma"]} if kept.get("gamma") is not None else {}
    W = place["W"].weight if "W" in place else np.zeros((n, n))
    if getattr(place.get("W"), "bias", None) is not None:
        raise InputError(f"{path}: the recurrent synapses have a bias; put it into the node of the input")
    V = np.asarray(last.weight, float)
    weights = Weights(
        **{"W": np.asarray(W, float)[None], "U": np.asarray(first.weight, float)[None], "V": V[None], "B": V.T[None]},
        b=np.asarray(getattr(first, "bias", np.zeros(n)), float)[None],
        c=np.asarray(getattr(last, "bias", np.zeros(len(V))), float)[None],
    )
    how = {each: kept[each] for each in KEPT[1:] if each in kept}
    circuit = Circuit(neuron=name, neurons=n, activation="linear", readout="random", learn=(), **how)
    return Network(circuit, weights, parameters)


def write(result: Result, path: Path, replicate: int = 0, rule: str | None = None) -> Path:
    """Write the network of one replicate as a .nir file."""
    graph = to_nir(result, replicate, rule)
    return write_whole(path, made("network.nir", lambda part: _package().write(part, graph)))


def _package() -> Any:
    try:
        import nir
    except ImportError as error:
        raise InputError("NIR needs the package nir: pip install autapse_sim[nir]") from error
    return nir


def _sayable(told: dict[str, Any]) -> None:
    """Refuse a circuit that NIR has no nodes for."""
    neuron = told["neuron"]
    if neuron not in NEURONS:
        hint = "; lif_hard is the same with NIR's reset" if neuron == "lif" else ""
        raise InputError(f"NIR has no neuron {neuron}; it has {', '.join(NEURONS)}{hint}")
    if NEURONS[neuron] == "LI" and told["activation"] != "linear":
        raise InputError(f"NIR has no activation {told['activation']}: of the neuron {neuron} it has the linear one")
    lacking = {"delay": "a delay", "returned": "a prediction that is returned"}
    for name, what in lacking.items():
        if told[name]:
            raise InputError(f"NIR export of a circuit with {what} is not supported ({name} = {told[name]})")
    if told["loss"] != "mse":
        raise InputError("NIR has no softmax: a circuit with loss='cross-entropy' cannot be written")


def _values(result: Result, replicate: int, rule: str) -> dict[str, Any]:
    """The parameters of a replicate by name, in SI units: a number, or one for each neuron."""
    values, told = {}, json.loads(dataset(result).attrs["parameters"])
    own = told[rule] if isinstance(told.get(rule), dict) else told  # a comparison has those of each rule
    for name, value in own.items():
        found = np.asarray(value, float)
        values[name] = found if found.ndim == 0 else found[min(replicate, len(found) - 1)]
    start = values.get("a_0", np.zeros(()))
    if np.any(start):
        raise InputError(f"NIR's neurons start at 0, and a_0 is {start}")
    return {name: value.item() if np.size(value) == 1 else value for name, value in values.items()}


def _each(n: int, *values: Any) -> list[np.ndarray]:
    """Values for each of n neurons."""
    return [np.broadcast_to(np.asarray(value, float), (n,)).copy() for value in values]


def _neurons(nir: Any, name: str, n: int, values: dict[str, Any]) -> Any:
    if NEURONS[name] == "LI":
        return nir.LI(*_each(n, values["tau_m"], 1.0, 0.0))
    return nir.LIF(*_each(n, values["tau_m"], 1.0, 0.0, values["v_th"], values["v_reset"]))


def _kept(graph: NIRGraph, path: Path) -> dict[str, Any]:
    """What this package said of a circuit, or nothing; a neuron is one of ours by name, never a file to run."""
    try:
        kept = json.loads((graph.metadata or {}).get("autapse_sim", "{}"))
        known = kept.get("neuron") in (None, *NEURONS)
    except (AttributeError, TypeError, ValueError):
        known = False
    if not known:
        raise InputError(f"{path}: its metadata 'autapse_sim' is not what autapse_sim writes")
    return kept


def _chain(graph: NIRGraph, path: Path) -> dict[str, Any]:
    """The nodes of a graph by their place in a network: U, neurons, W, filter and V."""
    kinds = {name: type(node).__name__ for name, node in graph.nodes.items()}
    known = {"Input", "Output", "Affine", "Linear", "LIF", "LI"}
    odd = next((f"{name} ({kind})" for name, kind in kinds.items() if kind not in known), None)
    if odd:
        raise InputError(f"{path}: no circuit has the node {odd}; it may hold {', '.join(sorted(known))}")
    after = {name: [end for start, end in dict.fromkeys(graph.edges) if start == name] for name in kinds}
    place: dict[str, Any] = {}

    def step(name: str, role: str, *wanted: str) -> str:
        if len(after[name]) != 1 or kinds[after[name][0]] not in wanted:
            raise InputError(f"{path}: after {name} one node {' or '.join(wanted)} is expected, not {after[name]}")
        place[role] = graph.nodes[after[name][0]]
        return after[name][0]

    begin = [name for name, kind in kinds.items() if kind == "Input"]
    if len(begin) != 1:
        raise InputError(f"{path}: one input is expected, not {len(begin)}")
    neurons = step(step(begin[0], "U", "Affine", "Linear"), "neurons", "LIF", "LI")
    back = [end for end in after[neurons] if neurons in after[end]]
    if len(back) > 1:
        raise InputError(f"{path}: one recurrent projection is expected, not {len(back)}")
    if back:
        after[back[0]].remove(neurons)
        after[neurons].remove(back[0])
        if kinds[back[0]] not in ("Affine", "Linear") or after[back[0]]:
            raise InputError(f"{path}: the recurrent projection {back[0]} is to be one Affine or Linear node")
        place["W"] = graph.nodes[back[0]]
    if after[neurons] and kinds[after[neurons][0]] == "LI":
        neurons = step(neurons, "filter", "LI")
    step(step(neurons, "V", "Affine", "Linear"), "output", "Output")
    return place


def _plain(node: Any, path: Path) -> None:
    """Refuse a node with a leak or resistance that no neuron here has."""
    if np.any(np.asarray(node.v_leak) != 0) or np.any(np.asarray(node.r) != 1):
        raise InputError(f"{path}: {type(node).__name__} with v_leak = 0 and r = 1 can be read, and no other")


def _shared(values: Any) -> Any:
    """One number where all neurons share it, else an array (1, n)."""
    found = np.ravel(np.asarray(values, float))
    return float(found[0]) if (found == found[0]).all() else found[None]


def _time(values: Any) -> Any:
    """A time of all neurons, or of each, with its unit."""
    from brian2 import second

    return _shared(values) * second
