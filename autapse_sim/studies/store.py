"""A study on disk: the plan, and one sealed file a unit; nothing else is state."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from autapse_sim.errors import InputError
from autapse_sim.files import write_whole
from autapse_sim.names import shown
from autapse_sim.results import Result, load
from autapse_sim.studies.plan import Plan

FORMAT = "autapse_sim study 1"
"""Name and version of the layout of a study's folder."""


@dataclass(frozen=True)
class Store:
    """The folder of a study.

    Parameters
    ----------
    folder : Path
        study.json is the plan, units/NAME.nc what is finished, failed/NAME.json what failed and why.
    """

    folder: Path

    def keep_plan(self, plan: Plan, about: dict[str, Any]) -> None:
        """Write the plan; units that are there already stay, whatever plan they come from."""
        axes = [
            {"name": axis.name, "place": axis.place, "labels": axis.labels, "unit": axis.unit} for axis in plan.axes
        ]
        units = [
            {"name": unit.name, "place": dict(place), "start": unit.start, "count": unit.count, "grid": list(unit.grid)}
            for unit, place in zip(plan.units, plan.places, strict=True)
        ]
        written = {"format": FORMAT, "about": about, "replicates": plan.replicates, "axes": axes, "units": units}
        write_whole(self.folder / "study.json", json.dumps(written, indent=1).encode())

    def read_plan(self) -> dict[str, Any]:
        """The plan that was written; an `InputError` where there is none."""
        path = self.folder / "study.json"
        try:
            written = json.loads(path.read_text())
        except OSError as error:
            raise InputError(f"{self.folder} is no study: {path.name} cannot be read ({error.strerror})") from error
        except ValueError as error:
            raise InputError(f"{path} is damaged; run the study's command again, and it is written anew") from error
        if not isinstance(written, dict) or written.get("format") != FORMAT:
            said = shown(written.get("format") if isinstance(written, dict) else written)
            raise InputError(f"{path} has the format {said}; this version reads {FORMAT!r}")
        return written

    def path(self, name: str) -> Path:
        """Where a unit's result is."""
        return self.folder / "units" / f"{name}.nc"

    def has(self, name: str) -> bool:
        """Whether a unit is finished."""
        return self.path(name).exists()

    def keep(self, name: str, content: bytes) -> None:
        """Write a unit's result once, whole or not at all."""
        write_whole(self.path(name), content)
        (self.folder / "failed" / f"{name}.json").unlink(missing_ok=True)

    def read(self, name: str) -> Result | None:
        """A unit's result; None where it is not there, and where it is damaged, which then is run again."""
        if not self.has(name):
            return None
        try:
            return load(self.path(name))
        except InputError:
            os.replace(self.path(name), self.path(name).with_suffix(".damaged"))
            return None

    def keep_failure(self, name: str, reason: str, tries: int) -> None:
        """Write why a unit failed."""
        write_whole(self.folder / "failed" / f"{name}.json", json.dumps({"reason": reason, "tries": tries}).encode())

    def failures(self) -> dict[str, str]:
        """The reasons of the units that failed."""
        found = {}
        for path in sorted((self.folder / "failed").glob("*.json")):
            try:
                found[path.stem] = str(json.loads(path.read_text())["reason"])
            except (OSError, ValueError, KeyError, TypeError):
                found[path.stem] = "its record cannot be read"
        return found

    @contextmanager
    def claimed(self, name: str) -> Iterator[bool]:
        """Whether a unit is this process's to run, as long as the context lasts; a claim ends with its process."""
        lock = FileLock(self.folder / "claims" / f"{name}.lock")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            yield False
            return
        try:
            yield not self.has(name)
        finally:
            lock.release()
