"""The programs in figures/ and `autapse plot`: each draws, or says in a line what it lacks."""

import importlib.util
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

import autapse_sim as ap
from autapse_sim.commands.main import main
from autapse_sim.results.plots import catalogue, save
from autapse_sim.results.plots.movies import Movie

FIGURES = sorted((Path(__file__).parent.parent / "figures").glob("*.py"))
SMALL = ap.Protocol(replicates=2, train=2, validate=1, test=1, validate_every=1, record=1)


def made_up():
    """The verdict of the figures' tests."""
    spec = importlib.util.spec_from_file_location("evidence_tests", Path(__file__).with_name("test_evidence.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.verdict(replicates=8)


@pytest.fixture(scope="module")
def results(tmp_path_factory, no_workers):
    """A file of each kind of result."""
    folder = tmp_path_factory.mktemp("results")
    task = ap.BouncingBall(steps=10)
    ap.train(ap.Circuit(), task, SMALL, engine="numpy").save(folder / "train.nc")
    ap.compare(["bptt", "fa"], task, SMALL, etas=(0.1,)).save(folder / "compare.nc")
    ap.Result(made_up()).save(folder / "verdict.nc")
    return {path.stem: path for path in folder.glob("*.nc")}


def program(path, *arguments, cwd):
    done = subprocess.run([sys.executable, path, *arguments], capture_output=True, text=True, check=False, cwd=cwd)
    return done.returncode, done.stderr


@pytest.fixture
def called(monkeypatch, capsys):
    """Call a program as if from a shell, without the second that a process of its own takes; its end and its errors."""

    def call(path, *arguments, cwd):
        monkeypatch.setattr(sys, "argv", [str(path), *arguments])
        monkeypatch.chdir(cwd)
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(path), run_name="__main__")
        return ended.value.code, capsys.readouterr().err

    return call


@pytest.mark.parametrize("path", FIGURES, ids=lambda path: path.stem)
def test_a_program_that_is_called_wrongly_says_how_in_a_line(called, path, tmp_path):
    needs = path.stem.startswith("fig")
    wrong = [("a", "b", "c"), ("--help",), *([(), (str(tmp_path / "nowhere.nc"),)] if needs else [])]
    for arguments in wrong:
        code, said = called(path, *arguments, cwd=tmp_path)
        assert code == 2
        (line,) = said.splitlines()
        assert line.startswith(f"{path.stem}: error: ")
        assert ("nowhere.nc" if arguments and "nowhere" in arguments[0] else f"figures/{path.name}") in line
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_paper_s_figures_are_drawn_from_a_file(results, tmp_path):
    for path in FIGURES:
        if path.stem.startswith("fig"):
            assert program(path, str(results["compare"]), str(tmp_path), cwd=tmp_path) == (0, "")
    assert len(list(tmp_path.glob("fig*.pdf"))) == 2


def test_a_process_of_its_own_says_the_same(called, tmp_path):
    arguments = (FIGURES[-1], str(tmp_path / "nowhere.nc"))
    assert program(*arguments, cwd=tmp_path) == called(*arguments, cwd=tmp_path)


@pytest.mark.parametrize(
    ("kind", "has"),
    [
        ("train", ["fig1", "fig2", "traces", "activity", "circuit", "movie"]),
        ("compare", ["fig1", "fig2", "traces", "activity", "circuit", "movie"]),
        ("verdict", list(catalogue.figures("verdict"))),
    ],
)
def test_every_figure_of_every_kind_of_result_is_drawn(results, kind, has, tmp_path):
    path = results[kind]
    drawn = catalogue.figures_of(ap.load(path))
    assert list(drawn) == has
    assert all(isinstance(draw(ap.load(path)), Figure | Movie) for draw in drawn.values())
    done = CliRunner().invoke(main, ["plot", has[0], str(path), "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert (tmp_path / f"{has[0]}.pdf").stat().st_size > 1000
    wrong = CliRunner().invoke(main, ["plot", "quux", str(path), "--out", str(tmp_path)])
    assert (wrong.exit_code, f"Known: {', '.join(sorted(has))}" in wrong.stderr) == (2, True)
    for other in catalogue.figures().keys() - set(has) - {"learning_curves"}:  # which fig2 stands in for
        wrong = CliRunner().invoke(main, ["plot", other, str(path), "--out", str(tmp_path)])
        assert wrong.exit_code == 2
        (line,) = wrong.stderr.splitlines()
        assert f"its figures are {', '.join(has)}" in line


def test_numbers_too_large_for_matplotlib_are_refused(tmp_path):
    figure = Figure()
    figure.savefig = lambda *arguments, **options: round(float("inf"))  # what its ticks come to
    with pytest.raises(ap.InputError, match="too large to be drawn"):
        save(figure, tmp_path, "figure")
