"""The program cache under kills, stops, a disk that is full in earnest, and many processes at once."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict

import pytest

from autapse_sim.engines import cache
from autapse_sim.engines.brian.dense.layout import Layout
from autapse_sim.engines.brian.program import Program
from autapse_sim.spec.units import Amount
from autapse_sim.training.declared import Declared

WHOLE = b"whole program" * 1000
BUILDER = f"""
import os, sys, time
from autapse_sim.engines import cache

def build(path):
    with path.open("wb", buffering=0) as file:
        file.write({WHOLE!r}[:100])
        print("half", flush=True)
        time.sleep(float(sys.argv[1]))
        file.write({WHOLE!r}[100:])

program = cache.cached("key", build)
print(program.name, flush=True)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTAPSE_CACHE", str(tmp_path / "programs"))
    return tmp_path / "programs"


@pytest.fixture
def half_way():
    """Start a process that builds, and return it when it has written half of a program."""
    started = []

    def start(seconds):
        process = subprocess.Popen([sys.executable, "-c", BUILDER, str(seconds)], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "half\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def write(path):
    path.write_bytes(WHOLE)


def test_a_kill_during_a_build_leaves_no_program_and_no_lock(place, half_way, caplog):
    process = half_way(60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (part,) = place.glob("*.part.autapse")
    assert part.stat().st_size == 100
    assert cache.entries() == []
    before = time.monotonic()
    program = cache.cached("key", write)
    assert time.monotonic() - before < 5
    assert program.read_bytes() == WHOLE
    assert sorted(place.iterdir()) == sorted([program, part])
    os.utime(part, (0, 0))
    cache.cached("another", write)
    assert not part.exists()
    assert caplog.records == []


def test_who_waits_builds_when_the_builder_is_killed(place, half_way):
    first = half_way(60)
    second = subprocess.Popen([sys.executable, "-c", BUILDER, "0"], stdout=subprocess.PIPE, text=True)
    time.sleep(0.5)
    assert second.poll() is None
    first.kill()
    said, _ = second.communicate(timeout=30)
    assert said.startswith("half\nkey.")


def test_a_builder_that_was_stopped_is_not_waited_for_forever(place, half_way, monkeypatch):
    monkeypatch.setattr(cache, "PATIENCE", 0.2)
    process = half_way(0.1)
    process.send_signal(signal.SIGSTOP)
    program = cache.cached("key", write)
    assert program.read_bytes() == WHOLE
    process.send_signal(signal.SIGCONT)
    said, _ = process.communicate(timeout=30)
    assert said == f"{program.name}\n"
    assert list(place.iterdir()) == [program]


def test_a_program_that_another_built_meanwhile_is_used(place, monkeypatch):
    monkeypatch.setattr(cache, "PATIENCE", 0)
    theirs = []

    def build(path):
        theirs.append(cache.cached("key", lambda path: path.write_bytes(b"theirs")))
        path.write_bytes(b"ours")

    assert cache.cached("key", build) == theirs[0]
    assert list(place.iterdir()) == theirs


def test_a_lock_that_its_holder_removed_meanwhile_is_taken_anew(place, monkeypatch):
    flock, locked = cache.fcntl.flock, []

    def late(file, how):
        flock(file, how)
        if not locked:
            os.unlink(file.name)
        locked.append(file.name)

    monkeypatch.setattr(cache.fcntl, "flock", late)
    assert cache.cached("key", write).read_bytes() == WHOLE
    assert len(locked) == 2
    assert len(list(place.iterdir())) == 1


def test_a_file_system_without_locks_does(place, monkeypatch, caplog):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(cache.fcntl, "flock", no_locks)
    before = time.monotonic()
    assert cache.cached("key", write).read_bytes() == WHOLE
    assert time.monotonic() - before < 5
    assert caplog.records == []


def test_a_folder_that_goes_away_during_the_build(place, caplog):
    def build(path):
        shutil.rmtree(place)
        raise RuntimeError("the C++ compiler failed: ld: cannot open output file")

    assert cache.cached("key", build) is None
    assert "No such file or directory" in caplog.text
    assert cache.cached("key", write).read_bytes() == WHOLE


def test_a_folder_that_cannot_be_written_still_gives_what_is_there(place, monkeypatch, caplog):
    program = cache.cached("key", write)

    def refuse(*_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "utime", refuse)
    monkeypatch.setattr(cache, "_locked", refuse)
    assert cache.cached("key", write) == program
    assert caplog.records == []
    assert cache.cached("another", write) is None
    assert "Read-only file system" in caplog.text


FULL = """
import logging, os, subprocess, sys
from pathlib import Path
from autapse_sim.engines import cache

logging.basicConfig(format="%(message)s", stream=sys.stdout)
place, source, compiler = cache.folder(), sys.argv[1], sys.argv[2]

def compile(path):
    done = subprocess.run([compiler, source, "-o", path], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the C++ compiler failed with code {done.returncode}")

def fails(path):
    raise RuntimeError("genuine")

before = cache.cached("before", lambda path: path.write_bytes(b"program"))
cache.remember("text", "old")
with open(place / "fill", "wb", buffering=0) as file:
    try:
        while file.write(bytes(4096)):
            pass
    except OSError:
        pass
print(cache.cached("written", lambda path: path.write_bytes(bytes(100000))))
if compiler:
    cache._warn_once.cache_clear()
    print(cache.cached("compiled", compile))
cache._warn_once.cache_clear()
cache.remember("text", "new" * 10000)
print(cache.recall("text"))
print(cache.cached("before", fails) == before)
os.remove(place / "fill")
try:
    cache.cached("wrong", fails)
except RuntimeError as error:
    print(error)
print(cache.clear(), list(place.iterdir()))
"""


def test_a_disk_that_is_full_in_earnest(place, tmp_path):
    place.mkdir(mode=0o700)
    mount = ["unshare", "-rm", "sh", "-c", f'mount -t tmpfs -o size=2m,mode=700 none "{place}" && exec "$@"', "sh"]
    if not shutil.which("unshare") or subprocess.run([*mount, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs a file system of its own (user namespaces)")
    compiler = shutil.which("cc") or ""
    source = tmp_path / "main.c"
    source.write_text("int main(void) { return 0; }\n")
    command = [*mount, sys.executable, "-c", FULL, str(source), compiler]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    warning = f"program cache {place} is not used: No space left on device"
    tries = [warning, "None"] * (2 if compiler else 1)
    assert done.stdout.splitlines() == [*tries, warning, "old", "True", "genuine", "2 []"]
    assert list(place.iterdir()) == []


OTHER = [
    "text",
    "{}",
    "[]",
    "null",
    "3",
    '"text"',
    "[1, 2]",
    "[{}, [3]]",
    '[{"eta": 3}, []]',
    '[{"eta": [1, 2, 3]}, []]',
]
EMPTY = {"inputs": {}, "learned": {}, "tables": {}, "lasting": {}}
PROGRAM = json.dumps({"key": "k", "layout": asdict(Layout.plain(1)), "precision": "double", **EMPTY})
CHANGED = [
    ("k", 3),
    ("layout", {}),
    ("layout", None),
    ("inputs", []),
    ("inputs", {"a": ["Other", {}]}),
    ("inputs", {"a": 3}),
    ("learned", {"W": "none"}),
    ("learned", 3),
    ("lasting", 3),
    ("lasting", {"a": {"variable": 3, "dims": ["neuron"]}}),
    ("tables", [3]),
    ("tables", {"error": 3}),
    ("precision", None),
]


@pytest.mark.parametrize("read", [Program.from_json, Declared.from_json])
@pytest.mark.parametrize("text", [*OTHER, *(json.dumps({**json.loads(PROGRAM), key: value}) for key, value in CHANGED)])
def test_a_manifest_that_says_something_else_under_a_valid_seal_is_a_damaged_entry(place, caplog, read, text):
    cache.remember("key", text)
    assert cache.recall("key", read) is None
    assert caplog.messages == ["program cache: manifest key is damaged and is removed"]
    assert list(place.iterdir()) == []


def test_a_manifest_that_is_right_is_read(place, caplog):
    cache.remember("key", PROGRAM)
    assert cache.recall("key", Program.from_json).to_json() == PROGRAM
    declared = Declared({"eta": Amount(0.1, "1", "0.1")}, ["tanh"])
    cache.remember("key", declared.to_json())
    assert cache.recall("key", Declared.from_json) == declared
    assert caplog.messages == []


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_can_write_to_is_not_used(place, caplog, mode):
    cache.cached("key", write)
    place.chmod(mode)
    assert cache.found("key") is None
    assert cache.cached("key", pytest.fail) is None
    assert "others can write to it" in caplog.text


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_whole_program_or_none(place):
    draw = random.Random(0)
    for _ in range(60):
        process = subprocess.Popen([sys.executable, "-c", BUILDER, "0.02"], stdout=subprocess.DEVNULL)
        time.sleep(draw.uniform(0, 0.25))
        process.kill()
        process.wait()
        for path in place.glob("*"):
            if not path.name.endswith((".part.autapse", ".lock.autapse")):
                assert path.read_bytes() == WHOLE
        cache.clear()
    assert cache.cached("key", write).read_bytes() == WHOLE


CROWD = """
import random, sys, time
from autapse_sim.engines import cache

cache.KEPT = cache.MANIFESTS = 3
draw = random.Random(int(sys.argv[1]))
until = time.monotonic() + 5
while time.monotonic() < until:
    key = draw.choice("abcdef")
    program = cache.cached(key, lambda path: path.write_bytes(key.encode() * 10000))
    assert program is not None
    try:
        assert program.read_bytes() in (key.encode() * 10000, b"", b"?")
        if draw.random() < 0.1:
            program.write_bytes(b"?")
    except FileNotFoundError:
        pass  # another process cleared it
    cache.remember(key, key * 1000)
    assert cache.recall(draw.choice("abcdef")) in (None, *(key * 1000 for key in "abcdef"))
    if draw.random() < 0.05:
        cache.clear()
"""


@pytest.mark.slow
def test_a_crowd_that_builds_damages_and_clears(place):
    crowd = [
        subprocess.Popen([sys.executable, "-c", CROWD, str(seed)], stderr=subprocess.PIPE, text=True)
        for seed in range(6)
    ]
    for process in crowd:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said
        assert not [line for line in said.splitlines() if "is damaged" not in line], said
    assert len(cache.entries()) <= 6
    assert not list(place.glob("*.part.autapse"))
