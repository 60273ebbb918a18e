"""What a setting is in which a rule is judged, and those that there are: built in, or a file of the user's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from autapse_sim.checks import instance, items, mapping, real, text, truth, whole
from autapse_sim.errors import InputError
from autapse_sim.names import modules_in, one_of
from autapse_sim.showing import showing
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.model import is_file
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.reading import python_text, run
from autapse_sim.spec.written import model_name
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.shown import check_task
from autapse_sim.training.declared import declared, resolve_parameters


@showing
@dataclass(frozen=True)
class Benchmark:
    """A setting.

    Parameters
    ----------
    title : str
        What a network has to do, in words.
    task : Task
        What is shown.
    circuit : Circuit
        The networks; the rule is put in.
    protocol : Protocol
        How they are trained; the number of replicates and the seed are put in.
    etas : tuple of float
        Learning rates that are tried first, the same for W and for the read-out; a grid grows beyond its edge.
    unscored : int
        First steps of a trajectory whose error does not count.
    blind : bool
        Whether only steps with a blanked stimulus count.
    parameters : mapping
        Values of the neuron's parameters by name, in place of their defaults, such as ``{"tau_m": "10 ms"}``.
    beside : tuple of str
        The rules that a rule is judged beside, by name or file.
    family : str
        The settings that belong together: 'leak-free', 'continuous', 'spiking', or a word of one's own.
    """

    title: str
    task: Task
    circuit: Circuit
    protocol: Protocol
    etas: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03)
    unscored: int = 10
    blind: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    beside: tuple[str, ...] = ("fa", "dfa", "rflo", "autapse")
    family: str = "leak-free"

    def checked(self, where: str) -> Benchmark:
        """The same, or an `InputError` that says what is wrong with it, and where it stands."""
        try:
            check_task(self.task)
            instance("circuit", self.circuit, Circuit)
            protocol = instance("protocol", self.protocol, Protocol)
            etas = [real("etas", eta, above=0) for eta in items("etas", self.etas, "learning rates")]
            unscored = whole("unscored", self.unscored)
            lacking = [name for name in ("train", "validate", "test") if not getattr(protocol, name)]
            if lacking or not etas:
                needed = "training, validation and test trajectories, and one learning rate or more"
                raise InputError(f"a benchmark needs {needed}; {lacking[0] if lacking else 'etas'} is empty")
            if unscored >= self.task.steps:
                raise InputError(f"unscored is {unscored}, and a trajectory has {self.task.steps} steps")
            if truth("blind", self.blind) and self.task.blanked is None:
                raise InputError("blind counts only steps at which the stimulus is blanked, and the task blanks none")
            if "W" not in self.circuit.learn:
                learn = ", ".join(self.circuit.learn) or "empty"
                raise InputError(f"learn is {learn}, and what is judged is recurrence: W has to learn")
            like = replace(self.circuit, rule="fa")
            resolve_parameters(like, self.parameters, 1)
            for name in (name for name in declared(like).etas if name in self.parameters):
                raise InputError(f"parameter {name} is chosen for each method, among etas; leave it out")
            beside = tuple(model_name("beside", rule, kind="Rule") for rule in items("beside", self.beside, "rules"))
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        title, family = text("title", self.title), text("family", self.family)
        return replace(self, title=title, family=family, etas=tuple(etas), beside=beside)

    def changed(
        self,
        neuron: Any = None,
        neurons: int | None = None,
        feedback: str | None = None,
        task: Task | None = None,
        parameters: Mapping[str, Any] = MappingProxyType({}),
    ) -> Benchmark:
        """The setting with what is given in place of its own; its title says what that is.

        Another neuron comes without the parameters of the one before, and the first steps of another task all count.

        Examples
        --------
        >>> other = benchmarks()["copy"].changed(neurons=20, parameters={"tau_m": "5 ms"})
        >>> other.title
        'tell what was shown 5 steps ago; changed: neurons = 20, tau_m = 5 ms'
        """
        parameters = mapping("parameters", parameters, "{'tau_m': '5 ms'}")
        given = {"neuron": neuron, "neurons": neurons, "feedback": feedback}
        given = {name: value for name, value in given.items() if value is not None}
        own = {} if neuron is not None else self.parameters
        told = {**given, **({"task": type(task).__name__} if task else {}), **parameters}
        words = ", ".join(f"{name} = {getattr(value, 'text', value)}" for name, value in told.items())
        return replace(
            self,
            title=f"{self.title}; changed: {words}" if words else self.title,
            circuit=replace(self.circuit, **given),
            parameters={**own, **parameters},
            **({"task": task, "unscored": 0, "blind": False} if task else {}),  # type: ignore[arg-type]
        )

    @property
    def scored(self) -> np.ndarray:
        """The steps whose error counts, in training and in test, bool (T,), where the task does not leave them out."""
        counts = np.arange(self.task.steps) >= self.unscored
        blanked = self.task.blanked if self.blind else None
        return counts if blanked is None else counts & blanked


CHANGEABLE = ("neuron", "neurons", "feedback", "task", "parameters")
"""What `Benchmark.changed` takes."""


def plastic(neurons: int) -> Circuit:
    """Everything that a rule may teach: W and b by the rule, read-out V and c by the delta rule."""
    learn = ("W", "b", "V", "c")
    return Circuit(neurons=neurons, readout="random", activation="tanh", learn=learn, feedback="symmetric")


SLOW = 10
"""The time constant of neurons in continuous time, in steps."""


def continuous(like: Benchmark, task: Task, neuron: str) -> Benchmark:
    """A leak-free setting in continuous time: `task` is its task, `SLOW` times slower, and so are the neurons.

    Networks see fewer trajectories than there, since each takes longer.
    """
    circuit = replace(like.circuit, neuron=neuron)
    words = {"leaky": "neurons that filter their current", "rate": "neurons that filter their rate"}
    return replace(
        like,
        title=f"{like.title}, all of it {SLOW} times slower, with {words[neuron]}",
        task=task,
        circuit=circuit,
        protocol=replace(like.protocol, train=3200, validate_every=320),
        unscored=SLOW * like.unscored,
        parameters={"tau_m": f"{SLOW} ms"},
        family="continuous",
    )


def spiking(title: str, task: Task, protocol: Protocol, neuron: str, neurons: int, **parameters: Any) -> Benchmark:
    """A setting of spiking neurons, all of whose weights learn: `neuron` is 'lif' or 'alif'.

    The threshold is higher and there is a refractory period, so that weights as they are drawn leave no network silent
    or saturated.
    """
    learn = ("W", "U", "V", "c")
    loss = "cross-entropy" if getattr(task, "scored", None) is not None else "mse"
    circuit = Circuit(neuron, neurons=neurons, learn=learn, readout="random", feedback="symmetric", loss=loss)
    eprop = {"lif": "eprop", "alif": "eprop_alif"}[neuron]
    common = {"tau_m": "20 ms", "tau_out": "20 ms", "v_th": 0.1, "t_ref": "5 ms"}
    return Benchmark(
        title,
        task,
        circuit,
        protocol,
        etas=(0.001, 0.003, 0.01),
        unscored=0,
        parameters=common | parameters,
        beside=("fa", eprop, "dfa", "rflo", "autapse", "three_factor", "node_perturbation"),
        family="spiking",
    )


TRIALS = Protocol(
    train=800, validate=32, test=64, update="batch", batch=16, optimiser="adam", averaging=False, validate_every=160
)
"""How networks of spiking neurons are trained to classify."""
BATCHES = Protocol(
    train=4800, validate=20, test=50, update="batch", batch=16, optimiser="adam", averaging=False, validate_every=480
)
"""How most of them are trained."""


def benchmarks() -> dict[str, Benchmark]:
    """Every setting that a module of the folder benchmarks defines, by its name.

    Examples
    --------
    >>> sorted(name for name, benchmark in benchmarks().items() if benchmark.family == "leak-free")
    ['bounce', 'copy', 'flip-flop', 'integrator', 'noise', 'occlusion', 'paper']
    """
    from autapse_sim.experiments import benchmarks as package

    return {name.replace("_", "-"): module.benchmark for name, module in modules_in(package).items()}


def benchmark_called(given: Any) -> tuple[str, Benchmark]:
    """The name of a setting and the setting: itself, by name, or from a file that defines ``benchmark = ...``.

    Parameters
    ----------
    given : Benchmark, str or Path
        The setting.

    Raises
    ------
    InputError
        There is none of that name, the file defines none, or what it holds is no setting.
    """
    if isinstance(given, Benchmark):
        return "own", given.checked("benchmark")
    if isinstance(given, Path) or (isinstance(given, str) and is_file(given)):
        path = str(given)
        found = run(python_text(path), path).get("benchmark")  # code that the user chose to run
        if not isinstance(found, Benchmark):
            raise InputError(
                f"{path} defines no benchmark; write benchmark = ap.Benchmark(title, task, circuit, protocol)"
            )
        return Path(path).stem, found.checked(path)
    known = benchmarks()
    name = one_of("benchmark", given, known)
    return name, known[name]
