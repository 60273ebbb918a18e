"""Chaotic series: against an adaptive integrator, from the published equations, and the controls' score."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from autapse_sim.errors import InputError
from autapse_sim.tasks import chaos
from autapse_sim.tasks.chaos import ChaoticSeries

SYSTEMS = ["lorenz", "mackey-glass"]


def draw(task, replicates=2, trajectories=3, seed=0):
    return task.sample(np.random.default_rng(seed), replicates, trajectories)


def test_lorenz_against_an_adaptive_integrator():
    starts = np.random.default_rng(1).random((3, 3))
    ours = chaos._lorenz(starts, 40, 5, 0.01)

    def flow(_, s):
        return [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]]

    for start, series in zip(starts, ours, strict=True):
        times = 0.05 * np.arange(1, 41)
        exact = solve_ivp(flow, (0, 2), 20 * (start - 0.5) + [0, 0, 25], t_eval=times, rtol=1e-10, atol=1e-10).y[0]
        assert exact.std() > 1
        np.testing.assert_allclose(series, exact, atol=1e-2)
        assert np.abs(chaos._lorenz(starts, 40, 1, 0.05)[0] - ours[0]).max() > 1e-2


def test_mackey_glass_follows_its_equation():
    """The slope that its equation names, by central differences over one step of integration; and 17 is the delay."""
    x = chaos._mackey_glass(np.random.default_rng(1).random((4, 3)), 3000, 1, 0.1)
    slope = (x[:, 2:] - x[:, :-2]) / 0.2
    residuals = {}
    for delay in (16, 17, 18):
        lag = 10 * delay
        then, now = x[:, 1 : -1 - lag], x[:, 1 + lag : -1]
        residuals[delay] = np.abs(slope[:, lag:] - (0.2 * then / (1 + then**10) - 0.1 * now)).max()
    assert residuals[17] < 1e-3 < 1e-2 < min(residuals[16], residuals[18])


@pytest.mark.parametrize("system", SYSTEMS)
def test_series_are_standardised_settled_and_apart(system):
    x, y = draw(ChaoticSeries(system, steps=200, horizon=7), 4, 50)
    assert x.shape == y.shape == (4, 50, 200, 1)
    np.testing.assert_array_equal(y[:, :, :-7], x[:, :, 7:])
    np.testing.assert_allclose([x.mean(), x.std()], [0, 1], atol=0.1)
    early, late = x[:, :, :50], x[:, :, -50:]
    np.testing.assert_allclose([early.mean(), early.std()], [late.mean(), late.std()], atol=0.1)
    assert len(np.unique(x.reshape(200, -1).round(6), axis=0)) == 200


@pytest.mark.parametrize("system", SYSTEMS)
def test_draws_depend_on_nothing_else(system, monkeypatch):
    task = ChaoticSeries(system, steps=30)
    many = draw(task, 4, 6)
    monkeypatch.setattr(chaos, "PIECE", 5)
    for a, b in zip(many, draw(task, 2, 3), strict=True):
        np.testing.assert_array_equal(a[:2, :3], b)
    assert not np.array_equal(many[0], draw(task, 4, 6, seed=1)[0])


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_follows_no_dynamics_is_good_for_a_step_only(system):
    floors = {}
    for horizon in (1, 20):
        task = ChaoticSeries(system, horizon=horizon)
        x, y = draw(task, 3, 30)
        floors[horizon] = task.floors(x, y)
        loop = np.array(
            [
                [
                    (x[r, k, t, 0] + horizon * (x[r, k, t, 0] - x[r, k, max(t - 1, 0), 0]) - y[r, k, t, 0]) ** 2
                    for k in range(30)
                    for t in range(100)
                ]
                for r in range(3)
            ]
        ).mean(axis=1)
        np.testing.assert_allclose(floors[horizon]["extrapolation"], loop)
        np.testing.assert_allclose(floors[horizon]["persistence"], np.square(x - y).mean(axis=(1, 2, 3)))
    assert (floors[1]["extrapolation"] < floors[1]["persistence"]).all()
    assert (floors[1]["persistence"] < 0.2 * floors[1]["mean"]).all()
    assert (floors[20]["persistence"] > floors[20]["mean"]).all()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"system": "lorentz"}, "unknown system 'lorentz'; did you mean 'lorenz'"),
        ({"interval": 0}, "interval is 0; it must be a finite number from 0.001 to 10"),
        ({"horizon": -1}, "horizon is -1"),
        ({"horizon": 10**13}, "it must be a whole number from 0 to 1000000"),
        ({"steps": 1}, "steps is 1; it must be a whole number of at least 2"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(InputError, match=message):
        ChaoticSeries(**parameters)
