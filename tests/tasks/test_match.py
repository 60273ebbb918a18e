"""Delayed match to sample, and tasks that are stretched."""

from itertools import pairwise

import numpy as np
import pytest

import autapse_sim as ap
from autapse_sim.errors import InputError

TASK = ap.DelayedMatch(fixation=5, cue=40, delay=10, decision=6, population=8, probability=0.5)
A, B = slice(5, 45), slice(55, 95)


def test_the_target_says_whether_the_two_stimuli_are_the_same():
    x, y = TASK.sample(np.random.default_rng(0), replicates=3, trajectories=200)
    fired = x.reshape(*x.shape[:3], 4, 8).sum(axis=-1)
    shown = [np.argmax(fired[:, :, part, :2].sum(axis=2), axis=-1) for part in (A, B)]
    assert (np.argmax(y[:, :, -1], axis=-1) == (shown[0] != shown[1])).all()
    for side in (shown[0] == 1, shown[1] == 1, shown[0] == shown[1]):
        assert 0.42 < side.mean() < 0.58
    for start, end in pairwise([0, 5, 45, 55, 95]):
        quiet = fired[:, :, start:end, :2].sum(axis=(2, 3)).mean()
        assert (quiet > 0) == (start in (5, 55))
    assert fired[..., 3].mean() == pytest.approx(1, abs=0.05)
    assert (fired[:, :, :95, 2] == 0).all()
    assert y[:, :, :95].sum() == 0


def test_draws_are_those_of_the_replicate():
    x, _ = TASK.sample(np.random.default_rng(0), replicates=3, trajectories=4)
    few, _ = TASK.sample(np.random.default_rng(0), replicates=2, trajectories=2)
    assert (x[:2, :2] == few).all()


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="probability is 2"):
        ap.DelayedMatch(probability=2)
    with pytest.raises(InputError, match="cue is 0"):
        ap.DelayedMatch(cue=0)
    with pytest.raises(InputError, match="times is 0"):
        ap.Stretched(TASK, times=0)


def test_a_stretched_task_is_the_same_held_for_longer():
    slow = ap.Stretched(TASK, times=3)
    x, y = TASK.sample(np.random.default_rng(1), 2, 3)
    held, wanted = slow.sample(np.random.default_rng(1), 2, 3)
    assert held.shape == (2, 3, slow.steps, slow.inputs)
    assert all((held[:, :, k::3] == x).all() and (wanted[:, :, k::3] == y).all() for k in range(3))
    assert (slow.scored == np.repeat(TASK.scored, 3)).all()
    hidden = ap.Stretched(ap.BouncingBall(steps=4, occlusion=(1, 2)), times=2)
    assert hidden.blanked.astype(int).tolist() == [0, 0, 1, 1, 0, 0, 1, 1]
    assert hidden.units == "box lengths"
    assert slow.blanked is None


def test_controls_of_a_stretched_task_see_what_its_stimulus_shows():
    few = ap.Protocol(replicates=2, train=2, validate=0, test=2)
    told = {}
    for centred in (False, True):
        task = ap.Stretched(ap.BouncingBall(steps=10, centred=centred), times=3)
        told[centred] = ap.train(ap.Circuit(rule="dfa"), task, few, engine="numpy").data
    errors = [data.control_mse.sel(control="persistence").values for data in told.values()]
    np.testing.assert_allclose(errors[1], errors[0], rtol=1e-12)
    assert [data.stimulus.units for data in told.values()] == ["box lengths", "1"]
