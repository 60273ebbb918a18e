"""The figures of a result as its methods and as `autapse plot` draws them: trials, sweeps, movies, formats."""

import inspect
from io import BytesIO

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.animation import FFMpegWriter
from matplotlib.figure import Figure
from PIL import Image

import autapse_sim as ap
from autapse_sim.commands.main import main
from autapse_sim.errors import InputError
from autapse_sim.results import recordings
from autapse_sim.results.plots.catalogue import figures, figures_of
from autapse_sim.results.plots.movies import Movie

pytestmark = pytest.mark.usefixtures("no_workers")


@pytest.fixture(scope="module")
def trained():
    protocol = ap.Protocol(replicates=2, train=4, validate=2, test=3, record_tests=2)
    return ap.train(ap.Circuit(rule="autapse"), ap.BouncingBall(steps=20), protocol, engine="numpy")


@pytest.fixture(scope="module")
def swept(no_workers):
    few = ap.Protocol(replicates=3, train=2, validate=0, test=2)
    grid = {"eta": [0.01, 0.1], "rule": ["dfa", "fa"], "seed": [0, 1]}
    return ap.Result(ap.sweep(grid, protocol=few, task=ap.BouncingBall(steps=20), engine="numpy"))


@pytest.fixture
def tested(spiking):
    """Of the made-up spiking result, 8 recorded tests."""
    part = spiking.data.isel(phase=[2] * 8).assign_coords(phase=[f"test {k}" for k in range(1, 9)])
    spikes = np.zeros(part.trace_spikes.shape)
    for trial, first in enumerate([30, 10, 20, 5, 35, 15, 25]):  # the last trial has none
        spikes[0, trial, first : first + trial + 1, 2] = 1
    return ap.Result(part.assign(trace_spikes=(part.trace_spikes.dims, spikes)))


def test_every_figure_of_a_result_is_a_method_of_it(trained, swept, spiking):
    for result in (trained, swept, spiking):
        names = dir(result.plot)
        assert set(figures_of(result)) <= set(names)
        for name in names:
            drawn = getattr(result.plot, name)()
            assert isinstance(drawn, Movie if name == "movie" else Figure)
            assert name in repr(result.plot) or name == "learning_curves"


def test_methods_take_what_the_figures_take(trained):
    assert [*inspect.signature(trained.plot.traces).parameters] == ["rule", "phase", "replicate"]
    assert "phase : str" in inspect.getdoc(trained.plot.traces)
    texts = [trained.plot.traces(phase=phase).get_suptitle() for phase in ("training 1", "test 2")]
    assert texts == ["autapse, training 1", "autapse, test 2"]
    with pytest.raises(InputError, match="unknown phase 'test 3'"):
        trained.plot.traces(phase="test 3")


def test_what_cannot_be_drawn_says_what_is_missing(trained, swept):
    with pytest.raises(
        InputError, match="figure raster needs trace_spikes, which this result does not have; its figures"
    ):
        trained.plot.raster()
    with pytest.raises(InputError, match="figure scores is of a verdict, and this is none"):
        trained.plot.scores()
    with pytest.raises(InputError, match="figure fig2 needs what one run has recorded"):
        swept.plot.fig2()
    with pytest.raises(AttributeError, match="did you mean 'traces'"):
        trained.plot.trace  # noqa: B018
    assert not hasattr(trained.plot, "nothing")


def test_learning_curves_are_drawn_of_every_kind_of_result(trained):
    assert "learning_curves" in dir(trained.plot)
    one, other = trained.plot.learning_curves(), trained.plot.fig2()
    assert [ax.get_ylabel() for ax in one.axes] == [ax.get_ylabel() for ax in other.axes]


def test_notebooks_show_a_figure_without_pyplot(trained):
    assert Image.open(BytesIO(trained.plot.fig1()._repr_png_())).format == "PNG"


def rows(figure):
    """The lines of a raster from the top, each by the number of its trial, where it has one."""
    ax = figure.axes[0]
    assert ax.yaxis_inverted()
    return [int(tick.get_text()) for tick in ax.get_yticklabels()]


def test_trials_of_a_neuron_are_sorted(tested):
    assert rows(tested.plot.trials(neuron=2)) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert rows(tested.plot.trials(neuron=2, order="latency")) == [3, 1, 5, 2, 6, 0, 4, 7]
    by_rate = rows(tested.plot.trials(neuron=2, order="rate"))
    counts = [recordings.spikes(tested, f"test {k + 1}")[:, 2].sum() for k in by_rate]
    assert counts == sorted(counts)
    assert counts[0] == 0 < counts[-1]
    assert "neuron 2, 8 trials" in tested.plot.trials().get_suptitle()  # it spikes most
    with pytest.raises(InputError, match="neuron is 5; this result has 5"):
        tested.plot.trials(neuron=5)
    with pytest.raises(InputError, match="unknown order 'peak'"):
        tested.plot.trials(order="peak")


def test_traces_are_kept_of_as_many_tests_as_are_asked_for(trained):
    assert recordings.phases(trained) == ["training 1", "training 4", "test 1", "test 2"]
    error = trained.data.prediction - trained.data.target
    for k in (0, 1):
        kept = trained.data.trace_error.isel(phase=2 + k)
        np.testing.assert_allclose(kept, error.isel(trajectory=k).transpose(*kept.dims), atol=1e-12)
        assert not np.allclose(kept, error.isel(trajectory=1 - k).transpose(*kept.dims))


def shown(movie, frame):
    """The picture of a movie at a frame."""
    movie.show(frame)
    buffer = BytesIO()
    movie.figure.savefig(buffer, format="png", dpi=50)
    return np.asarray(Image.open(buffer).convert("L")).astype(int)


def test_a_movie_grows_and_moves(trained):
    with pytest.raises(InputError, match="frames is 0; it must be a whole number of at least 1"):
        trained.plot.movie(frames=0)
    movie = trained.plot.movie(frames=5)
    assert movie.frames == 5
    ball = movie.figure.axes[-1] if movie.figure.axes[-1].get_xlabel().startswith("x") else movie.figure.axes[1]
    seen = []
    for frame, step in enumerate(np.linspace(0, 19, 5).astype(int)):
        movie.show(frame)
        lines = [line.get_xydata() for line in ball.lines if line.get_marker() == "o"]
        at = {"recorded": 0, "trajectory": 0, "step": step}
        for drawn, name in zip(lines, ("target", "prediction"), strict=True):
            np.testing.assert_allclose(drawn, [trained.data[name].isel(at).values])
        seen.append(lines[0])
    assert np.ptp(seen, axis=0).max() > 0.1  # it moves
    white = [(shown(movie, frame) > 250).sum() for frame in (0, 4)]
    assert white[0] > white[1]  # what came is shown, what comes is not


def test_a_movie_of_another_task_shows_target_and_prediction(spiking):
    protocol = ap.Protocol(replicates=1, train=2, validate=0, test=1)
    circuit = ap.Circuit(rule="dfa", neurons=3, readout="random")
    result = ap.train(circuit, ap.FlipFlop(steps=20), protocol, engine="numpy")
    movie = result.plot.movie(frames=3)
    assert {ax.get_ylabel() for ax in movie.figure.axes} >= {"target", "neuron"}
    volts = ap.Result(result.data.assign(target=result.data.target.assign_attrs(units="V"))).plot.movie(frames=1)
    assert "target\n(V)" in {ax.get_ylabel() for ax in volts.figure.axes}
    assert Image.open(BytesIO(movie.content("gif"))).n_frames == 3
    with pytest.raises(InputError, match="figure movie needs"):
        spiking.plot.movie()  # it has no predictions


def test_movies_are_written_as_asked(trained, tmp_path, monkeypatch):
    movie = trained.plot.movie(frames=3)
    assert [path.name for path in movie.save(tmp_path, "a")] == ["a.gif"]
    assert movie._repr_html_().startswith('<img alt="movie" src="data:image/gif;base64,')
    if FFMpegWriter.isAvailable():
        assert movie.content("mp4")[4:8] == b"ftyp"
    monkeypatch.setattr(FFMpegWriter, "isAvailable", classmethod(lambda cls: False))
    with pytest.raises(InputError, match="an mp4 needs ffmpeg"):
        movie.save(tmp_path, "b", ["gif", "mp4"])
    assert not (tmp_path / "b.gif").exists()


def plotted(*arguments):
    return CliRunner().invoke(main, ["plot", *map(str, arguments)])


@pytest.mark.slow
def test_the_command_draws_what_the_methods_draw(trained, tmp_path):
    trained.save(tmp_path / "run.nc")
    for name in dir(trained.plot):
        done = plotted(name, tmp_path / "run.nc", "--out", tmp_path)
        assert done.exit_code == 0, done.output
        written = [path.suffix for path in sorted(tmp_path.glob(f"{name}.*"))]
        assert written == ([".gif"] if name == "movie" else [".pdf", ".png"])


def test_the_command_writes_the_formats_that_are_asked_for(trained, tmp_path):
    trained.save(tmp_path / "run.nc")
    done = plotted("fig1", tmp_path / "run.nc", "--format", "svg", "--format", "png", "--out", tmp_path)
    assert {path.name for path in tmp_path.glob("fig1.*")} == {"fig1.svg", "fig1.png"}
    assert (tmp_path / "fig1.svg").read_bytes().startswith(b"<?xml")
    assert len(done.output.splitlines()) == 2
    done = plotted("fig1", tmp_path / "run.nc", "--format", "bmp")
    assert done.exit_code == 2
    assert "unknown format 'bmp'" in done.output
    done = plotted("fig1", tmp_path / "run.nc", "--order", "rate")
    assert (done.exit_code, "figure fig1 takes no --order" in done.output) == (2, True)


@pytest.mark.slow
def test_the_command_draws_sweeps_from_their_folder(tmp_path):
    few = ap.Protocol(replicates=3, train=2, validate=0, test=2)
    grid = {"eta": [0.01, 0.1], "rule": ["dfa", "fa"]}
    ap.sweep(grid, tmp_path / "study", protocol=few, task=ap.BouncingBall(steps=20), engine="numpy")
    for figure in figures("sweep"):
        assert plotted(figure, tmp_path / "study", "--out", tmp_path, "--format", "svg").exit_code == 0
        assert (tmp_path / f"{figure}.svg").exists()
    done = plotted("heat_maps", tmp_path / "study", "--over", "eta")
    assert (done.exit_code, "a heat map is over two axes" in done.output) == (2, True)


def test_a_sweep_without_axes_says_that_there_is_nothing_to_draw():
    few = ap.Protocol(replicates=2, train=2, validate=0, test=1)
    plain = ap.Result(ap.sweep({}, protocol=few, circuit=ap.Circuit(rule="dfa"), engine="numpy"))
    for name, said in {"lines": "an axis of more than one value", "circuit": "what one run has recorded"}.items():
        with pytest.raises(InputError, match=f"figure {name} needs {said}, which this result does not have"):
            getattr(plain.plot, name)()


def test_sweeps_are_drawn_over_the_axes_that_are_asked_for(swept):
    assert [ax.get_xlabel() for ax in swept.plot.lines(over=["rule"]).axes] == ["rule"]
    assert len(swept.plot.lines().axes) == 3
    with pytest.raises(InputError, match="unknown axis 'tau'"):
        swept.plot.lines(over=["tau"])
    assert "R2" in swept.plot.lines(score="r2_network").axes[0].get_ylabel()
