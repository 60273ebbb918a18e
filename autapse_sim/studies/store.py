"""A study on disk: the plan, and one sealed file a unit; nothing else is state."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autapse_sim import checks
from autapse_sim.errors import InputError
from autapse_sim.machine.files import claimed, read_whole, scratch, write_whole
from autapse_sim.names import shown
from autapse_sim.results.result import Result, load, sealed
from autapse_sim.studies.plan import Plan

FORMAT = "autapse_sim study 1"
"""Name and version of the layout of a study's folder."""
PLAN = "study.json"
"""The file with the plan of a study."""
AGAIN = "run the study's command again, and it is written anew"
"""What helps where a plan is damaged."""
UNIT = re.compile("[0-9a-f]{32}")
"""The name of a unit."""


@dataclass(frozen=True)
class Store:
    """The folder of a study.

    Parameters
    ----------
    folder : Path
        study.json is the plan, units/NAME.nc what is finished, failed/NAME.json what failed and why.
    """

    folder: Path

    def keep_plan(self, plan: Plan, about: dict[str, Any]) -> dict[str, Any]:
        """What is written of the plan; units that are there already stay, whatever plan they come from."""
        axes = [
            {"name": axis.name, "place": axis.place, "labels": axis.labels, "unit": axis.unit} for axis in plan.axes
        ]
        units = [
            {"name": name, "place": dict(place), "start": unit.start, "count": unit.count, "grid": unit.axes}
            for name, place in plan.places
            for unit in [plan.units[name]]
        ]
        written = {"format": FORMAT, "about": about, "replicates": plan.replicates, "axes": axes, "units": units}
        text = json.dumps(written, indent=1)
        write_whole(self.folder / PLAN, text.encode(), self.folder)
        return json.loads(text)

    def read_plan(self) -> dict[str, Any]:
        """The plan that was written; an `InputError` where there is none."""
        path = self.folder / PLAN
        try:
            written = json.loads(path.read_text())
        except OSError as error:
            raise InputError(f"{self.folder} is no study: {path.name} cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise InputError(f"{path} is damaged; {AGAIN}") from error
        if not isinstance(written, dict) or written.get("format") != FORMAT:
            said = shown(written.get("format") if isinstance(written, dict) else written)
            raise InputError(f"{path} has the format {said}; this version reads {FORMAT!r}")
        return written

    def path(self, name: str) -> Path:
        """Where a unit's result is; a ValueError where a name, of a plan that others made, leads out of the folder."""
        if not UNIT.fullmatch(name):
            raise ValueError(f"{shown(name)} is no name of a unit")
        return self.folder / "units" / f"{name}.nc"

    def has(self, name: str) -> bool:
        """Whether a unit is finished."""
        return self.path(name).exists()

    def whole(self) -> set[str]:
        """The units that are finished; a file that is damaged is put aside, so that its unit is run again."""
        found = set()
        for path in (self.folder / "units").glob("*.nc"):
            if sealed(read_whole(path)):
                found.add(path.stem)
            else:
                _put_aside(path)
        return found

    def keep(self, name: str, content: bytes) -> None:
        """Write a unit's result once, whole or not at all."""
        write_whole(self.path(name), content, self.folder)
        (self.folder / "failed" / f"{name}.json").unlink(missing_ok=True)

    def read(self, name: str) -> Result | None:
        """A unit's result; None where it is not there, and where it is damaged, which then is run again."""
        if not self.has(name):
            return None
        try:
            return load(self.path(name))
        except InputError:
            _put_aside(self.path(name))
            return None

    def keep_failure(self, name: str, kind: str, reason: str) -> None:
        """Write why a unit 'failed' or was 'refused'."""
        path = self.folder / "failed" / f"{name}.json"
        write_whole(path, json.dumps({"kind": kind, "reason": reason}).encode(), self.folder)

    def failure(self, name: str) -> tuple[str, str] | None:
        """How and why a unit failed; None where it has not."""
        try:
            written = json.loads((self.folder / "failed" / f"{name}.json").read_text())
            return str(written["kind"]), str(written["reason"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            return "failed", "its record cannot be read"

    def failures(self, names: Iterable[str]) -> dict[str, str]:
        """The reasons of those units that failed."""
        told = {name: self.failure(name) for name in names}
        return {name: failure[1] for name, failure in told.items() if failure}

    @contextmanager
    def claimed(self, name: str) -> Iterator[bool]:
        """Whether a unit is this process's to run, as long as the context lasts."""
        with claimed(self.folder / "claims" / name) as mine:
            yield mine and not self.has(name)


@contextmanager
def store_in(folder: str | Path | None) -> Iterator[Store]:
    """The store in a folder; one that is not kept where none is given."""
    with scratch() if folder is None else nullcontext(checks.path("folder", folder)) as place:
        yield Store(place)


def _put_aside(path: Path) -> None:
    with suppress(OSError):  # a folder that is only read
        os.replace(path, path.with_suffix(".damaged"))
