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
        ([[1.0], [1.0, 2.0]], Y, "x is not an array of numbers"),
        (X.astype(complex), Y, "x is not an array of numbers: it holds complex128"),
        (np.ma.array(X), Y, "x is a masked array; give plain numbers"),
        ([np.ma.array(x) for x in X], Y, "x is a masked array"),
        (X, np.where(Y > 1, np.inf, Y), r"y\[.*\] is inf; a target must be finite, or NaN where it does not count"),
        (X, np.full(Y.shape, np.nan), "no target counts in trajectory 0 of replicate 0"),
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


SOME = RNG.random((3, 5, 7)) < 0.5


@pytest.mark.parametrize("scored", [SOME[0, 0], SOME[0], SOME, SOME[..., None], SOME.tolist()])
def test_a_mask_goes_into_the_target(scored):
    task = ArrayTask(X, Y, scored)
    counts = np.asarray(scored) if np.ndim(scored) == 4 else np.asarray(scored)[..., None]
    np.testing.assert_array_equal(task.y, np.where(counts, Y, np.nan))
    np.testing.assert_array_equal(np.isnan(task.sample(RNG, 2, 4)[1]), np.isnan(task.y[:2, :4]))
    assert np.isnan(task.y).any()
    assert not np.isnan(Y).any()
    assert getattr(task, "scored", None) is None  # the target says it all


def test_nan_in_a_target_stays():
    y = np.where(SOME[..., None], Y, np.nan)
    np.testing.assert_array_equal(ArrayTask(X, y).y, y)


@pytest.mark.parametrize(
    ("scored", "message"),
    [
        (SOME[:, :, :6], r"array task: scored has shape \(3, 5, 6\); expected bools of shape \(T,\) = \(7,\)"),
        (SOME * 1.0, "array task: scored holds float64"),
        (SOME & (np.arange(5) != 3)[:, None], "array task: no target counts in trajectory 3 of replicate 0"),
    ],
)
def test_what_is_no_mask_is_refused(scored, message):
    with pytest.raises(InputError, match=message):
        ArrayTask(X, Y, scored)


def test_small_integers_do_not_wrap():
    x = np.full((1, 2, 3, 3), [200, 50, 50], dtype=np.uint8)
    task = ArrayTask(x, x[..., :1])
    assert (task.x.dtype, task.y.dtype) == (float, float)
    np.testing.assert_array_equal(task.x.sum(axis=-1), 300)
