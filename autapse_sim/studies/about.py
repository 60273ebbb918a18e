"""What the attributes of a study say: what its combinations share, and what differs between them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from autapse_sim.names import short
from autapse_sim.results.result import provenance
from autapse_sim.spec.job import STEP
from autapse_sim.studies.axes import Setting
from autapse_sim.studies.named import MODELS
from autapse_sim.studies.plan import Plan
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.description import described, equations_text, sources_of, task_text

WORDED = {*MODELS, "learn", "through_reset"}
"""The fields of a circuit that its equations depend on."""


def about(plan: Plan, command: str) -> dict[str, Any]:
    """The attributes of a study."""
    first = plan.units[plan.places[0][0]].setting
    shared = {
        name: {key: value for key, value in asdict(part).items() if key not in _crossed(plan, name)}
        for name, part in (("circuit", first.circuit), ("protocol", first.protocol))
    }
    worded = _apart(plan, "circuit")
    texts = {key: equations_text(each.circuit, sources_of(each.circuit)) for key, each in worded.items()}
    return {
        **{name: json.dumps(part) for name, part in shared.items()},
        "engine": ", ".join(sorted({unit.engine for unit in plan.units.values()})),
        "task": json.dumps(_tasks(plan)),
        "parameters": json.dumps(_parameters(worded, _crossed(plan, "parameter"))),
        "parameter_units": f"SI; one step of the stimulus is {STEP} s",
        "equations": json.dumps({key: text for key, text in texts.items() if text}),
        "provenance": json.dumps(provenance(command)),
    }


def _crossed(plan: Plan, place: str) -> set[str]:
    """What is crossed of a place."""
    return {axis.field for axis in plan.axes if axis.place == place}


def _apart(plan: Plan, place: str) -> dict[str, Setting]:
    """A setting for each combination of what words the circuit, or of tasks, by what it is called."""
    axes = [axis for axis in plan.axes if axis.place == place and (place == "tasks" or axis.field in WORDED)]
    found: dict[str, Setting] = {}
    for name, where in plan.places:
        setting = plan.units[name].setting
        labels = [str(axis.labels[where[axis.name]]) for axis in axes]
        found.setdefault(", ".join(labels) or short(setting.circuit.rule), setting)
    return found


def _tasks(plan: Plan) -> dict[str, Any]:
    """The task without what is crossed; where tasks are, each by what it is called."""
    crossed = _crossed(plan, "task")
    told = {
        key: {name: value for name, value in json.loads(task_text(each.task)).items() if name not in crossed}
        for key, each in _apart(plan, "tasks").items()
    }
    return told if _crossed(plan, "tasks") else next(iter(told.values()))


def _parameters(settings: Mapping[str, Setting], crossed: set[str]) -> dict[str, Any]:
    """The values of the parameters that are not crossed; by models where these have different ones."""
    found: dict[str, dict[str, Any]] = {}
    for key, setting in settings.items():
        for name, value in described(resolve_parameters(setting.circuit, setting.parameters, 1)).items():
            if name not in crossed:
                found.setdefault(name, {})[key] = value
    return {
        name: next(iter(values.values())) if len(set(map(str, values.values()))) == 1 else values
        for name, values in found.items()
    }
