"""Without what only POSIX systems have, all that needs no compiler works."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from autapse_sim.machine import memory

HIDDEN = ("fcntl", "grp", "pwd", "resource", "termios")
PREAMBLE = f"""
import importlib.abc, os, signal, sys
# what has names of POSIX of its own on a POSIX system
import asyncio, click._termui_impl, numpy, platformdirs.unix, psutil, shutil, subprocess, tempfile

shutil._use_fd_functions = False  # as it is elsewhere

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {HIDDEN}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Hidden())
for name in {HIDDEN}:
    sys.modules.pop(name, None)
names = "fork forkpty geteuid getuid getgid getegid getppid killpg nice sched_getaffinity setsid sysconf umask"
for name in [*names.split(), "O_NOFOLLOW", "O_NONBLOCK", "fchmod", "chown", "getpgid", "setpgid", "statvfs"]:
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGALRM", "SIGCHLD", "SIGUSR1", "pthread_sigmask", "alarm", "setitimer"):
    if hasattr(signal, name):
        delattr(signal, name)
"""


def run(code, folder):
    """What a program says that runs where POSIX is hidden."""
    text = PREAMBLE + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_hidden_is_hidden(tmp_path):
    code = """
        for name in ("fcntl", "resource"):
            try:
                __import__(name)
            except ImportError:
                print(name)
        print(hasattr(os, "getuid"))
    """
    assert run(code, tmp_path).split() == ["fcntl", "resource", "False"]


@pytest.mark.slow
def test_every_module_can_be_imported(tmp_path):
    code = """
        import autapse_sim, importlib
        from pathlib import Path
        home = Path(autapse_sim.__file__).parent
        inside = [path.relative_to(home.parent).with_suffix("").parts for path in home.rglob("*.py")]
        inside = [".".join(parts) for parts in inside if "templates" not in parts and parts[-1] != "__main__"]
        for name in inside:
            importlib.import_module(name.removesuffix(".__init__"))
        print(len(inside))
    """
    assert int(run(code, tmp_path)) > 150


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["runtime", "numpy"])
def test_engines_without_a_compiler_results_and_plots(engine, tmp_path):
    code = f"""
        import autapse_sim as ap
        from autapse_sim.engines.brian.compiler import compiler
        rule = "dfa" if {engine!r} == "numpy" else "autapse"
        task = ap.BouncingBall(steps=8)
        result = ap.train(ap.Circuit(rule=rule), task, ap.Protocol(replicates=2, train=3, validate=1, test=1),
                          engine={engine!r})
        result.save("run.nc")
        again = ap.load("run.nc")
        assert again.data.equals(result.data)
        assert abs(again.data.W_after if "W_after" in again.data else again.data.W).max() > 0
        ap.report(again, "page.html")
        print(compiler(), again.data.attrs["engine"])
    """
    assert run(code, tmp_path).split() == ["None", engine]
    assert (tmp_path / "page.html").stat().st_size > 10_000


@pytest.mark.slow
def test_commands(tmp_path):
    code = """
        from autapse_sim.commands.main import main
        def call(*words):
            try:
                main(list(words))
            except SystemExit as end:
                assert not end.code, words
        call("new", "rule", "mine.py")
        call("models")
        call("train", "--rule", "mine.py", "--replicates", "2", "--trajectories", "3", "--steps", "8", "--engine",
             "runtime", "--out", "out")
        call("plot", "traces", "out/train.nc")
    """
    assert "autapse" in run(code, tmp_path)
    assert {path.suffix for path in tmp_path.rglob("*")} >= {".nc", ".png", ".pdf"}


def test_memory_is_bounded_by_all_that_bounds_it(monkeypatch, tmp_path):
    assert memory.memory() <= memory.psutil.virtual_memory().total
    monkeypatch.setattr(memory, "CONTROL_GROUP", tmp_path / "memory.max")
    Path(tmp_path / "memory.max").write_text("1000\n")
    assert memory.memory() == 1000
    Path(tmp_path / "memory.max").write_text("max\n")
    assert memory.memory() > 10**6
    own = memory.peak_memory(2**20)
    monkeypatch.setattr(memory, "resource", None)
    assert memory.memory() > 10**6
    without = memory.peak_memory(2**20)
    assert own.endswith(", and 1 MB in compiled programs")
    assert without.endswith(", and 1 MB in compiled programs")
    assert 0.2 < int(without.split()[0]) / int(own.split()[0]) < 1.1
    assert "without processes" in memory.peak_memory_of_workers(2)
