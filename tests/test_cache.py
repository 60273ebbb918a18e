"""The cache of compiled programs: whole or not at all, private, bounded."""

import os

import pytest

from autapse_sim import cache


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("AUTAPSE_CACHE", str(tmp_path / "programs"))
    return tmp_path / "programs"


def test_a_program_is_built_once(place):
    built = []

    def build(path):
        built.append(path)
        path.write_text("program")

    assert cache.cached("key", build).read_text() == "program"
    assert cache.cached("key", build) == place / "key"
    assert len(built) == 1
    assert place.stat().st_mode & 0o777 == 0o700


def test_an_empty_program_is_built_again(place):
    place.mkdir(mode=0o700)
    (place / "key").touch()
    assert cache.cached("key", lambda path: path.write_text("whole")).read_text() == "whole"


def test_a_failed_build_leaves_nothing(place):
    def build(path):
        path.write_text("half")
        raise RuntimeError("the C++ compiler failed")

    with pytest.raises(RuntimeError, match="compiler failed"):
        cache.cached("key", build)
    assert list(place.iterdir()) == []


def test_a_folder_that_others_can_write_is_not_used(place):
    place.mkdir()
    place.chmod(0o777)
    assert cache.cached("key", lambda path: path.write_text("x")) is None


def test_the_longest_unused_goes_first(place, monkeypatch):
    monkeypatch.setattr(cache, "KEPT", 2)
    for age, key in enumerate("abc"):
        program = cache.cached(key, lambda path: path.write_text("x"))
        os.utime(program, (1000 + age, 1000 + age))
    cache.cached("d", lambda path: path.write_text("x"))
    assert sorted(p.name for p in place.iterdir()) == ["c", "d"]
