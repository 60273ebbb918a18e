"""A result comes back from disk as it was, or not at all."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from autapse_sim.errors import InputError
from autapse_sim.results import result as results
from autapse_sim.results.result import Result, git_state, load, provenance


@pytest.fixture
def result() -> Result:
    generator = np.random.default_rng(0)
    mse = generator.random((2, 5, 7))
    mse[0, 1, 3] = np.nan
    return Result(
        xr.Dataset(
            {
                "mse": (("rule", "replicate", "trajectory"), mse, {"units": "s"}),
                "diverged": (("rule", "replicate"), generator.random((2, 5)) > 0.5),
                "W": (("replicate", "post", "pre"), generator.random((5, 2, 2)).astype("float32")),
                "eta": ("rule", [0.1, np.inf]),
                "count": ((), 3),
                "empty": (("phase", "step"), np.zeros((0, 4))),
            },
            coords={"rule": ["autapse", "dfa ²"], "validation": np.arange(0, 30, 10)},
            attrs={"seed": 3, "share": 0.5, "provenance": json.dumps({"command": "autapse"})},
        )
    )


@pytest.fixture
def saved(result, tmp_path):
    path = tmp_path / "result.nc"
    result.save(path)
    return path


def test_round_trip(result, saved):
    back = load(saved).data
    xr.testing.assert_identical(back, result.data)
    for name in result.data.variables:
        assert back[name].dtype == result.data[name].dtype
    assert back.diverged.dtype == bool
    assert [type(value) for value in back.attrs.values()] == [int, float, str]


def test_a_loaded_result_saves_again_and_needs_its_file_no_more(result, saved):
    back = load(saved)
    back.save(saved)
    again = load(saved)
    saved.unlink()
    xr.testing.assert_identical(again.data, result.data)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda data: data.mean("replicate"), "'mse' is an array"),
        (lambda data: data.assign(W=(("replicate", "pre", "post"), np.zeros((5, 2, 2)))), "'W' is an array"),
        (lambda data: data.assign(poles=("rule", [1j, 2])), "'poles' holds complex numbers"),
        (lambda data: data.assign({"a/b": 3}), "Forward slashes"),
        (lambda data: data.assign(count=((), 3, {"coordinates": "rule"})), "has no attribute"),
        *(
            (lambda data, name=name: data.assign(note=("rule", [1.0, 2], {name: 1.0})), f"{name!r} would change")
            for name in ("_FillValue", "scale_factor")
        ),
        *(
            (lambda data, value=value: data.assign_attrs(note=value), f"attribute 'note' is {value!r}, neither numbers")
            for value in (None, True, {"a": 1}, ["a", "b"], 1j, 2**80)
        ),
    ],
)
def test_what_could_not_be_loaded_again_is_not_saved(result, saved, change, says):
    before = saved.read_bytes()
    with pytest.raises(InputError, match=re.escape(says)):
        Result(change(result.data)).save(saved)
    assert saved.read_bytes() == before


def test_the_file_is_plain_netcdf_with_its_format_checksums_and_compression(saved):
    with xr.open_dataset(saved, engine="h5netcdf", decode_timedelta=False) as data:
        assert data.attrs["format"] == "autapse_sim 1"
        assert data.mse.encoding["fletcher32"]
        assert data.mse.encoding["zlib"]


def test_other_readers_of_netcdf_see_what_xarray_itself_would_have_written(result, saved, tmp_path):
    result.data.assign_attrs(format="autapse_sim 1").to_netcdf(tmp_path / "theirs.nc", engine="h5netcdf")
    ours, theirs = (
        xr.open_dataset(path, engine="h5netcdf", decode_timedelta=False).load()
        for path in (saved, tmp_path / "theirs.nc")
    )
    xr.testing.assert_identical(ours.assign_coords(rule=ours.rule.astype(object)), theirs)
    assert list(ours.variables) == list(theirs.variables)


def test_missing_and_foreign_files(tmp_path):
    for path in (tmp_path / "none.nc", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            load(path)
    (tmp_path / "text.nc").write_text("mse: 3\n")
    (tmp_path / "empty.nc").touch()
    xr.Dataset({"a": 1}).to_netcdf(tmp_path / "foreign.nc", engine="h5netcdf")
    for name in ("text.nc", "empty.nc", "foreign.nc"):
        with pytest.raises(InputError, match="damaged, or it is not a result"):
            load(tmp_path / name)


def test_another_format_version(result, saved, monkeypatch):
    monkeypatch.setattr(results, "FORMAT", "autapse_sim 2")
    result.save(saved)
    monkeypatch.undo()
    with pytest.raises(InputError, match="has the format 'autapse_sim 2'; this version reads 'autapse_sim 1'"):
        load(saved)


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.9999])
def test_truncated(saved, share):
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(InputError, match="damaged") as caught:
        load(saved)
    assert "\n" not in str(caught.value)


def test_any_flipped_byte_is_found(saved):
    content = saved.read_bytes()
    for position in [*range(0, len(content), len(content) // 200), len(content) - 1]:
        saved.write_bytes(content[:position] + bytes([content[position] ^ 1]) + content[position + 1 :])
        with pytest.raises(InputError, match="damaged"):
            load(saved)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("broken"), OSError(errno.ENOSPC, "No space left")])
def test_an_interrupted_save_leaves_what_was_there(result, saved, monkeypatch, error):
    before = saved.read_bytes()

    def stop(descriptor):
        raise error

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(InputError if isinstance(error, OSError) else type(error)):
        result.save(saved)
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


def test_unwritable_folder(result, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be written"):
        result.save(tmp_path / "file" / "result.nc")
    (tmp_path / "folder.nc").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        result.save(tmp_path / "folder.nc")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.nc"]


def test_missing_folders_are_made(result, tmp_path):
    result.save(tmp_path / "a" / "b" / "result.nc")
    assert os.listdir(tmp_path / "a" / "b") == ["result.nc"]


def test_provenance_is_text():
    told = provenance("autapse compare")
    assert told["command"] == "autapse compare"
    assert {"python", "autapse_sim", "numpy", "xarray", "brian2", "platform", "date", "git"} <= set(told)
    assert all(isinstance(value, str) for value in told.values())
    code = (
        "import sys; from autapse_sim.results.result import provenance as p; p(''); assert 'brian2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=os.path.dirname(os.path.dirname(__file__)))


def test_a_package_that_is_not_there_has_no_version():
    assert results._version("no-such-package-at-all") == "not installed"


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_git_state_knows_its_own_checkout_only(tmp_path, monkeypatch):
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *arguments], check=True, capture_output=True)

    source = tmp_path / "autapse_sim" / "results" / "result.py"
    source.parent.mkdir(parents=True)
    source.write_text("1\n")
    monkeypatch.setattr(results, "__file__", str(source))
    assert git_state() == "not a git checkout"
    git("init")
    (tmp_path / "other").touch()
    git("add", "other")
    git("commit", "-m", "someone else's repository")
    assert git_state() == "not a git checkout"
    git("add", ".")
    git("commit", "-m", "the package's own")
    clean = git_state()
    assert set(clean) <= set("0123456789abcdef")
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    source.write_text("2\n")
    assert git_state() == f"{clean}-dirty"
    monkeypatch.setenv("PATH", "")
    assert git_state() == "not a git checkout"
