"""Model files and experiments in a line, for tests of what equations mean."""

from pathlib import Path

import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.engines.brian.compiler import compiler

ENGINES = ["runtime", "reference"] + (["standalone"] if compiler() else [])
SAMPLED = [pytest.param(name, marks=[pytest.mark.slow] * (name == "standalone")) for name in ENGINES]
"""What is compiled has the code of the runtime mode, and takes longer to build."""
EXACT = 1e-12
UNITS = "from brian2 import *\nfrom autapse_sim import *\n"


class Files:
    """Writes model files into a folder."""

    def __init__(self, folder: Path):
        self.folder = folder

    def rule(self, update: str, name: str = "rule", **fields: object) -> str:
        """The path of a rule file."""
        return self._write(name, "rule = Rule", update=update, **fields)

    def neuron(self, equations: str, name: str = "neuron", **fields: object) -> str:
        """The path of a neuron file."""
        return self._write(name, "neuron = Neuron", equations=equations, **fields)

    def _write(self, name: str, what: str, **fields: object) -> str:
        path = self.folder / f"{name}.py"
        written = ",\n".join(f"    {key}={value if key in CODE else repr(value)}" for key, value in fields.items())
        path.write_text(f"{UNITS}{what}(\n{written},\n)\n")
        return str(path)


CODE = ("parameters", "connections", "activations")
"""Fields that are given as code, not as text."""

RELAY = dict(
    equations="do/dt = -o/tau_o : 1\nactivity = o : 1\nsent = spiked*step/dt : 1",
    threshold="input > 0.5",
    reset="o += 1",
    refractory="t_ref",
    parameters="{'tau_o': 20*ms, 't_ref': 1*ms}",
)
"""A neuron that spikes once in each step in which its input is above one half, whatever the weights are."""


def weights(n: int, inputs: int, outputs: int, seed: int = 0, scale: float = 0.5, replicates: int = 1) -> ap.Weights:
    """Random weights."""
    rng = np.random.default_rng(seed)
    shapes = {"W": (n, n), "U": (n, inputs), "V": (outputs, n), "B": (n, outputs)}
    return ap.Weights(**{name: scale * rng.normal(size=(replicates, *shape)) for name, shape in shapes.items()})


def spikes_only(n: int = 2) -> ap.Weights:
    """Weights for a relay: each neuron sees its own input, and nothing else is connected."""
    zero = np.zeros((1, n, n))
    return ap.Weights(zero, np.eye(n)[None], zero, zero)


def trained(circuit, x, y=None, engine="runtime", start=None, parameters=None, **protocol):
    """The dataset of a small experiment on given trajectories (K, T, m) and (K, T, c)."""
    x = np.asarray(x, dtype=float)
    y = x if y is None else np.asarray(y, dtype=float)
    how = {"replicates": 1, "train": len(x), "validate": 0, "test": 0, **protocol}
    task = ap.ArrayTask(x[None], y[None])
    return ap.train(circuit, task, ap.Protocol(**how), start, parameters, engine=engine).data


def pulses(steps, *times):
    """A stimulus (1, steps, neurons) with a pulse of each neuron at a time."""
    x = np.zeros((1, steps, len(times)))
    for neuron, time in enumerate(times):
        x[0, time, neuron] = 1
    return x
