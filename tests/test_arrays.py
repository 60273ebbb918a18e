"""Arrays that programs read from files: laid once where they cannot change, each time where they may."""

import gc

import numpy as np
import pytest

from autapse_sim.engines import arrays
from autapse_sim.engines.arrays import lasting, lay_array, read_array

SIZE = 2**18
"""Numbers of a file that is worth a link."""


def laid(folder, name, values):
    lay_array(folder / name, values)
    return read_array(folder / name, SIZE)


def test_what_cannot_change_is_written_once_and_goes_with_its_array(tmp_path):
    values = lasting(np.arange(SIZE, dtype=float))
    first, second = (laid(tmp_path, name, values) for name in "ab")
    place = (tmp_path / "a").resolve()
    assert place == (tmp_path / "b").resolve()
    assert place in arrays._laid.values()
    del values
    gc.collect()
    assert not place.parent.exists()
    assert place not in arrays._laid.values()
    np.testing.assert_array_equal(first, np.arange(SIZE))  # what was read stays
    np.testing.assert_array_equal(second, first)


@pytest.mark.parametrize("view", [False, True])
def test_what_may_change_is_written_each_time(view, tmp_path):
    own = np.zeros(SIZE)
    values = own[:] if view else own
    values.flags.writeable = not view  # what it is a view of may change nevertheless
    before = laid(tmp_path, "a", values)
    own += 1
    after = laid(tmp_path, "b", values)
    assert before.max() == 0
    assert after.min() == 1
    assert not (tmp_path / "a").is_symlink()


def test_what_others_hold_too_is_copied():
    own = np.zeros((4, 5))
    assert lasting(own[:2]).base is None
    assert lasting(own.T).flags.c_contiguous
    kept = lasting(own[:2])
    own += 1
    assert kept.max() == 0
    with pytest.raises(ValueError, match="read-only"):
        kept += 1


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def fail(path, values):
        path.touch()
        raise OSError(28, "No space left on device")

    values, before = lasting(np.zeros(SIZE)), len(arrays._laid)
    monkeypatch.setattr(arrays, "write_array", fail)
    with pytest.raises(OSError, match="No space left"):
        lay_array(tmp_path / "a", values)
    assert len(arrays._laid) == before
    monkeypatch.undo()
    assert laid(tmp_path, "b", values).max() == 0
