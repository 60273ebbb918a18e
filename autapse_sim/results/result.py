"""Results on disk: one checked netCDF file each, and where they came from."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

import autapse_sim
from autapse_sim import checks
from autapse_sim.errors import InputError, in_a_line
from autapse_sim.machine.files import read_whole, write_whole
from autapse_sim.names import one_of, shown
from autapse_sim.results.contents import check_contents
from autapse_sim.results.netcdf import UNREADABLE, pack, unpack
from autapse_sim.showing import card

if TYPE_CHECKING:  # Matplotlib is imported where something is drawn
    import pandas as pd

    from autapse_sim.results.plots.catalogue import Figures

FORMAT = "autapse_sim 1"
"""Name and version of the layout of a result file, its attribute `format`."""
SEAL = 64
"""Length of the checksum at the end of a file."""


@dataclass(frozen=True, repr=False)
class Result:
    """What an experiment gave, with names on every axis.

    Parameters
    ----------
    data : xarray.Dataset
        Scores, predictions, weights and traces; the attributes are strings and numbers.
    """

    data: xr.Dataset

    _repr_html_ = card

    def __repr__(self) -> str:
        said = self.data.attrs.get("sentence") or f"Result{_of(self.data)}{_scored(self.data)}"
        sizes = ", ".join(f"{name} {size}" for name, size in self.data.sizes.items())
        parts = [said, f"dimensions: {sizes}", f"data: {', '.join(map(str, self.data.data_vars))}"]
        return "\n".join(textwrap.fill(part, 110, subsequent_indent="    ") for part in parts)

    @property
    def plot(self) -> Figures:
        """The figures of this result, by the names of `autapse plot`: ``result.plot.traces()``; `dir` lists them."""
        from autapse_sim.results.plots.catalogue import Figures

        return Figures(self)

    def save(self, path: str | Path) -> None:
        """Write the result as netCDF, whole or not at all; missing folders are made.

        The file ends with the SHA-256 of what stands before, which readers of netCDF pass over and `load` checks. A
        link, and the mode of a file that is there, are kept.

        Raises
        ------
        InputError
            The file cannot be written, what is there is no ordinary file, or `load` would refuse what is to be saved.
        """
        write_whole(path, self.to_bytes())

    def to_frame(self, names: str | Sequence[str] = "mse") -> pd.DataFrame:
        """Variables of the same axes as a tidy pandas table, see `autapse_sim.export.to_frame`."""
        from autapse_sim.results.export.tables import to_frame

        return to_frame(self, names)

    def to_bytes(self) -> bytes:
        """The content of the file that `save` writes."""
        data = dataset(self)
        try:
            check_contents(data)
            content = pack(data.assign_attrs(format=FORMAT))
        except (AttributeError, LookupError, TypeError, ValueError) as error:  # of xarray's, too
            raise InputError(
                f"this is no result that could be loaded again: {in_a_line(error)}; other datasets are saved by "
                "xarray's own to_netcdf"
            ) from error
        return content + _seal(content)


def load(path: str | Path) -> Result:
    """Read the result that `Result.save` wrote, all of it into memory.

    Nothing in the file is executed, and nothing outside of it is read, whatever it holds.

    Raises
    ------
    InputError
        The file is missing, no ordinary file, damaged, not a result, or of another format version.
    """
    content = memoryview(read_whole(checks.path("path", path)))
    if not sealed(content):
        raise InputError(f"{path} is damaged, or it is not a result of the format {FORMAT!r}")
    try:
        data = unpack(content[:-SEAL])
        found = data.attrs.pop("format")
        check_contents(data)
    except UNREADABLE as error:
        raise InputError(f"{path} is damaged within, or it is not a result: {in_a_line(error)}") from error
    if found != FORMAT:
        raise InputError(f"{path} has the format {shown(found)}; this version reads {FORMAT!r}")
    return Result(data)


def sealed(content: bytes | memoryview) -> bool:
    """Whether the content of a file is as it was written."""
    return content[-SEAL:] == _seal(content[:-SEAL])


def dataset(data: xr.Dataset | Result) -> xr.Dataset:
    """The dataset of a result."""
    data = data.data if isinstance(data, Result) else data
    if not isinstance(data, xr.Dataset):
        raise InputError(f"a result is {shown(data)}; it must be a Result, or the xarray.Dataset in it")
    return data


def rules(data: xr.Dataset | Result) -> list[str]:
    """Names of the rules in a result, be it of one rule or of several."""
    data = dataset(data)
    if "rule" not in data.coords and ("rule" in data.dims or "rule" not in data.attrs):
        raise InputError("this result does not say whose it is: it has no coordinate and no attribute 'rule'")
    return [str(rule) for rule in np.atleast_1d(data["rule"].values if "rule" in data.coords else data.attrs["rule"])]


def rule_of(data: xr.Dataset | Result, rule: str | None = None) -> str:
    """The name of a rule in a result; of the first where none is named."""
    return rules(data)[0] if rule is None else one_of("rule", rule, rules(data))


def of_rule(data: xr.Dataset | Result, rule: str | None) -> xr.Dataset:
    """The part of a result that belongs to one rule, or to the first, without the axis of rules."""
    data = dataset(data)
    rule = rule_of(data, rule)
    return data.sel(rule=rule) if "rule" in data.dims else data


def git_state() -> str:
    """Short commit of the checkout this package runs from, with '-dirty' after it if a tracked file was changed."""
    source = Path(__file__).resolve()
    root = source.parents[2]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}

    def git(*arguments: str) -> str:
        command = ["git", "--no-optional-locks", "-C", str(root), *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        if (root / ".git").exists() and git("ls-files", str(source)):
            return git("describe", "--always", "--dirty", "--exclude=*")
    except (OSError, ValueError, subprocess.SubprocessError):
        pass
    return "not a git checkout"


def provenance(command: str) -> dict[str, str]:
    """Where a result came from: `command`, date, versions, machine and the state of the source."""
    return {
        "command": command,
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "git": git_state(),
        "python": platform.python_version(),
        **versions(),
        "platform": f"{platform.platform()}, byte order {sys.byteorder}",
    }


def versions() -> dict[str, str]:
    """Of this package and of those that its numbers come from."""
    return {"autapse_sim": autapse_sim.__version__, **{name: _version(name) for name in ("numpy", "xarray", "brian2")}}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _of(data: xr.Dataset) -> str:
    """Whose a result is, as far as it says so."""
    named = "rule" in data.coords or ("rule" in data.attrs and "rule" not in data.dims)
    return f" of {', '.join(rules(data))}" if named else ""


def _scored(data: xr.Dataset) -> str:
    """The median test MSE of each rule, where there is one."""
    if "mse" not in data or not {"replicate", "trajectory"} <= {*data.mse.dims} <= {"rule", "replicate", "trajectory"}:
        return ""
    medians = np.atleast_1d(data.mse.mean("trajectory", skipna=False).fillna(np.inf).median("replicate"))
    return f": median test MSE {', '.join(f'{median:.4g}' for median in medians)}"


def _seal(content: bytes | memoryview) -> bytes:
    return sha256(content).hexdigest().encode()
