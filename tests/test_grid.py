"""Learning rates tried beside each other: which network has which, and which rate is chosen."""

import numpy as np

from autapse_sim.training.grid import Grid


def test_every_replicate_tries_every_rate():
    grid = Grid.of([0.1, 0.3], replicates=3)
    assert list(zip(grid.source, grid.each, strict=True)) == [(r, eta) for eta in (0.1, 0.3) for r in range(3)]
    values = np.arange(12.0).reshape(6, 2)
    for index in range(2):
        np.testing.assert_array_equal(grid.folded(values)[index], values[grid.at(index)])


def test_the_rate_with_the_least_median_is_best_and_divergence_counts_as_infinite():
    grid = Grid((1.0, 0.3, 0.1, 0.03), replicates=2)
    assert grid.best(np.array([[0.3, 0.3], [0.2, 0.2], [0.1, np.nan], [0.2, 0.2]])) == 1
    assert Grid((1.0, 0.3), 1).best(np.array([[np.nan], [0.5]])) == 1


def test_where_half_diverged_at_every_rate_there_is_none():
    grid, errors = Grid((0.1, 1.0), replicates=2), np.array([[0.1, np.nan], [np.inf, np.nan]])
    assert grid.best(errors) is None
    assert grid.choose(errors) == 0.1
    assert grid.choose(errors, otherwise=0.7) == 0.7
    assert grid.choose(np.array([[2.0, 2.0], [1.0, 1.0]]), otherwise=0.7) == 1.0


def test_of_rates_that_are_as_good_the_gentle_one_is_the_smallest():
    grid = Grid((0.0003, 0.001, 0.003, 0.01, 0.03, 0.1), replicates=5)
    assert grid.gentle(np.array([0.2, 0.1, 0.0605, 0.0601, 0.06, 0.07])[:, None] + np.zeros(5)) == 0.003
