"""What a setting is in which a rule is judged, and those that there are: built in, or a file of the user's."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.shown import check_task


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
    """

    title: str
    task: Task
    circuit: Circuit
    protocol: Protocol
    etas: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03)
    unscored: int = 10
    blind: bool = False

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
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        return replace(self, title=text("title", self.title), etas=tuple(etas))

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
