"""Memory tasks: targets against loops, draws that depend on nothing else, and bad parameters."""

import numpy as np
import pytest

from autapse_sim.errors import InputError
from autapse_sim.tasks.memory import DelayedCopy, FlipFlop, Integrator

TASKS = [FlipFlop(), Integrator(), DelayedCopy(), DelayedCopy(values="signs")]


def draw(task, replicates=3, trajectories=4, seed=0):
    return task.sample(np.random.default_rng(seed), replicates, trajectories)


def held(sequence):
    last = 0
    for value in sequence:
        last = value or last
        yield last


def summed(sequence):
    total = 0
    for value in sequence:
        total += value
        if total > 1:
            total = 2 - total
        if total < -1:
            total = -2 - total
        yield total


def delayed(sequence):
    queue = [0] * 5
    for value in sequence:
        queue.append(value)
        yield queue.pop(0)


@pytest.mark.parametrize(("task", "rule"), list(zip(TASKS, [held, summed, delayed, delayed], strict=True)))
def test_target_is_what_a_loop_remembers(task, rule):
    x, y = draw(task)
    assert x.shape == y.shape == (3, 4, 100, 1) == (3, 4, task.steps, task.inputs)
    assert y.shape[3] == task.outputs
    assert task.blanked is None
    assert y.std() > 0.2
    for stimulus, target in zip(x.reshape(12, 100), y.reshape(12, 100), strict=True):
        np.testing.assert_allclose(target, list(rule(stimulus)), atol=1e-14)
        assert not np.array_equal(target, list(rule(stimulus[::-1])))


@pytest.mark.parametrize("task", TASKS)
def test_draws_do_not_depend_on_the_numbers_of_replicates_and_trajectories(task):
    many, few = draw(task, 5, 6), draw(task, 2, 3)
    for a, b in zip(many, few, strict=True):
        np.testing.assert_array_equal(a[:2, :3], b)
    x = many[0].reshape(30, 100)
    assert len(np.unique(x, axis=0)) == 30
    assert not np.array_equal(x, draw(task, 5, 6, seed=1)[0].reshape(30, 100))


@pytest.mark.parametrize(("task", "pulse"), [(FlipFlop(), 1), (Integrator(probability=0.05), 0.25)])
def test_pulses_are_as_many_as_asked_for_and_even(task, pulse):
    x, _ = draw(task, 1, 5000)
    assert set(np.unique(x)) == {-pulse, 0, pulse}
    np.testing.assert_allclose([(x == pulse).mean(), (x == -pulse).mean()], 0.025, atol=0.001)


def test_the_sum_reaches_both_walls_and_stays_between():
    _, y = draw(Integrator(probability=0.5), 2, 50)
    assert y.min() == -1
    assert y.max() == 1


def test_delayed_values():
    x, y = draw(DelayedCopy(delay=0), 1, 500)
    np.testing.assert_array_equal(x, y)
    np.testing.assert_allclose([x.mean(), x.var()], [0, 1 / 3], atol=0.01)
    assert set(np.unique(draw(DelayedCopy(values="signs"))[0])) == {-1, 1}


@pytest.mark.parametrize(
    ("task", "parameters", "message"),
    [
        (FlipFlop, {"steps": 0}, "steps is 0; it must be a whole number of at least 1"),
        (FlipFlop, {"probability": 1.5}, "probability is 1.5; it must be a finite number from 0 to 1"),
        (Integrator, {"pulse": -1}, "pulse is -1; it must be a finite number from 0 to 1"),
        (Integrator, {"probability": "often"}, "probability is 'often'"),
        (DelayedCopy, {"delay": 2.5}, "delay is 2.5; it must be a whole number of at least 0"),
        (DelayedCopy, {"delay": 100}, r"delay is 100; it must be shorter than the trajectory \(100 steps\)"),
        (DelayedCopy, {"values": "sign"}, "unknown values 'sign'; did you mean 'signs'"),
    ],
)
def test_bad_parameters_are_refused(task, parameters, message):
    with pytest.raises(InputError, match=message):
        task(**parameters)
