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

from autapse_sim.circuit import TAUGHT_BY, Circuit
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
        Brian2 equations. The circuit provides ``drive`` (W o), ``input`` (U x) and ``bias`` (b). The equations must
        define ``activity``, which the read-out reads; what the neuron sends to others is ``activity`` too, or ``sent``
        where they define that. With activations the circuit also provides ``f`` and its derivative ``f_prime``,
        functions of ``a``, which the equations then define.
    parameters : mapping
        Default values, Brian2 quantities where they have units.
    activations : mapping of str to Activation
        The activations that ``f`` may stand for.
    threshold : str
        A condition; where it holds after the state update, the neuron spikes: ``spiked`` is 1 in this step, else 0.
    reset : str
        What a spike changes, as assignments.
    refractory : str
        Time (or condition) for which a neuron that spiked does not spike again; equations marked
        ``(unless refractory)`` stand still meanwhile, as in Brian2.
    pseudo_derivative : str
        What rules take for the derivative of a spike (``f_prime``), an expression; taken before the reset.
    initial : mapping of str to str
        Expressions for the states at the start of a trajectory, evaluated in this order; 0 where nothing is said.
    method : str
        The integrator, any of Brian2's.
    """

    equations: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    activations: Mapping[str, Activation] = field(default_factory=dict)
    threshold: str = ""
    reset: str = ""
    refractory: str = ""
    pseudo_derivative: str = ""
    initial: Mapping[str, str] = field(default_factory=dict)
    method: str = "euler"
    path: Path | None = None

    def __post_init__(self) -> None:
        _check_text(self, "Neuron", ("equations", "threshold", "reset", "refractory", "pseudo_derivative", "method"))
        for name in ("reset", "refractory", "pseudo_derivative"):
            if getattr(self, name) and not self.threshold:
                raise InputError(f"Neuron({name}=...) needs a threshold; write for example threshold='v > v_th'")
        for name in ("parameters", "activations", "initial"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is written in Brian2's language."""
        parts = (self.equations, self.threshold, self.reset, self.refractory, self.pseudo_derivative)
        return (*parts, *self.initial.values())


@dataclass(frozen=True)
class Connection:
    """Synapses that a rule needs beside those that it teaches, within the neurons that it reads.

    Parameters
    ----------
    sums : mapping of str to str
        Expressions that are summed over presynaptic neurons, by the variable of the postsynaptic neuron that receives
        the sum, in words such as ``activity_pre``; one connection has one sum.
    equations : str
        State of the synapses, which lasts from trajectory to trajectory.
    update : str
        How it changes, together with the weights.
    initial : {'zeros', 'identity'}
        The first variable of `equations` at the start: 0, or 1 from each neuron to itself.
    pairs : {'all', 'self'}
        Which neurons are connected: all with all within a network, or each with itself (autapses).
    when : {'drive', 'update'}
        Summed with the drive, from the activity of the step before, or before the weights change, in the order of the
        connections, from that of this step.
    """

    sums: Mapping[str, str]
    equations: str = ""
    update: str = ""
    initial: str = "zeros"
    pairs: str = "all"
    when: str = "update"

    def __post_init__(self) -> None:
        if len(self.sums) != 1:
            raise InputError(f"Connection(sums=...) has {len(self.sums)} sums; a connection has one")
        one_of("initial", self.initial, ("zeros", "identity"))
        one_of("pairs", self.pairs, ("all", "self"))
        one_of("when", self.when, ("drive", "update"))
        object.__setattr__(self, "sums", MappingProxyType(dict(self.sums)))

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is written in Brian2's language."""
        return (*self.sums.values(), self.equations, self.update)


@dataclass(frozen=True)
class Rule:
    """A plasticity rule as Brian2 equations.

    Parameters
    ----------
    update : str
        What happens to the weight ``w`` at every step, for example ``w -= eta * feedback_post * k_pre``. The circuit
        provides ``feedback_post`` (B err), ``err_post`` (read-outs only), ``loss_post`` (that of the step),
        ``activity_pre``, ``activity_post``, ``sent_pre`` (the spikes, or the activity of a rate neuron),
        ``sent_sum_post`` (its sum over the steps of the trajectory), ``f_prime_post``, ``elapsed`` (steps since the
        trajectory began, for eq. 1's 1/t; 1 where the protocol leaves that out), ``steps`` (the same, always) and every
        variable of the two neurons.
    trace : str
        Equations added to the presynaptic neuron (eq. 7 of the paper, for example).
    postsynaptic : str
        Equations added to the neurons of the circuit, whose weights the rule teaches (no read-outs).
    eligibility : str
        Equations of the synapse itself; there ``activity_pre`` is the activity of the step before (of a stimulus, this
        one), as is the ``f_prime_post`` of neurons that spike, and ``step`` the length of a step. Variables without an
        equation (``S : 1``) change in `update`. All are back at 0 with the end of a trajectory.
    finish : str
        What happens to ``w`` once more at the end of each training trajectory, after `update`.
    perturbation : str
        An expression, added to the bias of the neurons while something is learned (noise, of which ``perturbation``
        tells the value); it needs a neuron whose equations read ``bias``.
    connections : tuple of Connection
        Synapses between presynaptic neurons that the rule needs, if any.
    parameters : mapping
        Default values, Brian2 quantities where they have units. `trace` may name parameters of the neuron, too.
    """

    update: str
    trace: str = ""
    postsynaptic: str = ""
    eligibility: str = ""
    finish: str = ""
    perturbation: str = ""
    connections: tuple[Connection, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    path: Path | None = None

    def __post_init__(self) -> None:
        _check_text(self, "Rule", ("update", "trace", "postsynaptic", "eligibility", "finish", "perturbation"))
        if not re.search(r"^\s*w\s*[-+*/]?=", f"{self.update}\n{self.finish}", re.MULTILINE):
            raise InputError("Rule(update=...) does not change the weight w; write for example 'w -= eta * ...'")
        if len(self.connections) > 3:
            raise InputError(f"Rule(connections=...) has {len(self.connections)}; there is room for 3 in a step")
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is written in Brian2's language."""
        own = (self.update, self.trace, self.postsynaptic, self.eligibility, self.finish, self.perturbation)
        return own + tuple(text for connection in self.connections for text in connection.texts)


def _check_text(model: Neuron | Rule, kind: str, names: tuple[str, ...]) -> None:
    for name in names:
        value = getattr(model, name)
        if not isinstance(value, str):
            raise InputError(f"{kind}({name}=...) must be text, got {type(value).__name__}")


def library(kind: str) -> dict[str, Path]:
    """The models that come with the package, by name; `kind` is 'neurons' or 'rules'."""
    folder = Path(next(iter(import_module(f"autapse_sim.models.{kind}").__path__)))
    return {path.stem: path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")}


def rules() -> set[str]:
    """The names of the rules for neurons that come with the package: all but those for read-outs and feedback."""
    return {name for name, path in library("rules").items() if not re.search("err_post|err_pre", path.read_text())}


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
    taught = {TAUGHT_BY[name] for name in circuit.learn} - {"rule"}
    paths = [_path(circuit.neuron, "neurons", "neuron"), _path(circuit.rule, "rules", "rule")]
    paths += [_path(getattr(circuit, name), "rules", "rule") for name in sorted(taught)]
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
