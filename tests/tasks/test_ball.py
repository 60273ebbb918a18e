"""The bouncing ball: exact motion, honest draws, clear refusals."""

import numpy as np
import pytest

from autapse_sim.errors import InputError
from autapse_sim.tasks.ball import BouncingBall, bounce


def sample(replicates=3, trajectories=4, seed=0, **parameters):
    return BouncingBall(**parameters).sample(np.random.default_rng(seed), replicates, trajectories)


def simulated(height, velocity, gravity, ceiling, steps, substeps=4000):
    """Brute force: free flight in small pieces, each reflected where it leaves the box."""
    dt, heights = 1 / substeps, [height]
    for _ in range(steps - 1):
        for _ in range(substeps):
            height += velocity * dt - gravity * dt**2 / 2
            velocity -= gravity * dt
            if height < 0 or height > ceiling:
                height, velocity = (-height if height < 0 else 2 * ceiling - height), -velocity
        heights.append(height)
    return np.array(heights)


@pytest.mark.parametrize(
    ("height", "velocity", "gravity"),
    [(0.3, 0.17, 0.0), (0.3, -0.17, 0.0), (0.3, 0.1, 0.02), (0.3, -0.1, 0.02), (0.6, 0.3, 0.02), (0.8, 0.0, 0.05)],
)
def test_motion_matches_brute_force(height, velocity, gravity):
    exact = bounce(np.array(height), np.array(velocity), gravity, 0.9, np.arange(20))
    np.testing.assert_allclose(exact, simulated(height, velocity, gravity, 0.9, 20), atol=2e-3)


def test_motion_without_gravity_is_the_limit_of_little_gravity():
    time = np.arange(50)
    without, little = (bounce(np.array(0.4), np.array(-0.13), g, 1.0, time) for g in (0.0, 1e-13))
    np.testing.assert_allclose(little, without, atol=1e-9)


@pytest.mark.parametrize("gravity", [0.0005, 0.002, 0.01])
def test_energy_does_not_drift_over_1e5_steps(gravity):
    _, y = sample(replicates=1, trajectories=5, steps=100_000, gravity=gravity)
    z = y[0, ..., 1]
    free = np.abs(z[:, 2:] - 2 * z[:, 1:-1] + z[:, :-2] + gravity) < 1e-12  # no wall was met between the three
    energy = ((z[:, 2:] - z[:, :-2]) / 2) ** 2 / 2 + gravity * z[:, 1:-1]
    for of_trajectory, flying in zip(energy, free, strict=True):
        assert flying.sum() > 10_000
        np.testing.assert_allclose(of_trajectory[flying], of_trajectory[flying][0], rtol=1e-9)


def test_speed_is_kept_away_from_the_walls():
    x, _ = sample(speed=0.07)
    moved = np.diff(x, axis=2)
    straight = (np.abs(np.diff(moved, axis=2)) < 1e-12).all(axis=-1)
    assert straight.mean() > 0.5
    np.testing.assert_allclose(np.linalg.norm(moved[:, :, 1:], axis=-1)[straight], 0.07, rtol=1e-9)


@pytest.mark.parametrize("gravity", [0.0, 0.003])
@pytest.mark.parametrize("speed", [0.0, 0.05, 3.7])
def test_the_whole_ball_stays_in_the_box(gravity, speed):
    x, _ = sample(trajectories=20, radius=0.2, gravity=gravity, speed=speed)
    assert x.min() >= 0.2
    assert x.max() <= 0.8


def test_a_ball_at_rest_stays():
    x, _ = sample(speed=0.0)
    assert (x == x[:, :, :1]).all()
    assert (bounce(np.zeros(1), np.zeros(1), 0.01, 1.0, np.arange(5)) == 0).all()


@pytest.mark.parametrize("horizon", [0, 1, 7])
def test_target_is_the_position_at_the_horizon(horizon):
    x, y = sample(horizon=horizon, gravity=0.001)
    np.testing.assert_array_equal(y[:, :, : 100 - horizon], x[:, :, horizon:])


def test_draws_do_not_depend_on_the_numbers_of_replicates_and_trajectories():
    many, few = sample(5, 6, noise=0.1), sample(2, 3, noise=0.1)
    for a, b in zip(many, few, strict=True):
        np.testing.assert_array_equal(a[:2, :3], b)


def test_no_trajectory_comes_twice():
    x, _ = sample(5, 20)
    starts = x[:, :, :2].reshape(100, -1)
    assert len(np.unique(starts, axis=0)) == 100
    assert not np.array_equal(x, sample(5, 20, seed=1)[0])


def test_starts_and_directions_are_uniform():
    x, _ = sample(1, 20_000, steps=2, speed=1e-6)
    np.testing.assert_allclose(x[0, :, 0].mean(axis=0), 0.5, atol=0.01)
    np.testing.assert_allclose(x[0, :, 0].var(axis=0), 1 / 12, atol=0.002)
    np.testing.assert_allclose(np.diff(x[0], axis=1).mean(axis=0), 0, atol=3e-8)


def test_occlusion_blanks_the_stimulus_and_not_the_target():
    ball = BouncingBall(steps=10, occlusion=[2, 5])
    np.testing.assert_array_equal(np.flatnonzero(ball.blanked), [3, 4, 8, 9])
    (x, y), (seen, target) = sample(steps=10, occlusion=(2, 5), noise=0.1), sample(steps=10, noise=0.1)
    np.testing.assert_array_equal(y, target)
    assert (x[:, :, ball.blanked] == 0).all()
    np.testing.assert_array_equal(x[:, :, ~ball.blanked], seen[:, :, ~ball.blanked])
    assert BouncingBall().blanked is None


def test_centred_inputs_are_symmetric_and_targets_positions():
    settings = {"steps": 20, "noise": 0.1, "occlusion": (2, 5), "horizon": 2}
    (x, y), (plain, target) = sample(centred=True, **settings), sample(**settings)
    ball = BouncingBall(centred=True, **settings)
    np.testing.assert_array_equal(y, target)
    assert (x[:, :, ball.blanked] == 0).all()
    np.testing.assert_allclose(x[:, :, ~ball.blanked], 2 * plain[:, :, ~ball.blanked] - 1, rtol=1e-15)
    np.testing.assert_allclose(ball.observed(x)[:, :, ~ball.blanked], plain[:, :, ~ball.blanked], atol=1e-15)
    np.testing.assert_array_equal(BouncingBall().observed(plain), plain)
    assert x.min() < -0.5


def test_noise_is_on_the_stimulus_only():
    (noisy, y), (clean, target) = sample(5, 50, noise=0.1), sample(5, 50)
    np.testing.assert_array_equal(y, target)
    np.testing.assert_allclose((noisy - clean).std(), 0.1, rtol=0.02)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"steps": 0}, "steps is 0; it must be a whole number of at least 1"),
        ({"steps": 2.5}, "steps is 2.5; it must be a whole number"),
        ({"horizon": -1}, "horizon is -1; it must be a whole number of at least 0"),
        ({"horizon": 120}, r"horizon is 120; it must be shorter than the trajectory \(100 steps\)"),
        ({"speed": -0.1}, r"speed is -0.1; it must be a finite number from 0 to 1e\+06"),
        ({"speed": np.nan}, "speed is nan"),
        ({"gravity": np.inf}, "gravity is inf"),
        ({"noise": "much"}, "noise is 'much'"),
        ({"radius": 0.5}, "radius is 0.5; it must be less than 0.5"),
        ({"occlusion": (5, 5)}, r"occlusion is \(5, 5\); it must be two whole numbers"),
        ({"occlusion": (0, 5)}, "occlusion"),
        ({"occlusion": 3}, "occlusion is 3"),
        ({"centred": 1}, "centred is 1; it must be True or False"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(InputError, match=message):
        BouncingBall(**parameters)
