"""What made a result, as its attributes tell it."""

from __future__ import annotations

import inspect
import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from autapse_sim.engines import discrete
from autapse_sim.names import shown
from autapse_sim.results.result import provenance
from autapse_sim.showing import in_full, shows
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.job import STEP
from autapse_sim.spec.model import library, paths_of, texts
from autapse_sim.spec.protocol import Protocol
from autapse_sim.tasks.arrays import ArrayTask
from autapse_sim.tasks.base import Task
from autapse_sim.training.in_numpy import along_equations


def described(values: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The values of parameters as JSON holds them: one number where all are the same."""
    return {name: value.flat[0] if (value == value.flat[0]).all() else value.tolist() for name, value in values.items()}


def describe(
    circuit: Circuit,
    task: Task,
    protocol: Protocol,
    engine: str,
    parameters: Mapping[str, Any],
    sources: Mapping[str, str],
) -> dict[str, str | int]:
    """What made a result, as attributes: circuit, task, protocol, equations, parameters, versions and the command."""
    command = shlex.join(sys.argv) if sys.argv and sys.argv[0] else "interactive"
    return {
        "rule": str(circuit.rule),
        "engine": engine,
        "circuit": json.dumps(asdict(circuit)),
        "task": task_text(task),
        "protocol": json.dumps(asdict(protocol)),
        "seed": protocol.seed,
        "parameters": json.dumps(dict(parameters)),
        "parameter_units": f"SI; one step of the stimulus is {STEP} s",
        "averaging": f"eq. 1's 1/t is {'in (bptt, rtrl, snap1, uoro, fa, dfa)' if protocol.averaging else 'out'}",
        "equations": equations_text(circuit, sources),
        "provenance": json.dumps(provenance(command)),
    }


def task_text(task: Task) -> str:
    """A task as JSON: its name and its parameters."""
    what: dict[str, Any] = {}
    if is_dataclass(task) and not isinstance(task, ArrayTask):
        what = {field.name: _told(getattr(task, field.name)) for field in fields(task)}
    return json.dumps({"name": type(task).__name__, **what})


def _told(given: Any) -> Any:
    """A task's parameter as JSON holds it: numbers and texts as they are, all else as it is shown."""
    if isinstance(given, list | tuple):
        return [_told(each) for each in given]
    if isinstance(given, bool | int | float | str) or given is None:
        return given
    if isinstance(given, np.generic):
        return given.item()
    return shown(_InFull(given) if shows(given) else given)


class _InFull:
    """A dataclass that is shown with all its fields, whatever else it says of itself: results tell it so."""

    def __init__(self, given: Any) -> None:
        self.given = given

    def __repr__(self) -> str:
        return in_full(self.given)


def sources_of(circuit: Circuit) -> dict[str, str]:
    """The texts of the model files of a circuit by their paths; where the rule is none, those of the others."""
    if not without_equations(circuit):
        return texts(circuit)
    if not along_equations(circuit):
        return {}
    neuron, readout, *_ = (found := texts(replace(circuit, rule=circuit.readout_rule)))
    return {path: found[path] for path in (neuron, *([readout] if {"V", "c"} & set(circuit.learn) else []))}


def equations_text(circuit: Circuit, sources: Mapping[str, str]) -> str:
    """The texts of the model files of a circuit, as they ran; of rules without equations, what they do."""
    mine = sources_of(circuit) if along_equations(circuit) else () if without_equations(circuit) else paths_of(circuit)
    written = [f"# {Path(path).name}\n{text}" for path, text in sources.items() if path in mine]
    if along_equations(circuit):
        reset = "the reset of a spike counts" if circuit.through_reset else "the reset of a spike is a constant"
        written.append(
            f"rule {circuit.rule}, along the equations above ({reset}); of the discrete network it is this:\n"
            f"{discrete_text(circuit.rule)}"
        )
    elif without_equations(circuit):
        return f"discrete network, rule {circuit.rule}:\n{discrete_text(circuit.rule)}"
    return "\n\n".join(written)


def discrete_text(rule: str) -> str:
    """What the discrete reference of a rule says of itself: its equations."""
    return inspect.getdoc(inspect.getmodule(discrete.references()[rule])) or ""


def without_equations(circuit: Circuit) -> bool:
    """Whether a circuit's rule is written in no model file (bptt, fa, rtrl)."""
    return circuit.rule in discrete.references().keys() - library("rules").keys()
