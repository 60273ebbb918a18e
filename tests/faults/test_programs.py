"""Compilers and programs that fail, lie, hang or say too much: one line, within the limit, and nothing is left."""

import signal
import sys
import time

import psutil
import pytest
from processes import lines

import autapse_sim as ap
from autapse_sim.engines import cache, playing
from autapse_sim.engines.brian import compiler
from autapse_sim.machine import processes
from autapse_sim.machine.processes import Programs

VERSION = 'case "$*" in *--version*) echo "fake 1.0"; exit 0;; esac\nfor last; do :; done\n'
"""What a compiler says that is asked what it is; else its last argument is the program."""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """A compiler as a shell script, in the place of the real one; no time limit is longer than a second."""
    monkeypatch.setenv("AUTAPSE_CACHE", str(tmp_path / "programs"))
    monkeypatch.setenv("CXX", str(tmp_path / "fake"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    for module, limit in ((compiler, "ASKED"), (compiler, "COMPILING"), (playing, "SILENT")):
        monkeypatch.setattr(module, limit, 1.0)

    def make(text, start="#!/bin/sh\n"):
        (tmp_path / "fake").write_text(start + text)
        (tmp_path / "fake").chmod(0o755)

    yield make
    assert not list((tmp_path / "temporary").glob("autapse_*"))
    assert [entry for entry in cache.entries() if entry.kind == "program"] == []
    assert not [line for line in lines() if str(tmp_path) in " ".join(line)]


def train():
    protocol = ap.Protocol(replicates=1, train=1, validate=0, test=1)
    return ap.train(ap.Circuit(), ap.BouncingBall(steps=4), protocol, engine="standalone")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (VERSION + "exit 1", "compiler .*fake failed, exit code 1, without a word"),
        (VERSION + "kill -9 $$", "compiler .*fake failed, signal 9, without a word"),
        (VERSION + "echo 'all.cpp:1: error: no' >&2; exit 1", "fake failed, exit code 1: all.cpp:1: error: no"),
        (VERSION + r"printf '\377\376 error \200' >&2; exit 1", "fake failed, exit code 1: .* error "),
        (VERSION + "head -c 50000000 /dev/zero | tr '\\0' e >&2; exit 1", "fake failed, exit code 1: e{300}$"),
        (VERSION + "exit 0", "fake said that all is well, and wrote no program"),
        (VERSION + "echo nonsense > $last; chmod +x $last", "program .* cannot be started: Exec format error"),
        (VERSION + "sleep 60", "compiler .*fake was silent for 1 s and was ended"),
        ("sleep 60", "compiler .*fake was silent for 1 s and was ended"),
    ],
    ids=["silent", "killed", "error", "no UTF-8", "50 MB", "no file", "no program", "hangs", "hangs when asked"],
)
def test_a_compiler_that_is_none(fake, script, expected):
    fake(script)
    before = time.monotonic()
    with pytest.raises(RuntimeError, match=expected) as raised:
        train()
    assert time.monotonic() - before < 20
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 700


@pytest.mark.parametrize(
    ("start", "expected"),
    [("", "fake cannot be started: Exec format error"), ("#!/nowhere/sh\n", "fake cannot be started: No such file")],
)
def test_a_compiler_that_cannot_be_started(fake, start, expected):
    fake("echo", start)
    with pytest.raises(RuntimeError, match=expected):
        train()


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("exit 0", "the compiled program left no .*.out to read: No such file"),
        ("exit 7", "the compiled program failed, exit code 7, without a word"),
        ("kill -11 $$", "the compiled program failed, signal 11, without a word"),
        (r"printf '\377\376\200'", "the compiled program failed, exit code 0: "),
        ("echo progress nan", "the compiled program failed, exit code 0: progress nan"),
        ("yes nonsense | head -c 5000000", "the compiled program failed, exit code 0: nonsense nonsense"),
        ("for k in W error usage; do echo > $k.out; echo > $k.bin; done", "wrote 0 numbers to W.out, expected"),
        ("sleep 60", "compiled program .* was silent for 1 s and was ended"),
    ],
    ids=["nothing", "fails", "crashes", "no UTF-8", "progress", "says much", "too little", "hangs"],
)
def test_a_program_that_is_none(fake, script, expected):
    fake(VERSION + f"cat > $last <<'END'\n#!/bin/sh\n{script}\nEND\nchmod +x $last\n")
    with pytest.raises(RuntimeError, match=expected) as raised:
        train()
    assert "\n" not in str(raised.value)


def test_what_a_program_does_is_ended_with_it():
    with Programs() as programs:
        with pytest.raises(RuntimeError, match="sh was silent"):
            programs.run(["sh", "-c", "sleep 61 & sleep 62"], "sh", limit=0.3)
        numbers = [process.pid for process, _ in programs.started]
    assert not [line for line in lines() if line in (["sleep", "61"], ["sleep", "62"])]
    assert not any(map(psutil.pid_exists, numbers))


def test_a_program_that_speaks_now_and_then_is_not_silent():
    heard = []
    with Programs() as programs:
        command = ["sh", "-c", "for k in 1 2 3 4 5; do echo $k; sleep 0.2; done; echo done"]
        answer = programs.run(command, "sh", limit=0.7, hear=lambda line: line != "done\n" and not heard.append(line))
    assert (answer.code, answer.output, len(heard)) == (0, "done\n", 5)


def test_who_listens_may_fail_and_ends_the_program():
    def hear(line):
        raise ZeroDivisionError

    before = time.monotonic()
    with Programs() as programs, pytest.raises(ZeroDivisionError):
        programs.run(["sh", "-c", "echo; sleep 60"], "sh", limit=60, hear=hear)
    assert time.monotonic() - before < 5


def test_after_a_stop_nothing_is_started():
    programs = Programs()
    processes.stop_all()
    with pytest.raises(RuntimeError, match="stopped"):
        programs.run([sys.executable, "-c", ""], "python", limit=10)


ASKS = """
from autapse_sim.machine.processes import Programs
with Programs() as programs:
    programs.run(["sh", "-c", "echo ready; exec sleep 60"], "sh", 60, hear=lambda line: not print(line, flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_ends_a_program_that_is_waited_for(number):
    process = psutil.Popen([sys.executable, "-c", ASKS], stdout=-1, stderr=-1, text=True)
    assert process.stdout.readline() == "ready\n"
    children = process.children(recursive=True)
    process.send_signal(number)
    process.wait(10)
    assert len(children) == 2  # the program, and its guard
    assert psutil.wait_procs(children, timeout=5)[1] == []
