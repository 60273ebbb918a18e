"""Plots of a circuit draw the spikes, signals and weights that they are given, where the axes say they are."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from rasters import names, ticks

from autapse_sim import plots
from autapse_sim.errors import InputError
from autapse_sim.results.plots import circuit_axes, circuits, style

COUNTS = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [2, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 1]])
BROKEN = np.array([[0.1, np.nan], [0.2, 0.3]])


@pytest.fixture
def ax():
    return Figure().subplots()


def test_raster_draws_a_tick_for_each_spike(ax):
    plots.raster(COUNTS, ax)
    ink = to_hex(circuit_axes.INK).upper()
    assert ticks(ax) == [(0, 1, ink), (1, 0, ink), (2, 0, ink), (2, 3, ink), (2.5, 0, ink), (4, 3, ink)]
    assert ax.get_xlim() == (0, 5)
    assert ax.get_ylim() == pytest.approx((-0.6, 3.6))
    assert ax.get_xlabel() == "time (ms)"
    assert ax.get_ylabel() == "neuron"
    assert names(ax) == ["0", "1", "2", "3"]


def test_raster_in_order_and_in_seconds(ax):
    plots.raster(COUNTS, ax, "first spike", time="s", step=0.1)
    assert [(at, row) for at, row, _ in ticks(ax)][:2] == [(0, 0), (0.1, 1)]
    assert names(ax) == ["1", "0", "3", "2"]
    assert ax.get_ylabel() == "neuron by first spike"
    assert ax.get_xlim() == (0, 0.5)
    assert ax.get_xlabel() == "time (s)"


def test_raster_of_some_neurons_only(ax):
    plots.raster(COUNTS, ax, np.array([3]))
    assert [(at, row) for at, row, _ in ticks(ax)] == [(2, 0), (4, 0)]
    assert names(ax) == ["3"]


def test_raster_draws_groups_together(ax):
    plots.raster(COUNTS, ax, groups=["E", "I", "E", "I"])
    blue, orange = style.PALETTE[:2]
    assert ticks(ax) == [(0, 2, orange), (1, 0, blue), (2, 0, blue), (2, 3, orange), (2.5, 0, blue), (4, 3, orange)]
    assert [(text.get_text(), text.get_position()[1], text.get_color()) for text in ax.texts] == [
        ("E", 0.5, blue),
        ("I", 2.5, orange),
    ]
    assert names(ax) == ["0", "2", "1", "3"]
    assert ax.lines[0].get_ydata()[0] == 1.5


def test_raster_of_many_neurons_numbers_them_in_order_and_counts_them_out_of_order(ax):
    plots.raster(np.eye(40), ax)
    assert {"0", "10", "20", "30"} <= set(names(ax))
    assert ax.get_ylim() == pytest.approx((-0.6, 39.6))
    plots.raster(np.eye(40)[::-1], ax, "first spike")
    assert ax.get_ylabel() == "40 neurons by first spike"
    assert names(ax) == []


def test_raster_of_silent_neurons_is_empty(ax):
    plots.raster(np.zeros((10, 2)), ax)
    assert ax.collections[0].get_segments() == []
    assert ax.get_ylim() == pytest.approx((-0.6, 1.6))


def test_a_heavy_raster_is_an_image_in_vector_files(ax, monkeypatch):
    plots.raster(np.ones((3, 2)), ax)
    monkeypatch.setattr(circuits, "HEAVY", 5)
    plots.raster(np.ones((3, 2)), ax)
    assert [bool(collection.get_rasterized()) for collection in ax.collections] == [False, True]


def test_rate_histogram_is_spikes_per_second_and_neuron(ax):
    plots.rate_histogram(COUNTS, ax, width=0.002)
    heights, edges, _ = ax.patches[0].get_data()
    np.testing.assert_allclose(edges, [0, 2, 4, 5])
    np.testing.assert_allclose(heights, [2 / 4 / 0.002, 3 / 4 / 0.002, 1 / 4 / 0.001])
    assert ax.get_ylabel() == "rate\n(spikes/s)"
    assert ax.get_ylim()[0] == 0


def test_rate_histogram_of_groups_in_the_colours_of_the_raster(ax):
    plots.rate_histogram(COUNTS, ax, width=0.005, groups=["E", "I", "E", "I"])
    rates = {patch.get_label(): patch.get_data()[0].tolist() for patch in ax.patches}
    assert rates == {"E": [pytest.approx(300)], "I": [pytest.approx(300)]}
    assert to_hex(ax.patches[1].get_edgecolor()).upper() == style.PALETTE[1]


def test_raster_trajectories_stack_from_the_top(ax):
    trains = [np.array([1, 0, 0]), np.array([0, 1, 0, 0, 1]), np.array([0, 0, 1])]
    plots.raster_trajectories(trains, ax, ["before", "before", "after"])
    assert [(at, row) for at, row, _ in ticks(ax)] == [(0, 0), (1, 1), (2, 2), (4, 1)]
    bottom, top = ax.get_ylim()
    assert bottom > top
    assert ax.get_ylabel() == "trajectory"
    assert [text.get_text() for text in ax.texts] == ["before", "after"]
    assert ax.get_xlim() == (0, 5)


def test_time_courses_do_not_touch(ax):
    values = np.random.default_rng(0).normal([-60, -55, -70], 4, (50, 3))
    plots.time_courses(values, ax, "v", "mV", names=["3", "5", "8"])
    lines = [line.get_xydata() for line in ax.lines]
    spacing = circuits.spacing_of(values)
    for index, line in enumerate(lines):
        np.testing.assert_allclose(line[:, 0], np.arange(50))
        np.testing.assert_allclose(line[:, 1], values[:, index] + index * spacing)
    assert all(lower[:, 1].max() <= upper[:, 1].min() for lower, upper in pairwise(lines))
    assert names(ax) == ["3", "5", "8"]
    np.testing.assert_allclose(ax.get_yticks(), np.median(values, axis=0) + spacing * np.arange(3))
    assert ax.get_ylabel() == f"v\n({spacing:g} mV apart)"


def test_time_courses_on_one_axis(ax):
    plots.time_courses(np.ones((4, 2)) * [1, 2], ax, "k", spacing=0)
    assert [line.get_ydata()[0] for line in ax.lines] == [1, 2]
    assert ax.get_ylabel() == "k"
    plots.time_courses(np.ones((4, 1)), ax, "v", "mV")
    assert ax.get_ylabel() == "v\n(mV)"


def test_time_courses_with_bars_for_axes(ax):
    values = np.sin(np.arange(200) / 9)[:, None] * 30 - 50
    plots.time_courses(values, ax, "v", "mV", bars=True)
    drawn = {line.get_label(): line for line in ax.lines}
    assert np.ptp(drawn["_time"].get_xdata()) == 50
    assert np.ptp(drawn["_value"].get_ydata()) == 20
    assert [text.get_text() for text in ax.texts] == ["50 ms", "20 mV"]
    assert not any(spine.get_visible() for spine in ax.spines.values())
    assert len(ax.get_xticks()) == 0
    assert ax.get_xlim() == (0, 200)


def test_spacing_bears_what_diverged():
    assert circuits.spacing_of(np.array([[0, 0.0], [np.nan, np.nan]])) == 1
    assert circuits.spacing_of(np.array([[0, np.inf], [3.0, np.nan]])) == 1
    assert circuits.spacing_of(np.array([[0.0, 1], [3.3, 1]])) == 5


def test_weight_matrix_is_centred_at_zero_with_post_downwards(ax):
    weights = np.array([[0.1, -0.5, 0], [0.2, 0.3, 0]])
    image = plots.weight_matrix(weights, ax)
    np.testing.assert_array_equal(image.get_array(), weights)
    assert image.get_clim() == (-0.5, 0.5)
    assert np.allclose(image.cmap(image.norm(0.0))[:3], 0.97, atol=0.03)
    bottom, top = ax.get_ylim()
    assert bottom > top
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("presynaptic neuron", "postsynaptic neuron")
    assert ax.child_axes[0].get_ylabel() == "weight"
    assert plots.weight_matrix(BROKEN, ax, limit=2, colorbar=False).get_clim() == (-2, 2)
    assert len(ax.child_axes) == 1


def test_weights_of_one_neuron_are_numbered_in_whole_numbers(ax):
    plots.weight_matrix(np.ones((1, 2)), ax)
    ax.figure.draw_without_rendering()
    assert ax.get_yticks().tolist() == [0]
    assert {tick.is_integer() for tick in ax.get_xticks()} == {True}


def test_eigenvalues_lie_in_the_complex_plane(ax):
    angle = 0.3
    turn = 0.9 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    plots.eigenvalues(turn, ax)
    plots.eigenvalues(2 * turn, ax, "after", circle=False)
    lines = {line.get_label(): line.get_xydata() for line in ax.lines if not line.get_label().startswith("_")}
    assert list(lines) == ["ρ = 0.90", "after, ρ = 1.80"]
    np.testing.assert_allclose(np.sort(lines["ρ = 0.90"][:, 1]), 0.9 * np.sin([-angle, angle]))
    np.testing.assert_allclose(lines["ρ = 0.90"][:, 0], 0.9 * np.cos(angle))
    assert [patch.radius for patch in ax.patches] == [1]
    assert ax.get_xlim()[1] > 1.8
    assert ax.get_aspect() == 1
    plots.eigenvalues(0.1 * turn, ax)
    assert ax.get_xlim()[1] > 1.8


def test_principal_components_are_those_of_the_covariance(ax):
    activity = np.random.default_rng(0).normal(size=(60, 3)) @ np.array([[3, 1, 0], [0, 1, 0], [0, 0, 0.2]])
    mean, directions, shares = plots.principal_axes(activity)
    values, vectors = np.linalg.eigh(np.cov(activity.T))
    np.testing.assert_allclose(shares, values[::-1] / values.sum())
    np.testing.assert_allclose(np.abs(directions), np.abs(vectors.T[::-1]))
    plots.principal_components(activity, ax)
    np.testing.assert_allclose(ax.lines[0].get_xydata(), (activity - mean) @ directions[:2].T)
    np.testing.assert_allclose(ax.lines[1].get_xydata(), ax.lines[0].get_xydata()[:1])
    assert ax.get_xlabel() == f"PC 1 ({shares[0]:.0%} of variance)"
    assert ax.get_ylabel() == f"PC 2 ({shares[1]:.0%} of variance)"


def test_principal_components_of_several_trajectories_are_common(ax):
    activity = np.random.default_rng(0).normal(size=(60, 3))
    plots.principal_components([activity[:20], activity[20:]], ax, (0, 2), labels=["a", "b"])
    mean, directions, _ = plots.principal_axes(activity)
    lines = [line for line in ax.lines if line.get_label() in ("a", "b")]
    expected = (activity - mean) @ directions[[0, 2]].T
    np.testing.assert_allclose(np.concatenate([line.get_xydata() for line in lines]), expected)
    assert ax.get_ylabel().startswith("PC 3")


def test_activity_map_is_neurons_by_time(ax):
    activity = np.array([[0.0, 1, 0], [0, 2, 3], [4, 0, 0]])
    image = plots.activity_map(activity, ax, "peak")
    np.testing.assert_array_equal(image.get_array(), activity[:, [1, 2, 0]].T)
    assert image.get_extent() == [0, 3, -0.5, 2.5]
    assert names(ax) == ["1", "2", "0"]
    assert image.get_clim() == (0, 4)
    assert ax.child_axes[0].get_ylabel() == "activity"
    assert ax.get_ylabel() == "neuron by peak"
    image = plots.activity_map(activity, ax, np.array([2, 0]), limits=(-1, 1), time="s")
    np.testing.assert_array_equal(image.get_array(), activity[:, [2, 0]].T)
    assert image.get_clim() == (-1, 1)
    assert ax.get_xlabel() == "time (s)"


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda ax: plots.raster(COUNTS, ax, groups=["E"]), "groups has 1 entries; expected one for each of 4"),
        (lambda ax: plots.raster(COUNTS, ax, time="m"), "unknown unit of time 'm'; did you mean 'ms'"),
        (lambda ax: plots.rate_histogram(COUNTS, ax, groups=["E"]), "groups has 1 entries"),
        (lambda ax: plots.raster_trajectories([], ax), "no trajectories"),
        (lambda ax: plots.time_courses(np.ones(3), ax, "v"), r"expected \(steps, signals\)"),
        (lambda ax: plots.weight_matrix(np.ones(3), ax), r"shape \(3,\)"),
        (lambda ax: plots.eigenvalues(np.ones((2, 3)), ax), "only a square matrix"),
        (lambda ax: plots.eigenvalues(BROKEN, ax), "diverged"),
        (lambda ax: plots.principal_components(BROKEN, ax), "diverged"),
        (lambda ax: plots.principal_components(np.full((5, 2), 0.1), ax), "does not change"),
        (lambda ax: plots.principal_components(np.eye(2), ax, (0, 2)), "component 2 is asked for; the activity has 2"),
        (lambda ax: plots.principal_components([np.eye(2), np.eye(3)], ax), "differ in their numbers"),
        (lambda ax: plots.activity_map(np.eye(2), ax, "rate"), "unknown order"),
    ],
)
def test_what_cannot_be_drawn_is_said(ax, draw, says):
    with pytest.raises(InputError, match=says):
        draw(ax)
