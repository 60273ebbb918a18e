"""Evidence accumulation: spikes that follow the cues, a target that follows the majority, and the controls' score."""

from itertools import product

import numpy as np
import pytest

from autapse_sim.errors import InputError
from autapse_sim.tasks.evidence import EvidenceAccumulation

SHORT = EvidenceAccumulation(cues=5, cue=20, pause=4, delay=30, recall=15, population=6, probability=0.5)


def draw(task, replicates=2, trajectories=40, seed=0):
    return task.sample(np.random.default_rng(seed), replicates, trajectories)


def cues_in(task, x):
    """Which cues are from the right, and the spikes of left and right in each of them."""
    left, right = (x[..., side * task.population : (side + 1) * task.population].sum(axis=-1) for side in (0, 1))
    starts = [number * (task.cue + task.pause) + task.pause for number in range(task.cues)]
    counts = np.array([[side[..., s : s + task.cue].sum(axis=-1) for s in starts] for side in (left, right)])
    return counts[1] > counts[0], counts


def test_the_values_of_the_published_task():
    task = EvidenceAccumulation()
    assert task.steps == 2250 == 7 * 150 + 1050 + 150
    assert (task.inputs, task.outputs, task.scored.sum()) == (40, 2, 150)
    x, y = draw(task, 1, 8)
    rates = x.reshape(8, 2250, 4, 10).mean(axis=(0, 3))
    np.testing.assert_allclose(rates[:, :2].sum(axis=1)[: 7 * 150].mean(), 0.04 * 100 / 150, rtol=0.05)
    assert rates[7 * 150 :, :2].max() == 0
    np.testing.assert_allclose(rates[-150:, 2].mean(), 0.04, rtol=0.1)
    assert rates[:-150, 2].max() == 0
    np.testing.assert_allclose(rates[:, 3].mean(), 0.01, rtol=0.1)
    assert y.shape == (1, 8, 2250, 2)


def test_the_target_is_the_side_with_more_cues():
    x, y = draw(SHORT)
    right, counts = cues_in(SHORT, x)
    assert counts.min(axis=0).max() == 0  # one side at a time
    majority = right.sum(axis=0) > 2.5
    np.testing.assert_array_equal(y[:, :, -1, 1], majority)
    np.testing.assert_array_equal(y[:, :, SHORT.scored].sum(axis=-1), 1)
    assert (y[:, :, SHORT.scored] == y[:, :, -1:]).all()
    assert (y[:, :, ~SHORT.scored] == 0).all()
    # the last cue alone would not do
    assert 0.6 < (right[-1] == majority).mean() < 0.95
    assert 0.3 < majority.mean() < 0.7


def test_draws_depend_on_nothing_else():
    for a, b in zip(draw(SHORT, 4, 6), draw(SHORT, 2, 3), strict=True):
        np.testing.assert_array_equal(a[:2, :3], b)
    x = draw(SHORT, 4, 6)[0].reshape(24, -1)
    assert len(np.unique(x, axis=0)) == 24


@pytest.mark.parametrize("cues", [1, 3, 7])
def test_the_controls_score_over_all_sequences_of_cues(cues):
    task = EvidenceAccumulation(cues=cues)
    agree = 0.0
    for sequence in product((0, 1), repeat=cues):
        for p in (0.3, 0.7):
            probability = np.prod([p if cue else 1 - p for cue in sequence]) / 2
            agree += probability * (sequence[-1] == (sum(sequence) > cues / 2))
    expected = -sum(q * np.log(q) for q in (agree, 1 - agree) if q > 1e-12)
    floors = task.floors(np.zeros((3, 1, 1, 1)), np.zeros((3, 1, 1, 1)))
    np.testing.assert_allclose(floors["last cue"], np.full(3, expected), atol=1e-12)
    np.testing.assert_allclose(floors["chance"], np.log(2))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"cues": 4}, "cues is 4; it must be odd"),
        ({"minority": 0.7}, "minority is 0.7; it must be a finite number from 0 to 0.5"),
        ({"recall": 0}, "recall is 0; it must be a whole number of at least 1"),
        ({"probability": -1}, "probability is -1"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(InputError, match=message):
        EvidenceAccumulation(**parameters)
