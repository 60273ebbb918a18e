"""Pattern generation: frozen targets as published, and the control that knows no time."""

import numpy as np
import pytest

from autapse_sim.errors import InputError
from autapse_sim.tasks.pattern import PatternGeneration


def draw(task, replicates=3, trajectories=4, seed=0):
    return task.sample(np.random.default_rng(seed), replicates, trajectories)


def test_murrays_target():
    x, y = draw(PatternGeneration())
    t = np.arange(100)
    w = 2 * np.pi / 100
    expected = np.sin(w * t) + np.sin(2 * w * t) / 2 + np.sin(4 * w * t) / 4
    np.testing.assert_allclose(y, np.broadcast_to(expected[:, None], (3, 4, 100, 1)), atol=1e-12)
    assert (x[:, :, 0] == 1).all()
    assert (x[:, :, 1:] == 0).all()
    np.testing.assert_array_equal(PatternGeneration().scored, t > 0)


def test_the_target_of_nests_example():
    """Four sines of 1, 2, 3 and 5 cycles: nothing else in the spectrum, and another for each replicate."""
    task = PatternGeneration("nest")
    x, y = draw(task)
    assert x.shape == (3, 4, 1000, 100)
    assert set(np.unique(x)) == {0, 1}
    assert abs(x[:, 0].mean() - 0.05) < 0.002
    np.testing.assert_array_equal(y[:, :, 0], 0)
    np.testing.assert_allclose(np.abs(y).max(axis=2), 1)
    # the last sample closes the cycle, so the spectrum is that of the others
    spectrum = np.abs(np.fft.rfft(y[:, 0, :-1, 0], axis=1)) / 999
    assert (spectrum[:, [1, 2, 3, 5]] > 0.03).all()
    assert spectrum[:, np.setdiff1d(np.arange(1, 500), [1, 2, 3, 5])].max() < 1e-12
    assert np.abs(y[0] - y[1]).max() > 0.1
    assert task.scored is None
    assert PatternGeneration(stimulus="constant").scored is None


@pytest.mark.parametrize("task", [PatternGeneration(), PatternGeneration("nest", steps=50, channels=5)])
def test_all_is_frozen_and_depends_on_nothing_else(task):
    many, few = draw(task, 5, 6), draw(task, 2, 3)
    for a, b in zip(many, few, strict=True):
        np.testing.assert_array_equal(a[:2, :3], b)
        assert (a == a[:, :1]).all()
        assert not a.flags.writeable
    assert (many[0].shape[3], many[1].shape[3], many[0].shape[2]) == (task.inputs, task.outputs, task.steps)
    assert task.blanked is None


@pytest.mark.parametrize(("stimulus", "mean"), [("none", 0), ("pulse", 0.01), ("constant", 1)])
def test_stimuli(stimulus, mean):
    x, _ = draw(PatternGeneration(stimulus=stimulus, channels=3))
    assert x.shape[3] == 3
    np.testing.assert_allclose(x.mean(), mean)


def test_no_constant_does_better_than_the_floor():
    task = PatternGeneration()
    x, y = draw(task)
    floor = task.floors(x, y)["constant"]
    np.testing.assert_allclose(floor, (1 + 1 / 4 + 1 / 16) / 2, rtol=0.02)
    for constant in np.linspace(-1, 1, 21):
        assert (np.square(y[:, :, 1:] - constant).mean(axis=(1, 2, 3)) >= floor - 1e-12).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"form": "murry"}, "unknown form 'murry'; did you mean 'murray'"),
        ({"stimulus": "spike"}, "unknown stimulus 'spike'; did you mean 'spikes'"),
        ({"steps": 1}, "steps is 1; it must be a whole number of at least 2"),
        ({"form": "nest", "steps": 2}, "steps is 2; it must be a whole number of at least 3"),
        ({"channels": 0}, "channels is 0"),
        ({"probability": 2}, "probability is 2"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(InputError, match=message):
        PatternGeneration(**parameters)
