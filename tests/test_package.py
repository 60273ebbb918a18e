"""What is handed out (a wheel and an sdist) holds all that the package needs, and runs away from its source."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEFT_OUT = {".git", ".venv", "_build", "gallery", "learn", "library", "__pycache__", "autapse_sim.egg-info"}
MADE = {"build", "dist", "results"}
"""What stands at the top of a tree that was used, and is no part of it."""
ENDS = {".py", ".h", ".cpp", ".mplstyle", ".typed"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with a wheel and an sdist of this tree."""
    source, out = tmp_path_factory.mktemp("source") / "tree", tmp_path_factory.mktemp("dist")
    shutil.copytree(
        ROOT, source, ignore=lambda path, names: {*names} & (LEFT_OUT | MADE if Path(path) == ROOT else LEFT_OUT)
    )
    for kind in ("bdist_wheel", "sdist"):
        command = [sys.executable, "setup.py", "-q", kind, "--dist-dir", str(out)]
        done = subprocess.run(command, cwd=source, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return out


def files(*folders):
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in ENDS]
    return {path.relative_to(ROOT).as_posix() for path in paths if not LEFT_OUT & {*path.parts}}


@pytest.mark.slow
def test_a_wheel_holds_every_module_header_template_style_and_model(built):
    (wheel,) = built.glob("*.whl")
    held = {*zipfile.ZipFile(wheel).namelist()}
    wanted = files("autapse_sim") | {f"autapse_sim/{name}" for name in files("models")}
    assert len(wanted) > 200
    assert not wanted - held
    assert not {name for name in held if name.startswith(("tests", "docs", "figures"))}


@pytest.mark.slow
def test_an_sdist_holds_what_a_wheel_is_made_of_and_what_checks_it(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        held = {name.partition("/")[2] for name in packed.getnames()}
    assert not files("autapse_sim", "models", "figures", "tests", "docs") - held
    assert not {"README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "setup.cfg"} - held
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert not {page for page in pages if "_build" not in page} - held


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_it_passes_twine(built, kind):
    twine = pytest.importorskip("twine.commands.check")
    (path,) = built.glob(kind)
    assert not twine.check([str(path)], strict=True)


@pytest.mark.slow
def test_what_is_installed_runs_away_from_its_source(built, tmp_path):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(tmp_path / "site")
    work = tmp_path / "work"
    work.mkdir()
    start = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); sys.path[:] = [p for p in sys.path if p]\n"

    def autapse(*words):
        code = f"{start}from autapse_sim.__main__ import main; sys.argv = {['autapse', *words]}; main()"
        done = subprocess.run([sys.executable, "-c", code], cwd=work, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "eprop" in autapse("models")
    autapse("new", "rule", "x.py")
    assert "what it asks of a brain" in autapse("check", "x.py")
    autapse("train", "--rule", "x.py", "--replicates", "2", "--trajectories", "5", "--out", "out")
    autapse("plot", "traces", "out/train.nc")
    assert {"traces.pdf", "traces.png"} <= {path.name for path in work.iterdir()}
    where = f"{start}import autapse_sim; print(autapse_sim.__file__, autapse_sim.train.__code__.co_filename)"
    told = subprocess.run([sys.executable, "-c", where], cwd=work, capture_output=True, text=True).stdout.split()
    assert all(path.startswith(str(tmp_path / "site")) for path in told)
