"""Calls on all cores: in order, and ended with the process that made them."""

import os
import signal
import subprocess
import sys
import time

import pytest

from autapse_sim.crew import GRACE, Crew

WAITING = """
import sys, time
from autapse_sim.crew import Crew

try:
    with Crew() as crew:
        list(crew.map(abs, [1, 2]))
        print(*(worker.pid for worker in crew.workers), flush=True)
        list(crew.map(time.sleep, [60] * 9))
except KeyboardInterrupt:
    sys.exit(130)
"""


def test_results_come_in_order_and_errors_come_through():
    with Crew() as crew:
        assert list(crew.map(abs, [-3, 2, -1])) == [3, 2, 1]
    with pytest.raises(TypeError, match="bad operand"), Crew() as crew:
        list(crew.map(abs, ["three"]))


@pytest.fixture
def waiting(tmp_path):
    """A process whose crew waits, and the numbers of its workers."""
    script = tmp_path / "waiting.py"
    script.write_text(WAITING)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, str(script)], start_new_session=True, **pipes)
    workers = [int(word) for word in process.stdout.readline().split()]
    assert workers
    yield process, workers
    process.kill()
    process.communicate()


def alive(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("everyone", [False, True])
def test_ctrl_c_ends_all_processes_without_a_word(waiting, everyone):
    process, workers = waiting
    (os.killpg if everyone else os.kill)(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 130
    assert said == ""
    assert not any(map(alive, workers))


def test_workers_do_not_outlive_a_process_that_is_killed(waiting):
    process, workers = waiting
    process.kill()
    deadline = time.monotonic() + GRACE + 5
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(alive, workers))
