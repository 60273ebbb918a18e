"""Cases that nobody wrote: a neuron, a rule, a circuit and a protocol, drawn from a grammar."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from builder import NOISE, Builder
from neuron_texts import draw_neuron
from rule_texts import DrawnRule, draw_feedback_rule, draw_readout_rule, draw_rule

import autapse_sim as ap
from autapse_sim.spec.job import Job
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import draw as draw_job
from autapse_sim.training.train import prepare

FEATURES = frozenset(
    word.strip()
    for word in """
    spiking, coupled, units, parameters, expressions, jumps, subexpressions, activations, activity state, sent,
    spiked, plain states, initial, sums, time, indices, counters, feedback, loss, lastspike, refractory, unless
    refractory, pseudo-derivative, methods, comments, names, reserved names, semicolons, several statements,
    temporaries, trace, postsynaptic, eligibility, event-driven, summed, connections, perturbation, neuron's states,
    bare names, several terms, decay, weights, events, at spikes, dt terms, clip, normalisation, finish,
    finish_postsynaptic, lasting, sent_sum, elapsed, learn U, learn b, learn V, learn c, learn B, not W, substeps,
    delay, delays, cross-entropy, returned, readout rule, feedback rule, trajectory, batch, optimisers, averaging,
    constraints, bound, reset, validation, masks, replicates, per replicate, per neuron, shared stimuli, conditions,
    whole numbers, booleans, shown, initial of others, spikes shown, conditions of its own, mixtures
    """.replace("\n", " ").split(",")
)
"""All that a case may have; a set of some of them gives cases that have no other."""
NOISY = FEATURES | {NOISE}
"""The same, with random numbers in the texts, which the reference does not draw."""


@dataclass(frozen=True)
class Case:
    """One case, in plain values that JSON knows.

    Parameters
    ----------
    neuron, rule, readout_rule, feedback_rule : str
        The texts of model files, or names of the models that come with the package.
    circuit, protocol : mapping
        Options of `Circuit` and `Protocol`.
    task : mapping
        'seed', 'steps', 'inputs', 'outputs', 'shared' (by all replicates), 'masked' (share of NaN in y) and 'spikes'
        (whether x is 0 and 1), from which arrays follow; 'blank' more steps without stimulus and target may follow.
    parameters : mapping of str to (value, unit)
        In place of the models' defaults.
    names : tuple of str
        The names that the texts have chosen freely.
    """

    neuron: str
    rule: str
    readout_rule: str = "delta"
    feedback_rule: str = "kolen_pollack"
    circuit: Mapping[str, Any] = field(default_factory=dict)
    protocol: Mapping[str, Any] = field(default_factory=dict)
    task: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    @property
    def files(self) -> dict[str, str]:
        """The texts of the model files by their fields."""
        fields = ("neuron", "rule", "readout_rule", "feedback_rule")
        return {name: getattr(self, name) for name in fields if "\n" in getattr(self, name)}

    def save(self, folder: Path) -> None:
        """Write a case to a folder: the model files, and all else in case.json."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            (folder / f"{name}.py").write_text(text, encoding="utf-8")
        rest = {name: value for name, value in asdict(self).items() if name not in self.files}
        (folder / "case.json").write_text(json.dumps(rest, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Case:
        """Read a case from a folder."""
        found = json.loads((folder / "case.json").read_text(encoding="utf-8"))
        texts = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
        known = {name: text for name, text in texts.items() if name in cls.__dataclass_fields__}
        return cls(**found | known | {"names": tuple(found["names"])})

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Stimuli (R, K, T, m) and targets (R, K, T, c)."""
        task, rng = self.task, np.random.default_rng(self.task["seed"])
        protocol = ap.Protocol(**self.protocol)
        shape = (1 if task["shared"] else protocol.replicates, protocol.trajectories, task["steps"])
        x, y = (np.sin(_walk(rng, (*shape, task[width]))) for width in ("inputs", "outputs"))
        if task.get("spikes"):
            x = 1.0 * (x > 0.3)
        if self.circuit.get("loss") == "cross-entropy":
            y = np.exp(2 * y) / np.exp(2 * y).sum(axis=-1, keepdims=True)
        y[rng.random(shape) < task["masked"]] = np.nan
        blank = [(0, 0), (0, 0), (0, task.get("blank", 0)), (0, 0)]
        return np.pad(x, blank), np.pad(y, blank, constant_values=np.nan)

    def weights(self) -> ap.Weights:
        """Initial weights, some of W missing, within what stays stable."""
        rng, task = np.random.default_rng(self.task["seed"] + 1), self.task
        R, n, m, c = self.protocol["replicates"], self.circuit["neurons"], task["inputs"], task["outputs"]
        W = rng.normal(0, 0.7 * n**-0.5, (R, n, n)) * (rng.random((R, n, n)) > 0.15)
        shapes = {"U": (R, n, m), "V": (R, c, n), "B": (R, n, c), "b": (R, n), "c": (R, c)}
        if self.circuit.get("returned"):
            shapes["F"] = (R, n, c)
        return ap.Weights(W=W, **{name: rng.uniform(-1, 1, shape) for name, shape in shapes.items()})

    def job(self, folder: Path) -> Job:
        """The job of the case, whose model files are written to a folder; an `InputError` where it is refused."""
        self.save(folder)
        paths = {name: folder / f"{name}.py" for name in self.files}
        others = {name: getattr(self, name) for name in ("readout_rule", "feedback_rule")}
        options = {**others, **self.circuit, **paths}
        circuit, protocol = ap.Circuit(**options), ap.Protocol(**self.protocol)
        drawn = draw_job(circuit, ap.ArrayTask(*self.arrays()), protocol, self.weights())
        given = {name: _quantity(value, unit) for name, (value, unit) in self.parameters.items()}
        values = resolve_parameters(circuit, given, protocol.replicates)
        return prepare(circuit, drawn, protocol, values, np.arange(protocol.replicates))


def _walk(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.cumsum(rng.normal(0, 0.6, shape), axis=2) + rng.uniform(-3, 3, (*shape[:2], 1, shape[3]))


def _quantity(value: Any, unit: str) -> Any:
    import brian2

    return np.asarray(value) * getattr(brian2, unit) if unit else np.asarray(value)


def case_of(seed: int, features: Collection[str] = FEATURES) -> Case:
    """The case of a seed, which has no other than these features."""
    unknown = set(features) - NOISY
    if unknown:
        raise ValueError(f"there is no feature {min(unknown)!r}")
    b = Builder(random.Random(seed).randint, features)
    learn = [name for name in ("U", "b", "V", "c", "B") if b.use(f"learn {name}", 35)]
    learn = learn if b.use("not W", 15) else ["W", *learn]
    activation = b.one(["sigmoid", "tanh", "relu", "linear", "mine"])
    entropy = b.use("cross-entropy", 25)
    neuron = draw_neuron(b, activation)
    protocol = _protocol(b)
    gathers = protocol.get("update", "step") != "step" or "optimiser" in protocol
    delayed = b.use("delay", 30)
    spikes = b.use("spikes shown", 40) and {"W", "U", "b"} & {*learn} in ({"U"}, {"W", "U"})
    rule = draw_rule(b, neuron, learn, gathers, delayed and "W" in learn, spikes)
    readout = draw_readout_rule(b, neuron) if b.use("readout rule") else DrawnRule("delta")
    feedback = draw_feedback_rule(b) if b.use("feedback rule") else DrawnRule("kolen_pollack")
    n = b.whole(1, 4)
    circuit = {"neurons": n, "learn": learn, "readout": "random", "feedback": "random", "activation": activation}
    if b.use("substeps"):
        circuit["substeps"] = b.whole(2, 4)
    if entropy:
        circuit["loss"] = "cross-entropy"
    if b.use("returned", 25):
        circuit["returned"] = True
    if delayed:
        circuit["delay"] = _delay(b, n)
    task = {"seed": b.whole(0, 9999), "steps": b.whole(3, 14), "inputs": b.whole(1, 3), "outputs": b.whole(1, 3)}
    task |= {"shared": b.use("shared stimuli", 30), "masked": 0.2 if b.use("masks", 20) else 0.0}
    task |= {"spikes": True} if spikes else {}
    asked = neuron.parameters | (rule.parameters if {"W", "U", "b"} & set(learn) else {})
    parameters = {}
    for name, text in asked.items():
        if b.use("per neuron" if name in neuron.parameters else "per replicate", 30):
            size = (protocol["replicates"], n) if name in neuron.parameters else (protocol["replicates"],)
            parameters[name] = _spread(b, text, size)
    texts = (neuron.text, rule.text, readout.text, feedback.text)
    return Case(*texts, circuit, protocol, task, parameters, tuple(b.taken))


def _spread(b: Builder, text: str, size: tuple[int, ...]) -> tuple[Any, str]:
    """Values around a default, one for each place."""
    number, _, unit = text.partition("*")
    spread = np.random.default_rng(b.whole(0, 999)).uniform(1, 1.3, size)
    return (float(number) * spread).round(7).tolist(), unit


def _delay(b: Builder, n: int) -> Any:
    """A delay: one, one a neuron, or one a synapse."""
    shape = b.one([(n,), (n, n)]) if b.use("delays") else ()
    return b.whole(1, 5) if not shape else np.random.default_rng(b.whole(0, 999)).integers(0, 5, shape).tolist()


def _protocol(b: Builder) -> dict[str, Any]:
    """Options of a protocol."""
    made: dict[str, Any] = {"replicates": b.whole(1, 3) if b.use("replicates") else 1, "train": b.whole(1, 4)}
    made |= {"validate": b.whole(1, 2) if b.use("validation") else 0, "test": b.whole(0, 1), "record": 3}
    made["validate_every"] = b.whole(1, 3)
    kind = b.one(["step", "step", "trajectory", "batch"])
    if kind in b.features:
        made["update"] = kind
    if made.get("update") == "batch":
        made["batch"] = b.one([size for size in (1, 2, 3, 4) if made["train"] % size == 0])
    if b.use("optimisers", 40):
        made["optimiser"] = b.one(["momentum", "adam", "adam-hat"])
        made["epsilon"] = b.one([1e-8, 1e-3])
    if b.use("averaging", 30):
        made["averaging"] = False
    if b.use("constraints", 25):
        made["constraints"] = b.one(
            [["sparse"], ["dale"], ["sparse", "dale"], ["sparse", "sparse-readout", "dale-readout"]]
        )
    if b.use("bound", 20):
        made["bound"] = b.one([0.93711, [-0.83117, 1.21719]])
    if b.use("reset", 20):
        made["reset"] = False
    return made


def renamed(case: Case) -> Case:
    """A case whose models use other names, which mean nothing, in all that they chose freely."""
    new = {name: f"neutral_{number}" for number, name in enumerate(case.names)}
    # X, X_pre, X_post and dX/dt, but no argument of Neuron or Rule
    pattern = re.compile(rf"(?<![\w.])(d?)({'|'.join(new)})(_pre|_post)?\b(?!=[\"{{(])") if new else re.compile("(?!)")

    def other(found: re.Match) -> str:
        ode = found[1] and case_text.startswith("/dt", found.end())
        return f"{found[1]}{new[found[2]]}{found[3] or ''}" if ode or not found[1] else found[0]

    texts = {}
    for name, case_text in case.files.items():
        texts[name] = pattern.sub(other, case_text)
    parameters = {new.get(name, name): value for name, value in case.parameters.items()}
    return replace(case, **texts, parameters=parameters, names=tuple(new.values()))


def without(*features: str) -> frozenset[str]:
    """All features but these."""
    return FEATURES - set(features)


def changed(case: Case, **options: Mapping[str, Any]) -> Case:
    """A case with other options of its circuit, protocol or task."""
    return replace(case, **{name: {**getattr(case, name), **values} for name, values in options.items()})
