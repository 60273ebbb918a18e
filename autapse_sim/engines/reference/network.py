"""What a model file means, in plain NumPy: one network, one integration step at a time.

docs/meaning.md as a program that is made to be read. It reads the texts of the models itself and shares no code with
the engines that are fast, so that they can be held against it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from autapse_sim.engines.brian.assembly.lasting import GROUPS, axes
from autapse_sim.engines.reference.code import assignments, equations, is_condition, replaced, tree
from autapse_sim.engines.reference.wiring import Wiring
from autapse_sim.errors import InputError
from autapse_sim.spec.job import Job, Outcome, Progress, State, check_targets
from autapse_sim.spec.lines import line_of
from autapse_sim.spec.model import Neuron, Rule, read_neuron, read_rule

ORDER = (
    *("perturb", "drive", "remember", "integrate", "spike", "happen", "reset"),
    *("predict", "compare", "feed_back", "connect", "change", "finish"),
)
"""The order in an integration step, after the stimulus and the target are shown."""
SHOWN = {"w", "autapse_x", "target"}
"""What is no state: weights, and what is shown."""
NOISE = re.compile(r"\b(rand|randn|poisson|binomial|xi|xi_\w*)\b")


def simulate(job: Job, progress: Progress | None = None) -> Outcome:
    """Run a job as docs/meaning.md says, network by network.

    Raises
    ------
    InputError
        Where a text says what has no meaning, or draws random numbers.
    """
    check_targets(job)
    circuit = job.circuit
    taught = (read_rule(name, job.sources) for name in (circuit.rule, circuit.readout_rule, circuit.feedback_rule))
    neuron, (rule, readout, feedback) = read_neuron(circuit.neuron, job.sources), taught
    models = neuron, rule, readout, feedback
    model: Neuron | Rule
    for model in models:
        for drawn in filter(None, map(NOISE.search, model.texts)):
            raise InputError(f"{line_of(model, drawn[0])}: engine 'reference' draws no random numbers ({drawn[0]})")
    played = []
    with np.errstate(all="ignore"):  # networks that diverge go on with NaN or infinity
        for number in range(len(job.source)):
            played.append(_Network(job, models, number).play())
            if progress:
                progress((number + 1) / len(job.source))
    return _outcome(job, played)


def _outcome(job: Job, played: list[_Network]) -> Outcome:
    """What the networks of a job kept."""
    first, steps, outputs = played[0], job.x.shape[2], job.y.shape[-1]
    learned = {each.name: [network.lessons[k].w for network in played] for k, each in enumerate(first.lessons)}
    traces = {}
    for name in first.traces:
        width = outputs if name == "error" else job.circuit.neurons
        shape = (len(job.traced), int(job.schedule.trace.sum()), steps, width)
        traces[name] = np.reshape([played[k].traces[name] for k in job.traced], shape).swapaxes(0, 1)
    shape = (len(played), int(job.schedule.keep.sum()), steps, outputs)
    return Outcome(
        np.array([each.mse for each in played]),
        replace(job.weights, **{n: np.reshape(w, (len(w), *first.shapes[n])) for n, w in learned.items()}),
        np.reshape([each.predictions for each in played], shape).swapaxes(0, 1),
        traces,
        "reference",
        units={name: unit for name, unit in first.units.items() if unit != "1"},
        cross_entropy=np.array([each.nats for each in played]) if first.entropy else None,
        spikes=np.array([each.total for each in played]) if first.neuron.threshold else None,
        checkpoints={
            name: np.array([np.reshape([w[name] for w in each.checkpoints], (-1, *shape)) for each in played]).swapaxes(
                0, 1
            )
            for name, shape in ((each.name, first.shapes[each.name]) for each in first.lessons)
            if first.checkpoints
        },
        states={
            name: State(dims, np.array([[kept[name] for kept in each.states] for each in played]).swapaxes(0, 1))
            for name, (_, _, dims) in first.going().items()
            if first.states
        },
    )


@dataclass(frozen=True)
class Now:
    """Where a network stands: what counts, whether a step begins or the trajectory ends, whether it learns, and whether
    gathered changes are added with this integration step, for the how many-th time."""

    counts: np.ndarray
    fresh: bool
    ending: bool
    learns: bool
    updating: bool
    updates: int


class _Network(Wiring):
    """One network of a job, and what is kept of it."""

    def __init__(self, job: Job, models: tuple[Neuron, Rule, Rule, Rule], number: int):
        super().__init__(job, models, number)
        self.shapes = {name: getattr(job.weights, name).shape[1:] for name in job.circuit.learn if name not in "bc"}
        self.shapes |= {"b": (self.neurons.size,), "c": (self.outputs.size,)}
        self.mse: list[float] = []
        self.nats: list[float] = []
        self.predictions: list[np.ndarray] = []
        self.units = self.tables()
        self.traces: dict[str, list[np.ndarray]] = {name: [] for name in self.units}
        self.checkpoints: list[dict[str, np.ndarray]] = []
        self.states: list[dict[str, np.ndarray]] = []
        self.spikes, self.total = np.zeros(self.neurons.size), np.zeros(self.neurons.size)

    def play(self) -> _Network:
        """Show all presentations."""
        schedule = self.job.schedule
        learned = self.job.done + np.cumsum(schedule.learn)
        checkpoint, state = self.job.kept
        self.resume()
        for presentation, learns in enumerate(schedule.learn):
            self._start(first=presentation == 0 and not self.job.done)
            self._show(presentation, bool(learns), int(learned[presentation]))
            if learns:
                for part in self.parts:
                    part.leave()
            if checkpoint[presentation]:
                self.checkpoints.append({each.name: each.w for each in self.lessons})
            if state[presentation]:
                self.states.append({name: np.array(values[key]) for name, (values, key, _) in self.going().items()})
        return self

    def going(self) -> dict[str, tuple[dict, str, tuple[str, ...]]]:
        """Where that stands which goes on to the next trajectory beside the weights, and its axes, by its name."""
        groups = {getattr(self, name): name for name in GROUPS}
        places = {name: part for part, name in groups.items()} | self.projections
        helpers = {f"{groups[each.group]}_{each.variable}": each.synapses for each, _ in self.helpers}
        memory = {each.name: each.memory for each in self.lessons}
        found: dict[str, tuple[dict, str, tuple[str, ...]]] = {}
        for place, part in (places | helpers).items():
            dims = (GROUPS[place],) if part in groups else axes(groups[part.pre], groups[part.post])
            every = place in helpers or not self.job.reset
            values, names = (
                (part.values, [name for name in part.values if name not in SHOWN])
                if every
                else (part.left, sorted(part.lasting))
            )
            for where, known in ((values, names), (memory.get(place, {}), memory.get(place, {}))):
                found |= {f"{place}_{name}": (where, name, dims) for name in known}
        return found

    def resume(self) -> None:
        """Go on from what another run left."""
        places, job = self.going(), self.job
        if job.done and not job.reset and np.any(job.circuit.delay):
            raise InputError("engine 'reference' cannot go on with what is on its way: give reset=True, or no delay")
        for name, value in job.started(places).items():
            values, key, _ = places[name]
            values[key] = value[self.number]
        self.world.ticks = job.ticks

    def _show(self, presentation: int, learns: bool, learned: int) -> None:
        """Show one trajectory, the `learned`-th from which something is learned, or after it."""
        job, schedule = self.job, self.job.schedule
        source, substeps = job.source[self.number], job.circuit.substeps
        x, y = (shown[source, schedule.trajectory[presentation]] for shown in (job.x, job.y))
        counts = ~np.isnan(y)
        squares, nats, steps = 0.0, 0.0, len(x)
        for step in range(steps):
            self.inputs.values["autapse_x"], self.outputs.values["target"] = x[step], y[step]
            for substep in range(substeps):
                if "spiked" in self.inputs.values:
                    self.inputs.values["spiked"] = 1.0 * (x[step] != 0) * (substep == 0)
                last = substep == substeps - 1
                ending = last and step == steps - 1
                if job.update == "step":
                    updating, updates = learns and last, (learned - 1) * steps + step + 1
                else:
                    updating, updates = learns and ending and learned % job.batch == 0, learned // job.batch
                self.now = Now(counts[step], substep == 0, ending, learns, updating, updates)
                self._tell(step, substep)
                for slot in ORDER:
                    getattr(self, slot)()
                self.world.ticks += 1
            squares = squares + self.outputs.values["err"] ** 2
            nats = nats + self.outputs.values["autapse_cost"]
            self._record(presentation)
        self.mse.append(np.sum(squares) / counts.sum())
        self.nats.append(np.sum(nats) / counts.any(axis=1).sum())

    def _tell(self, step: int, substep: int) -> None:
        """How much of the trajectory was shown."""
        elapsed = step + (substep + 1) / self.job.circuit.substeps if self.job.averaging else 1.0
        self.world.shared |= {"steps": step + 1.0, "elapsed": elapsed}

    def _start(self, first: bool) -> None:
        """Begin a trajectory."""
        self._tell(0, 0)
        if first or self.job.reset:
            self.world.ticks = 0
            for part in self.parts:
                part.restart(first)

    def _record(self, presentation: int) -> None:
        """Keep what the schedule says, at the end of a step."""
        if self.job.schedule.keep[presentation]:
            self.predictions.append(self.outputs.values["prediction"])
        if self.job.schedule.trace[presentation]:
            look = self.neurons.seen()
            special = {"error": self.outputs.values["err"], "spikes": self.spikes}
            for name, kept in self.traces.items():
                kept.append(special[name] if name in special else self.neurons.full(look(name)))

    def perturb(self) -> None:
        """3: the rule's perturbation is drawn, 0 where nothing is learned."""
        if "perturbation" in self.neurons.expressions:
            perturbation = self.neurons.value(tree(self.rule.perturbation)) if self.now.learns else self.neurons.full(0)
            self.neurons.values["autapse_perturbation"] = perturbation

    def drive(self) -> None:
        """4: what was sent in the step before arrives."""
        self.projections["W"].look_back("drive")
        self._sum("drive")
        values = self.neurons.values
        values["input"] = values["autapse_input"] + values["autapse_returned"]
        values["bias"] = values["autapse_bias"] + values["autapse_perturbation"]

    def _sum(self, slot: str) -> None:
        for group, variable, total in [(each.group, each.variable, each.total()) for each in self.sums[slot]]:
            group.values[variable] = total

    def remember(self) -> None:
        """5: eligibilities, from the old activity and the new drive; what connections remember, where it changes."""
        self.projections["W"].look_back("eligibility")
        for synapses in self.projections.values():
            synapses.integrate()
        for each, _ in self.helpers if self.now.learns else ():
            each.synapses.integrate()

    def integrate(self) -> None:
        """6: neurons, all from the old values."""
        if self.neuron.refractory:
            values, period = self.neurons.values, self.own(self.neuron.refractory)
            if is_condition(period):
                free = (values["not_refractory"] != 0) | (self.neurons.value(period) == 0)
            else:
                since = f"timestep(t - lastspike, dt) >= timestep({self.neuron.refractory}, dt)"
                free = self.neurons.value(self.own(since))
            values["not_refractory"] = 1.0 * free
        for group in (self.neurons, self.inputs, self.unit, self.outputs):
            group.integrate()

    def spike(self) -> None:
        """7: pseudo-derivative and threshold."""
        neuron, group, values = self.neuron, self.neurons, self.neurons.values
        if neuron.pseudo_derivative:
            values["f_prime"] = group.value(self.own(neuron.pseudo_derivative))
        if neuron.threshold:
            spiked = group.value(self.own(neuron.threshold)) != 0
            spiked = spiked & (values["not_refractory"] != 0) if neuron.refractory else spiked
            values["spiked"] = 1.0 * spiked
            self.spikes = values["spiked"] + (0 if self.now.fresh else self.spikes)
            self.total = self.total + values["spiked"]
            if neuron.refractory:
                values["lastspike"] = np.where(spiked, self.world.t, values["lastspike"])

    def happen(self) -> None:
        """8: what happens in synapses at spikes, those that arrive and then those of the neurons that they end in."""
        self.projections["W"].look_back("spikes")
        for lesson in self.lessons:
            lesson.happen(self.now.learns)

    def reset(self) -> None:
        """9: reset; then what is shown and sent."""
        neuron, group, values = self.neuron, self.neurons, self.neurons.values
        if neuron.threshold:
            spiked = values["spiked"] != 0
            reset = [(name, replaced(value, self.stored)) for name, value in assignments(neuron.reset)]
            group.assign(reset, equations(neuron.equations), where=spiked)
            if neuron.refractory:
                values["not_refractory"] = values["not_refractory"] * ~spiked
        for name, node in self.stored.items():
            values[name] = group.value(node)
        values["sent_sum"] = values["sent_sum"] + group.value(tree("sent*dt/step"))

    def predict(self) -> None:
        """10: the read-out, or its softmax."""
        self._sum("readout")
        values = self.outputs.values
        score = values["autapse_readout"] + values["autapse_offset"]
        odds = np.exp(score - score.max())
        values["prediction"] = odds / odds.sum() if self.entropy else score

    def compare(self) -> None:
        """11: the error where it counts, and what it costs."""
        values, counts = self.outputs.values, self.now.counts
        prediction, target = values["prediction"], values["target"]
        values["err"] = np.where(counts, prediction - target, 0)
        surprise = -target * np.log(np.maximum(prediction, 1e-300))
        values["autapse_cost"] = np.where(counts, surprise if self.entropy else values["err"] ** 2 / 2, 0)

    def feed_back(self) -> None:
        """12: what the error tells the neurons."""
        self._sum("feedback")
        self.neurons.values["loss"] = self.neurons.full(self.outputs.values["autapse_cost"].sum())

    def connect(self) -> None:
        """13: sums of connections, one after the other."""
        for each, connection in self.helpers:
            if connection.when == "update":
                each.group.values[each.variable] = each.total()

    def change(self) -> None:
        """14: weights and connections change."""
        for each, connection in self.helpers if self.now.learns else ():
            each.synapses.assign(assignments(connection.update), each.synapses.values)
        self.projections["W"].look_back("update")
        for lesson in self.lessons:
            lesson.change(self.now.learns)

    def finish(self) -> None:
        """15: the end of a trajectory; what was gathered becomes a change."""
        ends = self.now.learns and self.now.ending
        for lesson in self.lessons:
            if ends:
                lesson.finish()
            if self.now.updating:
                lesson.update(self.now.updates)
        for rule in self.teaching("W", "U", "b") if ends else ():
            self.neurons.assign(assignments(rule.finish_postsynaptic), equations(rule.postsynaptic))
