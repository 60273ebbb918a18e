"""What a result recorded of one replicate in one phase, and what follows from spikes: their times, rates and order."""

from __future__ import annotations

import numpy as np
import xarray as xr

from autapse_sim.checks import LARGEST, numbers, real, text, whole
from autapse_sim.errors import InputError
from autapse_sim.names import one_of, shown
from autapse_sim.results.result import Result, dataset, of_rule, rule_of
from autapse_sim.spec.job import STEP

ORDERS = ("number", "first spike", "latency", "rate")
"""How neurons, or trials, can be sorted; the latency is the time of the first spike."""


def phases(data: xr.Dataset | Result) -> list[str]:
    """The recorded phases of a result in order, 'training 1' for example.

    Raises
    ------
    InputError
        Nothing was recorded.
    """
    data = dataset(data)
    if not data.sizes.get("phase") or not data.sizes.get("recorded"):
        raise InputError("this result has no traces: nothing was recorded (record=0, or no phase to record)")
    return [str(phase) for phase in data["phase"].values]


def recording(
    data: xr.Dataset | Result, name: str, phase: str, replicate: int = 0, rule: str | None = None
) -> xr.DataArray:
    """The trace `name` of one replicate in one phase, steps first.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A result with traces.
    name : str
        Which trace: 'activity', 'spikes', 'error', a state of the neuron, a trace of the rule.
    phase : str
        Which trajectory, one of `phases`.
    replicate : int
        The number of the replicate.
    rule : str, optional
        Whose trace where the result is of several rules; else the first.
    """
    known = phases(data)
    one_of("phase", phase, known)
    part = of_rule(data, rule)
    text("name", name)
    if f"trace_{name}" not in part:
        if name == "spikes":
            raise InputError(_spikeless(rule_of(data, rule)))
        raise InputError(f"this result has no trace {shown(name)}, which the plot needs")
    at = {"phase": known.index(phase), "recorded": _position(part, replicate)}
    return part[f"trace_{name}"].isel(at).transpose("step", ...)


def spikes(data: xr.Dataset | Result, phase: str, replicate: int = 0, rule: str | None = None) -> np.ndarray:
    """How often each neuron spiked in each step, (steps, neurons); the parameters are those of `recording`.

    Raises
    ------
    InputError
        The circuit has no spikes.
    """
    counts = recording(data, "spikes", phase, replicate, rule).transpose("step", "neuron").values
    if np.isnan(counts).all():
        raise InputError(_spikeless(rule_of(data, rule)))
    return counts


def weights(data: xr.Dataset | Result, name: str, replicate: int = 0, rule: str | None = None) -> np.ndarray:
    """The weights `name` (W, U, V, B ...) of one replicate after training, (post, pre).

    Those of all replicates are ``result.data[name]``, an xarray.DataArray with named axes.
    """
    part = of_rule(data, rule)
    if text("name", name) not in part:
        raise InputError(f"this result has no weights {shown(name)}")
    held = part["replicate"].values.tolist()
    if whole("replicate", replicate) not in held:
        counted = "counted from 0" if held == [*range(len(held))] else f"by number {', '.join(map(str, held))}"
        raise InputError(f"replicate is {replicate}; this result holds {len(held)}, {counted}")
    return part[name].isel(replicate=held.index(replicate)).values


def spike_times(counts: np.ndarray, step: float = STEP) -> list[np.ndarray]:
    """The times of the spikes of each neuron in seconds; those of one step are spread over it evenly.

    Parameters
    ----------
    counts : array (steps, neurons)
        Spikes of each neuron in each step.
    step : float
        Length of a step in seconds; step 0 begins at time 0.

    Examples
    --------
    >>> spike_times(np.array([[0, 1], [1, 0], [2, 0]]), step=1)
    [array([1. , 2. , 2.5]), array([0.])]
    """
    counts, step, times = checked_counts(counts), real("step", step, above=0), []
    for own in counts.T:
        number = np.repeat(own, own)
        before = np.repeat(np.cumsum(own) - own, own)
        within = (np.arange(own.sum()) - before) / number
        times.append((np.repeat(np.arange(len(own)), own) + within) * step)
    return times


def population_rate(counts: np.ndarray, width: float, step: float = STEP) -> tuple[np.ndarray, np.ndarray]:
    """The mean rate of the neurons in spikes per second, in bins of time.

    Parameters
    ----------
    counts : array (steps, neurons)
        Spikes of each neuron in each step.
    width : float
        Of a bin in seconds, rounded to whole steps; the last bin is as long as what remains.
    step : float
        Length of a step in seconds.

    Returns
    -------
    edges : array (bins + 1,)
        In seconds.
    rate : array (bins,)
        Spikes per second and neuron.

    Examples
    --------
    >>> edges, rate = population_rate(np.array([[0, 1], [1, 0], [1, 1]]), width=0.002, step=0.001)
    >>> rate.tolist()
    [500.0, 1000.0]
    """
    counts = checked_counts(counts)
    width, step = real("width", width, above=0), real("step", step, least=1 / LARGEST)
    size = max(1, round(min(width / step, len(counts))))
    first = np.arange(0, len(counts), size)
    edges = np.append(first, len(counts)) * step
    return edges, np.add.reduceat(counts.mean(axis=1), first) / np.diff(edges)


def sorted_neurons(counts: np.ndarray, order: str | np.ndarray = "number") -> np.ndarray:
    """The neurons in the order in which they are shown.

    Parameters
    ----------
    counts : array (steps, neurons)
        Spikes of each neuron in each step.
    order : {'number', 'first spike', 'latency', 'rate'} or int array
        By number, by the first spike, which is the latency (silent neurons last), by rate from low to high, or the
        neurons themselves.

    Examples
    --------
    >>> sorted_neurons(np.array([[0, 0, 1], [0, 1, 1]]), "first spike")
    array([2, 1, 0])
    """
    counts = checked_counts(counts)
    steps, neurons = counts.shape
    if not isinstance(order, str):
        order = numbers("order", order)
        if order.ndim != 1 or not np.isin(order, np.arange(neurons)).all():
            raise InputError(f"order holds what is no neuron; expected whole numbers from 0 to {neurons - 1}")
        return order.astype(int)
    one_of("order", order, ORDERS)
    if order == "number":
        return np.arange(neurons)
    spiked = counts > 0
    first = np.where(spiked.any(axis=0), spiked.argmax(axis=0), steps)
    return np.argsort(counts.sum(axis=0) if order == "rate" else first, kind="stable")


def checked_counts(counts: np.ndarray) -> np.ndarray:
    """Spike counts as whole numbers (steps, neurons), or an `InputError`."""
    counts = numbers("spikes", counts)
    if counts.ndim != 2 or counts.size == 0:
        raise InputError(f"spikes have the shape {counts.shape}; expected (steps, neurons)")
    if not np.isfinite(counts).all() or (counts < 0).any():
        raise InputError("spikes hold NaN, infinity or negative numbers; expected counts")
    return np.rint(counts).astype(int)


def _position(data: xr.Dataset, replicate: int) -> int:
    """Where a replicate stands among the recorded ones."""
    recorded = data["recorded"].values.tolist()
    if whole("replicate", replicate) not in recorded:
        raise InputError(
            f"replicate {replicate} was not recorded; this result recorded {', '.join(map(str, recorded))}"
        )
    return recorded.index(replicate)


def _spikeless(rule: str) -> str:
    return (
        f"the circuit of {rule} has no spikes (its neurons are rates): draw its activity instead "
        "(autapse plot activity; plots.activity_map)"
    )
