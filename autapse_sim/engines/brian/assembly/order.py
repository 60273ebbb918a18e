"""The order inside a time step: the one table that owns it, and when each of its objects runs.

start, 0    activity, traces      back to where they start where a trajectory starts
start, 1    states of synapses    the same
start, 2    x(t)                  the stimulus
start, 3    perturbation          of the bias, where the rule perturbs
groups, -1  drive = W o, input = U x, bias = b, sums     summed, from the old activity
groups, 0   eligibilities         state update, from the old activity and the new drive
groups, 1   activity and traces   state update
thresholds, 0    spikes: pseudo-derivative, threshold and reset; what is on its way
after_resets, 0  read-out = V o, offset = c        summed, from the new activity
after_resets, 1  total of the softmax              summed, where the loss is the cross-entropy
after_resets, 2  err = prediction - target
after_resets, 3  feedback = B err, loss            summed
after_resets, 4  what the connections of a rule sum, one after the other
after_resets, 8  weight updates
after_resets, 9  end of a trajectory: the rule's finish, gathered changes are added
after_resets, 10 end of a trajectory: what it leaves in the neurons
end, 0      records
end, 1      update of this step and drive of the next in one pass over the weights, where a program may (`fused`);
            it then stands for both
"""

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
"""The order inside a time step: slot -> (when, order)."""


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
