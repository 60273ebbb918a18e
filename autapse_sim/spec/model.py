"""Neurons and rules: what a model file defines, and how it is found, read and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.showing import latex, showing
from autapse_sim.spec.circuit import TAUGHT_BY, Circuit
from autapse_sim.spec.connection import Connection
from autapse_sim.spec.fields import choices, parameter, take_mapping, take_texts, take_tuple, text
from autapse_sim.spec.language import names, statements
from autapse_sim.spec.lines import texts_at
from autapse_sim.spec.reading import python_text, run, self_contained
from autapse_sim.spec.written import Written, model_text


@showing
@dataclass(frozen=True)
class Activation:
    """A function f of the input current a and its derivative, as Brian2 expressions (`f_prime` may use ``f``)."""

    f: str
    f_prime: str

    def __post_init__(self) -> None:
        take_texts(self, ("f", "f_prime"))


def activation(what: str, value: object) -> Activation:
    """An activation, or an `InputError`."""
    if not isinstance(value, Activation):
        raise InputError(f"{what} must be an Activation, such as Activation(f='tanh(a)', f_prime='1 - f**2')")
    return value


@showing
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
    initial : mapping of str to str or float
        Expressions for the states at the start of a trajectory, evaluated in this order; 0 where nothing is said.
    sums : mapping of str to str
        Expressions that are summed over the recurrent synapses, by the variable that receives the sum, at the time of
        the drive: ``{"excitation": "clip(w, 0, inf)*sent_pre", "inhibition": "clip(w, -inf, 0)*sent_pre"}``.
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
    initial: Mapping[str, Any] = field(default_factory=dict)
    sums: Mapping[str, str] = field(default_factory=dict)
    method: str = "euler"
    path: Path | None = field(default=None, repr=False)
    source: str = field(default="", repr=False)

    _repr_latex_ = latex

    def __post_init__(self) -> None:
        take_texts(self, ("equations", "threshold", "reset", "refractory", "pseudo_derivative", "method"))
        for name in ("reset", "refractory", "pseudo_derivative"):
            if getattr(self, name) and not self.threshold:
                raise InputError(f"Neuron({name}=...) needs a threshold; write for example threshold='v > v_th'")
        take_mapping(self, "initial", text)
        take_mapping(self, "sums", text)
        take_mapping(self, "parameters", parameter)
        take_mapping(self, "activations", activation, named=False)
        if self.pseudo_derivative and self.activations:
            raise InputError("Neuron(pseudo_derivative=...) and activations both give f_prime; leave one of them out")

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is written in Brian2's language."""
        parts = (self.equations, self.threshold, self.reset, self.refractory, self.pseudo_derivative)
        return (*parts, *self.initial.values(), *self.sums.values())

    def replace(self, **changes: Any) -> Neuron:
        """A variant: the same neuron with other fields.

        Examples
        --------
        >>> from autapse_sim import read_neuron
        >>> read_neuron("lif").replace(threshold="v > 2*v_th").threshold
        'v > 2*v_th'
        """
        return _variant(self, changes)


@showing
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
        variable of the two neurons. May be left out where `on_pre`, `on_post` or `finish` changes w.
    on_pre, on_post : str
        What happens at a synapse when a spike of its presynaptic neuron arrives, and when its postsynaptic neuron
        spikes, as in Brian2: first `on_pre`, then `on_post`, before the reset of the neurons, and before `update`.
    trace : str
        Equations added to the presynaptic neuron (eq. 7 of the paper, for example).
    postsynaptic : str
        Equations added to the neurons of the circuit, whose weights the rule teaches (no read-outs).
    eligibility : str
        Equations of the synapse itself; there ``activity_pre`` is the activity of the step before (of a stimulus, this
        one), as is the ``f_prime_post`` of neurons that spike, and ``step`` the length of a step. Variables without an
        equation (``S : 1``) change in `update`. All begin anew with each trajectory.
    finish : str
        What happens to ``w`` once more at the end of each training trajectory, after `update`.
    initial : mapping of str to str or float
        Expressions for the states of `trace`, `postsynaptic` and `eligibility` at the start of a trajectory; 0 where
        nothing is said.
    lasting : tuple of str
        States among these that begin once, and then start each trajectory from where the last training trajectory left
        them (a running mean over trials, a sliding threshold).
    finish_postsynaptic : str
        What happens to variables of `postsynaptic` at the end of each training trajectory, after the weights changed.
    perturbation : str
        An expression, added to the bias of the neurons while something is learned (noise, of which ``perturbation``
        tells the value); it needs a neuron whose equations read ``bias``.
    connections : tuple of Connection
        Synapses between neurons that the rule needs, if any.
    parameters : mapping
        Default values, Brian2 quantities where they have units. `trace` may name parameters of the neuron, too.
    tune : mapping of str to tuple
        What a verdict tries on its pilots beside learning rates, by the name of the parameter:
        ``{"tau": (1*ms, 3*ms, 10*ms, 30*ms)}``; with ``eta`` also the learning rates, else those of the benchmark.

    Notes
    -----
    Names that no model may define: drive, input, bias, feedback, loss, perturbation, sent_sum, f, f_prime, spiked,
    not_refractory, lastspike, target (the circuit's); w, i, j, N, N_pre, N_post, N_incoming, N_outgoing, elapsed,
    steps, step, t, dt; e, pi, inf, True, False; functions (choose, clip, exp, rand, ...); units (ms, volt, ...); words
    of Python, C++ and Brian2 (lambda, double, order, ...); what begins with ``_``, ``xi`` or ``autapse_``, or ends in
    ``_pre`` or ``_post``. docs/meaning.md says what each word means.
    """

    update: str = ""
    trace: str = ""
    postsynaptic: str = ""
    eligibility: str = ""
    finish: str = ""
    perturbation: str = ""
    connections: tuple[Connection, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    initial: Mapping[str, Any] = field(default_factory=dict)
    lasting: tuple[str, ...] = ()
    finish_postsynaptic: str = ""
    tune: Mapping[str, Any] = field(default_factory=dict)
    on_pre: str = ""
    on_post: str = ""
    path: Path | None = field(default=None, repr=False)
    source: str = field(default="", repr=False)

    _repr_latex_ = latex

    def __post_init__(self) -> None:
        take_texts(self, ("update", "trace", "postsynaptic", "eligibility", "finish", "perturbation"))
        take_texts(self, ("finish_postsynaptic", "on_pre", "on_post"))
        if not any(each.name == "w" for text in self.code for each in statements(text)):
            named = ("update", "on_pre", "on_post", "finish")
            written = next((name for name in named if getattr(self, name)), "update")
            raise InputError(f"Rule({written}=...) does not change the weight w; write for example 'w -= eta * ...'")
        connections = take_tuple(self, "connections", Connection)
        if len(connections) > 3:
            raise InputError(f"Rule(connections=...) has {len(connections)}; there is room for 3 in a step")
        take_tuple(self, "lasting", str)
        take_mapping(self, "initial", text)
        take_mapping(self, "parameters", parameter)
        take_mapping(self, "tune", choices)
        for name in self.tune:
            one_of("parameter to tune", name, self.parameters)

    @property
    def events(self) -> dict[str, str]:
        """What happens at spikes, by the neuron whose they are, 'pre' or 'post'."""
        return {side: text for side, text in (("pre", self.on_pre), ("post", self.on_post)) if text.strip()}

    @property
    def code(self) -> tuple[str, ...]:
        """What changes the synapse, in the order of a step."""
        return self.on_pre, self.on_post, self.update, self.finish

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is written in Brian2's language."""
        own = (*self.code, self.trace, self.postsynaptic, self.eligibility, self.perturbation)
        of_connections = (text for connection in self.connections for text in connection.texts)
        return (*own, self.finish_postsynaptic, *self.initial.values(), *of_connections)

    def replace(self, **changes: Any) -> Rule:
        """A variant: the same rule with other fields.

        Examples
        --------
        >>> from autapse_sim import read_rule
        >>> read_rule("autapse").replace(update="w -= eta*feedback_post*k_pre*f_prime_post").parameters.keys()
        dict_keys(['tau', 'eta'])
        """
        return _variant(self, changes)


Read = TypeVar("Read", Neuron, Rule)
"""What a model file defines."""


def _variant(model: Read, changes: Mapping[str, Any]) -> Read:
    """A model with other fields; it stands in no file any more."""
    known = [each.name for each in fields(model) if each.name not in ("path", "source")]
    for name in changes:
        one_of(f"field of {type(model).__name__}", name, known)
    return replace(model, path=None, source="", **changes)


def library(kind: str) -> dict[str, Path]:
    """The models that come with the package, by name; `kind` is 'neurons' or 'rules'."""
    folder = Path(next(iter(import_module(f"autapse_sim.models.{kind}").__path__)))
    return {path.stem: path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")}


def rules() -> set[str]:
    """The names of the rules for neurons that come with the package: all but those for read-outs and feedback."""
    return {name for name, path in library("rules").items() if not {"err_post", "err_pre"} & words_of(path)}


def words_of(path: Path) -> set[str]:
    """The names in the texts of a model file, without running it; docstring and comments do not count."""
    return names(*(text for *_, text in texts_at(python_text(path))))


def is_file(name: str) -> bool:
    """Whether a model is given by a path instead of by a name."""
    return isinstance(name, Written) or name.endswith(".py") or "/" in name or "\\" in name


def _path(name: str, folder: str, variable: str) -> str:
    """The path of the file of a model; one that was given as an object is its own."""
    if isinstance(name, Written):
        return name
    if is_file(name):
        path = Path(name)
    else:
        known = library(folder)
        path = known[one_of(variable, name, known)]
    return str(path)


def _source(path: str | Path) -> str:
    """The text of a model file, or of a model that was given as an object."""
    return path.text if isinstance(path, Written) else python_text(path)


def paths_of(circuit: Circuit) -> list[str]:
    """The paths of the model files of a circuit."""
    taught = {TAUGHT_BY[name] for name in circuit.learn} - {"rule"}
    paths = [_path(circuit.neuron, "neurons", "neuron"), _path(circuit.rule, "rules", "rule")]
    return paths + [_path(getattr(circuit, name), "rules", "rule") for name in sorted(taught)]


def texts(circuit: Circuit, sources: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """The texts of the model files of a circuit by their paths, without running them; from `sources` where they are."""
    return {path: sources[path] if path in sources else _source(path) for path in paths_of(circuit)}


def read_neuron(name: str, sources: Mapping[str, str] = MappingProxyType({})) -> Neuron:
    """The neuron of that name, or in the file of that path; from `sources` (texts by path) where it is among them."""
    return _read(name, "neurons", "neuron", Neuron, sources)


def read_rule(name: str, sources: Mapping[str, str] = MappingProxyType({})) -> Rule:
    """The rule of that name, or in the file of that path; from `sources` (texts by path) where it is among them."""
    return _read(name, "rules", "rule", Rule, sources)


def _read(name: str, folder: str, variable: str, kind: type[Read], sources: Mapping[str, str]) -> Read:
    path = name if name in sources else _path(name, folder, variable)
    source = sources[path] if path in sources else _source(path)
    # a text that says all by itself says the same each time
    model = (_defined if self_contained(source) else _defined.__wrapped__)(source, path, variable)
    if not isinstance(model, kind):
        raise InputError(f"{path}: defines no {variable}; write {variable} = {kind.__name__}(...)")
    return replace(model, path=Path(path), source=source)


@lru_cache(maxsize=256)
def _defined(source: str, path: str, variable: str) -> Any:
    """What the text of a file defines under a name."""
    return run(source, path).get(variable)


def carried(circuit: Circuit) -> Circuit:
    """A circuit with the texts of the models that are files: whoever runs it needs no file, and runs what was read."""
    files: dict[str, Any] = {}
    for part, read in _READ.items():
        name = getattr(circuit, part)
        if is_file(name):
            files[part] = path = Written(name)
            path.text = _source(name)
            if not self_contained(path.text):  # what it takes from elsewhere is not there everywhere
                model = read(path)
                path.text = model_text(type(model).__name__, model)
    return replace(circuit, **files)


_READ: dict[str, Callable[[str], Neuron | Rule]] = {
    "neuron": read_neuron,
    **dict.fromkeys(dict.fromkeys(TAUGHT_BY.values()), read_rule),
}
