"""Honest controls: known answers, and nothing learned from the test trajectories."""

import numpy as np
import pytest

from autapse_sim.errors import InputError
from autapse_sim.spec.weights import draw_weights
from autapse_sim.tasks.ball import BouncingBall, physics
from autapse_sim.tasks.memory import DelayedCopy
from autapse_sim.training.beside import Shown, stimulus_controls
from autapse_sim.training.readouts import penalised_readout, readout_controls
from autapse_sim.training.reservoir import Reservoir, activity, tune_reservoir

TRAIN, TEST = slice(0, 6), slice(6, 10)
AFFINE = ["affine of x(t)", "affine of 2 lags", "affine of 5 lags", "affine of 20 lags"]


def ball(replicates=3, **parameters):
    return BouncingBall(**parameters).sample(np.random.default_rng(0), replicates, 10)


def controls_of(x, y, train, test, **task):
    return stimulus_controls(Shown(x, y, train, test, **task))


def free_ball(replicates=3, steps=30, horizon=2):
    """A ball without walls."""
    rng = np.random.default_rng(0)
    start, velocity = rng.random((2, replicates, 10, 1, 2))
    position = start + 0.05 * velocity * np.arange(steps + horizon)[:, None]
    return position[:, :, :steps].copy(), position[:, :, horizon:].copy()


def test_names_and_shapes():
    x, y = ball()
    controls = controls_of(x, y, TRAIN, TEST, horizon=1, blanked=np.zeros(100, dtype=bool))
    simple = ["training mean", "persistence", "linear extrapolation", "hold last seen"]
    assert list(controls) == simple + AFFINE
    assert all(prediction.shape == (3, 4, 100, 2) for prediction in controls.values())


def test_training_mean_and_persistence():
    x, y = ball()
    controls = controls_of(x, y, TRAIN, TEST)
    for r in range(3):
        for coordinate in range(2):
            np.testing.assert_allclose(controls["training mean"][r, ..., coordinate], y[r, :6, :, coordinate].mean())
    np.testing.assert_array_equal(controls["persistence"], x[:, 6:])
    assert "linear extrapolation" not in controls
    assert "hold last seen" not in controls


def test_linear_extrapolation_is_exact_without_walls():
    x, y = free_ball(horizon=2)
    prediction = controls_of(x, y, TRAIN, TEST, horizon=2)["linear extrapolation"]
    np.testing.assert_allclose(prediction[:, :, 1:], y[:, 6:, 1:], atol=1e-12)
    np.testing.assert_array_equal(prediction[:, :, 0], x[:, 6:, 0])


def test_two_lags_are_exact_for_a_free_ball():
    x, y = free_ball()
    y[:, :, 0] = x[:, :, 0]  # without history the velocity is unknown; this is what the same map gives for it
    controls = controls_of(x, y, TRAIN, TEST)
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
        np.testing.assert_allclose(controls_of(x, y, TRAIN, TEST)[name][1], design[1, TEST] @ fit, rtol=0, atol=1e-9)


def test_nothing_is_learned_from_test_targets():
    x, y = ball()
    changed = y.copy()
    changed[:, TEST] = 7
    before, after = (controls_of(x, target, TRAIN, TEST, horizon=1) for target in (y, changed))
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])


def test_hold_last_seen_bridges_the_blanks():
    task = BouncingBall(steps=10, occlusion=(2, 5))
    x, y = task.sample(np.random.default_rng(0), 3, 10)
    held = controls_of(x, y, TRAIN, TEST, blanked=task.blanked)["hold last seen"]
    np.testing.assert_array_equal(held, x[:, 6:, [0, 1, 2, 2, 2, 5, 6, 7, 7, 7]])


def test_short_trajectories_have_no_long_lags():
    x, y = ball(steps=4)
    assert [name for name in controls_of(x, y, TRAIN, TEST) if "affine" in name] == AFFINE[:2]


def test_without_training_trajectories_nothing_is_fitted():
    x, y = ball()
    assert list(controls_of(x, y, slice(0, 0), TEST, horizon=1)) == ["persistence", "linear extrapolation"]


def test_with_other_coordinates_only_fitted_controls_remain():
    x, y = ball()
    assert list(controls_of(x, y[..., :1], TRAIN, TEST, horizon=1)) == ["training mean", *AFFINE]


def test_a_constant_stimulus_predicts_the_mean():
    x, y = ball()
    controls = controls_of(np.full_like(x, 1 / 3), y, TRAIN, TEST)
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


@pytest.mark.parametrize("horizon", [0, 1, 10])
@pytest.mark.parametrize("radius", [0.0, 0.1])
def test_physics_is_exact_once_the_speed_is_known(horizon, radius):
    x, y = ball(horizon=horizon, speed=0.1, radius=radius)
    prediction = physics(x, horizon, radius, 1 - radius)
    np.testing.assert_allclose(prediction[:, :, 3:], y[:, :, 3:], atol=1e-12)
    np.testing.assert_array_equal(prediction[:, :, 0], x[:, :, 0])
    assert (np.diff(np.sign(np.diff(y, axis=2)), axis=2) != 0).sum() > 100  # walls were met
    if horizon:
        straight = controls_of(x, y, TRAIN, TEST, horizon=horizon)["linear extrapolation"]
        assert np.abs(straight[:, :, 3:] - y[:, 6:, 3:]).max() > 0.05
        assert np.abs(physics(x, horizon, -1, 2)[:, :, 3:] - y[:, :, 3:]).max() > 0.05


def test_physics_goes_on_where_nothing_is_seen():
    task = BouncingBall(horizon=0, speed=0.1, occlusion=(10, 20), centred=True)
    x, y = task.sample(np.random.default_rng(0), 3, 10)
    prediction = physics(task.observed(x), 0, blanked=task.blanked)
    np.testing.assert_allclose(prediction[:, :, 3:], y[:, :, 3:], atol=1e-12)
    assert np.abs(physics(task.observed(x), 0)[:, :, 3:] - y[:, :, 3:]).max() > 0.1


def test_physics_bears_noise():
    x, y = ball(replicates=20, horizon=5, speed=0.05, noise=0.02)
    error = ((physics(x, 5) - y) ** 2).mean()
    straight = ((controls_of(x, y, TRAIN, TEST, horizon=5)["linear extrapolation"] - y[:, 6:]) ** 2).mean()
    assert error < 0.7 * straight


def test_ridge_is_ridge():
    """The coefficients against the normal equations, and the penalty against a search by hand."""
    rng = np.random.default_rng(0)
    o, y = rng.normal(2, 3, size=(2, 10, 40, 5)), rng.normal(size=(2, 10, 40, 2))
    y += o[..., :2]
    fit, select, test = slice(0, 3), slice(3, 6), slice(6, 10)
    errors, predictions = [], []
    penalties = (1e-3, 0.1, 10.0)
    for penalty in penalties:
        columns, wanted = o[1, fit].reshape(120, 5), y[1, fit].reshape(120, 2)
        z = (columns - columns.mean(axis=0)) / columns.std(axis=0)
        beta = np.linalg.solve(z.T @ z + 120 * penalty * np.eye(5), z.T @ (wanted - wanted.mean(axis=0)))
        made = ((o[1] - columns.mean(axis=0)) / columns.std(axis=0)) @ beta + wanted.mean(axis=0)
        errors.append(((made[select] - y[1, select]) ** 2).mean())
        predictions.append(made[test])
        alone = penalised_readout((o[:, fit], y[:, fit]), (o[:, select], y[:, select]), o[:, test], (penalty,))
        np.testing.assert_allclose(alone[1], made[test], atol=1e-12)
    chosen = penalised_readout((o[:, fit], y[:, fit]), (o[:, select], y[:, select]), o[:, test], penalties)
    np.testing.assert_allclose(chosen[1], predictions[int(np.argmin(errors))], atol=1e-12)
    assert np.abs(chosen[1] - predictions[int(np.argmax(errors))]).max() > 0.1


def test_ridge_learns_nothing_from_the_test_and_marks_what_diverged():
    rng = np.random.default_rng(0)
    o = rng.normal(size=(2, 10, 40, 5))
    o[1, 8, 3, 0] = np.inf
    y = o[..., :2].copy()
    prediction = penalised_readout((o[:, :3], y[:, :3]), (o[:, 3:6], y[:, 3:6]), o[:, 6:])
    np.testing.assert_allclose(prediction[0], y[0, 6:], atol=1e-6)
    assert np.isnan(prediction[1]).all()
    with pytest.raises(InputError, match="a read-out with a penalty needs trajectories"):
        penalised_readout((o[:, :0], y[:, :0]), (o, y), o)


def drawn_networks(neurons=6, replicates=5, trajectories=12, task=None):
    task = task or DelayedCopy(steps=40, delay=2)
    rng = np.random.default_rng(0)
    x, y = task.sample(rng, replicates, trajectories)
    return draw_weights(rng, replicates, neurons, task.inputs, task.outputs, "random", "random"), x, y


@pytest.mark.parametrize("neurons", [6, 12])
def test_activity_is_the_recurrence(neurons):
    weights, x, _ = drawn_networks(neurons)
    o = activity(weights, x, "tanh")
    for r, k in ((0, 0), (4, 11)):
        state = np.zeros(neurons)
        for t in range(40):
            state = np.tanh(weights.W[r] @ state + weights.U[r] @ x[r, k, t])
            np.testing.assert_allclose(o[r, k, t], state, atol=1e-13)
    assert o.std() > 0.1


def test_a_tuned_reservoir_beats_the_grid_it_was_chosen_from():
    weights, x, y = drawn_networks()
    train, validate = slice(0, 8), slice(8, 12)
    scored = np.arange(40) >= 5
    counted = np.where(scored[:, None], y, np.nan)
    (tuned,) = tune_reservoir(weights, counted, train, validate, lambda scaled: activity(scaled, x, "tanh"))
    medians = np.median(tuned.error, axis=-1)
    assert medians.shape == (5, 4)
    assert (
        medians.min() == medians[(0.5, 0.8, 1.0, 1.2, 1.5).index(tuned.gain), (0.1, 0.3, 1, 3).index(tuned.input_scale)]
    )
    assert medians.min() < 0.8 * medians[2, 2]
    o = activity(tuned.of(weights), x, "tanh")[:, :, scored]
    target = y[:, :, scored]
    prediction = penalised_readout(
        (o[:, train], target[:, train]), (o[:, validate], target[:, validate]), o[:, validate]
    )
    mse = ((prediction - target[:, validate]) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(np.median(mse), medians.min(), rtol=1e-12)
    np.testing.assert_array_equal(Reservoir(2.0, 3.0, mse).of(weights).W, 2 * weights.W)
    np.testing.assert_array_equal(Reservoir(2.0, 3.0, mse).of(weights).U, 3 * weights.U)


def test_a_penalty_is_noise_of_the_read_out():
    """Where a signal is faint, a read-out with a penalty sees as little as one of noisy activity."""
    rng = np.random.default_rng(0)
    o = rng.normal(size=(4, 60, 50, 1)) + [0, 1e-3] * rng.normal(
        size=(4, 60, 50, 2)
    )  # the second less the first is faint
    y = 1e3 * (o[..., 1:] - o[..., :1])
    fit, select, test = slice(0, 30), slice(30, 40), slice(40, 60)

    def mse(seen, penalty):
        prediction = penalised_readout(
            (seen[:, fit], y[:, fit]), (seen[:, select], y[:, select]), seen[:, test], (penalty,)
        )
        return ((prediction - y[:, test]) ** 2).mean()

    noisy = o + 1e-3 * rng.normal(size=o.shape)
    assert mse(o, 1e-12) < 1e-6
    assert mse(o, 1e-3) > 0.9
    np.testing.assert_allclose(mse(noisy, 1e-12), 2 / 3, rtol=0.05)  # signal 1 and noise 2, in units of the signal
    np.testing.assert_allclose(mse(o, 1e-6), (2 / 3) ** 2, rtol=0.05)  # the same shrinkage, without the noise itself


def test_read_outs_are_fitted_to_what_counts():
    rng = np.random.default_rng(4)
    o = rng.normal(size=(3, 9, 20, 5))
    y = o[..., :2] + o[..., 2:4] ** 2 + 0.1 * rng.normal(size=(3, 9, 20, 2))
    fit, select, test = slice(0, 4), slice(4, 7), slice(7, 9)
    gaps = np.where(rng.random(y.shape) < 0.6, y, np.nan)
    for penalties in ((1e-3,), (1e-10, 0.1, 10.0)):
        found = penalised_readout((o[:, fit], gaps[:, fit]), (o[:, select], gaps[:, select]), o[:, test], penalties)
        for r in range(3):
            candidates = []
            for penalty in penalties:
                prediction, squares = np.empty((2, 20, 2)), []
                for q in range(2):
                    wanted = gaps[r, fit, :, q]
                    rows = ~np.isnan(wanted)
                    columns, centre = o[r, fit][rows], o[r, fit][rows].mean(axis=0)
                    z = (columns - centre) / columns.std(axis=0)
                    square = z.T @ z / len(z) + penalty * np.eye(5)
                    best = np.linalg.solve(square, z.T @ (wanted[rows] - wanted[rows].mean()) / len(z))
                    read = [
                        (o[r, part] - centre) / columns.std(axis=0) @ best + wanted[rows].mean()
                        for part in (select, test)
                    ]
                    prediction[..., q] = read[1]
                    left = (read[0] - gaps[r, select, :, q]) ** 2
                    squares.append(left[~np.isnan(left)])
                candidates.append((np.concatenate(squares).mean(), prediction))
            np.testing.assert_allclose(found[r], min(candidates, key=lambda one: one[0])[1], rtol=1e-8)
    least_squares = readout_controls(o[:, fit], gaps[:, fit], o[:, test])
    whole = readout_controls(o[:, fit], y[:, fit], o[:, test])
    assert np.abs(least_squares - whole).max() > 1e-2
    np.testing.assert_array_equal(
        least_squares, readout_controls(o[:, fit], np.where(np.isnan(gaps), np.nan, y)[:, fit], o[:, test])
    )


def test_a_coordinate_that_never_counts_in_training_is_not_predicted():
    x, y = ball()
    y = y.copy()
    y[:, :5, :, 1] = np.nan
    predictions = controls_of(x, y, train=slice(0, 5), test=slice(5, 10), horizon=1)
    for name in ("training mean", "affine of x(t)", "affine of 5 lags"):
        assert np.isnan(predictions[name][..., 1]).all()
        assert np.isfinite(predictions[name][..., 0]).all()
