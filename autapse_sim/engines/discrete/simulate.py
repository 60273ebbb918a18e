"""A job run on the discrete network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from autapse_sim.engines.discrete.layout import outer
from autapse_sim.engines.discrete.network import Network
from autapse_sim.engines.discrete.optimiser import Optimisers
from autapse_sim.engines.discrete.rule import Rule, references
from autapse_sim.names import one_of
from autapse_sim.spec.job import STEP, Job, Outcome, Progress, State, check_targets

FORMS = ("plain", "fast")

DIMS = {"W": ("post", "learned_column"), "V": ("coordinate", "learned_read_out_column")}
"""The axes of what an optimiser keeps for those columns of [U W b] and [V c] that learn."""
PIECE = 6000
"""Activities (networks x trajectories at once x neurons) that are computed together: the history of a hundred steps of
them stays in a processor's cache, and NumPy's cost of a call is spread over enough of them."""


def simulate(job: Job, form: str = "fast", progress: Progress | None = None) -> Outcome:
    """Run a job on the exact discrete network.

    Parameters
    ----------
    job : Job
        Its rule is one of `references`. Networks that diverge go on with NaN or infinity, apart from the others. Of the
        neuron it reads the parameter tau_m, where there is one.
    form : {'fast', 'plain'}
        'plain' computes every g(t) as it is defined, 'fast' in the cheapest form that is still exact.
    progress : callable, optional
        Called with the completed share, now and then.

    Returns
    -------
    Outcome
        With engine 'numpy'.
    """
    fast = one_of("form", form, FORMS) == "fast"
    check_targets(job)
    count = len(job.source)
    size = max(1, PIECE // (job.batch * job.circuit.neurons))
    pieces = np.split(np.arange(count), range(size, count, size))
    tell = progress or (lambda share: None)
    if len(pieces) == 1:
        return _simulate(job, fast, tell)

    def report(share: float) -> None:
        tell((len(outcomes) + share) / len(pieces))

    outcomes: list[Outcome] = []
    for piece in pieces:
        outcomes.append(_simulate(job.part(piece, len(piece)), fast, report))
    return Outcome.joined(outcomes, [len(piece) for piece in pieces])


def network_of(job: Job) -> Network:
    """The networks of a job, before they are shown anything."""
    tau_m = job.parameters.get("tau_m")
    return Network(
        job.weights,
        job.circuit.activation,
        job.circuit.learn,
        job.x.shape[2],
        job.circuit.loss,
        None if tau_m is None else np.asarray(tau_m, dtype=float) / STEP,
    )


def _simulate(job: Job, fast: bool, report: Progress) -> Outcome:
    """The same of few networks."""
    schedule, steps = job.schedule, job.x.shape[2]
    network = network_of(job)
    learner = Learner(job, network, fast)
    counted = job.counted
    count, outputs = job.weights.V.shape[:2]
    presentations = len(schedule.trajectory)
    mse = np.empty((count, presentations))
    cross_entropy = np.empty_like(mse) if network.softmax else None
    kept: dict[int, np.ndarray] = {}
    traced: dict[int, dict[str, np.ndarray]] = {}
    telemetry = Telemetry(job, learner)
    with np.errstate(all="ignore"):
        for together in together_of(schedule.learn, job.batch):
            shown = job.source[:, None], schedule.trajectory[together]
            network.show(job.x[shown], job.y[shown])
            telemetry.note(together[:-1])  # within a batch the weights stand still
            if schedule.learn[together[0]]:
                learner.learn()
            else:
                network.run()
                network.read(slice(None))
            telemetry.note(together[-1:])
            squares = np.einsum("tlq,tlq->l", network.err, network.err)
            mse[:, together] = network.layout.split(squares, 0).T / counted[:, together]
            if cross_entropy is not None:
                nats = network.layout.split(network.cross_entropy(), 0).T
                cross_entropy[:, together] = nats / (counted[:, together] // outputs)
            for k, p in enumerate(together):
                first = k * count
                if schedule.keep[p]:
                    kept[p] = network.prediction[:, first : first + count].transpose(1, 0, 2).copy(order="C")
                if schedule.trace[p]:
                    traced[p] = _traces(network, learner, first + job.traced)
            report((together[-1] + 1) / presentations)

    prediction = np.array(in_order(kept)) if kept else np.empty((0, count, steps, outputs))
    return Outcome(
        mse=mse,
        weights=network.weights(),
        prediction=prediction,
        traces=stacked(in_order(traced)),
        engine="numpy",
        cross_entropy=cross_entropy,
        checkpoints=stacked(telemetry.checkpoints),
        states={name: State(DIMS[name[0]], values) for name, values in stacked(telemetry.states).items()},
    )


class Learns(Protocol):
    """What has weights that learn."""

    def learned(self) -> dict[str, np.ndarray]:
        """The weights that learn, as they are now."""
        ...

    def memory(self) -> dict[str, np.ndarray]:
        """What goes on to the next trajectory beside them."""
        ...


class Telemetry:
    """What is kept of networks as they learn: weights that learn, and what goes on beside them.

    Parameters
    ----------
    job : Job
        Says where.
    learner : Learns
        Of the networks.
    """

    def __init__(self, job: Job, learner: Learns) -> None:
        self.learner, self.kept = learner, job.kept
        self.checkpoints: list[dict[str, np.ndarray]] = []
        self.states: list[dict[str, np.ndarray]] = []

    def note(self, presentations: np.ndarray) -> None:
        """Keep what there is now as what there was at the end of some presentations, where that is asked for."""
        weights, states = (int(flags[presentations].sum()) for flags in self.kept)
        self.checkpoints += [self.learner.learned()] * weights if weights else []
        self.states += [self.learner.memory()] * states if states else []


def stacked(kept: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """What was kept at several presentations, (S, N, ...) by name."""
    return {name: np.array([each[name] for each in kept]) for name in (kept[0] if kept else ())}


def in_order(kept: Mapping[int, Any]) -> list[Any]:
    """What was kept of presentations, in the order of their numbers."""
    return [kept[p] for p in sorted(kept)]


class Learner:
    """What learns, along which gradients, and when.

    Parameters
    ----------
    job : Job
        What is run.
    network : Network
        Its networks; their weights are changed.
    fast : bool
        Which form of the rule.
    """

    def __init__(self, job: Job, network: Network, fast: bool) -> None:
        self.network, self.fast = network, fast
        self.update, self.batch, self.averaging = job.update, job.batch, job.averaging
        known = references()
        self.rule = known[one_of("rule", job.circuit.rule, known)]
        self.values = {name: np.asarray(value, dtype=float) for name, value in job.parameters.items()}
        if "tau" in self.values:
            self.values["tau"] = self.values["tau"] / STEP
        self.bits = [np.random.PCG64(seed) for seed in job.seeds] if self.rule.random else []
        self.rngs = [np.random.Generator(bits) for bits in self.bits]
        columns = {name: network.learning(name) for name in ("W", "V")}
        self.columns = {name: which for name, which in columns.items() if which.stop}
        self.optimisers = Optimisers(job, self.columns)
        self.rates = {name: self.values["eta" if name == "W" else "eta_out"][:, None, None] for name in self.columns}
        for name, rate in self.rates.items():
            moving = network.moving(name)
            self.rates[name] = rate if moving.all() else rate * moving
        self.start_batch()
        if "W" in self.columns:  # each trajectory draws a number for every neuron and step
            for bits in self.bits:
                bits.advance(job.done * network.steps * network.neurons)

    def learned(self) -> dict[str, np.ndarray]:
        """The weights that learn, as they are now."""
        now = dict(self.network.weights().items())
        return {name: now[name] for name in self.network.learn if name in now}

    def memory(self) -> dict[str, np.ndarray]:
        """What goes on to the next trajectory beside them."""
        shapes = {name: getattr(self.network, name)[:, :, which].shape for name, which in self.columns.items()}
        return self.optimisers.memory(shapes)

    def start_batch(self) -> None:
        """Nothing is summed yet."""
        self.seen, self.sums = 0, dict.fromkeys(self.columns, np.zeros(()))

    def learn(self) -> None:
        """Run the trajectories that the network is shown, and learn from them."""
        if self.update == "step":
            self._each_step()
        else:
            self._each_batch()

    def state(self) -> Rule:
        """The rule at the start of the trajectories that the network is shown."""
        return self.rule(self.network, self.columns["W"], self.lane_values(), self.averaging, self.rngs)

    def lane_values(self) -> dict[str, np.ndarray]:
        """The parameters, for each lane of the network."""
        together = self.network.err.shape[1] // self.network.layout.networks
        return {name: np.tile(value, together) for name, value in self.values.items()}

    def gradients(self, t: int, state: Rule | None) -> dict[str, np.ndarray]:
        """Advance the network to step t; the gradients of that step, by the name of what learns."""
        network, found = self.network, {}
        network.step(t)
        network.read(t)
        if state is not None:
            network.differentiate(t)
            found["W"] = state.fast(t) if self.fast else state.plain(t)
        if "V" in self.columns:
            found["V"] = outer(network.err[t], network.post[t][:, self.columns["V"]])
        return found

    def change(self, gradients: dict[str, np.ndarray]) -> None:
        """Move the weights along gradients (N, ...) of the columns that learn."""
        for name, g in gradients.items():
            weight = getattr(self.network, name)
            weight[:, :, self.columns[name]] -= self.rates[name] * self.optimisers[name](g)

    def _each_step(self) -> None:
        """One trajectory with an update of every weight after each step, from the state before it."""
        state = self.state() if "W" in self.columns else None
        for t in range(self.network.steps):
            self.change(self.gradients(t, state))

    def _each_batch(self) -> None:
        """Trajectories with W fixed; an update by the mean of their summed gradients once the batch is complete."""
        network, layout = self.network, self.network.layout
        network.run()
        network.read(slice(None))
        if "W" in self.columns:
            network.differentiate(slice(None))
            state = self.state()
            if self.fast:
                total = state.total()
            else:
                plain = sum((state.plain(t) for t in range(network.steps)), start=np.zeros(()))
                total = layout.split(plain, 0).sum(axis=0)
            self.sums["W"] = self.sums["W"] + total
        if "V" in self.columns:
            self.sums["V"] = self.sums["V"] + layout.over_time(network.err, network.post[:, :, self.columns["V"]])
        self.seen += network.err.shape[1] // layout.networks
        if self.seen == self.batch:
            self.change({name: total / self.batch for name, total in self.sums.items()})
            self.start_batch()


def together_of(learn: np.ndarray, batch: int) -> Iterator[np.ndarray]:
    """The presentations that are shown at once: of one kind, and a whole batch, however often one looks meanwhile.

    Weights stand still within a batch: what is looked at in it comes first, so that no sum is cut in two.
    """
    ends = np.flatnonzero(learn)[batch - 1 :: batch]
    for piece in np.split(np.arange(len(learn)), ends + 1):
        looks, training = piece[~learn[piece]], piece[learn[piece]]
        yield from np.split(looks, range(batch, len(looks), batch)) if len(looks) else ()
        if len(training):
            yield training


def _traces(network: Network, learner: Learner, which: np.ndarray) -> dict[str, np.ndarray]:
    """What is kept of the lanes `which`: arrays (Q, T, n or c)."""
    parts = {
        "activity": network.o[:, which],
        "feedback": network.feedback(slice(None))[:, which],
        "error": network.err[:, which],
        **(learner.rule.traces(network, learner.lane_values(), which) if "W" in learner.columns else {}),
    }
    return {name: part.transpose(1, 0, 2).copy(order="C") for name, part in parts.items()}
