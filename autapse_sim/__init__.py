"""A bench that settles whether a learning rule works in a recurrent circuit.

Imports are lazy: `import autapse_sim` takes milliseconds, and Brian2 is imported when a circuit is built.
"""

from importlib import import_module
from pathlib import Path

_HOMES = {
    "Activation": "model",
    "AddTask": "tasks.add",
    "ArrayTask": "tasks.arrays",
    "BouncingBall": "tasks.ball",
    "ChaoticSeries": "tasks.chaos",
    "Circuit": "circuit",
    "Connection": "model",
    "DelayedCopy": "tasks.memory",
    "EvidenceAccumulation": "tasks.evidence",
    "FlipFlop": "tasks.memory",
    "InputError": "errors",
    "Integrator": "tasks.memory",
    "Neuron": "model",
    "PatternGeneration": "tasks.pattern",
    "Protocol": "protocol",
    "Result": "results",
    "Rule": "model",
    "Weights": "weights",
    "compare": "comparison",
    "load": "results",
    "open_study": "studies.sweep",
    "sweep": "studies.sweep",
    "train": "experiment",
    "verdict": "experiments.verdict.judging",
}
__all__ = sorted(_HOMES)
__version__ = "0.1.0"

# In a clone the models lie beside the package, not in it: autapse_sim.models is found there.
if not (Path(__file__).parent / "models").is_dir():
    __path__.append(str(Path(__file__).parent.parent))


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
