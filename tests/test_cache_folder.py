"""Where programs are kept."""

import errno
import os
from pathlib import Path
from unittest.mock import Mock

import pytest

from autapse_sim.engines import cache


def test_where_the_folder_is(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUTAPSE_CACHE", "here")
    assert cache.folder() == tmp_path / "here"
    monkeypatch.delenv("AUTAPSE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "autapse_sim"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.folder() == Path.home() / ".cache" / "autapse_sim"


def homeless(*names, **options):
    raise RuntimeError("could not determine the home directory")


@pytest.mark.parametrize("told", [homeless, lambda *names, **options: Path("~/.cache/autapse_sim")])
def test_a_user_without_a_home_does_without(told, monkeypatch):
    monkeypatch.delenv("AUTAPSE_CACHE", raising=False)
    monkeypatch.setattr(cache, "user_cache_path", told)
    monkeypatch.setattr(os.path, "expanduser", str)
    assert cache.folder().parts[1] == "nonexistent"
    monkeypatch.setattr(Path, "mkdir", Mock(side_effect=OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))))
    assert cache.cached("key", pytest.fail) is None
