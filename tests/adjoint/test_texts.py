"""Neurons that nobody wrote: their forward sweep is the reference's, their gradients are finite differences."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from grammar import case_of
from test_finite_differences import WEIGHTS, differences
from test_finite_differences import job_of as smooth_job
from test_reference import difference

from autapse_sim.engines import reference
from autapse_sim.engines.adjoint.simulate import gradients, simulate
from autapse_sim.errors import InputError
from autapse_sim.spec.model import read_neuron
from autapse_sim.spec.written import model_text

OPTIONS = ("substeps", "activation", "returned", "loss", "delay", "neurons")


def job_of(seed: int, folder: Path):
    """A circuit of a drawn neuron, whose spikes have no slope, so that they are constants as the differences see it."""
    case, path = case_of(seed), folder / f"neuron_{seed}.py"
    path.write_text(case.neuron)
    model = read_neuron(str(path))
    if model.threshold:
        path.write_text(model_text("Neuron", replace(model, pseudo_derivative="0")))
    options = {name: value for name, value in case.circuit.items() if name in OPTIONS}
    return smooth_job(path, scale=0.7, steps=8, **options)


def worst(job, step):
    """The largest difference to finite differences, relative to the largest slope by the same weights."""
    mine, (theirs, _) = gradients(job), differences(job, step)
    return max(np.abs(mine[name][0] - theirs[name]).max() / max(np.abs(theirs[name]).max(), 1e-4) for name in WEIGHTS)


def judged(seed: int, folder: Path) -> str:
    """What became of a case."""
    try:
        job = job_of(seed, folder)
        found = worst(job, 1e-6)
    except InputError:
        return "refused"
    if found > 1e-5:  # a bend within the differences, or a spike that moves; rounding, of what hardly slopes
        found = min(found, worst(job, 1e-8))
    learn = replace(job.circuit, rule="autapse", learn=("V",))
    still = replace(job, circuit=learn, parameters=job.parameters | {"eta_out": np.full(1, 0.03)})
    mine, right = simulate(replace(still, circuit=replace(learn, rule="bptt"))), reference.simulate(still)
    return "right" if found < 1e-4 and difference(mine, right) < 1e-10 else f"wrong by {found}"


def assert_right(seeds, folder):
    kinds = {seed: judged(seed, folder) for seed in seeds}
    counted = Counter(kinds.values())
    assert counted["right"] + counted["refused"] == len(kinds), {k: v for k, v in kinds.items() if "wrong" in v}
    assert counted["right"] > 0.7 * len(kinds)


def test_gradients_of_neurons_that_nobody_wrote(tmp_path):
    assert_right(range(12), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 300, 50))
def test_gradients_of_many(first, tmp_path):
    assert_right(range(first, first + 50), tmp_path)
