"""Which variables of the Brian2 objects of a circuit go on from trajectory to trajectory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from brian2 import NeuronGroup, Synapses

from autapse_sim.engines.brian.assembly.lasting import GROUPS, Lasting, axes
from autapse_sim.engines.brian.assembly.statements import OPTIMISER_STATE, OURS, changing
from autapse_sim.engines.brian.dense.layout import Block
from autapse_sim.spec.circuit import TAUGHT_BY
from autapse_sim.spec.library import Models

OPTIMISED = {OURS[name] for names in OPTIMISER_STATE.values() for name in names}
"""What optimisers keep in synapses."""
ANEW = {OURS["w"], OURS["change"], OURS["total"], "autapse_x", "target"}
"""What is no state: weights, changes that an update has taken in, the count of spikes, and what is shown."""
OWN, LEFT = "autapse_own_", "autapse_left_"
"""How the names of states begin in synapses, and in neurons where they are left for the next trajectory."""


def carried(
    objects: Iterable[object], blocks: Mapping[str, Block], sizes: Mapping[str, int], models: Models, reset: bool
) -> dict[str, Lasting]:
    """What goes on, by its name in a result.

    Where trajectories begin anew (`reset`) these are the states of optimisers, those that a rule calls lasting, and
    those of its connections; else all that changes.

    Parameters
    ----------
    objects : iterable
        The groups and synapses of the circuit; others are passed over.
    blocks : mapping of str to Block
        Of the synapses by their names.
    sizes : mapping of str to int
        Neurons of one network in each group.
    models, reset : Models, bool
        Of the job.
    """
    found = {}
    for thing in objects:
        if not isinstance(thing, NeuronGroup | Synapses):
            continue
        place = thing.name.removeprefix("projection_")
        if isinstance(thing, NeuronGroup):
            state = Lasting("", (GROUPS[place],), sizes[place])
        elif blocks[thing.name].innermost == "self":
            state = Lasting("", (GROUPS[thing.source.name],), sizes[thing.source.name])
        else:
            state = Lasting("", axes(thing.source.name, thing.target.name), block=blocks[thing.name])
        for name, plain in _states(thing, place, models, reset):
            truth = thing.variables[name].dtype == bool
            found[f"{place}_{plain}"] = replace(state, variable=f"{thing.name}.{name}", truth=truth)
    return found


def _states(thing: NeuronGroup | Synapses, place: str, models: Models, reset: bool) -> Iterator[tuple[str, str]]:
    """The variables of a group or of synapses that go on, each with its plain name."""
    lasting = models.teacher(place).lasting if place in TAUGHT_BY else None
    for name in [name for name in changing(thing.equations) if name not in ANEW]:
        own, left = name.removeprefix(OWN), name.removeprefix(LEFT)
        if not reset:
            if left == name:  # what is left is read where the first trajectory begins, and never again
                yield name, own.removeprefix("autapse_")
        elif left != name:
            yield name, left
        elif name in OPTIMISED or (own != name and (lasting is None or own in lasting)):
            yield name, own.removeprefix("autapse_")
