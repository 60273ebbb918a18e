"""Figures of circuits, and the command that draws them."""

from itertools import pairwise

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.colors import to_hex
from rasters import names, ticks

from autapse_sim import plots, recordings
from autapse_sim.commands.main import main
from autapse_sim.errors import InputError
from autapse_sim.results.plots import style


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


def test_figure_activity_of_silent_neurons_is_of_one_colour(spiking):
    rates = spiking.data.drop_vars("trace_spikes")
    left, right = columns(plots.figure_activity(rates.assign(trace_activity=0 * rates.trace_activity)))
    images = [column[1].images[0] for column in (left, right)]
    for ax in (left[1], right[1]):
        ax.figure.draw_without_rendering()
    shown = {tuple(image.to_rgba(image.get_array())[0, 0]) for image in images}
    assert len(shown) == 1
    assert images[0].get_clim()[0] < 0 < images[0].get_clim()[1]


def test_figure_circuit_draws_weights_spectrum_and_components(spiking):
    matrix, spectrum, components = [
        ax for ax in plots.figure_circuit(spiking, replicate=1).axes if ax.get_subplotspec()
    ]
    np.testing.assert_array_equal(matrix.images[0].get_array(), spiking.data.W[1])
    dots = next(line for line in spectrum.lines if line.get_label().startswith("ρ")).get_xydata()
    np.testing.assert_allclose(sorted(dots @ [1, 1j]), sorted(np.linalg.eigvals(spiking.data.W[1])))
    assert [text.get_text() for text in components.get_legend().get_texts()] == ["training 1", "test 1"]
    assert len(components.lines[0].get_xydata()) == 40


@pytest.mark.parametrize("scale", [0.075, 1, 5e4, 2e5])
def test_figure_circuit_has_room_for_its_numbers(spiking, scale):
    angle = np.linspace(0, 2 * np.pi, spiking.data.sizes["step"])[:, None]
    around = scale * np.cos(angle + np.arange(spiking.data.sizes["neuron"]))
    data = spiking.data.assign(W=scale * spiking.data.W, trace_activity=0 * spiking.data.trace_activity + around)
    figure = plots.figure_circuit(data)
    with style.styled():
        figure.draw_without_rendering()
    for ax in figure.axes[1:3]:
        low, high = ax.get_xlim()
        shown = [tick.label1 for tick in ax.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
        boxes = [label.get_window_extent() for label in shown]
        assert len(boxes) > 1
        assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


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


def test_many_inputs_are_an_image(spiking):
    dims, values = ("recorded", "phase", "step", "input"), np.random.default_rng(0).random((2, 3, 40, 30))
    left, _ = columns(plots.figure_raster(spiking.data.assign(trace_stimulus=(dims, values))))
    np.testing.assert_array_equal(left[0].images[0].get_array(), values[0, 0].T)
    assert left[0].get_ylabel() == "stimulus inputs"


@pytest.mark.parametrize("figure", [plots.figure_activity, plots.figure_circuit, plots.figure_raster])
@pytest.mark.parametrize("phases", [(), 3, "", "test 2", b"test 1", [None]])
def test_figures_are_asked_for_by_what_there_is(figure, phases, spiking):
    with pytest.raises(InputError, match=r"phases is|phases names none|unknown phase"):
        figure(spiking, phases=phases)


def test_one_phase_may_be_given_by_itself(spiking):
    assert len(plots.figure_activity(spiking, phases="test 1").axes) < len(plots.figure_activity(spiking).axes)
