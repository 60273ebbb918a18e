"""Tasks of NeuroGym are tasks: draws that do not hang on neighbours, and refusals by name."""

import sys

import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.errors import InputError
from autapse_sim.tasks.library import task_called

NAME = "neurogym:PerceptualDecisionMaking"


@pytest.fixture
def gym():
    try:
        import neurogym  # noqa: F401
    except ImportError:
        pytest.skip("NeuroGym and PyTorch are not installed")


@pytest.mark.usefixtures("gym")
def test_draws_are_observations_and_right_actions():
    task = task_called(NAME, {"steps": 60, "dt": 20})
    x, y = task.sample(np.random.default_rng(0), 3, 4)
    assert x.shape == (3, 4, 60, task.inputs)
    assert y.shape == (3, 4, 60, task.outputs)
    np.testing.assert_array_equal(y.sum(axis=-1), 1)
    assert x.std() > 0.1
    longer = task_called(NAME, {"steps": 400, "dt": 20})
    assert longer.sample(np.random.default_rng(0), 1, 2)[1][..., 1:].any()  # a choice is asked for in a longer one


@pytest.mark.usefixtures("gym")
def test_draws_do_not_hang_on_neighbours():
    task = task_called(NAME, {"steps": 40})
    x, _ = task.sample(np.random.default_rng(5), 3, 4)
    fewer, _ = task.sample(np.random.default_rng(5), 2, 3)
    np.testing.assert_array_equal(fewer, x[:2, :3])
    other, _ = task.sample(np.random.default_rng(6), 2, 3)
    assert (other != fewer).any()


@pytest.mark.usefixtures("gym")
def test_what_an_environment_remembers_follows_from_the_seed_and_the_trajectory_alone():
    task = task_called("neurogym:HierarchicalReasoning", {"steps": 600})  # a rule that changes from block to block
    x, y = task.sample(np.random.default_rng(0), 2, 3)
    again = task.sample(np.random.default_rng(0), 2, 3)
    assert all((one == other).all() for one, other in zip(again, (x, y), strict=True))
    rng = np.random.default_rng(0)
    rng.spawn(1)
    alone = task.sample(rng, 1, 3)
    assert all((one == other[1:]).all() for one, other in zip(alone, (x, y), strict=True))
    for rule in (1, 2):  # both are asked for
        assert y[..., rule].any()


@pytest.mark.usefixtures("gym")
def test_networks_learn_it():
    circuit = ap.Circuit(rule="rflo", neurons=8, readout="random", activation="tanh", learn=("W", "V", "c"))
    result = ap.train(
        circuit, task_called(NAME), ap.Protocol(replicates=2, train=5, validate=2, test=2), engine="runtime"
    )
    assert np.isfinite(result.data.mse).all()
    assert "PerceptualDecisionMaking" in result.data.attrs["task"]


@pytest.mark.usefixtures("gym")
def test_refusals():
    with pytest.raises(InputError, match="did you mean 'PerceptualDecisionMaking'"):
        task_called("neurogym:PerceptualDecisonMaking")
    with pytest.raises(InputError, match="cannot be made"):
        task_called(NAME, {"nonsense": 1})
    with pytest.raises(InputError, match="does not say beforehand which action is right"):
        task_called("neurogym:Bandit")
    with pytest.raises(InputError, match="is not one of its 3 actions"):
        task_called("neurogym:Reaching1D")


def test_without_neurogym(monkeypatch):
    monkeypatch.setitem(sys.modules, "neurogym", None)
    with pytest.raises(InputError, match=r"pip install autapse_sim\[neurogym\]"):
        task_called(NAME)
