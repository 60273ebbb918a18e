"""Small jobs that several tests run."""

from dataclasses import replace

import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.experiment import draw, resolve_parameters
from autapse_sim.job import Job
from autapse_sim.protocol import Schedule


@pytest.fixture(scope="session", autouse=True)
def own_program_cache(tmp_path_factory):
    """Compiled programs of the tests stay out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTAPSE_CACHE", str(tmp_path_factory.mktemp("programs")))
        yield


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
