"""Commands that are told to end, or killed, at any moment: nothing lost, no process or folder left, no traceback."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pytest
from processes import check_ended

from autapse_sim.machine.files import scratch
from autapse_sim.results.result import load

COMMANDS = {
    "train": "train --replicates 20 --trajectories 50 --steps 50",
    "compare": "compare --rule bptt --rule autapse --replicates 10 --trajectories 20 --steps 50",
    "verdict": "verdict rflo --benchmark paper --replicates 8 --trajectories 40",
}
FORMER = b"a former result"
STOPS = int(os.environ.get("AUTAPSE_STOPS", "5"))
"""Random moments for each command and signal; the campaign was run with 50."""
SLOW = 4.0
"""Seconds within which everything has ended."""


class Stage:
    """A place where a command runs and is stopped, with a former result that must stay or be replaced whole."""

    def __init__(self, home: Path, command: str) -> None:
        self.command, self.temporary, self.out = command, home / "temporary", home / "out"
        self.temporary.mkdir()
        self.out.mkdir()
        self.result = self.out / f"{command}.nc"
        self.result.write_bytes(FORMER)
        self.environment = {**os.environ, "TMPDIR": str(self.temporary), "AUTAPSE_CACHE": str(home / "cache")}
        self.home = home

    def start(self) -> subprocess.Popen:
        arguments = [sys.executable, "-m", "autapse_sim", *COMMANDS[self.command].split(), "--out", str(self.out)]
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True, "start_new_session": True}
        return subprocess.Popen(arguments, env=self.environment, cwd=self.home, **pipes)

    def took(self) -> float:
        """Seconds of a whole run."""
        before = time.monotonic()
        assert self.start().wait() == 0
        self.check_result()
        return time.monotonic() - before

    def stop(self, delay: float, number: int, everyone: bool) -> tuple[int, str]:
        """Start, wait, send the signal; the exit code, and what was said."""
        process = self.start()
        time.sleep(delay)
        if process.poll() is None:
            (os.killpg if everyone else os.kill)(process.pid, number)
        _, said = process.communicate(timeout=20)
        self.check_ended()
        return process.returncode, said

    def check_ended(self) -> None:
        """Fail where a process is left after a while."""
        check_ended("AUTAPSE_CACHE", self.environment["AUTAPSE_CACHE"], SLOW)

    def check_result(self) -> None:
        if self.result.read_bytes() != FORMER:
            load(self.result)


@pytest.fixture
def stage(tmp_path):
    return lambda command: Stage(tmp_path, command)


# before Python is ready, a signal does what it does to any program
CODES = {
    signal.SIGTERM: (0, 143, -signal.SIGTERM),
    signal.SIGINT: (0, 130, -signal.SIGINT),
    signal.SIGKILL: (0, -signal.SIGKILL),
}


def check_stops(stage: Stage, number: int, delays: list[float], everyone: list[bool]) -> Counter:
    ends = Counter()
    for delay, all_of_them in zip(delays, everyone, strict=True):
        code, said = stage.stop(delay, number, all_of_them)
        if code == 1 and "KeyboardInterrupt" in said and "autapse_sim" not in said:
            code, said = -number, ""  # Python itself was still starting
        assert code in CODES[number], said
        assert "Traceback" not in said
        assert "Exception" not in said
        if code > 0:
            assert said.splitlines()[-1].startswith("autapse: stopped; ")
        if number != signal.SIGKILL:
            assert os.listdir(stage.temporary) == []
        stage.check_result()
        ends[code] += 1
    return ends


@pytest.mark.parametrize(("command", "number"), [("train", signal.SIGINT), ("verdict", signal.SIGTERM)])
def test_a_signal_while_a_command_works_ends_all(stage, command, number):
    ends = check_stops(stage(command), number, [2.5], [False])
    assert sum(ends.values()) == 1


def test_what_a_kill_leaves_goes_with_the_next_run(stage, monkeypatch):
    killed = stage("train")
    deadline = time.monotonic() + 60
    process = killed.start()
    while not list(killed.temporary.glob("*/*/first/program/all.cpp")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    assert len(os.listdir(killed.temporary)) == 1
    killed.check_ended()  # what still runs holds the folder
    monkeypatch.setattr(tempfile, "tempdir", str(killed.temporary))
    with scratch() as mine:
        assert os.listdir(killed.temporary) == [mine.name]


@pytest.mark.slow
@pytest.mark.parametrize("number", list(CODES))
@pytest.mark.parametrize("command", list(COMMANDS))
def test_stops_at_random_moments(stage, command, number):
    draw, place = random.Random(0), stage(command)
    place.took()
    whole = place.took()  # with what is in the cache by then
    delays = [draw.uniform(0, whole) for _ in range(STOPS)]
    ends = check_stops(place, number, delays, [draw.random() < 0.5 for _ in delays])
    print(command, signal.Signals(number).name, dict(ends))
    place.took()
    assert os.listdir(place.temporary) == []
    assert not list(place.out.glob(".*"))


LOSES = """
import sys, time, weakref
from autapse_sim.machine import session

class Thing:
    pass

def clear(reference):
    print("here", flush=True)
    time.sleep(1)

session.GRACE = {grace}
try:
    with session.stoppable():
        with session.computing():
            thing = Thing()
            reference = weakref.ref(thing, clear)
            del thing
            try:
                time.sleep(60)
            except {caught} as error:
                time.sleep(60)
except session.Stopped as stop:
    sys.exit(stop.code)
"""


@pytest.mark.parametrize(("caught", "grace"), [("ValueError", 60), ("BaseException", 1)])
def test_a_stop_that_python_loses_comes_again_and_one_that_is_caught_ends_the_process(tmp_path, caught, grace):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", LOSES.format(caught=caught, grace=grace)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, env=environment, cwd=tmp_path, **pipes)
    assert process.stdout.readline() == "here\n"
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=20)
    ended = "autapse: stopped in the middle of its work\n" if caught == "BaseException" else ""
    assert (process.returncode, said) == (143, ended)
    assert os.listdir(tmp_path) == []


def test_a_file_that_brian2_would_run_is_named(tmp_path, stage):
    (tmp_path / "brian_preferences").write_text("core.default_float_dtype = open('ran', 'w')\n")
    process = stage("train").start()
    _, said = process.communicate()
    assert process.returncode == 2
    assert said.splitlines()[-1].startswith(f"autapse: error: {tmp_path / 'brian_preferences'} would be run by Brian2")
    assert not (tmp_path / "ran").exists()
