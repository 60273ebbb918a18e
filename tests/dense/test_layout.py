"""Where replicates lie in memory."""

import numpy as np
import pytest

from autapse_sim.engines.brian.dense.layout import UNROLLED, Block, Layout


@pytest.mark.parametrize("lanes", [False, True])
def test_neurons_come_back_as_they_went(lanes):
    layout = Layout(4, 2, lanes)
    values = np.arange(12).reshape(4, 3)
    flat = layout.flat(values)
    np.testing.assert_array_equal(layout.unflat(flat, 3), values)
    np.testing.assert_array_equal(layout.unflat(np.stack([flat, flat]), 3), [values, values])
    assert flat[1] == (values[1, 0] if lanes else values[0, 1])


@pytest.mark.parametrize("innermost", ["replicate", "pre", "post"])
def test_weights_come_back_as_they_went(innermost):
    block = Block(Layout(4, 2, lanes=innermost == "replicate"), pre=3, post=2, innermost=innermost)
    weights = np.arange(24).reshape(4, 2, 3)
    flat = block.flat(weights)
    np.testing.assert_array_equal(block.unflat(flat), weights)
    neighbour = {"replicate": weights[1, 0, 0], "pre": weights[0, 0, 1], "post": weights[0, 1, 0]}
    assert flat[1] == neighbour[innermost]


def test_small_networks_lie_side_by_side():
    assert Layout.choose(100, neurons=2, others=2).lanes
    assert not Layout.choose(100, neurons=32, others=2).lanes
    assert not Layout.choose(100, neurons=2, others=UNROLLED + 1).lanes
    large = Layout.choose(10, neurons=50, others=2)
    assert [large.block(pre, post).innermost for pre, post in ((50, 50), (50, 2), (2, 50))] == ["pre", "pre", "post"]


@pytest.mark.parametrize("replicates", [1, 7, 100, 1000])
@pytest.mark.parametrize("neurons", [2, 5, 32, 400])
def test_tiles_hold_all_replicates_and_few_more(replicates, neurons):
    layout = Layout.choose(replicates, neurons, others=2)
    assert layout.replicates % layout.tile == 0
    assert replicates <= layout.replicates <= 1.25 * replicates
