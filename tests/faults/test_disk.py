"""Disks that are full, read-only or run nothing, too few open files: one line, and nothing that was there is lost."""

import errno
import os
import shutil
import subprocess
import sys

import matplotlib.figure
import numpy as np
import pytest
from click.testing import CliRunner
from here import Here

import autapse_sim as ap
from autapse_sim.commands.main import main
from autapse_sim.results.plots import style
from autapse_sim.studies.workers import Workers

TRAIN = ["train", "--replicates", "2", "--trajectories", "3", "--validate", "0", "--test", "2", "--steps", "10"]
COMPARE = ["compare", "--rule", "bptt", "--eta", "0.1", *TRAIN[1:]]


@pytest.fixture
def small(tmp_path):
    """Run a command with a small disk of its own in the place of a folder; what it says, its exit code and files."""

    def run(folder, options, arguments, before=""):
        for name in ("out", "temporary", "cache"):
            (tmp_path / name).mkdir(exist_ok=True, mode=0o700)
        place = tmp_path / folder
        script = f'mount -t tmpfs -o {options} none "{place}" && cd "{tmp_path}" && {before or ":"} && "$@"; code=$?; '
        script += f'echo; find "{place}" -type f; cat out/train.nc; exit $code'
        mount = ["unshare", "-rm", "sh", "-c"]
        trial = f'mount -t tmpfs none "{place}"'
        if not shutil.which("unshare") or subprocess.run([*mount, trial], capture_output=True, check=False).returncode:
            pytest.skip("needs a file system of its own (user namespaces)")
        environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary"), "AUTAPSE_CACHE": str(tmp_path / "cache")}
        command = [*mount, script, "sh", sys.executable, "-m", "autapse_sim", *arguments, "--out", "out"]
        done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=120)
        *before, said = done.stderr.decode().replace("cat: out/train.nc: No such file or directory\n", "").splitlines()
        assert folder == "cache" or not [line for line in before if "not used" in line]
        return done.returncode, said, done.stdout

    return run


@pytest.mark.parametrize("size", ["40k", *(pytest.param(size, marks=pytest.mark.slow) for size in ("8k", "100k"))])
def test_a_full_folder_for_results_leaves_what_was_there(small, size):
    code, said, output = small("out", f"size={size}", [*TRAIN, "--engine", "numpy"], before="echo old > out/train.nc")
    assert (code, said) == (2, "autapse: error: out/train.nc cannot be written: No space left on device")
    assert output.endswith(b"out/train.nc\nold\n")


@pytest.mark.parametrize("size", ["200k", *(pytest.param(size, marks=pytest.mark.slow) for size in ("8k", "1m"))])
def test_a_full_folder_for_temporary_files_is_named(small, tmp_path, size):
    code, said, output = small("temporary", f"size={size}", [*TRAIN, "--steps", "2000"])
    where = f"the folder for temporary files {tmp_path / 'temporary'} cannot be used: "
    assert (code, said) == (2, f"autapse: error: {where}No space left on device; set TMPDIR to one that has room")
    assert output.strip() == b""


@pytest.mark.slow
@pytest.mark.parametrize("size", ["800k", *(pytest.param(size, marks=pytest.mark.slow) for size in ("700k", "900k"))])
def test_temporary_files_of_the_compiler_that_find_no_room_are_not_blamed_on_the_cache(small, tmp_path, size):
    code, said, output = small("temporary", f"size={size}", TRAIN)
    if code:  # else the compiler needs less
        where = f"the folder for temporary files {tmp_path / 'temporary'} cannot be used: "
        assert (code, said) == (2, f"autapse: error: {where}No space left on device; set TMPDIR to one that has room")
        assert output.strip() == b""


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["temporary", "cache"])
def test_one_of_two_folders_may_run_nothing(small, folder):
    code, said, _ = small(folder, "size=50m,mode=700,noexec", TRAIN)
    assert (code, said) == (0, "written to out: train.nc")


@pytest.mark.parametrize("many", [8, pytest.param(14, marks=pytest.mark.slow)])
def test_too_few_open_files_are_one_line(tmp_path, many):
    command = ["sh", "-c", f'ulimit -n {many} && exec "$@"', "sh", sys.executable, "-m", "autapse_sim", *TRAIN]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "autapse: error: too many open files; raise the limit (ulimit -n)"


@pytest.fixture
def run(tmp_path, without_workers):
    return lambda *arguments: CliRunner().invoke(main, [*arguments, "--engine", "numpy", "--out", str(tmp_path)])


def test_figures_that_cannot_be_written_are_named_and_the_others_are_there(run, tmp_path, monkeypatch):
    write_whole = style.write_whole

    def write(path, content):
        if "traces" in str(path):
            raise ap.InputError(f"{path} cannot be written") from OSError(errno.ENOSPC, "full")
        return write_whole(path, content)

    monkeypatch.setattr(style, "write_whole", write)
    done = run(*COMPARE)
    assert done.exit_code == 2
    files = ["compare.nc", "fig1.pdf", "fig1.png"]
    *_, told, end = done.stderr.splitlines()
    assert "traces is left out: " in done.stderr
    assert told == f"written to {tmp_path}: {', '.join(files)}"
    assert end == f"autapse: error: traces could not be written; the result is in {tmp_path / 'compare.nc'}"
    assert sorted(path.name for path in tmp_path.iterdir()) == [*files, "study"]
    assert "bptt" in done.stdout


def test_a_figure_that_cannot_be_drawn_leaves_result_and_table(run, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise ValueError("no such font")

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", fail)
    done = run(*COMPARE)
    assert done.exit_code == 0
    assert done.stderr.splitlines()[-1] == f"written to {tmp_path}: compare.nc"
    assert "fig1 is left out: no such font" in done.stderr
    assert "bptt" in done.stdout
    assert ap.load(tmp_path / "compare.nc").data.mse.size


def test_without_test_trajectories_there_is_a_result_and_no_table(run, tmp_path):
    done = run(*TRAIN, "--test", "0")
    assert done.exit_code == 0
    assert "no test trajectories" in done.stderr
    assert "mse" not in ap.load(tmp_path / "train.nc").data


@pytest.mark.parametrize("stem", ["a$b$c", "$_^$", "$\\frac$"])
def test_dollars_in_the_name_of_a_rule_are_dollars(tmp_path, stem):
    figure = matplotlib.figure.Figure()
    figure.text(0, 0, style.label(f"{stem}.py"))
    style.save(figure, tmp_path, "figure")
    assert (tmp_path / "figure.png").exists()


def test_a_rule_that_diverges_everywhere_is_named_and_the_others_are_told(monkeypatch):
    from autapse_sim.training.grid import Grid

    best, asked = Grid.best, []

    def choose(grid, errors):
        asked.append(errors)
        return None if len(asked) == 2 else best(grid, errors)  # after a control; bptt comes last

    monkeypatch.setattr(Grid, "best", choose)
    protocol = ap.Protocol(replicates=2, train=3, validate=2, test=2)
    data = ap.compare(
        ["bptt", "fa"],
        ap.BouncingBall(steps=10),
        protocol,
        etas=(0.3, 0.1),
        engine="numpy",
        on=Workers(Here(), lambda: 1),
    ).data
    assert "fa diverged at every learning rate: it is told at the smallest" in data.attrs["notes"]
    assert data.eta.sel(rule="fa") == 0.1
    assert np.isfinite(data.mse.sel(rule="bptt")).all()
