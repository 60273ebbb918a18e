"""Calls on all cores: in order, and ended with the process that made them."""

import os
import signal
import subprocess
import sys
import time

import pytest

from autapse_sim.crew import Crew

WAITING = """
import sys, time
from autapse_sim.crew import Crew

if __name__ == "__main__":
    try:
        with Crew() as crew:
            list(crew.map(abs, [1]))
            print(*crew.pool._processes, flush=True)
            list(crew.map(time.sleep, [60] * 9))
    except KeyboardInterrupt:
        sys.exit(130)
"""


def test_results_come_in_order_and_errors_come_through():
    with Crew() as crew:
        assert list(crew.map(abs, [-3, 2, -1])) == [3, 2, 1]
    with pytest.raises(TypeError, match="bad operand"), Crew() as crew:
        list(crew.map(abs, ["three"]))


@pytest.mark.parametrize("everyone", [False, True])
def test_ctrl_c_ends_all_processes_without_a_word(tmp_path, everyone):
    script = tmp_path / "waiting.py"
    script.write_text(WAITING)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    workers = [int(word) for word in process.stdout.readline().split()]
    time.sleep(0.2)
    (os.killpg if everyone else os.kill)(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=10)
    assert process.returncode == 130
    assert said == ""
    assert workers
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(worker, 0)
