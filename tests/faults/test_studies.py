"""Studies that are stopped, killed, starved of disk or damaged lose nothing, and have the same bits in the end."""

import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from processes import Seen, check_ended, kill_one, running

import autapse_sim as ap
from autapse_sim.results.result import load
from autapse_sim.studies.store import Store

STOPS = int(os.environ.get("AUTAPSE_STOPS", "2"))
"""Random moments of each kind."""
SLOW = 6.0
"""Seconds within which everything has ended."""
GRID = "--rule dfa --rule fa --grid neurons=2,3,4,5,6,7,8,9 --set readout=random --set learn=W+V"
SIZE = "--set train=20 --set validate=2 --set test=2 --replicates 20 -t steps=40"
UNITS = 16


class Sweep:
    """A sweep by the command line in a folder of its own."""

    def __init__(self, home: Path, engine: str = "numpy", line: str = f"{GRID} {SIZE}") -> None:
        self.out, self.line, self.engine, self.home = home / "study", line, engine, home
        (home / "temporary").mkdir(parents=True, exist_ok=True)
        self.environment = {**os.environ, "TMPDIR": str(home / "temporary")}
        if engine != "numpy":
            self.environment["AUTAPSE_CACHE"] = str(home / "cache")

    def start(self, *more: str, **options) -> subprocess.Popen:
        command = [sys.executable, "-m", "autapse_sim", "sweep", *self.line.split(), "--engine", self.engine]
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        where = {"env": self.environment, "cwd": self.home}
        return subprocess.Popen([*command, "--out", str(self.out), *more], **pipes, **where, **options)

    def finish(self, *more: str) -> dict[str, bytes]:
        """Run it to its end; the contents of its units."""
        process = self.start(*more)
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
        assert ap.open_study(self.out).attrs["missing"] == 0
        return self.contents()

    def contents(self) -> dict[str, bytes]:
        """What is finished; no file that can be read is less than whole."""
        for path in (self.out / "units").glob("*.nc"):
            load(path)
        assert list(self.out.rglob("*.damaged")) == []
        return {path.name: path.read_bytes() for path in (self.out / "units").glob("*.nc")}

    def running(self) -> list[Seen]:
        """The processes of this sweep."""
        return running("TMPDIR", self.environment["TMPDIR"])

    def check_ended(self) -> None:
        """Fail where a process is left after a while."""
        check_ended("TMPDIR", self.environment["TMPDIR"], SLOW)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The units of a sweep that nothing happened to, and how long it took."""
    before = time.monotonic()
    found = Sweep(tmp_path_factory.mktemp("whole")).finish()
    assert len(found) == UNITS
    return found, time.monotonic() - before


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_sweep_that_is_stopped_again_and_again_loses_nothing(tmp_path, whole, number):
    sweep, kept = Sweep(tmp_path), {}
    for _ in range(STOPS):
        process = sweep.start()
        time.sleep(random.uniform(0.2, 1) * whole[1])
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
        assert "Traceback" not in said
        sweep.check_ended()
        now = sweep.contents()
        assert kept.items() <= now.items() <= whole[0].items()
        kept = now
        if len(kept) == UNITS:  # the next moments have something to stop again
            shutil.rmtree(sweep.out)
            kept = {}
    assert sweep.finish() == whole[0]


@pytest.mark.slow
@pytest.mark.parametrize("days", [-3, 3])
def test_a_clock_that_is_set_back_or_forward_changes_nothing(tmp_path, whole, days):
    """What is on disk comes from another time then: half of the units, what was left of others, and the cache."""
    sweep = Sweep(tmp_path)
    process = sweep.start()
    until = time.monotonic() + 60
    while not list(sweep.out.glob("units/*.nc")) and time.monotonic() < until:
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=30)
    sweep.check_ended()
    kept = sweep.contents()
    assert kept
    then = time.time() + days * 24 * 3600
    for path in (path for folder in ("study", "cache", "temporary") for path in (tmp_path / folder).rglob("*")):
        os.utime(path, (then, then))
    assert sweep.finish() == whole[0]
    assert {path.name: path.stat().st_mtime for path in sweep.out.glob("units/*.nc") if path.name in kept} == (
        dict.fromkeys(kept, pytest.approx(then, abs=1))
    )


@pytest.mark.slow
def test_workers_that_are_killed_are_replaced(tmp_path, whole):
    sweep = Sweep(tmp_path)
    process = sweep.start("--retries", str(10 * STOPS))
    for _ in range(STOPS):
        time.sleep(random.uniform(0.1, 0.4) * whole[1])
        kill_one([each for each in sweep.running() if each.parent == process.pid and "-P" in each.line])
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert sweep.contents() == whole[0]


@pytest.mark.slow
def test_one_of_two_sweeps_that_is_killed_leaves_its_work_to_the_other(tmp_path, whole):
    one, other = Sweep(tmp_path), Sweep(tmp_path)
    processes = [one.start(), other.start()]
    time.sleep(random.uniform(0.3, 0.9) * whole[1])
    processes[0].kill()
    said = [process.communicate(timeout=300)[1] for process in processes]
    assert processes[1].returncode == 0, said
    assert one.contents() == whole[0]


@pytest.mark.slow
def test_a_full_disk_is_named_and_what_was_written_is_whole(tmp_path, whole):
    most = sorted(map(len, whole[0].values()))[UNITS // 2]
    sweep = Sweep(tmp_path)
    process = sweep.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
    _, said = process.communicate(timeout=300)
    assert process.returncode == 2
    assert "cannot be written: File too large" in said
    assert "Traceback" not in said
    kept = sweep.contents()
    assert 0 < len(kept) < UNITS
    assert kept.items() <= whole[0].items()
    assert sweep.finish() == whole[0]


@pytest.mark.slow
def test_units_that_are_damaged_are_run_again(tmp_path, whole):
    sweep = Sweep(tmp_path)
    units = sweep.out / "units"
    units.mkdir(parents=True)
    hurt = {
        "cut": lambda content: content[:-1000],
        "empty": lambda content: b"",
        "other": lambda content: b"something else",
        "zeros": lambda content: content[:500] + bytes(500) + content[1000:],
        "longer": lambda content: content + b"more",
    }
    names = sorted(whole[0])
    for name in names:
        (units / name).write_bytes(whole[0][name])
    for name, damage in zip(names, hurt.values(), strict=False):
        (units / name).write_bytes(damage(whole[0][name]))
    assert len(Store(sweep.out).whole()) == UNITS - len(hurt)
    assert len(list(units.glob("*.damaged"))) == len(hurt)
    for path in units.glob("*.damaged"):
        path.unlink()
    assert sweep.finish() == whole[0]


COMPILED = "--rule autapse --grid tau=2ms,5ms --grid horizon=1,2,3 --set train=2000 --replicates 100 --set validate=0"


@pytest.mark.slow
def test_programs_that_are_killed_and_a_cache_that_is_damaged_change_nothing(tmp_path):
    reference = Sweep(tmp_path / "whole", "standalone", COMPILED).finish()
    sweep = Sweep(tmp_path / "killed", "standalone", COMPILED)
    for _ in range(STOPS):
        process = sweep.start("--retries", "9")
        until = time.monotonic() + random.uniform(2, 15)
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.2)
            kill_one([each for each in sweep.running() if each.line and "cache" in each.line[0]])
        process.kill()
        process.communicate(timeout=30)
        sweep.check_ended()
        for path in (tmp_path / "killed" / "cache").rglob("*"):
            if path.is_file() and random.random() < 0.5:
                path.write_bytes(path.read_bytes()[: random.randrange(1000)])
    assert sweep.finish() == reference


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_gives_the_same(tmp_path, whole):
    distributed = pytest.importorskip("distributed")
    sweep = Sweep(tmp_path)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:

        def lose() -> None:
            time.sleep(0.3 * whole[1])
            cluster.workers[0].process.process._process.kill()

        threading.Thread(target=lose).start()
        assert sweep.finish("--on", cluster.scheduler_address, "--retries", "9") == whole[0]
