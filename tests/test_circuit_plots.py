"""Plots of a circuit draw the spikes, signals and weights that they are given, where the axes say they are."""

from itertools import pairwise

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from autapse_sim import plots, recordings
from autapse_sim.commands.main import main
from autapse_sim.errors import InputError
from autapse_sim.results.plots import circuit_axes, circuits, style

COUNTS = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [2, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 1]])
BROKEN = np.array([[0.1, np.nan], [0.2, 0.3]])


@pytest.fixture
def ax():
    return Figure().subplots()


def ticks(ax):
    """Time, row and colour of every tick of a raster, in order of time."""
    (collection,) = ax.collections
    segments = np.array(collection.get_segments())
    np.testing.assert_allclose(segments[:, 1, 1] - segments[:, 0, 1], 0.8)
    colours = [to_hex(colour).upper() for colour in collection.get_colors()]
    return sorted(zip(segments[:, 0, 0].round(9), segments[:, :, 1].mean(axis=1).round(9), colours, strict=True))


def names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


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


def columns(figure):
    """The axes of a figure, by phase from the top."""
    shown = [ax for ax in figure.axes if ax.get_subplotspec() is not None]
    width = shown[0].get_subplotspec().get_gridspec().ncols
    return [shown[column::width] for column in range(width)]


def test_figure_raster_stacks_a_column_for_each_phase(spiking):
    figure = plots.figure_raster(spiking, replicate=1)
    left, right = columns(figure)
    assert [column[0].get_title() for column in (left, right)] == ["training 1", "test 1"]
    labels = [ax.get_ylabel().split("\n")[0] for ax in left]
    assert labels == ["stimulus", "neuron", "rate", "v", "k", "error"]
    for column, phase in ((left, 0), (right, 2)):
        counts = spiking.data.trace_spikes.values[1, phase]
        assert len(ticks(column[1])) == counts.sum()
        np.testing.assert_array_equal(column[0].lines[1].get_ydata(), spiking.data.trace_stimulus[1, phase, :, 1])
        np.testing.assert_array_equal(column[5].lines[0].get_ydata(), spiking.data.trace_error[1, phase, :, 0])
        np.testing.assert_array_equal(column[3].lines[0].get_ydata(), spiking.data.trace_v[1, phase, :, 1])
    for a, b in zip(left, right, strict=True):
        assert a.get_xlim() == b.get_xlim() == (0, 40)
        assert a.get_ylim() == b.get_ylim()
    assert names(left[3]) == ["1", "2", "4"]
    assert right[-1].get_xlabel() == "time (ms)"
    assert not right[3].get_ylabel()
    assert left[0].get_ylabel() == "stimulus\n(box lengths)"


def test_figure_raster_sorts_all_columns_alike_and_colours_the_neurons_whose_states_it_draws(spiking):
    left, right = columns(plots.figure_raster(spiking, phases=["test 1", "training 9"], order="rate", neurons=1))
    order = recordings.sorted_neurons(spiking.data.trace_spikes[0, 1].values, "rate")
    assert names(left[1]) == [str(neuron) for neuron in order]
    blue = [row for _, row, colour in ticks(right[1]) if colour == style.PALETTE[0]]
    assert set(blue) == {list(order).index(2)}
    assert to_hex(left[3].lines[0].get_color()).upper() == style.PALETTE[0]


def test_figure_raster_without_what_was_not_kept(spiking):
    poorer = spiking.data.drop_vars(["trace_stimulus", "trace_v", "trace_o", "trace_k"])
    (column,) = columns(plots.figure_raster(poorer, phases=["test 1"]))
    assert [ax.get_ylabel().split("\n")[0] for ax in column] == ["neuron", "rate", "error"]


def test_many_inputs_are_an_image(spiking):
    dims, values = ("recorded", "phase", "step", "input"), np.random.default_rng(0).random((2, 3, 40, 30))
    left, _ = columns(plots.figure_raster(spiking.data.assign(trace_stimulus=(dims, values))))
    np.testing.assert_array_equal(left[0].images[0].get_array(), values[0, 0].T)
    assert left[0].get_ylabel() == "stimulus inputs"


def test_figure_traces_leaves_spikes_and_stimulus_to_the_raster(spiking):
    assert plots.trace_names(spiking, "autapse") == ["activity", "o", "k", "v", "feedback", "error"]
    figure = plots.figure_traces(spiking, replicate=1)
    np.testing.assert_array_equal(figure.axes[3].lines[4].get_ydata(), spiking.data.trace_v[1, 2, :, 4])


def test_figure_activity_of_rates(spiking):
    rates = spiking.data.drop_vars("trace_spikes")
    left, right = columns(plots.figure_activity(rates))
    np.testing.assert_array_equal(right[1].images[0].get_array(), rates.trace_activity[0, 2].T)
    assert left[1].images[0].get_clim() == right[1].images[0].get_clim()
    assert right[1].images[0].get_clim()[1] == rates.trace_activity[0, [0, 2]].max()
    assert [len(column[1].child_axes) for column in (left, right)] == [0, 1]


def test_figure_circuit_draws_weights_spectrum_and_components(spiking):
    matrix, spectrum, components = [
        ax for ax in plots.figure_circuit(spiking, replicate=1).axes if ax.get_subplotspec()
    ]
    np.testing.assert_array_equal(matrix.images[0].get_array(), spiking.data.W[1])
    dots = next(line for line in spectrum.lines if line.get_label().startswith("ρ")).get_xydata()
    np.testing.assert_allclose(sorted(dots @ [1, 1j]), sorted(np.linalg.eigvals(spiking.data.W[1])))
    assert [text.get_text() for text in components.get_legend().get_texts()] == ["training 1", "test 1"]
    assert len(components.lines[0].get_xydata()) == 40


def test_figure_circuit_beside_the_circuit_before(spiking):
    earlier = spiking.data.assign(W=spiking.data.W / 4)
    axes = [ax for ax in plots.figure_circuit(spiking, before=earlier).axes if ax.get_subplotspec()]
    assert [ax.get_title() for ax in axes[:3]] == ["W before", "W after", "change"]
    for ax, share in zip(axes, (0.25, 1, 0.75), strict=False):
        np.testing.assert_allclose(ax.images[0].get_array(), share * spiking.data.W[0])
    assert axes[0].images[0].get_clim() == axes[1].images[0].get_clim()
    assert [text.get_text().split(",")[0] for text in axes[3].get_legend().get_texts()] == ["W before", "W after"]
    with pytest.raises(InputError, match="another number of neurons"):
        plots.figure_circuit(spiking, before=earlier.isel(post=[0, 1], pre=[0, 1]))


def test_figure_circuit_without_traces_has_no_components(spiking):
    axes = [ax for ax in plots.figure_circuit(spiking.data.isel(recorded=[])).axes if ax.get_subplotspec()]
    assert len(axes) == 2
    axes = plots.figure_circuit(spiking.data.isel(recorded=[]), before=spiking).axes
    assert len([ax for ax in axes if ax.get_subplotspec()]) == 4


@pytest.fixture
def plot(spiking, tmp_path, monkeypatch):
    """`autapse plot` on the saved result; it gives the exit code, what was said, and the figure that is to be saved."""
    spiking.save(tmp_path / "result.nc")

    def run(figure, *options, result=tmp_path / "result.nc"):
        saved = []
        monkeypatch.setattr(style, "save", lambda drawn, folder, name: saved.append(drawn) or [folder / name])
        done = CliRunner().invoke(main, ["plot", figure, str(result), "--out", str(tmp_path / "out"), *options])
        return done.exit_code, done.output, saved

    return run


def test_command_line_writes_files(spiking, tmp_path):
    spiking.save(tmp_path / "result.nc")
    done = CliRunner().invoke(main, ["plot", "raster", str(tmp_path / "result.nc"), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["raster.pdf", "raster.png"]


@pytest.mark.parametrize("figure", ["raster", "activity", "circuit"])
def test_command_line_takes_replicate_and_phases(plot, figure):
    phases = ("--phase", "training 9", "--phase", "test 1")
    code, output, (drawn,) = plot(figure, "--replicate", "1", *phases)
    assert code == 0, output
    assert drawn.get_suptitle() == "autapse, replicate 1"
    said = {text.get_text() for ax in drawn.axes if ax.get_legend() for text in ax.get_legend().get_texts()}
    assert {"training 9", "test 1"} <= said | {ax.get_title() for ax in drawn.axes}


def test_command_line_with_the_circuit_before(plot, tmp_path):
    code, output, (drawn,) = plot("circuit", "--before", str(tmp_path / "result.nc"))
    assert code == 0, output
    assert drawn.axes[0].get_title() == "W before"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("raster", "--replicate", "2"), "replicate 2 was not recorded; this result recorded 0, 1"),
        (("raster", "--phase", "test 2"), "unknown phase 'test 2'; did you mean 'test 1'"),
        (("raster", "--rule", "fa"), "unknown rule 'fa'"),
        (("raster", "--before", "x.nc"), "figure raster takes no --before"),
        (("fig1", "--replicate", "1"), "figure fig1 takes no --replicate"),
        (("traces", "--phase", "test 1", "--phase", "training 1"), "figure traces takes one --phase at most"),
        (("rasters",), "unknown figure 'rasters'; did you mean 'raster'"),
    ],
)
def test_command_line_says_what_is_wrong(plot, arguments, says):
    code, output, saved = plot(*arguments)
    assert (code, saved) == (2, [])
    assert says in output
    assert len(output.splitlines()) == 1


def test_command_line_names_the_activity_map_for_rates(plot, spiking, tmp_path):
    type(spiking)(spiking.data.drop_vars("trace_spikes")).save(tmp_path / "rates.nc")
    code, output, _ = plot("raster", result=tmp_path / "rates.nc")
    assert code == 2
    assert "figure raster needs trace_spikes" in output
    assert "its figures are traces, activity, circuit" in output
    assert plot("activity", result=tmp_path / "rates.nc")[0] == 0
