"""What compiled sweeps keep of traces: those that are asked for, on their way to a file, a trajectory at a time."""

from dataclasses import replace

import numpy as np
import pytest
from test_compiled import HOW, job_of

from autapse_sim.engines import arrays
from autapse_sim.engines.adjoint.compiled.run import simulate
from autapse_sim.engines.brian.compiler import compiler
from autapse_sim.experiments.benchmark import benchmarks
from autapse_sim.experiments.verdict import trial
from autapse_sim.experiments.verdict.methods import Method

pytestmark = pytest.mark.skipif(not compiler(), reason="needs a C++ compiler")


@pytest.mark.parametrize("lanes", HOW)
@pytest.mark.parametrize("neuron", ["rate", "alif"])
def test_traces_that_are_asked_for_alone_are_the_same(neuron, lanes, monkeypatch):
    monkeypatch.setattr(arrays, "LARGE", 1)  # all files are mapped
    job = job_of(neuron, neurons=20 if lanes == "Single" else 6, updates=3, **HOW[lanes])
    every = simulate(job, processes=1).traces
    for names in (("activity",), ("feedback",), ("error", "activity"), ("spikes",), ()):
        some = simulate(replace(job, recorded=names), processes=1).traces
        assert some.keys() == {*names} & every.keys()
        assert all(np.array_equal(some[name], every[name]) for name in some)
    every["activity"] *= 2  # what was mapped is one's own


def test_memory_does_not_grow_with_what_is_kept():
    job = job_of("lif", replicates=30, steps=200, updates=30)
    every = replace(job, traced=np.arange(30), schedule=replace(job.schedule, trace=np.ones_like(job.schedule.trace)))
    kept, most = simulate(every, processes=1), simulate(job, processes=1).memory
    assert sum(values.nbytes for values in kept.traces.values()) > 2e7
    assert 0 < kept.memory < most + 5e6


def test_read_outs_are_refitted_to_networks_together_or_alone(monkeypatch):
    setting = benchmarks()["pattern-lif"].changed(neurons=20)
    setting = replace(setting, protocol=replace(setting.protocol, train=3))
    seeds, method, floors = (0, 0), Method(None), trial.FLOORS[:2]
    given, protocol = trial.drawn(setting, method, seeds, 3), trial.protocol_of(setting, method, seeds, 3)
    scales = np.linspace(0.5, 1.5, 6)[:, None, None]
    weights = given.weights.take(np.tile(np.arange(3), 2))
    weights = replace(weights, W=weights.W * scales)
    together = trial.refit_error(setting, given, protocol, weights, floors)
    monkeypatch.setattr(trial, "ROOM", {True: 1, False: 1})
    alone = trial.refit_error(setting, given, protocol, weights, floors)
    np.testing.assert_array_equal(alone, together)
    assert len(np.unique(together[:, 0])) == 6
