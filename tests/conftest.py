"""Small jobs that several tests run."""

import gc
import os
from collections import Counter
from dataclasses import replace
from functools import cache
from importlib import import_module

import hypothesis
import numpy as np
import precompiled
import pytest
import xarray as xr
from here import Here

import autapse_sim as ap
from autapse_sim.results.result import git_state
from autapse_sim.spec.job import Job
from autapse_sim.spec.protocol import Schedule
from autapse_sim.training.declared import resolve_parameters
from autapse_sim.training.draws import draw

# Examples of the property tests: the same hundred in every default run; --hypothesis-profile=ci or many for more.
COMMON = {"deadline": 20_000, "database": None, "suppress_health_check": list(hypothesis.HealthCheck)}
hypothesis.settings.register_profile("default", max_examples=100, derandomize=True, **COMMON)
hypothesis.settings.register_profile("ci", max_examples=500, derandomize=False, **COMMON)
hypothesis.settings.register_profile("many", max_examples=3000, derandomize=False, **COMMON)
hypothesis.settings.load_profile("default")


BY_DEFAULT = {"standalone": 1, "runtime": 1}
"""So many cases of a test run in these engines by default: a program takes seconds to compile. The others are slow."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what a default run leaves out."""
    seen = Counter()
    for item in items:
        engine = getattr(item, "callspec", None) and item.callspec.params.get("engine")
        if engine in BY_DEFAULT and item.get_closest_marker("slow") is None:
            seen[item.function, engine] += 1
            if seen[item.function, engine] > BY_DEFAULT[engine]:
                item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session", autouse=True)
def slow_modules():
    """What most tests import sooner or later."""
    for name in ("autapse_sim.engines.brian.session", "matplotlib.pyplot", "scipy.stats"):
        import_module(name)


@pytest.fixture(autouse=True)
def old_objects_are_left_alone(slow_modules):
    """Brian2 collects garbage at each run, which then need not look at what was imported and kept before."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """A folder for all workers of a run."""
    mine = tmp_path_factory.getbasetemp()
    return mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine


@pytest.fixture(scope="session", autouse=True)
def own_programs(shared_folder):
    """Compiled programs of the tests stay out of the user's cache, and compile fast."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTAPSE_CACHE", str(shared_folder / "programs"))
        patch.setenv("AUTAPSE_CXXFLAGS", precompiled.flags(shared_folder, precompiled.CHEAP))
        yield


@pytest.fixture(scope="session", autouse=True)
def one_commit():
    """All results of a run are of one commit: git is asked once, for that takes longer than many a job."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autapse_sim.results.result.git_state", cache(git_state))
        yield


@pytest.fixture(scope="module")
def fast_programs(shared_folder):
    """Programs that are compiled as those of users are, where what the optimiser makes of them may matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTAPSE_CXXFLAGS", precompiled.flags(shared_folder))
        yield


def run_here():
    """What runs on all cores otherwise runs in this process: to start another one takes longer than a small unit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("autapse_sim.studies.workers.Crew", lambda size=1: Here())
        yield


no_workers = pytest.fixture(run_here, scope="module")
without_workers = pytest.fixture(run_here)
"""The same for one test."""


@pytest.fixture
def make_job():
    """A job of the ball: by default 200 steps of one trajectory for the paper's network."""

    def make(
        rule="autapse",
        neurons=2,
        replicates=1,
        steps=200,
        train=1,
        validate=0,
        test=0,
        update="step",
        parameters=None,
        biases=False,
        **circuit,
    ):
        protocol = ap.Protocol(
            replicates=replicates, train=train, validate=validate, test=test, update=update, validate_every=2, record=2
        )
        readout = "identity" if neurons == 2 else "random"
        description = ap.Circuit(rule=rule, neurons=neurons, **{"readout": readout, "feedback": "random", **circuit})
        drawn = draw(description, ap.BouncingBall(steps=steps), protocol)
        weights = drawn.weights
        if biases:
            rng = np.random.default_rng(7)
            weights = replace(weights, b=rng.normal(size=(replicates, neurons)), c=rng.normal(size=(replicates, 2)))
        values = resolve_parameters(description, parameters or {}, replicates)
        index = np.arange(replicates)
        schedule = Schedule.of(protocol)
        return Job(description, drawn.x, drawn.y, index, weights, values, schedule, update, index[:2], drawn.seeds)

    return make


@pytest.fixture
def spiking():
    """A made-up result of 5 spiking neurons, neuron 3 silent, over 40 ms; of 3 replicates 0 and 1 are recorded."""
    generator = np.random.default_rng(0)
    phases, shape = ["training 1", "training 9", "test 1"], (2, 3, 40)
    counts = (generator.random((*shape, 5)) < [0.1, 0.3, 0.5, 0, 0.2]).astype(float)
    counts[0, 2, 7, 0] = 2
    activity = np.cumsum(counts, axis=2) / 20
    names = ("recorded", "phase", "step", "neuron")
    volts, box = {"units": "mV"}, {"units": "box lengths"}
    return ap.Result(
        xr.Dataset(
            {
                "trace_spikes": (names, counts),
                "trace_activity": (names, activity),
                "trace_o": (names, activity),
                "trace_k": (names, activity**2),
                "trace_v": (names, -60 + generator.normal(size=counts.shape), volts),
                "trace_feedback": (names, activity - 1),
                "trace_error": ((*names[:3], "coordinate"), generator.normal(size=(*shape, 2))),
                "trace_stimulus": ((*names[:3], "input"), generator.random((*shape, 2)), box),
                "W": (("replicate", "post", "pre"), generator.normal(0, 0.4, (3, 5, 5))),
            },
            coords={"phase": phases, "recorded": [0, 1], "replicate": [0, 1, 2]},
            attrs={"rule": "autapse", "seed": 3},
        )
    )
