"""A job whose rule is the exact gradient of its circuit, or feedback alignment along it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autapse_sim.engines.adjoint import DIMS, RULES, teaches
from autapse_sim.engines.adjoint.network import Network
from autapse_sim.engines.adjoint.step import Step, step_of
from autapse_sim.engines.discrete.optimiser import Optimisers
from autapse_sim.engines.discrete.simulate import Telemetry, in_order, stacked, together_of
from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.spec.circuit import TAUGHT_BY
from autapse_sim.spec.job import Job, Outcome, Progress, State, check_targets
from autapse_sim.spec.library import Models
from autapse_sim.spec.model import read_neuron, read_rule
from autapse_sim.spec.scopes import check_neuron, neuron_words

ROOM = 2**28
"""Bytes that the states of the networks that are computed together may take."""


def models_of(job: Job) -> Models:
    """The neuron of a job; the rule of its weights has no equations, and that of the read-out stands in for it."""
    readout = read_rule(job.circuit.readout_rule, job.sources)
    feedback = read_rule(job.circuit.feedback_rule, job.sources)
    return Models(read_neuron(job.circuit.neuron, job.sources), readout, readout, feedback)


def simulate(job: Job, progress: Progress | None = None) -> Outcome:
    """Run a job whose weights W, U and b learn along exact gradients, whatever its neuron is.

    Parameters
    ----------
    job : Job
        Its rule is one of `autapse_sim.engines.adjoint.RULES`; the read-out learns by the delta rule.
    progress : callable, optional
        Called with the completed share, now and then.

    Returns
    -------
    Outcome
        With engine 'numpy'.

    Raises
    ------
    InputError
        Where the neuron does what has no derivative, with file and line.
    """
    one_of("rule", job.circuit.rule, RULES)
    check_targets(job)
    models = models_of(job)
    check_neuron(models.neuron, job.circuit, neuron_words(models.neuron))
    step = step_of(models, job.circuit, exact=teaches(job.circuit))
    size = max(1, int(ROOM // (8 * job.batch * numbers(job, step))))
    pieces = np.split(np.arange(len(job.source)), range(size, len(job.source), size))
    outcomes: list[Outcome] = []
    for piece in pieces:

        def report(share: float) -> None:
            if progress:
                progress((len(outcomes) + share) / len(pieces))

        part = job if len(pieces) == 1 else job.part(piece, len(piece))
        outcomes.append(_simulate(part, step, report))
    return outcomes[0] if len(pieces) == 1 else Outcome.joined(outcomes, [len(piece) for piece in pieces])


def numbers(job: Job, step: Step) -> int:
    """How many numbers are kept of one network and trajectory."""
    kept = len(step.states) + len(step.arriving) + (len(step.step.slopes) if job.update == "step" else 6)
    return job.x.shape[2] * job.circuit.substeps * (job.circuit.neurons * kept + 2 * job.y.shape[-1])


class Learner:
    """What learns, along which gradients, and when.

    Parameters
    ----------
    job : Job
        What is run.
    network : Network
        Its networks; their weights are changed.
    """

    def __init__(self, job: Job, network: Network):
        self.job, self.network = job, network
        self.optimisers = Optimisers(job, job.circuit.learn)
        rates = {"rule": "eta", "readout_rule": "eta_out"}
        self.rates = {name: job.parameters[rates[TAUGHT_BY[name]]] for name in job.circuit.learn}
        self.exact, self.read = (
            [name for name in job.circuit.learn if TAUGHT_BY[name] == teacher] for teacher in ("rule", "readout_rule")
        )
        self.sums: dict[str, np.ndarray]
        self.start_batch()
        self.origin = job.origin or job.weights

    def learned(self) -> dict[str, np.ndarray]:
        """The weights that learn, as they are now."""
        return {name: self.network.weights[name].copy() for name in self.job.circuit.learn}

    def memory(self) -> dict[str, np.ndarray]:
        """What goes on to the next trajectory beside them."""
        return self.optimisers.memory({name: self.network.weights[name].shape for name in self.job.circuit.learn})

    def learn(self) -> None:
        """Run the trajectories that the networks are shown, and learn from them."""
        if self.job.update == "step":
            self._each_step()
        else:
            self._each_batch()

    def _each_step(self) -> None:
        """One trajectory with an update after each step, from the past unrolled with the weights of now.

        What the read-out learns from the integration steps within a step comes at once, as that of any rule.
        """
        network, substeps = self.network, self.job.circuit.substeps
        at_once = self.job.optimiser == "sgd"
        shares, plain = (network.shares(averaging) for averaging in (self.job.averaging, False))
        for first in range(0, len(shares), substeps):
            now = range(first, first + substeps)
            sums = self._nothing(self.read)
            for k in now:
                network.advance(k)
                found = self._read(k, plain[k])
                sums = {name: found[name] + (0.0 if at_once else total) for name, total in sums.items()}
                if at_once and k != now[-1]:
                    self.change(found)
            self.change(self._exact({k: network.err[k] * shares[k] for k in now}, keep=True) | sums)

    def _each_batch(self) -> None:
        """Trajectories with fixed weights; an update by the mean of their gradients once the batch is complete."""
        network = self.network
        network.run()
        shares, plain = (network.shares(averaging) for averaging in (self.job.averaging, False))
        found = self._exact({k: err * shares[k] for k, err in enumerate(network.err)}, pull=network.pull())
        read = [self._read(k, share) for k, share in enumerate(plain)]
        found |= {name: np.sum([each[name] for each in read], axis=0) for name in self.read}
        self.sums = {name: total + found[name] for name, total in self.sums.items()}
        self.seen += network.x.shape[1]
        if self.seen == self.job.batch:
            self.change({name: total / self.job.batch for name, total in self.sums.items()})
            self.start_batch()

    def start_batch(self) -> None:
        """Nothing is summed yet."""
        self.seen, self.sums = 0, self._nothing(self.job.circuit.learn)

    def _nothing(self, names: Iterable[str]) -> dict[str, np.ndarray]:
        return {name: np.zeros(()) for name in names}

    def _exact(self, entering: dict[int, np.ndarray], **how: Any) -> dict[str, np.ndarray]:
        """The exact gradients of what the rule teaches, see `Network.sweep`."""
        found = self.network.sweep(entering, **how) if self.exact else {}
        return {name: found[name] for name in self.exact}

    def _read(self, k: int, share: float) -> dict[str, np.ndarray]:
        """The gradients of what the read-out's rule teaches, by the error after integration step k alone."""
        err, shown = share * self.network.err[k], self.network.states[k + 1]["activity"]
        found = {"V": err.transpose(0, 2, 1) @ shown, "c": err.sum(axis=1)}
        return {name: found[name] for name in self.read}

    def change(self, gradients: dict[str, np.ndarray]) -> None:
        """Move the weights along gradients (N, ...), within the constraints of the protocol."""
        for name, g in gradients.items():
            rate = self.rates[name].reshape(-1, *(1,) * (g.ndim - 1))
            w = self.network.weights[name] - rate * self.optimisers[name](g)
            limits = self.job.limits(name)
            self.network.weights[name] = limits.kept(w, getattr(self.origin, name)) if limits else w


class Records:
    """What is kept of presentations: scores, predictions, traces and spikes."""

    def __init__(self, job: Job, network: Network):
        self.job, self.network = job, network
        networks, presentations = len(job.source), len(job.schedule.trajectory)
        self.mse = np.empty((networks, presentations))
        self.nats = np.empty_like(self.mse) if network.softmax else None
        self.kept: dict[int, np.ndarray] = {}
        self.traced: dict[int, dict[str, np.ndarray]] = {}
        self.spikes = np.zeros((networks, network.n)) if "spiked" in network.asked else None

    def keep(self, together: np.ndarray) -> None:
        """Keep what the schedule says of presentations that were shown beside each other."""
        network, schedule, last = self.network, self.job.schedule, self.job.circuit.substeps
        ends = slice(last - 1, None, last)
        err, prediction = (np.stack(each[ends], axis=2) for each in (network.err, network.prediction))
        self.mse[:, together] = (err**2).sum(axis=(2, 3)) / network.counts.sum(axis=(2, 3))
        if self.nats is not None:
            surprise = -np.where(network.counts, network.y * np.log(np.maximum(prediction, 1e-300)), 0)
            self.nats[:, together] = surprise.sum(axis=(2, 3)) / network.counts.any(axis=3).sum(axis=2)
        if self.spikes is not None:
            self.spikes += np.sum(network.spikes, axis=0).sum(axis=1)
        for k, p in enumerate(together):
            if schedule.keep[p]:
                self.kept[p] = prediction[:, k]
            if schedule.trace[p]:
                self.traced[p] = self._traces(k, err)

    def _traces(self, k: int, err: np.ndarray) -> dict[str, np.ndarray]:
        """Records (Q, T, n or c) of trajectory k."""
        network, which, last = self.network, self.job.traced, self.job.circuit.substeps
        states = network.states[last::last]
        found: dict[str, Any] = {name: [each[name][which, k] for each in states] for name in network.step.recorded}
        found = {name: np.stack(each, axis=1) for name, each in found.items()}
        if self.spikes is not None:
            every = np.stack([each[which, k] for each in network.spikes], axis=1)
            found["spikes"] = every.reshape(len(which), every.shape[1] // last, last, network.n).sum(axis=2)
        error = err[which, k]
        return {**found, "error": error, "feedback": error @ network.weights["B"][which].transpose(0, 2, 1)}


def _simulate(job: Job, step: Step, report: Progress) -> Outcome:
    """The same of few networks."""
    schedule = job.schedule
    network = Network(job, step, job.circuit.rule)
    learner, records = Learner(job, network), Records(job, network)
    telemetry = Telemetry(job, learner)
    with np.errstate(all="ignore"):  # networks that diverge go on with NaN or infinity
        for together in together_of(schedule.learn, job.batch):
            shown = job.source[:, None], schedule.trajectory[together]
            network.show(job.x[shown], job.y[shown])
            telemetry.note(together[:-1])  # within a batch the weights stand still
            if schedule.learn[together[0]] and job.circuit.learn:
                learner.learn()
            else:
                network.run()
            telemetry.note(together[-1:])
            records.keep(together)
            report((together[-1] + 1) / len(schedule.trajectory))
    shape = (0, len(job.source), job.x.shape[2], job.y.shape[-1])
    units = {name: unit for name, unit in step.recorded.items() if unit != "1"}
    return Outcome(
        mse=records.mse,
        weights=network.now(),
        prediction=np.array(in_order(records.kept)) if records.kept else np.empty(shape),
        traces=stacked(in_order(records.traced)),
        engine="numpy",
        units=units,
        cross_entropy=records.nats,
        spikes=records.spikes,
        checkpoints=stacked(telemetry.checkpoints),
        states={name: State(DIMS[name.partition("_")[0]], each) for name, each in stacked(telemetry.states).items()},
    )


def gradients(
    job: Job, trajectory: int = 0, averaging: bool | None = None, pulled: bool = True
) -> dict[str, np.ndarray]:
    """The exact gradients (N, ...) of one trajectory's loss by all weights, at the weights of the job.

    The loss is sum_t err(t)^2/2, or the cross-entropy, over the steps that count; with substeps the mean over each
    step. With `averaging` (by default that of the job) each step counts 1/t. Along fa they are what it takes for them.
    The penalty `PENALTY` is in where it is asked for and the parameters of the job have one.
    """
    return gradients_and_error(job, trajectory, averaging, pulled)[0]


def gradients_and_error(
    job: Job, trajectory: int = 0, averaging: bool | None = None, pulled: bool = True
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The same `gradients`, and the error (N, 1, c) summed over the trajectory as its steps count."""
    if not job.reset:
        raise InputError("a gradient goes back to where a trajectory starts: give reset=True")
    network = Network(job, step_of(models_of(job), job.circuit), "fa" if job.circuit.rule == "fa" else "bptt")
    shown = job.source[:, None], np.array([trajectory])
    with np.errstate(all="ignore"):
        network.show(job.x[shown], job.y[shown])
        network.run()
        shares = network.shares(job.averaging if averaging is None else averaging)
        entering = {k: err * shares[k] for k, err in enumerate(network.err)}
        found = network.sweep(entering, pull=network.pull() if pulled else None)
        return found, np.sum(list(entering.values()), axis=0)
