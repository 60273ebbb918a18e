"""The small circuit in which a model is tried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from autapse_sim.errors import InputError
from autapse_sim.experiments.checking.given import stated
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.language import names
from autapse_sim.spec.library import Models
from autapse_sim.spec.model import Rule, read_neuron, read_rule
from autapse_sim.spec.scopes import check_models

NEURONS, CHANNELS = 16, 2
SIMPLE = ("rate", "leaky", "lif", "alif")
"""The neurons that a rule is tried with, one after the other, until one has what it reads."""
SPIKING, VOLTS = ("lif", "alif"), ("adex",)
"""Those that a rule is tried with that has something happen at spikes, or that speaks of volts."""
TAUGHT = {"rule": ("W", "U", "b"), "readout_rule": ("V", "c"), "feedback_rule": ("B", "V")}
"""What learns where a rule is tried, by its role."""
ROLES = {"err_post": "readout_rule", "err_pre": "feedback_rule"}
"""By what a rule reads; that of the neurons reads neither."""


def role_of(rule: Rule) -> str:
    """Whether a rule teaches the neurons, the read-out or the feedback.

    Examples
    --------
    >>> from autapse_sim import read_rule
    >>> role_of(read_rule("delta"))
    'readout_rule'
    """
    read = names(*rule.texts)
    return next((role for word, role in ROLES.items() if word in read), "rule")


def circuit_of(rule: str, neuron: str | None = None) -> Circuit:
    """The circuit in which a rule is tried: of the neuron that is given, else the first shipped one that fits it.

    Examples
    --------
    >>> circuit_of("eprop_alif").neuron
    'alif'

    Raises
    ------
    InputError
        The rule means nothing in any of them: what is wrong with it in the first one.
    """
    read = None if rule in stated() else read_rule(rule)
    role = role_of(read) if read else "rule"
    simple: tuple[str, ...] = SPIKING if read and read.events else SIMPLE
    simple = VOLTS if read and {"volt", "mV"} & names(*read.texts) else simple
    errors = []
    for each in [neuron] if neuron else simple:
        for learn in dict.fromkeys((TAUGHT[role], TAUGHT[role][:1])):
            circuit = _made(each, learn, role, rule)
            error = refused(circuit)
            if error is None:
                return circuit
            errors.append(error)
    raise errors[1]  # of the first neuron, with the one kind of weights that such a rule teaches at least


def refused(circuit: Circuit) -> InputError | None:
    """Why the models of a circuit mean nothing in it; None where they do."""
    circuit = replace(circuit, rule="autapse", learn=()) if circuit.rule in stated() else circuit
    try:
        check_models(Models.of(circuit), circuit, {"inputs": CHANNELS, "outputs": CHANNELS})
    except InputError as error:
        return error
    return None


def _made(neuron: str, learn: tuple[str, ...], role: str, rule: str) -> Circuit:
    known = read_neuron(neuron).activations
    circuit = Circuit(
        neuron=neuron,
        neurons=NEURONS,
        readout="random",
        feedback="symmetric",
        learn=learn,
        activation="sigmoid" if "sigmoid" in known or not known else next(iter(known)),
    )
    taught: dict[str, Any] = {role: rule}
    return replace(circuit, **taught)
