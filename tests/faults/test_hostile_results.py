"""Result files that somebody made on purpose: nothing runs, nothing else is read, memory stays small, one line."""

import contextlib
import os
import pickle
import tracemalloc
import zlib
from io import BytesIO

import h5py
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from autapse_sim.errors import InputError
from autapse_sim.results.netcdf import REFERENCES, UNREADABLE, _fixed, _unpacked, pack, unpack
from autapse_sim.results.result import FORMAT, Result, _seal, load

SECRET = b"what only the user may read\n" * 40
NUMBERS = np.linspace(0, 1, 240).reshape(2, 5, 24)
PLAIN = pack(
    xr.Dataset(
        {"mse": (("rule", "replicate", "trajectory"), NUMBERS), "diverged": ("replicate", [False] * 5)},
        coords={"rule": ["autapse", "dfa"], "phase": ["training 1", "test 1"]},
        attrs={"format": FORMAT, "rule": "autapse", "seed": 3},
    )
)


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """A file with a valid seal, made by changing a result from within; the secret lies beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_bytes(SECRET)
    other = BytesIO()
    with h5py.File(other, "w") as file:
        file["mse"] = np.frombuffer(SECRET[:960], dtype="u1")
    (tmp_path / "other.h5").write_bytes(other.getvalue())

    def make(change):
        content = BytesIO(PLAIN)
        with h5py.File(content, "r+") as file:
            repeated = change(file)
        if repeated:  # where a reference to a text lies, and how often it comes instead of those after it
            place, times = repeated
            body = content.getbuffer()
            body[place : place + 16 * times] = bytes(body[place : place + 16]) * times
            del body
        path = tmp_path / "hostile.nc"
        path.write_bytes(content.getvalue() + _seal(content.getvalue()))
        return path

    return make


def again(file, name, make):
    """Put another array in the place of one, with its place among the dimensions."""
    attributes = {key: file[name].attrs[key] for key in ("_Netcdf4Coordinates", "_Netcdf4Dimid")}
    del file[name]
    make(file)
    file[name].attrs.update(attributes)


def external(file):
    parts = [("secret", 0, 240 * 4)]
    again(file, "mse", lambda file: file.create_dataset("mse", (2, 5, 24), "f4", external=parts))


def external_absolute(file):
    parts = [(os.path.abspath("secret"), 0, 960)]
    again(file, "mse", lambda file: file.create_dataset("mse", (2, 5, 24), "f4", external=parts))


def virtual_dataset(file):
    layout = h5py.VirtualLayout((960,), "u1")
    layout[:] = h5py.VirtualSource("other.h5", "mse", (960,))
    file.create_virtual_dataset("secret", layout)


def external_link(file):
    del file["mse"]
    file["mse"] = h5py.ExternalLink("other.h5", "mse")


def soft_link(file):
    file["again"] = h5py.SoftLink("/mse")


def soft_link_in_circles(file):
    file["circle"] = h5py.SoftLink("/circle")


def hard_links(file):
    for k in range(200):
        file[f"mse{k}"] = file["mse"]


def group(file):
    file.create_group("inner")["mse"] = np.zeros(3)


def huge_shape(file):
    again(file, "mse", lambda file: file.create_dataset("mse", (2**20, 2**20), "f8"))


def huge_chunked_shape(file):
    again(file, "mse", lambda file: file.create_dataset("mse", (2**20, 2**20), "f8", chunks=(64, 64), compression=1))


def huge_dimension(file):
    number, told = 99, b"This is a netCDF dimension but not a netCDF variable.  1099511627776"
    file.create_dataset("long", (2**40,), ">f4").attrs.update(
        {"CLASS": np.bytes_("DIMENSION_SCALE"), "NAME": np.bytes_(told), "_Netcdf4Dimid": np.int32(number)}
    )
    file.create_dataset("wide", (2**40,), "f8").attrs["_Netcdf4Coordinates"] = np.array([number], "i4")


def a_chunk_larger_than_its_array(file):
    file.create_dataset("mse2", data=np.zeros(4), chunks=(4,), maxshape=(None,))
    file.create_dataset("vast", (1,), "f8", chunks=(2**28,), maxshape=(None,), compression=9)


def a_chunk_shorter_than_its_checksum(file):
    """Over which HDF5 2.0 ends the process."""
    file["diverged"].id.write_direct_chunk((0,), b"x")


def a_chunk_that_holds_too_little(file):
    file["mse"].id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(8)) + b"sums")


def a_chunk_that_holds_too_much(file):
    file["mse"].id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(10**8)) + b"sums")


def a_chunk_that_is_not_there(file):
    again(file, "mse", lambda file: file.create_dataset("mse", (2, 5, 24), "f8", chunks=(1, 5, 24), compression=1))
    file["mse"][0] = 1.0


def text_bomb(file):
    """Many texts that are one and the same in the file."""
    texts = file.create_dataset("texts", (5000,), h5py.string_dtype())
    texts[:] = ["z" * 60_000, *["a"] * 4999]
    file.flush()
    return texts.id.get_offset(), 5000


def text_in_an_attribute(file):
    file["mse"].attrs.create("note", ["z" * 1000] * 100, dtype=h5py.string_dtype())


def pickled(file):
    file.create_dataset("object", data=np.void(pickle.dumps(Bomb())))


def compound(file):
    file.create_dataset("pairs", data=np.zeros(3, dtype=[("a", "f8"), ("b", "i4")]))


def references(file):
    file.create_dataset("references", data=[file["mse"].ref] * 3, dtype=h5py.ref_dtype)


def ragged(file):
    file.create_dataset("ragged", (3,), h5py.vlen_dtype("f8"))[0] = np.zeros(10)


def no_format(file):
    del file.attrs["format"]


class Bomb:
    def __reduce__(self):
        return os.system, ("touch ran",)


@pytest.mark.parametrize(
    "change",
    [
        external,
        external_absolute,
        virtual_dataset,
        external_link,
        soft_link,
        soft_link_in_circles,
        hard_links,
        group,
        huge_shape,
        huge_chunked_shape,
        huge_dimension,
        a_chunk_larger_than_its_array,
        a_chunk_shorter_than_its_checksum,
        a_chunk_that_holds_too_little,
        a_chunk_that_holds_too_much,
        a_chunk_that_is_not_there,
        text_bomb,
        text_in_an_attribute,
        pickled,
        compound,
        references,
        ragged,
        no_format,
    ],
)
def test_a_hostile_file_is_refused_in_one_line(hostile, tmp_path, change):
    path = hostile(change)
    before = sorted(os.listdir(tmp_path))
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match="is damaged within, or it is not a result: ") as caught:
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 20e6
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert sorted(os.listdir(tmp_path)) == before


def test_what_is_changed_by_nothing_is_loaded(hostile):
    data = load(hostile(lambda file: None)).data
    np.testing.assert_array_equal(data.mse, NUMBERS)
    assert data.rule.values.tolist() == ["autapse", "dfa"]
    assert data.attrs == {"rule": "autapse", "seed": 3}


@pytest.mark.parametrize("text", ["autapse", "a\nb", "${command}", "'; import os", "\ud800\udcff", "\x00", ""])
def test_any_text_comes_back_as_text(tmp_path, text):
    data = xr.Dataset({"eta": ("rule", [0.5])}, coords={"rule": [text.strip("\x00")]}, attrs={"command": text})
    Result(data).save(tmp_path / "result.nc")
    back = load(tmp_path / "result.nc").data
    spelt = text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")
    assert back.rule.values.tolist() == ([spelt] if "\x00" not in text else [""])
    assert back.attrs["command"] == spelt


def changed(name, value):
    def change(file):
        if name in file:
            told = {key: file[name].attrs[key] for key in ("_Netcdf4Coordinates", "_Netcdf4Dimid")}
            del file[name]
            file[name] = value
            file[name].attrs.update(told)
        else:
            file.attrs[name] = value

    return change


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("mse", np.full((2, 5, 24), "text", dtype=h5py.string_dtype()), "'mse' is an array"),
        ("diverged", np.full(5, "no", dtype=h5py.string_dtype()), "'diverged' is an array"),
        ("circuit", _fixed("{"), "Expecting property name"),
        ("circuit", _fixed("[]"), "attribute 'circuit' is something else"),
        ("notes", 3, "must be str"),
        ("unit", 3, "attribute 'unit' is no text"),
    ],
)
def test_what_is_not_what_its_name_says_is_refused(hostile, name, value, says):
    path = hostile(changed(name, value))
    with pytest.raises(InputError, match=says):
        load(path)


damages = st.lists(st.tuples(st.integers(0, len(PLAIN) - 1), st.integers(0, 255)), min_size=1, max_size=30)


@settings(deadline=20_000)
@given(damages, st.none() | st.integers(0, len(PLAIN)))
def test_damage_under_a_valid_seal_is_one_input_error_or_loads(damage, end):
    content = bytearray(PLAIN)
    for place, byte in damage:
        content[place] = byte
    content = bytes(content[:end])
    with contextlib.suppress(*UNREADABLE):
        _unpacked(content)


def of_any_length(content):
    """What of a file is text of any length, or anything else that lies in a heap, but for what nobody reads."""
    with h5py.File(BytesIO(content)) as file:
        each = {name: array.dtype for name, array in file.items()}
        for name, one in [("", file), *file.items()]:
            each |= {f"{name}.{key}": one.attrs.get_id(key).dtype for key in one.attrs if key not in REFERENCES}
    return [name for name, kind in each.items() if kind.kind not in "biufS"]


def older(data):
    """The bytes of a result as they were written before: with texts of any length."""
    content = bytes(data.assign_attrs(format=FORMAT).to_netcdf(engine="h5netcdf"))
    assert {".rule", "rule", "diverged.dtype"} <= set(of_any_length(content))
    return content


def test_no_text_of_a_result_lies_in_a_heap():
    assert of_any_length(PLAIN) == []


def test_an_older_result_with_texts_of_any_length_is_loaded(tmp_path):
    data = unpack(PLAIN).assign_attrs(rule="übrig", note="")
    data.mse.attrs["units"] = "1"
    content = older(data)
    (tmp_path / "older.nc").write_bytes(content + _seal(content))
    loaded = load(tmp_path / "older.nc").data
    xr.testing.assert_identical(loaded, data.drop_attrs(deep=False).assign_attrs(rule="übrig", seed=3, note=""))
    Result(loaded).save(tmp_path / "newer.nc")
    xr.testing.assert_identical(load(tmp_path / "newer.nc").data, loaded)


def endless(data):
    """An older result whose heap ends in free space of no length, over which HDF5 2.0 goes round for ever."""
    content = bytearray(older(data))
    at = content.index(b"GCOL") + 16
    while int.from_bytes(content[at : at + 2], "little"):
        at += 16 + -(-int.from_bytes(content[at + 8 : at + 16], "little") // 8) * 8
    content[at + 8 : at + 16] = bytes(8)
    return bytes(content)


@pytest.mark.slow
def test_a_heap_that_is_read_for_ever_is_refused_in_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr("autapse_sim.results.netcdf.ENDLESS", 3.0)
    content = endless(unpack(PLAIN))
    (tmp_path / "endless.nc").write_bytes(content + _seal(content))
    with pytest.raises(InputError, match=r"is damaged within, .*was silent for 3 s and was ended"):
        load(tmp_path / "endless.nc")


def test_what_is_of_any_length_is_refused_before_its_heap_is_looked_at(monkeypatch):
    content = bytearray(older(unpack(PLAIN)))
    while b"GCOL" in content:
        start = content.index(b"GCOL")
        content[start : start + 4] = b"lost"
    with pytest.raises(ValueError, match="holds texts of any length"):
        _unpacked(bytes(content))
