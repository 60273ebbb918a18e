"""A bench that settles whether a learning rule works in a recurrent circuit.

Imports are lazy: `import autapse_sim` takes milliseconds, and Brian2 is imported when a circuit is built.
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what is lazy at run time, for editors and type checkers
    from autapse_sim.engines.brian.plain import PlainNetwork as PlainNetwork
    from autapse_sim.errors import InputError as InputError
    from autapse_sim.experiments.align import align as align
    from autapse_sim.experiments.benchmark import Benchmark as Benchmark
    from autapse_sim.experiments.compare import compare as compare
    from autapse_sim.experiments.reproduce import reproduce as reproduce
    from autapse_sim.experiments.reproduction import Reproduction as Reproduction
    from autapse_sim.experiments.verdict.judging import verdict as verdict
    from autapse_sim.experiments.verdict.scoreboard import scoreboard as scoreboard
    from autapse_sim.results import export as export
    from autapse_sim.results import plots as plots
    from autapse_sim.results import recordings as recordings
    from autapse_sim.results.plots.live import LiveView as LiveView
    from autapse_sim.results.report.write import report as report
    from autapse_sim.results.result import Result as Result
    from autapse_sim.results.result import load as load
    from autapse_sim.spec.circuit import Circuit as Circuit
    from autapse_sim.spec.connection import Connection as Connection
    from autapse_sim.spec.model import Activation as Activation
    from autapse_sim.spec.model import Neuron as Neuron
    from autapse_sim.spec.model import Rule as Rule
    from autapse_sim.spec.model import read_neuron as read_neuron
    from autapse_sim.spec.model import read_rule as read_rule
    from autapse_sim.spec.protocol import Protocol as Protocol
    from autapse_sim.spec.weights import Weights as Weights
    from autapse_sim.studies.sweep import open_study as open_study
    from autapse_sim.studies.sweep import sweep as sweep
    from autapse_sim.tasks.add import AddTask as AddTask
    from autapse_sim.tasks.arrays import ArrayTask as ArrayTask
    from autapse_sim.tasks.ball import BouncingBall as BouncingBall
    from autapse_sim.tasks.chaos import ChaoticSeries as ChaoticSeries
    from autapse_sim.tasks.evidence import EvidenceAccumulation as EvidenceAccumulation
    from autapse_sim.tasks.match import DelayedMatch as DelayedMatch
    from autapse_sim.tasks.memory import DelayedCopy as DelayedCopy
    from autapse_sim.tasks.memory import FlipFlop as FlipFlop
    from autapse_sim.tasks.memory import Integrator as Integrator
    from autapse_sim.tasks.pattern import PatternGeneration as PatternGeneration
    from autapse_sim.tasks.stretched import Stretched as Stretched
    from autapse_sim.training.train import train as train

_HOMES = {
    "Activation": "spec.model",
    "AddTask": "tasks.add",
    "align": "experiments.align",
    "ArrayTask": "tasks.arrays",
    "Benchmark": "experiments.benchmark",
    "BouncingBall": "tasks.ball",
    "ChaoticSeries": "tasks.chaos",
    "Circuit": "spec.circuit",
    "compare": "experiments.compare",
    "Connection": "spec.connection",
    "DelayedCopy": "tasks.memory",
    "DelayedMatch": "tasks.match",
    "EvidenceAccumulation": "tasks.evidence",
    "FlipFlop": "tasks.memory",
    "InputError": "errors",
    "Integrator": "tasks.memory",
    "LiveView": "results.plots.live",
    "load": "results.result",
    "Neuron": "spec.model",
    "open_study": "studies.sweep",
    "PatternGeneration": "tasks.pattern",
    "PlainNetwork": "engines.brian.plain",
    "Protocol": "spec.protocol",
    "read_neuron": "spec.model",
    "read_rule": "spec.model",
    "report": "results.report.write",
    "reproduce": "experiments.reproduce",
    "Reproduction": "experiments.reproduction",
    "Result": "results.result",
    "Rule": "spec.model",
    "scoreboard": "experiments.verdict.scoreboard",
    "Stretched": "tasks.stretched",
    "sweep": "studies.sweep",
    "train": "training.train",
    "verdict": "experiments.verdict.judging",
    "Weights": "spec.weights",
}
_MODULES = {"export": "results.export", "plots": "results.plots", "recordings": "results.recordings"}
__all__ = sorted([*_HOMES, *_MODULES])
__version__ = "0.1.0"

# In a clone the models lie beside the package, not in it: autapse_sim.models is found there.
if not (Path(__file__).parent / "models").is_dir():
    __path__.append(str(Path(__file__).parent.parent))


if not TYPE_CHECKING:  # who reads the types knows the names above, and takes no other one for any of them

    def __getattr__(name: str) -> Any:
        if name in _MODULES:
            return import_module(f"{__name__}.{_MODULES[name]}")
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
