"""What is trained for a verdict: the rule, also with a part changed, exact gradients, other rules, and reservoirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from autapse_sim.experiments.benchmark import Benchmark
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP
from autapse_sim.spec.units import Amount
from autapse_sim.training.declared import declared, resolve_parameters
from autapse_sim.training.reservoir import Reservoir

CEILING, FIXED, TUNED = "bptt", "fixed reservoir", "tuned reservoir"
STILL, PLAIN = "W = 0", "bptt without W"
RESERVOIRS = (FIXED, TUNED, STILL)
UNTAUGHT = (PLAIN, *RESERVOIRS)
"""The methods that learn no recurrence."""
FEEDBACK = {
    "random": "B random",
    "symmetric": "B = V^T",
    "conditioned": "V B's eigenvalues positive",
    "mixed": "V B's eigenvalues mixed",
    "negative": "V B's eigenvalues negative",
}
"""The kinds of feedback among the ablations, as they are named there."""
TAUS = (1, 3, 10, 25, 50)
"""The time constants among the ablations, in steps."""


@dataclass(frozen=True)
class Method:
    """What is trained.

    Parameters
    ----------
    rule : str
        Name or file of the rule that teaches W and b; None where they stay as drawn.
    reservoir : Reservoir, optional
        How W and U are scaled at the start.
    circuit, protocol : mapping
        What differs from the benchmark's circuit and protocol.
    parameters : mapping
        What differs from the rule's own parameters.
    """

    rule: str | None
    reservoir: Reservoir | None = None
    circuit: Mapping[str, Any] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def circuit_of(self, setting: Benchmark) -> Circuit:
        """The circuit that is trained; where no rule learns, 'fa' stands in for it."""
        learn = setting.circuit.learn
        if self.rule is None:
            learn = tuple(name for name in learn if name in ("V", "c"))
        return replace(setting.circuit, **{"rule": self.rule or "fa", "learn": learn, **self.circuit})


def methods_of(rule: str, setting: Benchmark) -> dict[str, Method]:
    """What is trained: the rule, exact gradients, the other rules, and the reservoir as drawn."""
    methods = {name: Method(name) for name in dict.fromkeys([rule, CEILING, *setting.beside])}
    # where only W learns, the reservoir's read-out stands still too: it is the untrained network
    silent = Reservoir(gain=0.0, input_scale=1.0, error=np.array([]))
    learn = tuple(sorted({"b", *setting.circuit.learn} - {"W"}))
    methods |= {FIXED: Method(None), STILL: Method(None, silent)}
    return methods | {PLAIN: Method(CEILING, silent, circuit={"learn": learn})}


def parameters_of(
    setting: Benchmark, circuit: Circuit, networks: int, given: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, np.ndarray]:
    """Every parameter of a circuit for each network: those given, else the setting's, else the models' defaults."""
    known = declared(circuit).parameters
    own = {name: value for name, value in setting.parameters.items() if name in known}
    return resolve_parameters(circuit, {**own, **given}, networks)


def ablations_of(rule: str, setting: Benchmark) -> dict[str, Method]:
    """Variants of a rule that tell what its result hangs on."""
    own = _tau_of(rule, setting)
    found = {
        name: Method(rule, circuit={"feedback": feedback})
        for feedback, name in FEEDBACK.items()
        if feedback != setting.circuit.feedback and (feedback != "mixed" or setting.task.outputs > 1)
    }
    taus = {steps: Amount(steps * STEP, "second", f"{steps} ms") for steps in TAUS if own is not None}
    found |= {f"tau = {n}": Method(rule, parameters={"tau": tau}) for n, tau in taus.items() if n != own}
    if rule == "autapse":
        put_back = {n: Method("autapse_f_prime", parameters={"tau": tau}) for n, tau in taus.items() if n in (1, own)}
        found |= {f"f' put back, tau = {n}": method for n, method in put_back.items()}
    how = setting.protocol
    slow = {"step": "sgd", "trajectory": how.optimiser}
    for update, optimiser in slow.items():
        if update != how.update:
            changes = {"update": update, "batch": 1, "optimiser": optimiser}
            found[f"updates per {update}"] = Method(rule, protocol=changes)
    other = "sgd" if how.optimiser == "adam" else "adam"
    found[f"optimiser {other}"] = Method(rule, protocol={"optimiser": other})
    return {f"{rule}, {name}": method for name, method in found.items()}


def _tau_of(rule: str, setting: Benchmark) -> float | None:
    """The rule's own tau in steps; None where it has none that is a time, the same for all neurons."""
    known = declared(replace(setting.circuit, rule=rule))
    if "tau" not in known.taught or known.parameters["tau"].unit != "second":
        return None
    (tau,) = parameters_of(setting, replace(setting.circuit, rule=rule), 1)["tau"]
    return round(float(tau) / STEP, 9) if np.ndim(tau) == 0 else None


def described(name: str, method: Method | None, rule: str) -> str:
    """What a method is, in a line."""
    if method is None or method.rule is None:
        scaled = method.reservoir if method else None
        if name == STILL:
            return "no recurrence; only the read-out learns"
        how = f", W and U scaled by {scaled.gain:g} and {scaled.input_scale:g}, chosen on other seeds" if scaled else ""
        return f"W as it was drawn{how}; only the read-out learns"
    if name == PLAIN:
        return f"W = 0; {', '.join(method.circuit['learn'])} learn by the exact gradient"
    roles = {CEILING: "the exact gradient, as the ceiling", rule: "the rule that is judged"}
    changes = {**method.circuit, **method.protocol, **{k: getattr(v, "text", v) for k, v in method.parameters.items()}}
    return roles.get(name) or ", ".join(f"{key} = {value}" for key, value in changes.items()) or "another rule"
