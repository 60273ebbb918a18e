"""The cache of compiled programs: whole or not at all, private, bounded, and never in the way."""

import errno
import logging
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autapse_sim.engines import cache
from autapse_sim.errors import InputError


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTAPSE_CACHE", str(tmp_path / "programs"))
    return tmp_path / "programs"


@pytest.fixture
def said(caplog):
    """The warnings so far, as text."""
    caplog.set_level(logging.WARNING, "autapse_sim")
    return lambda: [record.getMessage() for record in caplog.records]


def writes(content):
    return lambda path: path.write_bytes(content)


def never(path):
    pytest.fail("built again")


def kept(kind="program"):
    return sorted(entry.key for entry in cache.entries() if entry.kind == kind)


def age(path, seconds):
    then = time.time() - seconds
    os.utime(path, (then, then))


def damaged(key):
    return [f"program cache: entry {key} is damaged and is built again"]


def test_a_program_is_built_once(place):
    program = cache.cached("key", writes(b"program"))
    assert program.read_bytes() == b"program"
    assert program.parent == place
    assert cache.cached("key", never) == program
    assert list(place.iterdir()) == [program]


def test_the_folder_is_private_and_a_program_can_be_run(place):
    program = cache.cached("key", writes(b"#!/bin/sh\nexit 7\n"))
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert subprocess.run([program], check=False).returncode == 7


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"o", b"0")),
        lambda path: path.write_bytes(path.read_bytes() + b"more"),
        lambda path: path.write_bytes(b""),
        lambda path: (path.unlink(), path.mkdir()),
        lambda path: (path.unlink(), path.mkdir(), (path / "file").touch()),
        lambda path: (path.unlink(), path.symlink_to("nowhere")),
        lambda path: path.chmod(0o600),
    ],
    ids=["truncated", "changed", "longer", "empty", "folder", "full folder", "dangling link", "not executable"],
)
def test_a_damaged_program_is_built_again(place, said, harm):
    harm(cache.cached("key", writes(b"whole program")))
    program = cache.cached("key", writes(b"whole program"))
    assert program.read_bytes() == b"whole program"
    assert os.access(program, os.X_OK)
    assert said() == damaged("key")
    assert cache.cached("key", never) == program
    assert list(place.iterdir()) == [program]


def test_a_damaged_program_gives_way_to_another(place, said):
    cache.cached("0123456789abcdef", writes(b"one compiler's")).write_bytes(b"?")
    program = cache.cached("0123456789abcdef", writes(b"another compiler's"))
    assert said() == damaged("0123456789ab")
    assert list(place.iterdir()) == [program]


def test_a_failed_build_leaves_nothing(place, said):
    def build(path):
        path.write_text("half")
        raise failure

    for failure in (RuntimeError("the C++ compiler failed"), InputError("unknown variable"), KeyboardInterrupt()):
        with pytest.raises(type(failure)) as raised:
            cache.cached("key", build)
        assert raised.value is failure
        assert list(place.iterdir()) == []
    assert said() == []


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_one_warning(place, said):
    assert cache.cached("key", full) is None
    assert cache.cached("key", full) is None
    assert said() == [f"program cache {place} is not used: No space left on device"]
    assert list(place.iterdir()) == []


def test_a_full_disk_that_is_not_that_of_the_cache_is_not_blamed_on_it(place, said):
    def build(path):
        raise RuntimeError("the C++ compiler failed: as: /tmp/x.o: No space left on device")

    with pytest.raises(RuntimeError, match="No space left"):
        cache.cached("key", build)
    assert said() == []
    assert list(place.iterdir()) == []


def test_a_compiler_that_does_not_say_that_the_disk_is_full(place, said, monkeypatch):
    def build(path):
        monkeypatch.setattr(Path, "write_bytes", full)
        raise RuntimeError("the C++ compiler failed: ld terminated with signal 7 [Bus error]")

    assert cache.cached("key", build) is None
    assert said() == [f"program cache {place} is not used: No space left on device"]


def test_a_full_disk_does_not_hide_what_is_there(place, monkeypatch):
    program = cache.cached("key", writes(b"program"))
    for name in ("open", "utime", "replace"):
        monkeypatch.setattr(os, name, full)
    assert cache.cached("key", never) == program


def test_a_folder_that_others_can_write_is_not_used(place, said):
    place.mkdir()
    for mode in (0o777, 0o720):
        place.chmod(mode)
        assert cache.cached("key", never) is None
        assert cache.recall("key") is None
        cache.remember("key", "text")
        cache.forget("key")
    assert said() == [f"program cache {place} is not used: others can write to it; make it private: chmod go-w {place}"]
    assert list(place.iterdir()) == []
    with pytest.raises(InputError, match="others can write to it"):
        cache.entries()
    with pytest.raises(InputError, match="others can write to it"):
        cache.clear()
    place.chmod(0o755)
    assert cache.cached("key", writes(b"program")) is not None


def test_a_link_to_a_folder_that_others_can_write_is_not_used(place, said):
    there = place.with_name("there")
    there.mkdir()
    place.symlink_to(there)
    assert cache.cached("key", writes(b"program")) is not None
    there.chmod(0o777)
    assert cache.cached("key", never) is None
    assert len(said()) == 1


def test_a_folder_of_another_user_is_not_used(place, said, monkeypatch):
    place.mkdir()
    monkeypatch.setattr(os, "getuid", lambda: place.stat().st_uid + 1)
    assert cache.cached("key", never) is None
    assert said() == [
        f"program cache {place} is not used: it belongs to another user; set AUTAPSE_CACHE to a folder of your own"
    ]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to another user")
@pytest.mark.parametrize("theirs", ["programs", "there"])
def test_a_link_of_or_to_another_user_is_not_used(place, theirs):
    there = place.with_name("there")
    there.mkdir(mode=0o700)
    place.symlink_to(there)
    os.lchown(place.with_name(theirs), 12345, 12345)
    assert cache.cached("key", never) is None


def test_what_is_no_folder_is_not_used(place, said):
    place.write_text("in the way")
    assert cache.cached("key", never) is None
    assert said() == [f"program cache {place} is not used: it is not a folder; set AUTAPSE_CACHE to one of your own"]
    assert place.read_text() == "in the way"


def test_a_folder_whose_programs_cannot_be_run_is_not_used(place, said, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert cache.cached("key", writes(b"program")) is None
    assert said() == [f"program cache {place} is not used: programs in it cannot be run"]
    assert list(place.iterdir()) == []


def test_the_longest_unused_goes_first(place, monkeypatch):
    monkeypatch.setattr(cache, "KEPT", 2)
    for seconds, key in ((300, "a"), (200, "b"), (100, "c")):
        age(cache.cached(key, writes(b"program")), seconds)
    assert kept() == ["b", "c"]
    cache.cached("b", never)
    cache.cached("d", writes(b"program"))
    assert kept() == ["b", "d"]


def test_the_size_is_bounded(place, monkeypatch):
    monkeypatch.setattr(cache, "SIZE", 250)
    for seconds, key in ((300, "a"), (200, "b"), (100, "c")):
        age(cache.cached(key, writes(bytes(100))), seconds)
    assert kept() == ["b", "c"]
    cache.cached("too large", writes(bytes(1000)))
    assert kept() == ["too large"]


def test_the_one_just_used_stays_whatever_the_clock_says(place, monkeypatch):
    monkeypatch.setattr(cache, "KEPT", 1)
    age(cache.cached("of tomorrow", writes(b"program")), -86400)
    assert cache.cached("new", writes(b"program")).exists()
    assert kept() == ["new"]


def test_leftovers_go_when_they_are_old(place):
    place.mkdir(mode=0o700)
    old, young = (place / f"key.{mark * 8}.part.autapse" for mark in "ab")
    lock = place / "other.lock.autapse"
    for path in (old, young, lock):
        path.write_bytes(b"half")
    age(old, 3700)
    age(lock, 3700)
    program = cache.cached("key", writes(b"program"))
    assert sorted(place.iterdir()) == sorted([young, program])
    assert [entry.key for entry in cache.entries()] == ["key"]
    assert cache.clear() == 1
    assert list(place.iterdir()) == [young]
    age(young, 3700)
    assert cache.clear() == 0
    assert list(place.iterdir()) == []


def test_files_of_others_are_not_touched(place, monkeypatch):
    monkeypatch.setattr(cache, "KEPT", 0)
    place.mkdir(mode=0o700)
    theirs = [place / name for name in ("notes.txt", "poetry.lock", "film.part", "app.manifest", "a" * 64, ".autapse")]
    for path in theirs:
        path.touch()
        age(path, 1e6)
    cache.cached("one", writes(b"program"))
    cache.cached("two", writes(b"program"))
    assert cache.clear() == 1
    assert sorted(place.iterdir()) == sorted(theirs)


def test_a_text_is_remembered(place, said):
    text = '{"name": "Größe\udcff",\r\n "size": 3}\n'
    assert cache.recall("key") is None
    cache.remember("key", text)
    assert cache.recall("key") == text
    cache.remember("key", "another")
    assert cache.recall("key") == "another"
    cache.remember("empty", "")
    assert cache.recall("empty") == ""
    cache.forget("key")
    cache.forget("key")
    assert cache.recall("key") is None
    assert kept("manifest") == ["empty"]
    assert said() == []


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes()[:20]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"o", b"0")),
        lambda path: path.write_bytes(b""),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["truncated", "shorter than its checksum", "changed", "empty", "folder"],
)
def test_a_damaged_text_is_none_and_removed(place, said, harm):
    cache.remember("0123456789abcdef", "some text")
    (manifest,) = place.iterdir()
    harm(manifest)
    assert cache.recall("0123456789abcdef") is None
    assert said() == ["program cache: manifest 0123456789ab is damaged and is removed"]
    assert list(place.iterdir()) == []


def test_a_text_on_a_full_disk_is_one_warning(place, said, monkeypatch):
    cache.remember("key", "old")
    monkeypatch.setattr(Path, "write_bytes", full)
    cache.remember("key", "new")
    assert said() == [f"program cache {place} is not used: No space left on device"]
    assert cache.recall("key") == "old"


def test_texts_and_programs_are_counted_apart(place, monkeypatch):
    monkeypatch.setattr(cache, "KEPT", 1)
    monkeypatch.setattr(cache, "MANIFESTS", 2)
    cache.cached("program", writes(b"program"))
    for seconds, key in ((300, "a"), (200, "b"), (100, "c")):
        cache.remember(key, "text")
        age(place / f"{key}.manifest.autapse", seconds)
    assert kept() == ["program"]
    assert kept("manifest") == ["b", "c"]
    cache.recall("b")
    cache.remember("d", "text")
    assert kept("manifest") == ["b", "d"]


def test_what_is_listed_and_cleared(place):
    assert cache.entries() == []
    assert cache.clear() == 0
    assert not place.exists()
    age(cache.cached("p", writes(b"program")), 60)
    cache.remember("m", "text")
    manifest, program = cache.entries()
    assert (program.key, program.bytes, program.kind) == ("p", 7, "program")
    assert (manifest.key, manifest.kind) == ("m", "manifest")
    assert 59 < (manifest.used - program.used).total_seconds() < 70
    assert cache.clear() == 2
    assert list(place.iterdir()) == []


def test_a_program_that_runs_keeps_running_when_it_is_cleared(place, tmp_path):
    compiler = shutil.which("cc") or shutil.which("g++")
    if compiler is None:
        pytest.skip("needs a compiler")
    source = tmp_path / "main.c"
    source.write_text("#include <stdio.h>\nint main(void) { int c = getchar(); getchar(); return c; }\n")
    program = cache.cached("key", lambda path: subprocess.run([compiler, source, "-o", path], check=True))
    process = subprocess.Popen([program], stdin=subprocess.PIPE)
    process.stdin.write(b"\x07")
    process.stdin.flush()
    assert cache.clear() == 1
    assert not program.exists()
    process.communicate(b"x")
    assert process.returncode == 7


BUILD = """
import os, sys, time
from pathlib import Path
from autapse_sim.engines import cache

def build(path):
    with open(os.environ["LOG"], "a") as log:
        print(os.getpid(), file=log)
    time.sleep(float(os.environ["SECONDS"]))
    path.write_bytes(os.urandom(100))

sys.stdin.read(1)
print(cache.cached("key", build).read_bytes().hex())
"""


@pytest.mark.parametrize("state", ["missing", "damaged"])
def test_of_processes_that_start_at_once_one_builds(place, tmp_path, state):
    if state == "damaged":
        cache.cached("key", writes(b"program")).write_bytes(b"?")
    log = tmp_path / "log"
    environment = {**os.environ, "LOG": str(log), "SECONDS": "0.5"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [subprocess.Popen([sys.executable, "-c", BUILD], env=environment, **pipes) for _ in range(4)]
    for process in processes:
        process.stdin.close()
        process.stdin = None
    outputs = [process.communicate(timeout=60) for process in processes]
    assert len(log.read_text().split()) == 1
    assert len({found for found, _ in outputs}) == 1
    assert b"".join(warned for _, warned in outputs).decode().split("\n")[:-1] == damaged("key") * (state == "damaged")
    assert len(list(place.iterdir())) == 1
