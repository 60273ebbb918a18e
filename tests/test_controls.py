"""Honest controls: known answers, and nothing learned from the test trajectories."""

import numpy as np
import pytest

from autapse_sim.controls import readout_controls, stimulus_controls
from autapse_sim.errors import InputError
from autapse_sim.tasks.ball import BouncingBall

TRAIN, TEST = slice(0, 6), slice(6, 10)
AFFINE = ["affine of x(t)", "affine of 2 lags", "affine of 5 lags", "affine of 20 lags"]


def ball(replicates=3, **parameters):
    return BouncingBall(**parameters).sample(np.random.default_rng(0), replicates, 10)


def free_ball(replicates=3, steps=30, horizon=2):
    """A ball without walls."""
    rng = np.random.default_rng(0)
    start, velocity = rng.random((2, replicates, 10, 1, 2))
    position = start + 0.05 * velocity * np.arange(steps + horizon)[:, None]
    return position[:, :, :steps].copy(), position[:, :, horizon:].copy()


def test_names_and_shapes():
    x, y = ball()
    controls = stimulus_controls(x, y, TRAIN, TEST, horizon=1, blanked=np.zeros(100, dtype=bool))
    simple = ["training mean", "persistence", "linear extrapolation", "hold last seen"]
    assert list(controls) == simple + AFFINE
    assert all(prediction.shape == (3, 4, 100, 2) for prediction in controls.values())


def test_training_mean_and_persistence():
    x, y = ball()
    controls = stimulus_controls(x, y, TRAIN, TEST)
    for r in range(3):
        for coordinate in range(2):
            np.testing.assert_allclose(controls["training mean"][r, ..., coordinate], y[r, :6, :, coordinate].mean())
    np.testing.assert_array_equal(controls["persistence"], x[:, 6:])
    assert "linear extrapolation" not in controls
    assert "hold last seen" not in controls


def test_linear_extrapolation_is_exact_without_walls():
    x, y = free_ball(horizon=2)
    prediction = stimulus_controls(x, y, TRAIN, TEST, horizon=2)["linear extrapolation"]
    np.testing.assert_allclose(prediction[:, :, 1:], y[:, 6:, 1:], atol=1e-12)
    np.testing.assert_array_equal(prediction[:, :, 0], x[:, 6:, 0])


def test_two_lags_are_exact_for_a_free_ball():
    x, y = free_ball()
    y[:, :, 0] = x[:, :, 0]  # without history the velocity is unknown; this is what the same map gives for it
    controls = stimulus_controls(x, y, TRAIN, TEST)
    assert np.abs(controls["affine of x(t)"] - y[:, 6:]).max() > 1e-3
    for name in AFFINE[1:]:
        np.testing.assert_allclose(controls[name], y[:, 6:], atol=1e-8)


def test_affine_maps_match_least_squares_with_the_first_observation_as_history():
    x, y = ball(noise=0.02)
    for name, lags in zip(AFFINE, (1, 2, 5, 20), strict=True):
        padded = np.concatenate([np.repeat(x[:, :, :1], lags, axis=2), x], axis=2)
        columns = [padded[:, :, lags - lag : lags - lag + 100] for lag in range(lags)]
        design = np.concatenate([*columns, np.ones((3, 10, 100, 1))], axis=-1)
        fit = np.linalg.lstsq(design[1, TRAIN].reshape(600, -1), y[1, TRAIN].reshape(600, -1), rcond=None)[0]
        np.testing.assert_allclose(
            stimulus_controls(x, y, TRAIN, TEST)[name][1], design[1, TEST] @ fit, rtol=0, atol=1e-9
        )


def test_nothing_is_learned_from_test_targets():
    x, y = ball()
    changed = y.copy()
    changed[:, TEST] = 7
    before, after = (stimulus_controls(x, target, TRAIN, TEST, horizon=1) for target in (y, changed))
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])


def test_hold_last_seen_bridges_the_blanks():
    task = BouncingBall(steps=10, occlusion=(2, 5))
    x, y = task.sample(np.random.default_rng(0), 3, 10)
    held = stimulus_controls(x, y, TRAIN, TEST, blanked=task.blanked)["hold last seen"]
    np.testing.assert_array_equal(held, x[:, 6:, [0, 1, 2, 2, 2, 5, 6, 7, 7, 7]])


def test_short_trajectories_have_no_long_lags():
    x, y = ball(steps=4)
    assert [name for name in stimulus_controls(x, y, TRAIN, TEST) if "affine" in name] == AFFINE[:2]


def test_without_training_trajectories_nothing_is_fitted():
    x, y = ball()
    assert list(stimulus_controls(x, y, slice(0, 0), TEST, horizon=1)) == ["persistence", "linear extrapolation"]


def test_with_other_coordinates_only_fitted_controls_remain():
    x, y = ball()
    assert list(stimulus_controls(x, y[..., :1], TRAIN, TEST, horizon=1)) == ["training mean", *AFFINE]


def test_a_constant_stimulus_predicts_the_mean():
    x, y = ball()
    controls = stimulus_controls(np.full_like(x, 1 / 3), y, TRAIN, TEST)
    for name in AFFINE:
        np.testing.assert_allclose(controls[name], controls["training mean"], rtol=1e-12)


def test_readout_recovers_an_affine_map_at_any_scale():
    rng = np.random.default_rng(0)
    activity = rng.normal(size=(2, 10, 40, 5))
    y = activity @ rng.normal(size=(2, 1, 5, 3)) + 4
    scaled = activity * [1e-9, 1, 1e6, 1, 1] + [0, 1e3, 0, 0, 0]
    np.testing.assert_allclose(readout_controls(scaled[:, TRAIN], y[:, TRAIN], scaled[:, TEST]), y[:, TEST], atol=1e-9)


def test_readout_of_diverged_activity_is_nan():
    activity = np.random.default_rng(0).normal(size=(2, 10, 40, 5))
    y = activity[..., :2]
    activity[1, 7, 3, 0] = np.inf
    prediction = readout_controls(activity[:, TRAIN], y[:, TRAIN], activity[:, TEST])
    np.testing.assert_allclose(prediction[0], y[0, TEST], atol=1e-12)
    assert np.isnan(prediction[1]).all()


def test_readout_needs_training_trajectories():
    empty = np.empty((2, 0, 40, 5))
    with pytest.raises(InputError, match="there are no training trajectories"):
        readout_controls(empty, empty, empty)
