"""A dataset as the bytes of a netCDF file, and back: nothing but numbers and texts, whatever the bytes may say.

Reading allows what `pack` writes and no more. Storage in other files, links, objects that stand for others, and more
numbers or text than the bytes can hold are refused, so that a file can neither point at another one nor grow in memory.
"""

from __future__ import annotations

from io import BytesIO
from math import prod
from typing import Any

import h5py
import numpy as np
import xarray as xr

UNREADABLE = (ArithmeticError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError)
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


def pack(data: xr.Dataset) -> bytes:
    """The bytes of a netCDF file, made in memory: on a full disk the HDF5 library would end the process."""
    data = _plain(data.drop_encoding())
    packed = {"zlib": True, "complevel": 1, "shuffle": True, "fletcher32": True}
    arrays = (name for name, values in data.variables.items() if values.ndim and values.size)
    encoding = {name: packed for name in arrays if data[name].dtype.kind in "biuf"}
    return bytes(data.to_netcdf(engine="h5netcdf", encoding=encoding))


def unpack(content: bytes) -> xr.Dataset:
    """The dataset that `pack` wrote.

    Raises
    ------
    any of `UNREADABLE`
        The bytes are damaged, or hold what `pack` never writes.
    """
    with h5py.File(BytesIO(content), "r") as file:
        data = _Reader(file, len(content)).dataset()
    data = xr.decode_cf(data, decode_times=False, decode_timedelta=False).drop_encoding()
    data.attrs = {name: value.item() if isinstance(value, np.generic) else value for name, value in data.attrs.items()}
    return data


def _plain(data: xr.Dataset) -> xr.Dataset:
    """The same, where each character that a text in a file cannot have (in the names of files) is spelt out."""

    def spelt(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return value.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\x00")

    data = data.assign_attrs({name: spelt(value) for name, value in data.attrs.items()})
    texts = {name: values for name, values in data.variables.items() if values.dtype.kind in "UO" and values.size}
    every = np.vectorize(spelt, otypes=[object])
    return data.assign({name: (values.dims, every(values.values), values.attrs) for name, values in texts.items()})


class _Reader:
    """Reads one file of a known number of bytes, and no more numbers and text than these can hold."""

    def __init__(self, file: h5py.File, size: int) -> None:
        self.file, self.stored, self.text = file, size, size

    def dataset(self) -> xr.Dataset:
        """All that the file holds, not decoded yet."""
        found = {}
        for name in self.file:
            _expect(type(self.file.get(name, getlink=True)) is h5py.HardLink, f"{name!r} is a link")
            _expect(self.file.get(name, getclass=True) is h5py.Dataset, f"{name!r} is no array")
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
            told = {key: value for key, value in told.items() if key not in INTERNAL}
            variables[name] = xr.Variable(dims, self.values(name, one), told)
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
        if array.dtype.kind in "biuf":
            return array[()]
        _expect(h5py.check_string_dtype(array.dtype) is not None, f"{name!r} holds neither numbers nor texts")
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
            if attribute.get_space().get_simple_extent_type() == h5py.h5s.NULL:
                found[name] = ""
            elif kind.kind in "iuf":
                value = np.empty(attribute.shape, dtype=kind)
                attribute.read(value)
                found[name] = value.flat[0] if value.size == 1 else value
            else:
                one_text = h5py.check_string_dtype(kind) is not None and prod(attribute.shape) == 1
                _expect(one_text, f"attribute {name!r} is neither a number nor a text")
                value = one.attrs[name]
                value = value if isinstance(value, (str, bytes)) else value[0]
                found[name] = self.taken(value if isinstance(value, str) else value.decode())
        return found

    def taken(self, text: str) -> str:
        """A text that was read; all together are not longer than the file."""
        self.text -= len(text)
        _expect(self.text >= 0, "texts that are longer than the file")
        return text


def _expect(true: bool, otherwise: str) -> None:
    if not true:
        raise ValueError(otherwise)
