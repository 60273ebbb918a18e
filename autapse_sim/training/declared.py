"""What the models of a circuit declare, and the values that its networks get of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from autapse_sim import __version__
from autapse_sim.checks import mapping
from autapse_sim.engines import discrete
from autapse_sim.engines.adjoint import PENALTY, RULES
from autapse_sim.engines.cache import recall, remember
from autapse_sim.engines.discrete.network import ACTIVATIONS
from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.spec.circuit import TAUGHT_BY, Circuit
from autapse_sim.spec.job import Job
from autapse_sim.spec.lines import line_of
from autapse_sim.spec.model import is_file, library, texts, words_of
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.rates import learning_rate
from autapse_sim.spec.reading import self_contained
from autapse_sim.spec.stability import check_steps, decay_rates
from autapse_sim.spec.units import Amount, amount
from autapse_sim.training.description import without_equations
from autapse_sim.training.in_numpy import along_equations


@dataclass(frozen=True)
class Declared:
    """What the models of a circuit declare.

    Parameters
    ----------
    parameters : dict of str to Amount
        With their defaults.
    activations : list of str
        Their names.
    method : str
        The integrator.
    rates : dict of str to str
        At which states decay, see `autapse_sim.spec.stability.decay_rates`.
    tune : dict of str to list of Amount
        What the rule lets a verdict choose from.
    taught : list of str
        The parameters of the rules that teach; the others are those of the neuron.
    spikes : bool
        Whether the rule takes what is shown for spikes.
    """

    parameters: dict[str, Amount]
    activations: list[str]
    method: str = ""
    rates: dict[str, str] = field(default_factory=dict)
    tune: dict[str, list[Amount]] = field(default_factory=dict)
    taught: list[str] = field(default_factory=list)
    spikes: bool = False

    @property
    def etas(self) -> list[str]:
        """The learning rates: what begins with eta in the rules, whatever a neuron calls so."""
        return [name for name in self.taught if name.startswith("eta")]

    def to_json(self) -> str:
        """As text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Declared:
        """From text; ValueError, TypeError or AttributeError where it is no such text."""
        known = json.loads(text)
        known["parameters"] = {name: Amount(**fields) for name, fields in known["parameters"].items()}
        known["tune"] = {name: [Amount(**fields) for fields in each] for name, each in known["tune"].items()}
        found = cls(**known)
        amounts = [*found.parameters.values(), *(one for each in found.tune.values() for one in each)]
        texts = [text for one in amounts for text in (one.unit, one.text)]
        texts += [*found.activations, *found.taught, found.method, *found.rates.values()]
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("units, names and rates are texts")
        return found


def declared(circuit: Circuit) -> Declared:
    """What the models of a circuit declare; kept with their texts, so that Brian2 is asked once."""
    if without_equations(circuit):
        return _without_equations(circuit)
    written = texts(circuit)
    kept = all(map(self_contained, written.values()))
    what = "declared, what may be tuned, what rules have, what is shown, what is solved"
    asked = json.dumps([what, __version__, written, sorted(circuit.learn), circuit.method])
    key = hashlib.sha256(asked.encode()).hexdigest()
    known = recall(key, Declared.from_json) if kept else None
    if known:
        return known
    from autapse_sim.spec.events import shows_spikes
    from autapse_sim.spec.library import Models
    from autapse_sim.spec.scopes import check_models

    models = Models.of(circuit)
    check_models(models, circuit)
    parameters = {name: amount(value, name) for name, value in models.parameters(circuit).items()}
    activations = list(models.neuron.activations)
    own = models.rule.tune if models.rule in models.teaching(circuit.learn) else {}
    tune = {name: [amount(value, name) for value in values] for name, values in own.items()}
    for name, values in tune.items():
        default = parameters[name]
        for one in values:
            if one.unit != default.unit:
                where = f"{line_of(models.rule, name)}: tune has {name} = {one.text}"
                raise InputError(f"{where}; its unit is {default.unit}, as of {default.text}")
    taught = [name for rule in models.teaching(circuit.learn) for name in rule.parameters]
    spikes = shows_spikes(models.rule, circuit.learn)
    method, decays = models.method(circuit), decay_rates(models, circuit)
    found = Declared(parameters, activations, method, decays, tune, taught, spikes)
    if kept:
        remember(key, found.to_json())
    return found


def _without_equations(circuit: Circuit) -> Declared:
    """What is declared where the rule of W, U and b is none of equations: by the neuron, the read-out and the rule."""
    beside = declared(replace(circuit, rule="autapse", learn=tuple(n for n in circuit.learn if n in ("V", "c"))))
    penalty = PENALTY if circuit.rule in RULES else {}
    own = {name: amount(value) for name, value in (discrete.references()[circuit.rule].parameters | penalty).items()}
    if not along_equations(circuit):
        kept = {name: beside.parameters[name] for name in ("tau_m", "eta_out") if name in beside.parameters}
        return Declared(kept | own, list(ACTIVATIONS), taught=[*own, *(kept.keys() & beside.taught)])
    for name in beside.parameters.keys() & own.keys():
        raise InputError(f"parameter {name!r} of the circuit's models is one of rule {circuit.rule!r} too; rename it")
    return replace(beside, parameters=beside.parameters | own, taught=[*own, *beside.taught])


def resolve_parameters(circuit: Circuit, given: Mapping[str, Any] | None, networks: int) -> dict[str, np.ndarray]:
    """Every parameter of a circuit for each network, in SI units: the given ones, else the models' defaults."""
    given = mapping("parameters", given, "{'eta': 0.03}")
    known = declared(circuit)
    defaults = known.parameters
    for name in given:
        one_of("parameter", name, defaults)
    values = {
        name: _value(name, amount(given.get(name, default), name), default, networks, circuit.neurons)
        for name, default in defaults.items()
    }
    for name in (name for name in known.etas if (values[name] < 0).any()):
        told = amount(given.get(name, defaults[name]), name).text
        raise InputError(f"parameter {name} is {told}; a learning rate must not be negative")
    check_steps(known.rates, known.method, circuit.substeps, values)
    return values


def _value(name: str, given: Amount, default: Amount, networks: int, neurons: int) -> np.ndarray:
    """One value per network, (networks,), or one per neuron, (networks, neurons)."""
    if given.unit not in (default.unit, "no number"):
        raise InputError(
            f"parameter {name} is {given.text}: its unit is {given.unit}, expected {default.unit} "
            f"(such as {default.text})"
        )
    array = np.asarray(given.value)
    shapes = ((), (networks,), (1, neurons), (networks, neurons))
    if given.unit == "no number" or array.shape not in shapes:
        raise InputError(
            f"parameter {name} is {given.text}; expected one number, one per replicate ({networks}), or one per neuron "
            f"as an array (1, {neurons}) or ({networks}, {neurons})"
        )
    if not np.isfinite(array).all():
        raise InputError(f"parameter {name} holds NaN or infinity; it must be finite")
    if default.unit == "second" and ((array < 0) | (array == 0) & (np.min(default.value) > 0)).any():
        raise InputError(f"parameter {name} is {given.text}; a time constant must be positive")
    return np.broadcast_to(array, (networks, neurons) if array.ndim == 2 else networks).copy()


def check_optimiser(circuit: Circuit, protocol: Protocol | Job) -> None:
    """Refuse Adam, before any work, where a rule that teaches has no learning rate of its own."""
    rules = [getattr(circuit, role) for role in {TAUGHT_BY[name] for name in circuit.learn}]
    if protocol.optimiser.startswith("adam") and not without_equations(circuit) and not all(map(_has_one, rules)):
        from autapse_sim.spec.library import Models

        for rule in Models.of(circuit).teaching(circuit.learn):
            learning_rate(rule)


def _has_one(rule: str) -> bool:
    """Whether a rule that comes with the package has a learning rate, without running its file."""
    return not is_file(rule) and any(word.startswith("eta") for word in words_of(library("rules")[rule]))
