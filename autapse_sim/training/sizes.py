"""What an experiment takes: how much memory, and how many replicates fit into a little of it."""

from __future__ import annotations

from autapse_sim.errors import InputError
from autapse_sim.machine.memory import memory
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.shown import sizes_of
from autapse_sim.training.in_numpy import along_equations

ROOM = 2**29
"""Bytes that the stimuli, predictions and weights of the replicates that run at a time may take."""
NUMBER = 8
"""Bytes of a number."""
STATES = 12
"""States and what arrives, of a neuron in an integration step."""
PRESENTATION = 64
"""Bytes of an entry of a schedule while it is made."""


def check_memory(needed: int, most: str, advice: str) -> None:
    """Refuse what takes more memory than this process may have; `most` is what takes the most of it.

    Examples
    --------
    >>> check_memory(1000, "a thousand bytes", "take less")
    """
    if needed > memory():
        raise InputError(
            f"this would take {_gigabytes(needed)} of memory, most of it for {most}, but there are "
            f"{_gigabytes(memory())}; {advice}"
        )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count < 10**15 else f"{count / 1e9:.1e} GB"


def check_sizes(circuit: Circuit, task: Task, protocol: Protocol, together: int, rates: int = 1) -> None:
    """Refuse an experiment that cannot be held, before anything is drawn.

    Parameters
    ----------
    circuit, task, protocol : Circuit, Task, Protocol
        What is run.
    together : int
        Replicates that run at a time.
    rates : int
        Networks per replicate.
    """
    n, (m, c, T) = circuit.neurons, sizes_of(task)
    weights, looks = n * (2 * n + m + 2 * c), protocol.looks
    presentations = protocol.train + looks * protocol.validate + protocol.test
    telemetry = kept_numbers(circuit, task, protocol)
    recorded = min(protocol.record, protocol.replicates) * rates
    kept = protocol.train + looks + protocol.test + weights
    traced = 2 + min(protocol.record_tests, protocol.test)
    parts = {
        f"{protocol.trajectories} trajectories of {T} steps for {together} replicates": together
        * (protocol.trajectories * T * (m + c)),
        f"the weights of {together * rates} networks of {n} neurons": together * rates * weights,
        f"the weights at {len(protocol.kept_after)} checkpoints": telemetry
        * (together * rates + 2 * protocol.replicates),
        f"the predictions of {protocol.test} test trajectories": together * rates * protocol.test * T * c,
        f"the scores of {presentations} presentations": together * rates * presentations,
        f"the results of {protocol.replicates} replicates": protocol.replicates * kept,
        f"the traces of {recorded} networks": recorded * T * (traced * (3 * n + c) + protocol.test * (m + 2 * c)),
    }
    if along_equations(circuit):
        kept = protocol.batch * T * circuit.substeps * n * STATES
        parts["what a gradient keeps of the states of one network's trajectories"] = kept
    needed = NUMBER * sum(parts.values()) + PRESENTATION * presentations
    check_memory(needed, max(parts, key=parts.__getitem__), "give fewer replicates, trajectories, steps or neurons")


def kept_numbers(circuit: Circuit, task: Task, protocol: Protocol) -> int:
    """How many numbers are kept of one network at checkpoints, with up to four states beside each weight."""
    n, (m, c, _) = circuit.neurons, sizes_of(task)
    sizes = {"W": n * n, "U": n * m, "b": n, "V": c * n, "c": c, "B": n * c}
    each = sum(sizes[name] for name in circuit.learn)
    return len(protocol.kept_after) * each * (5 if protocol.checkpoint_states else 1)


def at_once(circuit: Circuit, task: Task, protocol: Protocol) -> int:
    """Replicates to run at a time, all where they fit into `ROOM`; blocks of the same size share a program."""
    n, (m, c, T) = circuit.neurons, sizes_of(task)
    shown, kept = protocol.trajectories * T * (m + c), protocol.test * T * c
    numbers = 3 * shown + 4 * kept + 6 * n * (n + m + 2 * c) + 2 * kept_numbers(circuit, task, protocol)
    most = max(1, ROOM // (NUMBER * numbers))
    blocks = -(-protocol.replicates // most)
    return -(-protocol.replicates // blocks)
