"""A dataset as the bytes of a netCDF file, and back: nothing but numbers and texts, whatever the bytes may say.

Reading allows what `pack` writes and no more. Storage in other files, links, objects that stand for others, and more
numbers or text than the bytes can hold are refused, so that a file can neither point at another one nor grow in memory.

Texts are of fixed length. Those of any length lie in heaps, and HDF5 (2.0, for one) goes round some damaged heaps for
ever; results that were written before have them, and are read in another process first, which may be ended.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Mapping
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr
from xarray.conventions import cf_encoder, encode_dataset_coordinates

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
FEW = 64
"""The longest side of a chunk where an array has no elements yet."""
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
    """The bytes of a netCDF file, made in memory: on a full disk the HDF5 library would end the process.

    They are what xarray writes by way of h5netcdf, in a fraction of the time: every unit of a study is packed.
    """
    variables, attributes = cf_encoder(*encode_dataset_coordinates(_plain(data.drop_encoding())))
    variables = {name: _letters(each) if each.dtype.kind == "U" else each for name, each in variables.items()}
    sizes = {dim: size for each in variables.values() for dim, size in each.sizes.items()}
    numbers = {dim: np.int32(number) for number, dim in enumerate(sizes)}
    content = BytesIO()
    with h5py.File(content, "w", track_order=True) as file:
        _tell(file, {"_NCProperties": f"version=2,hdf5={h5py.version.hdf5_version},h5py={h5py.__version__}"})
        _tell(file, attributes)
        for dim in [dim for dim in sizes if dim not in variables]:
            file.create_dataset(dim, (sizes[dim],), ">f4", maxshape=None if sizes[dim] else (None,), track_order=True)
            file[dim].make_scale(f"{NO_VARIABLE}.{sizes[dim]:10}")
        for name, each in variables.items():
            _write(file, name, each)
            if name in each.dims:
                file[name].make_scale(name)
        scales = {dim: file[dim] for dim in sizes}
        for name, each in variables.items():
            array = file[name]
            if name not in each.dims:
                for axis, dim in zip(array.dims, each.dims, strict=True):
                    axis.attach_scale(scales[dim])
                if each.dims:
                    array.attrs["_Netcdf4Dimid"] = numbers[each.dims[0]]
            if each.dims:
                array.attrs["_Netcdf4Coordinates"] = np.array([numbers[dim] for dim in each.dims])
        for dim, scale in scales.items():
            scale.attrs["_Netcdf4Dimid"] = numbers[dim]
    return content.getvalue()


def _write(file: h5py.File, name: str, variable: xr.Variable) -> None:
    """Write an array, packed and with checksums where it is one of numbers, and what it tells of itself."""
    _expect("/" not in name and variable.dtype.kind in "iufS", f"{name!r} cannot be written")
    how: dict[str, Any] = {"track_order": True, "fillvalue": variable.attrs.get("_FillValue")}
    if variable.ndim and not variable.size:
        how["maxshape"] = tuple(size or None for size in variable.shape)
        how["chunks"] = tuple(min(max(size, 1), FEW) for size in variable.shape)
    elif variable.ndim and variable.dtype.kind != "S":
        how |= {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
    array = file.create_dataset(name, data=variable.values, **how)
    _tell(array, variable.attrs)


def _tell(what: h5py.HLObject, attributes: Mapping[str, Any]) -> None:
    """Write attributes: texts of fixed length, numbers with an axis."""
    for name, value in attributes.items():
        what.attrs[name] = (
            _fixed(value) if isinstance(value, str) else value if _is_text(value) else np.atleast_1d(value)
        )


def _is_text(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "S"


def _letters(texts: xr.Variable) -> xr.Variable:
    """Texts as letters (bytes, of UTF-8) along one more axis."""
    content = np.char.encode(texts.values, "utf-8")
    length = content.dtype.itemsize
    letters = np.ascontiguousarray(content).reshape(*texts.shape, 1).view("S1")
    return xr.Variable((*texts.dims, f"string{length}"), letters, {**texts.attrs, "_Encoding": "utf-8"})


def unpack(content: bytes) -> xr.Dataset:
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


def _try_elsewhere(content: bytes) -> None:
    """Read in a process of its own; a RuntimeError where that does not come to an end."""
    with scratch() as folder, Programs() as programs:
        (folder / "older").write_bytes(content)
        here = str(Path(autapse_sim.__file__).absolute())
        command = [sys.executable, "-P", "-W", "ignore", "-c", TRIAL, here, str(folder / "older")]
        answer = programs.run(command, "a process that reads it,", ENDLESS)
    if answer.code:
        raise RuntimeError(f"the HDF5 library ends over it with {answer.said()}")


def _unpacked(content: bytes, older: bool = False) -> xr.Dataset:
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

    def __init__(self, file: h5py.File, content: bytes, older: bool) -> None:
        self.file, self.content, self.older = file, content, older
        self.stored = self.text = len(content)

    def dataset(self) -> xr.Dataset:
        """All that the file holds, not decoded yet."""
        found = {}
        for name in self.file:
            _expect(type(self.file.get(name, getlink=True)) is h5py.HardLink, f"{name!r} is a link")
            _expect(self.file.get(name, getclass=True) is h5py.Dataset, f"{name!r} is no array")
            # first of all: asked how an array is kept, HDF5 looks up the value that it is filled with
            self.check_kind(name, h5py.h5d.open(self.file.id, name.encode()).dtype)
            found[name] = self.file[name]
        attributes = {name: self.attributes(one) for name, one in found.items()}
        scales = {name: told["_Netcdf4Dimid"] for name, told in attributes.items() if "CLASS" in told}
        names = {number: name for name, number in scales.items()}
        variables = {}
        for name, one in found.items():
            told = attributes[name]
            if str(told.get("NAME", "")).startswith(NO_VARIABLE):
                continue
            dims = [names[number] for number in np.atleast_1d(told.get("_Netcdf4Coordinates", [])).tolist()]
            _expect(one.shape == tuple(len(found[dim]) for dim in dims), f"{name!r} does not fit its dimensions")
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
        held = array.size
        if held and array.chunks:  # chunks are unpacked whole
            held = prod(-(-size // part) * part for size, part in zip(array.shape, array.chunks, strict=True))
        most = stored * (DEFLATED if h5py.h5z.FILTER_DEFLATE in filters else 1)
        _expect(held * array.dtype.itemsize <= most, f"{name!r} is larger than the file")
        self.stored -= stored
        _expect(self.stored >= 0, f"{name!r} is stored where others are")
        if array.dtype.kind == "O":
            return self.older_texts(name, array)
        numbers = self.chunked(name, array, filters) if array.chunks else array[()]
        return self.joined(name, numbers) if array.dtype.kind == "S" else numbers

    def chunked(self, name: str, array: h5py.Dataset, filters: list[int]) -> np.ndarray:
        """Numbers that are stored in chunks; these are unpacked here, for HDF5 trusts the lengths that they tell."""
        found, seen = np.empty(array.shape, array.dtype), np.zeros(array.shape, bool)
        length = prod(array.chunks) * array.dtype.itemsize

        def take(chunk: h5py.h5d.StoreInfo) -> None:
            if array.size:
                packed = self.content[chunk.byte_offset : chunk.byte_offset + chunk.size]
                _expect(chunk.filter_mask == 0, f"{name!r} is packed in another way")
                values = _unfiltered(packed, filters, array.dtype.itemsize, length)
                _expect(len(values) == length, f"{name!r} has parts of another length")
                place = tuple(map(slice, chunk.chunk_offset, np.add(chunk.chunk_offset, array.chunks)))
                inside = tuple(map(slice, found[place].shape))
                found[place] = np.frombuffer(values, array.dtype).reshape(array.chunks)[inside]
                seen[place] = True

        array.id.chunk_iter(take)
        _expect(seen.all(), f"{name!r} is not all there")
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
        found = {}
        for name in [name for name in one.attrs if name not in REFERENCES]:
            attribute = one.attrs.get_id(name)
            kind = attribute.dtype
            self.check_kind(f"attribute {name}", kind)
            if attribute.get_space().get_simple_extent_type() == h5py.h5s.NULL:
                found[name] = ""
            elif kind.kind in "iuf":
                value = np.empty(attribute.shape, dtype=kind)
                attribute.read(value)
                found[name] = value.flat[0] if value.size == 1 else value
            else:
                _expect(prod(attribute.shape) == 1, f"attribute {name!r} is more than one text")
                value = np.asarray(one.attrs[name]).reshape(-1)[0]
                found[name] = self.taken(value if isinstance(value, str) else value.decode())
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


def _unfiltered(packed: bytes, filters: list[int], size: int, most: int) -> bytes:
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
