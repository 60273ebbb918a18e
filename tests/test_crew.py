"""Calls on all cores: in order, and ended with the process that made them."""

import contextlib
import importlib
import inspect
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

import autapse_sim
from autapse_sim.errors import InputError
from autapse_sim.machine.crew import GRACE, TRIMMING, Crew
from autapse_sim.studies import workers

WAITING = """
import sys, time
from autapse_sim.machine.crew import Crew

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


def complain(item):
    raise InputError(f"no such thing: {item}")


def leave(item):
    sys.exit(item)


def die(item):
    os.kill(os.getpid(), signal.SIGKILL)


def speak(item):
    print("this is no answer", flush=True)
    warnings.warn("neither is this", stacklevel=1)
    return item


@pytest.mark.parametrize(
    ("function", "kind", "says"),
    [
        ("complain", InputError, "^no such thing: 3$"),
        ("leave", RuntimeError, r"a worker process was ended by SystemExit\(3\)"),
        ("die", RuntimeError, r"a worker process ended before its work was done \(signal 9\)"),
    ],
)
def test_what_goes_wrong_in_a_worker_is_one_line_here(monkeypatch, function, kind, says):
    with importable(monkeypatch) as module, Crew() as crew, pytest.raises(kind, match=says) as raised:
        list(crew.map(getattr(module, function), [3]))
    assert "\n" not in str(raised.value)


def test_workers_start_ahead_and_read_a_module_before_their_first_calls():
    with Crew(2) as crew:
        crew.read("wave")
        assert list(crew.map(eval, ["'wave' in __import__('sys').modules"] * 2)) == [True, True]
        assert len(crew.workers) == 2


def test_a_crew_ends_with_the_units_that_it_is_given_for():
    with Crew(1) as crew:
        with workers.workers(workers.Workers(crew, lambda: 1, end=crew.shutdown)) as some:
            assert some.executor.submit(abs, -3).result() == 3
        assert [worker.poll() is not None for worker in crew.workers] == [True]


def test_a_worker_that_ends_is_replaced_and_the_others_go_on():
    with Crew(2) as crew:
        gone, here = crew.submit(os._exit, 3), crew.submit(abs, -2)
        assert here.result(60) == 2
        with pytest.raises(RuntimeError, match="exit code 3"):
            gone.result(60)
        assert [crew.submit(abs, -k).result(60) for k in range(3)] == [0, 1, 2]


def test_what_a_worker_prints_is_no_answer(monkeypatch, capfd):
    with importable(monkeypatch) as module, Crew(1) as crew:
        assert list(crew.map(module.speak, [1, 2])) == [1, 2]
    assert "neither is this" not in capfd.readouterr().err


@contextlib.contextmanager
def importable(monkeypatch):
    """This file as a module that workers can import."""
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(__file__))
    monkeypatch.syspath_prepend(os.path.dirname(__file__))
    yield importlib.import_module("test_crew")


@pytest.mark.parametrize("given", [["script.py"], ["-"], ["-c", None]])
def test_a_script_needs_no_main_guard(tmp_path, given):
    code = "from autapse_sim.machine.crew import Crew\n"
    code += "with Crew() as crew:\n    print(list(crew.map(abs, [-1, -2, -3])))\n"
    (tmp_path / "script.py").write_text(code)
    command = [sys.executable, *(code if each is None else each for each in given)]
    done = subprocess.run(command, input=code, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("[1, 2, 3]\n", "")


def test_workers_take_nothing_from_the_current_folder(tmp_path, monkeypatch):
    names = ("random", "numpy", "types", "pickle", "signal", "threading", "queue", "autapse_sim", "sitecustomize")
    for name in names:
        (tmp_path / f"{name}.py").write_text("open('ran', 'a').write(__name__)\n")
    monkeypatch.chdir(tmp_path)
    with Crew(1) as crew:
        (where,) = crew.map(inspect.getfile, [autapse_sim.Result])
    assert where == inspect.getfile(autapse_sim.Result)
    assert not (tmp_path / "ran").exists()
    # without that, it would have been taken
    subprocess.run([sys.executable, "-c", "import pickle"], check=False, capture_output=True)
    assert (tmp_path / "ran").exists()


def test_temporary_files_of_workers_go_with_them(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Crew(1) as crew:
        (where,) = crew.map(tempfile.mkdtemp, [".left"])
        assert os.path.isdir(where)
        assert where.startswith(str(tmp_path))
    assert os.listdir(tmp_path) == []


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


def test_calls_of_other_executors_keep_one_process_for_each_that_runs_at_a_time(monkeypatch):
    monkeypatch.setattr(workers, "_idle", [])
    with ThreadPoolExecutor(2) as pool, contextlib.ExitStack() as ending:
        alone = {workers.apart(os.getpid) for _ in range(4)}
        ending.callback(lambda: [crew.shutdown() for crew in workers._idle])
        assert len(alone) == 1
        assert os.getpid() not in alone
        list(pool.map(lambda _: workers.apart(time.sleep, 0.5), range(2)))
        assert len(workers._idle) == 2
        assert alone < {crew.submit(os.getpid).result() for crew in workers._idle}


def test_workers_keep_the_memory_that_they_freed_wherever_they_are_started(monkeypatch):
    monkeypatch.setenv(TRIMMING, "65536")
    with Crew(1) as crew:
        assert crew.submit(os.getenv, TRIMMING).result() is None
        assert crew.submit(os.getenv, "PATH").result() == os.environ["PATH"]
