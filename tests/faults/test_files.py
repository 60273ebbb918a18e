"""Files: what is no ordinary file is refused, what is there keeps its mode and its links, what is left is removed."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autapse_sim.errors import InputError
from autapse_sim.machine import files
from autapse_sim.machine.files import read_whole, scratch, write_whole


@pytest.fixture
def odd(tmp_path):
    """A pipe that nobody writes to, a socket, a folder, and links to devices and to itself, by name."""
    import socket

    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "socket"))
        (tmp_path / "folder").mkdir()
        (tmp_path / "zero").symlink_to("/dev/zero")
        (tmp_path / "full").symlink_to("/dev/full")
        (tmp_path / "circle").symlink_to("circle")
        yield tmp_path


@pytest.mark.parametrize("name", ["pipe", "socket", "folder", "zero", "full", "circle"])
def test_what_is_no_ordinary_file_is_neither_read_nor_replaced(odd, name):
    before = os.lstat(odd / name)
    with pytest.raises(InputError, match=f"{name} cannot be read: "):
        read_whole(odd / name)
    with pytest.raises(InputError, match=f"{name} cannot be written: "):
        write_whole(odd / name, b"new")
    assert os.lstat(odd / name).st_ino == before.st_ino
    assert not list(odd.glob(".*"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no folder here in which nothing can be made")
def test_where_no_file_can_be_made_it_is_refused_at_once():
    with pytest.raises(InputError, match=r"/proc/autapse\.nc cannot be written: No such file or directory"):
        write_whole("/proc/autapse.nc", b"")


def test_a_folder_that_is_taken_away_again_and_again_is_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = []
    monkeypatch.setattr(files, "_lock", lambda descriptor: made.append(descriptor))
    with pytest.raises(OSError, match="others take away"), scratch():
        pass
    assert len(made) == files.ATTEMPTS


def test_a_file_keeps_its_mode(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o600)
    write_whole(path, b"new")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o600)
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "another", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "another").stat().st_mode) == 0o640


@pytest.mark.parametrize("there", [True, False])
def test_a_link_still_leads_to_the_same_place(tmp_path, there):
    (tmp_path / "data").mkdir()
    target = tmp_path / "data" / "file"
    if there:
        target.write_bytes(b"old")
    (tmp_path / "link").symlink_to(Path("data", "file"))
    write_whole(tmp_path / "link", b"new")
    assert os.readlink(tmp_path / "link") == "data/file"
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path / "data") == ["file"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_what_was_there_stays_where_writing_fails(tmp_path, monkeypatch, code):
    write_whole(tmp_path / "file", b"old")

    def fail(descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(InputError, match=f"file cannot be written: {os.strerror(code)}"):
        write_whole(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_limit_on_the_size_of_files_is_one_line(tmp_path):
    write_whole(tmp_path / "file", b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(InputError, match="file cannot be written: File too large"):
            write_whole(tmp_path / "file", bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (tmp_path / "file").read_bytes() == b"old"


HOLDER = """
import sys, time
from pathlib import Path
from autapse_sim.machine.files import _held, scratch

with scratch() as folder, _held(Path(sys.argv[1])) as (part, _):
    (folder / "inner").mkdir()
    (folder / "inner" / "file").write_text("much")
    print(folder.name, part.name, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path, monkeypatch):
    """A process that holds a folder and a half-written file, and their names."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "result")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    yield process, *process.stdout.readline().split()
    process.kill()
    process.communicate()


def test_what_a_killed_process_left_is_removed_by_the_next_one_and_nothing_else(holder, tmp_path):
    process, folder, part = holder
    theirs = ["autapse_results", "autapse_scratch", "autapse_scratch_mine", "autapse_scratch_UPPER-12", "other"]
    for name in theirs:
        (tmp_path / "temporary" / name).mkdir()
    (tmp_path / ".result.notes").touch()
    with scratch():
        write_whole(tmp_path / "result", b"new")
        assert (tmp_path / "temporary" / folder / "inner" / "file").exists()  # it is not gone yet
        assert (tmp_path / part).exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    with scratch() as mine:
        assert sorted(os.listdir(tmp_path / "temporary")) == sorted([*theirs, mine.name])
        write_whole(tmp_path / "result", b"newer")
    assert sorted(os.listdir(tmp_path)) == [".result.notes", "result", "temporary"]
    assert sorted(os.listdir(tmp_path / "temporary")) == sorted(theirs)


def test_the_folder_of_another_user_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "autapse_scratch_12345678").mkdir()
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    with scratch():
        assert (tmp_path / "autapse_scratch_12345678").exists()
    monkeypatch.setattr(os, "getuid", lambda: uid)
    with scratch():
        assert not (tmp_path / "autapse_scratch_12345678").exists()


def test_a_link_that_looks_like_a_folder_left_behind_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    (tmp_path / "temporary" / "autapse_scratch_12345678").symlink_to(tmp_path / "precious")
    with scratch():
        pass
    assert (tmp_path / "precious" / "file").exists()


def test_many_at_once_take_nothing_from_each_other(tmp_path):
    code = """
import sys, time
from pathlib import Path
from autapse_sim.machine.files import scratch, write_whole
until = time.monotonic() + 1.5
while time.monotonic() < until:
    with scratch() as folder:
        (folder / "file").write_text("text")
        write_whole(Path(sys.argv[1]), sys.argv[2].encode() * 1000)
        assert (folder / "file").read_text() == "text"
"""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    crowd = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "one"), letter], env=environment)
        for letter in "abcd"
    ]
    assert [process.wait() for process in crowd] == [0] * 4
    assert os.listdir(tmp_path) == ["one"]
    assert (tmp_path / "one").read_bytes() in [letter * 1000 for letter in (b"a", b"b", b"c", b"d")]


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "{} cannot be used: No space left on device; set TMPDIR"),
        (OSError(errno.EMFILE, os.strerror(errno.EMFILE)), "too many open files; raise the limit"),
        (RuntimeError("ld: No space left on device"), "{} cannot be used: No space left on device; set TMPDIR"),
    ],
)
def test_a_full_disk_and_too_many_open_files_are_named(tmp_path, monkeypatch, error, says):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(InputError, match=says.format(tmp_path)), scratch():
        raise error
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("error", [RuntimeError("other"), PermissionError(errno.EACCES, "other"), KeyboardInterrupt()])
def test_other_errors_go_through_and_leave_nothing(tmp_path, monkeypatch, error):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(type(error)) as raised, scratch():
        raise error
    assert raised.value is error
    assert os.listdir(tmp_path) == []


def test_a_file_that_does_not_fit_into_memory_is_refused(tmp_path):
    path = tmp_path / "vast"
    with path.open("wb") as file:
        file.truncate(2**43)
    before = time.monotonic()
    with pytest.raises(InputError, match="vast cannot be read: "):
        read_whole(path)
    assert time.monotonic() - before < 5


def test_the_lock_is_not_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "fcntl", None)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with scratch() as folder:
        write_whole(folder / "file", b"text")
    assert os.listdir(tmp_path) == []
