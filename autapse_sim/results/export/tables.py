"""Tidy tables: a row for each number, a column for each axis; CSV, or Parquet with the extra ``parquet``."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import xarray as xr

from autapse_sim.checks import items
from autapse_sim.errors import InputError
from autapse_sim.machine.files import write_whole
from autapse_sim.names import one_of
from autapse_sim.results.result import Result, dataset

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".parquet")


def to_frame(result: Result | xr.Dataset, names: str | Sequence[str] = "mse") -> pd.DataFrame:
    """What a result holds under some names as a tidy pandas table.

    Parameters
    ----------
    result : Result or xarray.Dataset
        Any result, or the dataset of a sweep.
    names : str or sequence of str
        Variables of the same axes, a column each.

    Returns
    -------
    pandas.DataFrame
        A row for each combination of the axes, which are columns, too.

    Raises
    ------
    InputError
        There is no such variable, or two have other axes.
    """
    data = dataset(result)
    wanted = items("names", names, "names of variables")
    for name in wanted:
        one_of("variable", name, map(str, data.data_vars))
    axes = {name: data[name].dims for name in wanted}
    other = next((name for name in wanted if axes[name] != axes[wanted[0]]), None)
    if other or not wanted:
        told = "; ".join(f"{name}: {', '.join(map(str, dims))}" for name, dims in axes.items())
        raise InputError(f"a tidy table has variables of the same axes, one or more; these have {told or 'none'}")
    if not axes[wanted[0]]:
        raise InputError(f"{wanted[0]} is a single number, which makes no table")
    chosen = xr.Dataset({name: data[name].variable for name in wanted}, data[wanted[0]].coords)
    return chosen.to_dataframe(dim_order=[*axes[wanted[0]]]).reset_index()


def write(result: Result, path: Path, names: str | Sequence[str] = "mse") -> Path:
    """Write a tidy table; numbers of a CSV file are read back as they were."""
    frame = to_frame(result, names)
    if path.suffix == ".csv":
        return write_whole(path, frame.to_csv(index=False).encode())
    held = io.BytesIO()
    try:
        frame.to_parquet(held, index=False)
    except ImportError as error:
        raise InputError("Parquet files need pyarrow: pip install autapse_sim[parquet]") from error
    return write_whole(path, held.getvalue())
