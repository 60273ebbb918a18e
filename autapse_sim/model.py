"""Neurons and rules: what a model file defines, and how it is found, read and checked."""

from __future__ import annotations

import ast
import re
import runpy
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from autapse_sim.circuit import Circuit
from autapse_sim.errors import InputError
from autapse_sim.names import one_of


@dataclass(frozen=True)
class Activation:
    """A function f of the input current a and its derivative, as Brian2 expressions (`f_prime` may use ``f``)."""

    f: str
    f_prime: str


@dataclass(frozen=True)
class Neuron:
    """A neuron as Brian2 equations.

    Parameters
    ----------
    equations : str
        Brian2 equations. The circuit provides ``drive`` (W o), ``input`` (U x), ``bias`` (b), the activation ``f`` and
        its derivative ``f_prime`` (functions of ``a``); the equations must define ``a`` and ``activity``.
    parameters : mapping
        Default values, Brian2 quantities where they have units.
    activations : mapping of str to Activation
        The activations that ``f`` may stand for.
    """

    equations: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    activations: Mapping[str, Activation] = field(default_factory=dict)
    path: Path | None = None

    def __post_init__(self) -> None:
        _check_text(self, "Neuron", ("equations",))
        for name in ("parameters", "activations"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


@dataclass(frozen=True)
class Rule:
    """A plasticity rule as Brian2 equations.

    Parameters
    ----------
    update : str
        What happens to the weight ``w`` at every step, for example ``w -= eta * feedback_post * k_pre``. The circuit
        provides ``feedback_post`` (B err), ``err_post`` (read-outs only), ``activity_pre``, ``activity_post``,
        ``f_prime_post``, ``elapsed`` (steps since the trajectory began, for eq. 1's 1/t; 1 where the protocol leaves
        that out) and every variable of the two neurons.
    trace : str
        Equations added to the presynaptic neuron (eq. 7 of the paper, for example).
    eligibility : str
        Equations of the synapse itself; there ``activity_pre`` is the activity of the step before, and ``step`` the
        length of a step.
    parameters : mapping
        Default values, Brian2 quantities where they have units.
    """

    update: str
    trace: str = ""
    eligibility: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = None

    def __post_init__(self) -> None:
        _check_text(self, "Rule", ("update", "trace", "eligibility"))
        if not re.search(r"^\s*w\s*[-+*/]?=", self.update, re.MULTILINE):
            raise InputError("Rule(update=...) does not change the weight w; write for example 'w -= eta * ...'")
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))


def _check_text(model: Neuron | Rule, kind: str, names: tuple[str, ...]) -> None:
    for name in names:
        value = getattr(model, name)
        if not isinstance(value, str):
            raise InputError(f"{kind}({name}=...) must be text, got {type(value).__name__}")


def library(kind: str) -> dict[str, Path]:
    """The models that come with the package, by name; `kind` is 'neurons' or 'rules'."""
    folder = Path(next(iter(import_module(f"autapse_sim.models.{kind}").__path__)))
    return {path.stem: path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")}


def read_neuron(name: str) -> Neuron:
    """The neuron of that name, or in the file of that path."""
    return _read(name, "neurons", "neuron", Neuron)


def read_rule(name: str) -> Rule:
    """The rule of that name, or in the file of that path."""
    return _read(name, "rules", "rule", Rule)


def is_file(name: str) -> bool:
    """Whether a model is given by a path instead of by a name."""
    return name.endswith(".py") or "/" in name or "\\" in name


def _path(name: str, folder: str, variable: str) -> Path:
    """The file of a model."""
    if is_file(name):
        path = Path(name)
    else:
        known = library(folder)
        path = known[one_of(variable, name, known)]
    if not path.is_file():
        raise InputError(f"{variable} file {path} does not exist")
    return path


def texts(circuit: Circuit) -> dict[str, str]:
    """The texts of the model files of a circuit by their paths, without running them."""
    paths = [_path(circuit.neuron, "neurons", "neuron"), _path(circuit.rule, "rules", "rule")]
    if {"V", "c"} & set(circuit.learn):
        paths.append(_path("delta", "rules", "rule"))
    return {str(path): path.read_text() for path in paths}


def self_contained(text: str) -> bool:
    """Whether a model file says all by itself: it imports Brian2, this package and `math` alone, and opens nothing."""
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        return False
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    opens = names & {"open", "exec", "eval", "__import__", "compile", "input", "globals", "vars", "getattr"}
    return modules <= {"brian2", "autapse_sim", "math", "__future__"} and not opens


def _read(name: str, folder: str, variable: str, kind: type) -> Any:
    path = _path(name, folder, variable)
    try:
        names = runpy.run_path(str(path))
    except SyntaxError as error:
        raise InputError(f"{path}, line {error.lineno}: does not parse as Python: {error.msg}") from error
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        where = f"{path}, line {lines[-1]}" if lines else str(path)
        raise InputError(f"{where}: {type(error).__name__}: {error}") from error
    model = names.get(variable)
    if not isinstance(model, kind):
        raise InputError(f"{path}: defines no {variable}; write {variable} = {kind.__name__}(...)")
    object.__setattr__(model, "path", path)
    return model


def line_of(model: Neuron | Rule, word: str) -> str:
    """Where `word` stands in the model's file, as 'file, line N' (or the file alone)."""
    if model.path is None:
        return "the model"
    pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
    for number, line in enumerate(model.path.read_text().splitlines(), 1):
        if pattern.search(line.split("#")[0]):
            return f"{model.path}, line {number}"
    return str(model.path)
