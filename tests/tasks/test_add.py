"""The add task: coins with the odds they should have, and floors that the ideal predictors reach."""

import numpy as np
import pytest

from autapse_sim.errors import InputError
from autapse_sim.tasks.add import AddTask


def draw(task, replicates=2, trajectories=3, seed=0):
    return task.sample(np.random.default_rng(seed), replicates, trajectories)


def test_the_odds_follow_both_lags():
    task = AddTask(steps=2000, t1=3, t2=5)
    x, y = draw(task, 2, 10)
    np.testing.assert_array_equal(x.sum(axis=-1), 1)
    np.testing.assert_array_equal(y.sum(axis=-1), 1)
    np.testing.assert_array_equal(task.scored, np.arange(2000) >= 5)
    first, second, heads = x[:, :, 2:-3, 0], x[:, :, :-5, 0], y[:, :, 5:, 0]
    for one, other, odds in ((0, 0, 0.5), (0, 1, 0.25), (1, 0, 1.0), (1, 1, 0.75)):
        shown = (first == one) & (second == other)
        assert shown.sum() > 5000
        np.testing.assert_allclose(heads[shown].mean(), odds, atol=0.02)
    # no other lag tells anything
    for lag in (0, 1, 4, 6):
        assert abs(np.corrcoef(x[:, :, 6 - lag : 2000 - lag, 0].ravel(), y[:, :, 6:, 0].ravel())[0, 1]) < 0.02
    # nor is what came before the start worth less
    np.testing.assert_allclose(draw(AddTask(steps=11), 1, 5000)[1][..., 0].mean(), 0.625, atol=0.02)


def test_ideal_predictors_reach_the_floors_and_no_more():
    task = AddTask(steps=3000, t1=3, t2=5)
    x, y = draw(task, 3, 4)
    first, second, heads = x[:, :, 2:-3, 0], x[:, :, :-5, 0], y[:, :, 5:, 0]
    guesses = {
        "no memory": np.full(heads.shape, 0.625),
        "first lag": 0.375 + 0.5 * first,
        "both lags": 0.5 + 0.5 * first - 0.25 * second,
    }
    floors = task.floors(x, y)
    assert floors.keys() == guesses.keys()
    for name, p in guesses.items():
        assert floors[name].shape == (3,)
        loss = -np.log(np.where(heads == 1, p, 1 - p)).mean()
        np.testing.assert_allclose(loss, floors[name][0], atol=0.012)
        shy = 0.9 * p + 0.1 * 0.3
        assert -np.log(np.where(heads == 1, shy, 1 - shy)).mean() > loss
    values = [floors[name][0] for name in ("no memory", "first lag", "both lags")]
    np.testing.assert_allclose(values, [0.6616, 0.5192, 0.4545], atol=5e-5)


def test_draws_depend_on_nothing_else():
    for a, b in zip(draw(AddTask(), 4, 6), draw(AddTask(), 2, 3), strict=True):
        assert b.shape == (2, 3, 100, 2)
        np.testing.assert_array_equal(a[:2, :3], b)
    assert len(np.unique(draw(AddTask(), 4, 6)[1].reshape(24, -1), axis=0)) == 24


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"t1": 4, "t2": 4}, "t1 and t2 are both 4; the two lags must differ"),
        ({"t2": 100}, r"t2 is 100; it must be shorter than the trajectory \(100 steps\)"),
        ({"t1": -1}, "t1 is -1"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(InputError, match=message):
        AddTask(**parameters)
