"""What a setting is in which a rule is judged, and those that there are: built in, or a file of the user's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from autapse_sim.checks import instance, items, real, text, truth, whole
from autapse_sim.errors import InputError
from autapse_sim.names import modules_in, one_of
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.model import is_file
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.reading import python_text, run
from autapse_sim.spec.written import model_name
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.shown import check_task
from autapse_sim.training.declared import resolve_parameters


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
            resolve_parameters(replace(self.circuit, rule="fa"), self.parameters, 1)
            beside = tuple(model_name("beside", rule, kind="Rule") for rule in items("beside", self.beside, "rules"))
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        title, family = text("title", self.title), text("family", self.family)
        return replace(self, title=title, family=family, etas=tuple(etas), beside=beside)

    @property
    def scored(self) -> np.ndarray:
        """The steps whose error counts, in training and in test, bool (T,)."""
        counts = np.arange(self.task.steps) >= self.unscored
        blanked = self.task.blanked if self.blind else None
        return counts if blanked is None else counts & blanked


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


BATCHES = Protocol(
    train=4800, validate=20, test=50, update="batch", batch=16, optimiser="adam", averaging=False, validate_every=480
)
"""How most of them are trained."""


def benchmarks() -> dict[str, Benchmark]:
    """Every setting that a module of the folder benchmarks defines, by its name.

    Examples
    --------
    >>> sorted(benchmarks())
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
