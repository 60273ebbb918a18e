"""Recorded trajectories of a network as a session of Neurodata Without Borders (NWB 2), with the extra ``nwb``."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autapse_sim.checks import whole
from autapse_sim.errors import InputError
from autapse_sim.machine.files import made, write_whole
from autapse_sim.results import recordings
from autapse_sim.results.result import Result, dataset, of_rule, rule_of
from autapse_sim.spec.job import STEP

if TYPE_CHECKING:
    from pynwb import NWBFile

SUFFIXES = (".nwb",)
TRACE = "trace_"
"""How recordings are named in a result."""


def to_nwb(result: Result, replicate: int = 0, rule: str | None = None) -> NWBFile:
    """The recorded trajectories of one replicate, one after the other, as an NWB file in memory.

    Parameters
    ----------
    result : Result
        With recordings.
    replicate : int
        The number of the replicate, one of those that were recorded.
    rule : str, optional
        Which rule, of a result of several; else the first.

    Returns
    -------
    pynwb.NWBFile
        A trial for each recorded phase; each recording (stimulus, target, prediction, activity, traces) a TimeSeries of
        1 kHz; a unit for each neuron that spikes; weights after training as scratch arrays; all attributes of the
        result as notes.

    Raises
    ------
    InputError
        pynwb is not installed, or the replicate was not recorded.
    """
    try:
        from pynwb import NWBFile, TimeSeries
    except ImportError as error:
        raise InputError("to_nwb needs pynwb: pip install autapse_sim[nwb]") from error
    rule, replicate = rule_of(result, rule), whole("replicate", replicate)
    data, phases = of_rule(result, rule), recordings.phases(result)
    attributes = dict(dataset(result).attrs)
    made = json.loads(attributes.get("provenance", "{}")).get("date")
    file = NWBFile(
        session_description=f"simulated network, rule {rule}, replicate {replicate}",
        identifier=f"{rule}/{replicate}/{attributes.get('seed', '')}",
        session_start_time=datetime.fromisoformat(made) if made else datetime.now().astimezone(),
        source_script="autapse_sim",
        source_script_file_name="autapse_sim",
        notes=json.dumps({name: _plain(value) for name, value in attributes.items()}),
    )
    names = [str(name) for name in data.data_vars if str(name).startswith(TRACE)]
    traces = {name: _joined(result, name.removeprefix(TRACE), phases, replicate, rule) for name in names}
    for name, (values, unit) in traces.items():
        if np.isfinite(values).any():
            file.add_acquisition(TimeSeries(name=name.removeprefix(TRACE), data=values, unit=unit, rate=1 / STEP))
    steps = data.sizes["step"]
    file.add_trial_column("phase", "which recorded phase")
    for number, phase in enumerate(phases):
        file.add_trial(start_time=number * steps * STEP, stop_time=(number + 1) * steps * STEP, phase=phase)
    _add_spikes(file, traces.get(f"{TRACE}spikes"))
    for name in ("W", "U", "V", "B", "b", "c"):
        if name in data:
            about = f"weights {name} after training, ({', '.join(map(str, data[name].dims[1:]))})"
            file.add_scratch(recordings.weights(result, name, replicate, rule), name=name, description=about)
    return file


def _joined(result: Result, name: str, phases: list[str], replicate: int, rule: str) -> tuple[np.ndarray, str]:
    """A recording of all phases, one after the other, and its unit."""
    parts = [recordings.recording(result, name, phase, replicate, rule) for phase in phases]
    values = [part.transpose("step", ...).values for part in parts]
    return np.concatenate(values), str(parts[0].attrs.get("units", "1"))


def _add_spikes(file: NWBFile, found: tuple[np.ndarray, str] | None) -> None:
    """A unit for each neuron, where neurons spike."""
    if found is None or np.isnan(found[0]).all():
        return
    file.add_unit_column("neuron", "number of the neuron within its network")
    for neuron, times in enumerate(recordings.spike_times(found[0])):
        file.add_unit(spike_times=times, neuron=neuron, obs_intervals=[[0.0, len(found[0]) * STEP]])


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def write(result: Result, path: Path, replicate: int = 0, rule: str | None = None) -> Path:
    """Write the session as an .nwb file."""
    file = to_nwb(result, replicate, rule)
    from pynwb import NWBHDF5IO

    def write_part(part: Path) -> None:
        with NWBHDF5IO(str(part), "w") as out:
            out.write(file)

    return write_whole(path, made("session.nwb", write_part))
