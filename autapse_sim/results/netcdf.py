"""A dataset as the bytes of a netCDF file, and back: nothing but numbers and texts, whatever the bytes may say.

Reading allows what `pack` writes and no more. Storage in other files, links, objects that stand for others, and more
numbers or text than the bytes can hold are refused, so that a file can neither point at another one nor grow in memory.

Texts are of fixed length. Those of any length lie in heaps, and HDF5 (2.0, for one) goes round some damaged heaps for
ever; results that were written before have them, and are read in another process first, which may be ended.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Hashable
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr

import autapse_sim
from autapse_sim.machine.files import scratch
from autapse_sim.machine.processes import Programs
from autapse_sim.machine.worker import PACKAGE

UNREADABLE = (ArithmeticError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError, zlib.error)
"""What reading raises where a file is damaged: the library checks little by itself."""
FILTERS = {h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_DEFLATE}
DEFLATED = 1040
"""Bytes that one byte can be unpacked to, at most."""
TEXTS, WIDTH = 10**5, 100
"""Texts in an array, at most, and their characters where there are so many: all get the room of the longest."""
REFERENCES = {"REFERENCE_LIST", "DIMENSION_LIST"}
"""Attributes that repeat what others say, as references to objects."""
INTERNAL = {"CLASS", "NAME", "_Netcdf4Coordinates", "_Netcdf4Dimid", "_NCProperties"}
"""Attributes of the format itself."""
NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable"
SHORTEST = 2
"""Bytes of a text in an attribute, at least: readers of netCDF take a single one for a letter."""
ENDLESS = 60.0
"""Seconds after which a file is taken for one that cannot be read to its end."""
TRIAL = f"""{PACKAGE}
from pathlib import Path
from autapse_sim.results.netcdf import UNREADABLE, _unpacked
try:
    _unpacked(Path(sys.argv[2]).read_bytes(), older=True)
except UNREADABLE:
    pass
"""
"""What another process is told: to read a file to its end, whatever it holds."""


def pack(data: xr.Dataset) -> bytes:
    """The bytes of a netCDF file, made in memory: on a full disk the HDF5 library would end the process."""
    data = _plain(data.drop_encoding())
    packed = {"zlib": True, "complevel": 1, "shuffle": True, "fletcher32": True}
    arrays = (name for name, values in data.variables.items() if values.ndim and values.size)
    encoding: dict[Hashable, dict[str, Any]] = {n: packed for n in arrays if data[n].dtype.kind in "biuf"}
    encoding |= {name: {"dtype": "S1"} for name, values in data.variables.items() if values.dtype.kind == "U"}
    content = BytesIO(bytes(data.to_netcdf(engine="h5netcdf", encoding=encoding)))
    with h5py.File(content, "r+") as file:
        for each in (file, *file.values()):
            for name in _of_any_length(each.attrs):  # what xarray itself says of arrays
                each.attrs[name] = _fixed(each.attrs[name])
    return content.getvalue()


def _of_any_length(attributes: h5py.AttributeManager) -> list[str]:
    """The attributes that are texts, and not of fixed length."""
    texts = {name: h5py.check_string_dtype(attributes.get_id(name).dtype) for name in attributes}
    return [name for name, text in texts.items() if text is not None and text.length is None]


def unpack(content: bytes | memoryview) -> xr.Dataset:
    """The dataset that `pack` wrote.

    Raises
    ------
    any of `UNREADABLE`
        The bytes are damaged, or hold what `pack` never writes.
    """
    try:
        return _unpacked(content)
    except _OlderError:
        _try_elsewhere(content)
        return _unpacked(content, older=True)


class _OlderError(ValueError):
    """There are texts of any length, which lie in heaps."""


def _try_elsewhere(content: bytes | memoryview) -> None:
    """Read in a process of its own; a RuntimeError where that does not come to an end."""
    with scratch() as folder, Programs() as programs:
        (folder / "older").write_bytes(content)
        here = str(Path(autapse_sim.__file__).absolute())
        command = [sys.executable, "-P", "-W", "ignore", "-c", TRIAL, here, str(folder / "older")]
        answer = programs.run(command, "a process that reads it,", ENDLESS)
    if answer.code:
        raise RuntimeError(f"the HDF5 library ends over it with {answer.said()}")


def _unpacked(content: bytes | memoryview, older: bool = False) -> xr.Dataset:
    with h5py.File(BytesIO(content), "r") as file:
        data = _Reader(file, content, older).dataset()
    data = xr.decode_cf(data, decode_times=False, decode_timedelta=False).drop_encoding()
    data.attrs = {name: value.item() if isinstance(value, np.generic) else value for name, value in data.attrs.items()}
    return data


def _plain(data: xr.Dataset) -> xr.Dataset:
    """The same with texts of fixed length; each character that none in a file can have is spelt out."""

    def spelt(text: str) -> str:
        return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")

    def told(attributes: dict[str, Any]) -> dict[str, Any]:
        return {name: _fixed(spelt(each)) if isinstance(each, str) else each for name, each in attributes.items()}

    variables = {}
    for name, each in data.variables.items():
        values = each.values
        if values.dtype.kind in "UO":
            values = np.vectorize(lambda value: spelt(str(value)), otypes=[object])(values).astype(str)
        variables[name] = (each.dims, values, told(each.attrs))
    return data.assign(variables).assign_attrs(told(data.attrs))


def _fixed(text: str) -> np.ndarray:
    """A text as an attribute has it: without axes, of fixed length, and told to be UTF-8."""
    content = text.encode()
    return np.array(content, dtype=h5py.string_dtype("utf-8", max(len(content), SHORTEST)))


class _Reader:
    """Reads one file in memory, and no more numbers and text than its bytes can hold.

    Texts of any length are read where it is told to be `older`, and are an `_OlderError` else.
    """

    def __init__(self, file: h5py.File, content: bytes | memoryview, older: bool) -> None:
        self.file, self.content, self.older = file, content, older
        self.stored = self.text = len(content)

    def dataset(self) -> xr.Dataset:
        """All that the file holds, not decoded yet."""
        found = {}
        for name in self.file:
            word = name.encode()
            _expect(self.file.id.links.get_info(word).type == h5py.h5l.TYPE_HARD, f"{name!r} is a link")
            kind = h5py.h5o.get_info(self.file.id, word).type
            _expect(kind == h5py.h5o.TYPE_DATASET, f"{name!r} is no array")
            array = h5py.h5d.open(self.file.id, word)
            # first of all: asked how an array is kept, HDF5 looks up the value that it is filled with
            self.check_kind(name, array.dtype)
            found[name] = h5py.Dataset(array)
        attributes = {name: self.attributes(one) for name, one in found.items()}
        shapes = {name: one.shape for name, one in found.items()}
        scales = {name: told["_Netcdf4Dimid"] for name, told in attributes.items() if "CLASS" in told}
        names = {number: name for name, number in scales.items()}
        variables = {}
        for name, one in found.items():
            told = attributes[name]
            if str(told.get("NAME", "")).startswith(NO_VARIABLE):
                continue
            dims = [names[number] for number in np.atleast_1d(told.get("_Netcdf4Coordinates", [])).tolist()]
            _expect(shapes[name] == tuple(shapes[dim][0] for dim in dims), f"{name!r} does not fit its dimensions")
            told = {key: value for key, value in told.items() if key not in INTERNAL and key != "_Encoding"}
            values = self.values(name, one)
            variables[name] = xr.Variable(dims[: values.ndim], values, told)
        told = {key: value for key, value in self.attributes(self.file).items() if key not in INTERNAL}
        return xr.Dataset(variables, attrs=told)

    def values(self, name: str, array: h5py.Dataset) -> np.ndarray:
        """All of an array: numbers that are all there, or texts."""
        how, stored = array.id.get_create_plist(), array.id.get_storage_size()
        _expect(not array.is_virtual and not how.get_external_count(), f"{name!r} is stored elsewhere")
        filters = [how.get_filter(k)[0] for k in range(how.get_nfilters())]
        _expect(len(set(filters)) == len(filters) and set(filters) <= FILTERS, f"{name!r} is packed in another way")
        held, chunks = array.size, array.chunks
        if held and chunks:  # chunks are unpacked whole
            held = prod(-(-size // part) * part for size, part in zip(array.shape, chunks, strict=True))
        most = stored * (DEFLATED if h5py.h5z.FILTER_DEFLATE in filters else 1)
        _expect(held * array.dtype.itemsize <= most, f"{name!r} is larger than the file")
        self.stored -= stored
        _expect(self.stored >= 0, f"{name!r} is stored where others are")
        if array.dtype.kind == "O":
            return self.older_texts(name, array)
        numbers = self.chunked(name, array, filters) if chunks else array[()]
        return self.joined(name, numbers) if array.dtype.kind == "S" else numbers

    def chunked(self, name: str, array: h5py.Dataset, filters: list[int]) -> np.ndarray:
        """Numbers that are stored in chunks; these are unpacked here, for HDF5 trusts the lengths that they tell."""
        chunks, kind = array.chunks, array.dtype
        found, seen = np.empty(array.shape, kind), np.zeros(array.shape, bool)
        length = prod(chunks) * kind.itemsize

        def take(chunk: h5py.h5d.StoreInfo) -> None:
            if found.size:
                packed = self.content[chunk.byte_offset : chunk.byte_offset + chunk.size]
                _expect(chunk.filter_mask == 0, f"{name!r} is packed in another way")
                values = _unfiltered(packed, filters, kind.itemsize, length)
                _expect(len(values) == length, f"{name!r} has parts of another length")
                place = tuple(map(slice, chunk.chunk_offset, np.add(chunk.chunk_offset, chunks)))
                inside = tuple(map(slice, found[place].shape))
                found[place] = np.frombuffer(values, kind).reshape(chunks)[inside]
                seen[place] = True

        array.id.chunk_iter(take)
        _expect(bool(seen.all()), f"{name!r} is not all there")
        return found

    def joined(self, name: str, letters: np.ndarray) -> np.ndarray:
        """Texts whose letters (bytes, of UTF-8) lie along the last axis."""
        _expect(letters.ndim > 0 and letters.dtype == "S1", f"{name!r} holds no texts as they are written")
        *shape, length = letters.shape
        texts = np.ascontiguousarray(letters).view(f"S{length}") if length else np.empty((*shape, 1), "S1")
        _expect(texts.size * length <= TEXTS * WIDTH, f"{name!r} holds texts that are too long")
        return np.char.decode(texts.reshape(shape), "utf-8")

    def older_texts(self, name: str, array: h5py.Dataset) -> np.ndarray:
        """Texts of any length."""
        _expect(array.size <= TEXTS, f"{name!r} holds too many texts")
        texts = np.empty(array.shape, dtype=object)
        for place in np.ndindex(array.shape):
            texts[place] = self.taken(array.asstr()[place])
        longest = max(map(len, texts.flat), default=0)
        _expect(texts.size * longest <= TEXTS * WIDTH, f"{name!r} holds texts that are too long")
        return texts.astype(str)

    def attributes(self, one: h5py.HLObject) -> dict[str, Any]:
        """The attributes of an array or a file, but for those that only HDF5 itself needs."""
        found: dict[str, Any] = {}
        every = one.attrs
        for name in [name for name in every if name not in REFERENCES]:
            attribute = every.get_id(name)
            kind = attribute.dtype
            self.check_kind(f"attribute {name}", kind)
            if attribute.get_space().get_simple_extent_type() == h5py.h5s.NULL:
                found[name] = ""
                continue
            if kind.kind == "O":
                _expect(prod(attribute.shape) == 1, f"attribute {name!r} is more than one text")
                value = np.asarray(every[name]).reshape(-1)[0]
                found[name] = self.taken(value if isinstance(value, str) else value.decode())
                continue
            held = np.empty(attribute.shape, dtype=kind)
            attribute.read(held)
            if kind.kind == "S":
                _expect(held.size == 1, f"attribute {name!r} is more than one text")
                found[name] = self.taken(held.flat[0].decode())
            else:
                found[name] = held.flat[0] if held.size == 1 else held
        return found

    def check_kind(self, name: str, kind: np.dtype) -> None:
        """Refuse what holds neither numbers nor texts, before any of it is looked at."""
        text = h5py.check_string_dtype(kind)
        _expect(kind.kind in "iufS" or text is not None, f"{name!r} holds neither numbers nor texts")
        if text is not None and text.length is None and not self.older:
            raise _OlderError(f"{name!r} holds texts of any length")

    def taken(self, text: str) -> str:
        """A text that was read; all together are not longer than the file."""
        self.text -= len(text)
        _expect(self.text >= 0, "texts that are longer than the file")
        return text


def _unfiltered(packed: bytes | memoryview, filters: list[int], size: int, most: int) -> bytes | memoryview:
    """The bytes of a chunk, of `most` at most; `size` is that of a number."""
    for each in reversed(filters):
        if each == h5py.h5z.FILTER_FLETCHER32:  # the checksum behind, of what has a better one
            packed = packed[:-4]
        elif each == h5py.h5z.FILTER_DEFLATE:
            packed = zlib.decompressobj().decompress(packed, most + 4)
        else:
            packed = np.frombuffer(packed, "u1").reshape(size, -1).T.tobytes()
    return packed


def _expect(true: bool, otherwise: str) -> None:
    if not true:
        raise ValueError(otherwise)
