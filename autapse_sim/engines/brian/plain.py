"""A circuit as the plain Brian2 network that the runtime engine plays, for monitors and code of one's own."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from brian2 import Clock, Network, NeuronGroup, Quantity, Synapses, second

from autapse_sim.engines.brian import runtime
from autapse_sim.engines.brian.assembly.statements import OURS
from autapse_sim.spec.job import STEP, Job, check_targets
from autapse_sim.spec.weights import Weights


@dataclass(frozen=True, repr=False)
class PlainNetwork:
    """The Brian2 objects of a circuit, ready to run: what `train` plays with the engine 'runtime', with its numbers.

    Element ``r*n + i`` of a group is neuron i of replicate r. Monitors go into `network`; for them time goes on from
    trajectory to trajectory (``t`` in equations begins anew with each). In Brian2's own words:

    Parameters
    ----------
    network : Network
        All objects. ``network.run(duration)`` runs it, in parts or as a whole.
    neurons, inputs, outputs : NeuronGroup
        The neurons (``activity``, ``drive``, their states, the traces of the rule), what shows the stimulus
        (``activity``), and the read-outs (``prediction``, ``target``, ``err``).
    synapses : dict of str to Synapses
        Those of the weights W, U, V, B, ... by their names, each with ``w``.
    clock : Clock
        That of all objects.
    duration : Quantity
        Of all trajectories together, in the order of the protocol.
    """

    network: Network
    neurons: NeuronGroup
    inputs: NeuronGroup
    outputs: NeuronGroup
    synapses: dict[str, Synapses]
    clock: Clock
    duration: Quantity
    ready: runtime.Ready

    @classmethod
    def of(cls, job: Job) -> PlainNetwork:
        """The objects of a job."""
        check_targets(job)
        ready = runtime.ready(job)
        network, clock = ready.assembly.network, ready.assembly.clock
        groups = {each.name: each for each in network.objects}
        synapses = {name.removeprefix("projection_"): each for name, each in groups.items() if "projection_" in name}
        for each in synapses.values():
            if OURS["w"] in each.variables:
                each.variables.add_reference("w", each, OURS["w"])
        duration = ready.tape.presentations * ready.tape.steps * STEP * second
        return cls(network, groups["neurons"], groups["inputs"], groups["outputs"], synapses, clock, duration, ready)

    @property
    def done(self) -> Quantity:
        """The time that has been run."""
        return int(self.clock.variables["timestep"].get_value()[0]) * self.clock.dt

    def run(self, duration: Quantity | None = None) -> None:
        """Run for a time, or to the end of the protocol."""
        self.network.run(self.duration - self.done if duration is None else duration, namespace={})

    @property
    def weights(self) -> Weights:
        """The weights as they are now, with a leading axis of replicates."""
        return replace(self.ready.job.weights, **self.ready.learned())

    @property
    def mse(self) -> np.ndarray:
        """The MSE of each replicate in each trajectory of the protocol, 0 where it has not been run."""
        return self.ready.tape.mse()

    @property
    def prediction(self) -> np.ndarray:
        """The predictions of the test trajectories, (replicates, trajectories, steps, coordinates)."""
        return self.ready.tape.predictions().swapaxes(0, 1)

    def __repr__(self) -> str:
        named = ", ".join(self.synapses)
        return f"Brian2 network of {len(self.neurons)} neurons, synapses {named}; {self.done} of {self.duration} run"
