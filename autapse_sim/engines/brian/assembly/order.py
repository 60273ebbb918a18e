"""The order inside a time step: the one table that owns it, and when each of its objects runs."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from brian2 import Network

SLOTS = {
    "restart": ("start", 0),
    "begin": ("start", 1),
    "stimulus": ("start", 2),
    "perturbation": ("start", 3),
    "drive": ("groups", -1),
    "eligibility": ("groups", 0),
    "state": ("groups", 1),
    "spike": ("thresholds", 0),
    "before_on_pre": ("synapses", -2),
    "on_pre": ("synapses", -1),
    "after_on_pre": ("synapses", 0),
    "before_on_post": ("synapses", 1),
    "on_post": ("synapses", 2),
    "after_on_post": ("synapses", 3),
    "reset": ("resets", 0),
    "readout": ("after_resets", 0),
    "softmax": ("after_resets", 1),
    "error": ("after_resets", 2),
    "feedback": ("after_resets", 3),
    "sums 1": ("after_resets", 4),
    "sums 2": ("after_resets", 5),
    "sums 3": ("after_resets", 6),
    "update": ("after_resets", 8),
    "finish": ("after_resets", 9),
    "leave": ("after_resets", 10),
    "record": ("end", 0),
    "fused": ("end", 1),
}
"""Slot -> (when, order)."""


SAYS = {
    "restart": "activity and traces go back to where they start, where a trajectory starts",
    "begin": "states of synapses do the same",
    "stimulus": "the stimulus x(t) and the target y(t) are shown",
    "perturbation": "the bias is perturbed",
    "drive": "drive = W o, input = U x, bias = b and other sums, from the old activity",
    "eligibility": "equations of synapses, from the old activity and the new drive",
    "state": "equations of neurons: activity and traces",
    "spike": "pseudo-derivative, threshold and reset (later, where something happens at spikes); what is on its way",
    "before_on_pre": "traces of presynaptic spikes that are raised before they are read",
    "on_pre": "what happens in a synapse where a spike arrives",
    "after_on_pre": "traces of presynaptic spikes that are raised once they were read",
    "before_on_post": "traces of postsynaptic spikes that are raised before they are read",
    "on_post": "what happens in it where the neuron that it ends in spikes",
    "after_on_post": "traces of postsynaptic spikes that are raised once they were read",
    "reset": "reset, here after what happened at spikes",
    "readout": "prediction = V o + c, from the new activity",
    "softmax": "its softmax, where the loss is the cross-entropy",
    "error": "err = prediction - target",
    "feedback": "feedback = B err, loss",
    "sums 1": "what the first connection of a rule sums",
    "sums 2": "what the second one sums",
    "sums 3": "what the third one sums",
    "update": "the weights change",
    "finish": "the end of a trajectory: the rule's finish, gathered changes are added",
    "leave": "the end of a trajectory: what it leaves in the neurons",
    "record": "records are kept",
    "fused": "update of this step and drive of the next in one pass over the weights: it stands for both",
}
"""What happens in each slot."""


class When(Enum):
    """When an object of a step runs."""

    ALWAYS = "always"
    STARTING = "where the states begin anew"
    LEARNS = "where something is learned"
    LEARNED = "where a training trajectory ends"
    FINISHES = "where something is learned, and the weights change or a trajectory ends"
    TRACING = "where records are kept"
    FUSED = "always, but at the end of a trajectory; the next step then has its drive"
    FUSED_LEARNS = "the same, where something is learned"
    ENDS = "at the end of a trajectory"
    ENDS_LEARNS = "at the end of a training trajectory"
    UNDRIVEN = "where the step has no drive yet"


def check_order(network: Network) -> None:
    """Assert the order inside a step on Brian2's own sorted objects."""
    from brian2.groups.group import CodeRunner

    rank = {slot: position for position, slot in enumerate(SLOTS)}
    place = {key: slot for slot, key in SLOTS.items()}
    seen = [
        place[(runner.when, runner.order)]
        for runner in network.sorted_objects
        if isinstance(runner, CodeRunner) and runner.active and (runner.when, runner.order) in place
    ]
    if seen != sorted(seen, key=rank.__getitem__):
        raise AssertionError(f"the order inside a step is broken: {' '.join(seen)}")
