"""Trajectories and initial weights of an experiment, drawn from its seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from autapse_sim.checks import instance
from autapse_sim.errors import InputError
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Protocol
from autapse_sim.spec.weights import Weights, draw_weights
from autapse_sim.tasks.arrays import ArrayTask
from autapse_sim.tasks.base import Task
from autapse_sim.tasks.shown import check_blanked, checked, masked, observed, sampled, sizes_of
from autapse_sim.training.description import sources_of


@dataclass(frozen=True)
class Drawn:
    """The trajectories and initial weights of an experiment: the same for every rule that is compared.

    Targets y are NaN where they do not count. `units` and `stimulus_units` are those of targets and stimuli, '1' where
    they have none; `sources` the texts of the models by their paths.
    """

    x: np.ndarray
    y: np.ndarray
    weights: Weights
    seeds: np.ndarray
    units: str = "1"
    stimulus_units: str = "1"
    sources: Mapping[str, str] = field(default_factory=dict)

    def after(self, done: int) -> Drawn:
        """The same without the first trajectories."""
        return replace(self, x=self.x[:, done:], y=self.y[:, done:]) if done else self


def draw(circuit: Circuit, task: Task, protocol: Protocol, weights: Weights | None = None) -> Drawn:
    """Draw trajectories and weights of all replicates from the seed."""
    return next(draws(circuit, task, protocol, weights, protocol.replicates))[1]


def draws(
    circuit: Circuit, task: Task, protocol: Protocol, weights: Weights | None, size: int
) -> Iterator[tuple[int, Drawn]]:
    """Draw trajectories and weights from the seed, `size` replicates at a time, each with the number of its first.

    A replicate's draws do not depend on how many run beside it: each has a generator of its own, spawned in order.
    """
    sizes = checked_sizes(circuit, task)
    to_weights, to_task = _generators(protocol.seed, 0)
    if weights is not None:
        weights = instance("weights", weights, Weights).checked(protocol.replicates, *sizes)
        if (weights.F is not None) != circuit.returned:
            raise InputError(
                "weights: F is for circuits whose prediction is returned (returned=True), and they need it"
            )
    sources = sources_of(circuit)  # once: a file that is edited meanwhile changes neither the run nor its record
    for start in range(0, protocol.replicates, size):
        count = min(size, protocol.replicates - start)
        if weights is None:
            mine = draw_weights(to_weights, count, *sizes, circuit.readout, circuit.feedback, circuit.returned)
        else:
            mine = weights.take(np.arange(start, start + count))
        yield start, _shown(task, protocol, to_task, start, count, mine, sources)


def draw_block(circuit: Circuit, task: Task, protocol: Protocol, start: int, count: int) -> Drawn:
    """The draws of the replicates from `start` on, as they are where all are drawn; models are read by the caller."""
    sizes = checked_sizes(circuit, task)
    to_weights, to_task = _generators(protocol.seed, start)
    weights = draw_weights(to_weights, count, *sizes, circuit.readout, circuit.feedback, circuit.returned)
    drawn = _shown(task, protocol, to_task, start, count, weights, {})
    had = to_task.bit_generator.seed_seq
    spawned = had.n_children_spawned if isinstance(had, np.random.SeedSequence) else 0
    if start and not isinstance(task, ArrayTask) and spawned != start + count:
        raise InputError(
            f"{type(task).__name__}.sample must give each replicate a generator of its own, "
            "for child in rng.spawn(replicates): ..., or blocks of replicates would be shown the same"
        )
    return drawn


def checked_sizes(circuit: Circuit, task: Task) -> tuple[int, int, int]:
    """Neurons, inputs and outputs, checked."""
    check_blanked(task)
    inputs, outputs, _ = sizes_of(task)
    sizes = (circuit.neurons, inputs, outputs)
    if circuit.readout == "identity" and len(set(sizes)) > 1:
        raise InputError(
            f"readout 'identity' needs as many neurons ({sizes[0]}) as inputs ({sizes[1]}) and outputs ({sizes[2]}); "
            "use readout='random'"
        )
    return sizes


def _generators(seed: int, start: int) -> tuple[np.random.Generator, np.random.Generator]:
    """What draws weights and trajectories, where `start` replicates have had theirs."""
    parents = np.random.SeedSequence(seed).spawn(2)
    seeds = (np.random.SeedSequence(seed, spawn_key=each.spawn_key, n_children_spawned=start) for each in parents)
    to_weights, to_task = map(np.random.default_rng, seeds)
    return to_weights, to_task


def _shown(
    task: Task,
    protocol: Protocol,
    rng: np.random.Generator,
    start: int,
    count: int,
    weights: Weights,
    sources: Mapping[str, str],
) -> Drawn:
    """Draw the trajectories of a block of replicates."""
    if isinstance(task, ArrayTask):
        held = task.sample(rng, protocol.replicates, protocol.trajectories)
        x, y = checked(task, [array[start : start + count] for array in held], (count, protocol.trajectories))
    else:
        x, y = checked(task, sampled(task, rng, count, protocol.trajectories), (count, protocol.trajectories))
    y = masked(y, getattr(task, "scored", None), first=start, replicates=protocol.replicates)
    seeds = np.random.SeedSequence([protocol.seed, 1]).generate_state(protocol.replicates, np.uint64)
    units = getattr(task, "units", "1")
    # a stimulus that shows what is observed as something else has no unit
    stimulus_units = units if observed(task, x) is x else "1"
    return Drawn(x, y, weights, seeds[start : start + count], units, stimulus_units, sources)
