"""Writes a result in the format that a file's name tells.

A module of this folder that writes files says by which endings (``SUFFIXES``) and how (``write(result, path,
**options)``), so that a new format is one new file.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any

from autapse_sim.checks import path as checked_path
from autapse_sim.errors import InputError
from autapse_sim.names import modules_in, one_of
from autapse_sim.results import export
from autapse_sim.results.result import Result


def formats() -> dict[str, ModuleType]:
    """The modules that write files, by the ending of a file's name.

    Examples
    --------
    >>> sorted(formats())
    ['.csv', '.nir', '.nwb', '.parquet']
    """
    found = modules_in(export).values()
    return {suffix: module for module in found for suffix in getattr(module, "SUFFIXES", ())}


def write(result: Result, path: str | Path, **options: Any) -> Path:
    """Write a result for another program, in the format that the ending of the file's name tells.

    Parameters
    ----------
    result : Result
        What is written.
    path : str or Path
        The file: .csv or .parquet for a tidy table, .nwb for a session, .nir for a trained network.
    **options
        ``names`` for tables; ``replicate`` and ``rule`` for the others.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        No format has that ending, the format takes no such option or cannot say what the result holds, or a package is
        missing.

    Examples
    --------
    >>> import tempfile
    >>> import autapse_sim as ap
    >>> result = ap.train(ap.Circuit(rule="dfa"), ap.BouncingBall(steps=5), ap.Protocol(2, train=1), engine="numpy")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(result, f"{folder}/mse.csv").read_text().splitlines()[0]
    'replicate,trajectory,mse'
    """
    path = checked_path("path", path)
    module = formats()[one_of("ending of a file", path.suffix, formats())]
    taken = [*inspect.signature(module.write).parameters][2:]
    for name in options:
        if name not in taken:
            raise InputError(f"{path.suffix} files take no option {name}; they take {', '.join(taken)}")
    return module.write(result, path, **options)
