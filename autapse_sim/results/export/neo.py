"""Spike trains as Neo objects, which Elephant and many others read, with the extra ``neo``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from autapse_sim.checks import items, whole
from autapse_sim.errors import InputError
from autapse_sim.results import recordings
from autapse_sim.results.result import Result, dataset, rule_of
from autapse_sim.spec.job import STEP

if TYPE_CHECKING:
    import neo


def spike_trains(
    result: Result, replicate: int = 0, phases: str | Sequence[str] | None = None, rule: str | None = None
) -> neo.Block:
    """The spikes of one replicate as Neo objects; needs the extra ``pip install autapse_sim[neo]``.

    Parameters
    ----------
    result : Result
        Of spiking neurons, with traces.
    replicate : int
        The number of the replicate, one of those that were recorded.
    phases : str or sequence of str, optional
        'test 1' for example; else all that were recorded.
    rule : str, optional
        Which rule, of a result of several; else the first.

    Returns
    -------
    neo.Block
        Annotated with rule, replicate and the result's attributes. A Segment for each phase bears its name and holds a
        SpikeTrain for each neuron, in ms from the start of the phase, annotated with the neuron's number.

    Raises
    ------
    InputError
        Neo is not installed, the circuit has no spikes, or the replicate or a phase was not recorded.
    """
    try:
        import neo
    except ImportError as error:
        raise InputError("spike_trains needs Neo: pip install autapse_sim[neo]") from error
    rule, replicate = rule_of(result, rule), whole("replicate", replicate)
    phases = recordings.phases(result) if phases is None else items("phases", phases, "names of recorded phases")
    block = neo.Block(name=f"{rule}, replicate {replicate}")
    block.annotate(**dataset(result).attrs | {"rule": rule, "replicate": replicate})
    for index, phase in enumerate(phases):
        counts = recordings.spikes(result, phase, replicate, rule)
        segment = neo.Segment(name=phase, index=index)
        for neuron, times in enumerate(recordings.spike_times(counts, STEP * 1e3)):
            train = neo.SpikeTrain(
                times, units="ms", t_start=0, t_stop=len(counts) * STEP * 1e3, name=f"neuron {neuron}", neuron=neuron
            )
            segment.spiketrains.append(train)
        block.segments.append(segment)
    block.check_relationships()
    return block
