"""The user's own arrays: handed out in order, refused with a clear line."""

import numpy as np
import pytest

from autapse_sim.errors import InputError
from autapse_sim.tasks.arrays import ArrayTask

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(3, 5, 7, 2)), RNG.normal(size=(3, 5, 7, 1))


def test_sizes():
    task = ArrayTask(X, Y)
    assert (task.inputs, task.outputs, task.steps, task.blanked) == (2, 1, 7, None)


def test_hands_out_the_first_trajectories_in_order():
    x, y = ArrayTask(X, Y).sample(RNG, replicates=2, trajectories=4)
    np.testing.assert_array_equal(x, X[:2, :4])
    np.testing.assert_array_equal(y, Y[:2, :4])


def test_one_replicate_is_shared_by_all():
    x, y = ArrayTask(X[:1], Y[:1]).sample(RNG, replicates=4, trajectories=5)
    np.testing.assert_array_equal(x, np.repeat(X[:1], 4, axis=0))
    np.testing.assert_array_equal(y, np.repeat(Y[:1], 4, axis=0))


def test_keeps_a_copy():
    mine = X.copy()
    task = ArrayTask(mine, Y)
    mine[:] = 0
    np.testing.assert_array_equal(task.x, X)


def with_bad_number():
    x = X.copy()
    x[1, 2, 3, 0] = np.nan
    return x


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[0], Y, r"x has shape \(5, 7, 2\), expected 4 axes"),
        (X, Y[:, :4], r"y has .* = \(3, 4, 7\), expected \(3, 5, 7\) as x has"),
        (X[:, :0], Y[:, :0], "every axis must be at least 1 long"),
        (with_bad_number(), Y, r"x\[1, 2, 3, 0\] is nan; every number must be finite"),
        ("ball", Y, "x is not an array of numbers"),
    ],
)
def test_bad_arrays_are_refused(x, y, message):
    with pytest.raises(InputError, match=message):
        ArrayTask(x, y)


@pytest.mark.parametrize(
    ("replicates", "trajectories", "message"),
    [(3, 6, "6 trajectories are asked for .* hold 5"), (4, 5, "4 replicates are asked for, but x and y hold 3")],
)
def test_more_than_given_is_refused(replicates, trajectories, message):
    with pytest.raises(InputError, match=message):
        ArrayTask(X, Y).sample(RNG, replicates, trajectories)
