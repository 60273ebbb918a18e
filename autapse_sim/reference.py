"""What a model file means, in plain NumPy: one network, one integration step at a time.

docs/meaning.md as a program that is made to be read. It reads the texts of the models itself and shares no code with
the engines that are fast, so that they can be held against it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from autapse_sim.circuit import TAUGHT_BY
from autapse_sim.errors import InputError
from autapse_sim.job import STEP, Job, Outcome, Progress, check_targets
from autapse_sim.model import Connection, Neuron, Rule, line_of, read_neuron, read_rule
from autapse_sim.names import one_of
from autapse_sim.reference_code import METHODS, assignments, equations, is_condition, tree
from autapse_sim.reference_lesson import Lesson
from autapse_sim.reference_parts import Group, Part, Sum, Synapses, World

ORDER = (
    *("perturb", "drive", "remember", "integrate", "spike"),
    *("predict", "compare", "feed_back", "connect", "change", "finish"),
)
"""The order in an integration step, after the stimulus and the target are shown."""
NOISE = re.compile(r"\b(rand|randn|poisson|binomial|xi|xi_\w*)\b")
ALL = ("W", "U", "b", "V", "c")
"""The weights whose rules have traces and connections in the neurons."""


def simulate(job: Job, progress: Progress | None = None) -> Outcome:
    """Run a job as docs/meaning.md says, network by network.

    Raises
    ------
    InputError
        Where a text says what has no meaning, or draws random numbers.
    """
    check_targets(job)
    circuit = job.circuit
    models = (read_neuron(circuit.neuron), *map(read_rule, (circuit.rule, circuit.readout_rule, circuit.feedback_rule)))
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
    )


@dataclass(frozen=True)
class Now:
    """Where a network stands in its schedule.

    Parameters
    ----------
    x, y : array (m,), (c,)
        What is shown.
    counts : bool array (c,)
        Whether the error counts.
    fresh, ending : bool
        Whether this is the first integration step of a step, and the last of the trajectory.
    learns, updating : bool
        Whether something is learned, and whether gathered changes are added at the end of this integration step.
    updates : int
        How many times they were, with this one.
    """

    x: np.ndarray
    y: np.ndarray
    counts: np.ndarray
    fresh: bool
    ending: bool
    learns: bool
    updating: bool
    updates: int


class _Network:
    """One network of a job, and what is kept of it."""

    def __init__(self, job: Job, models: tuple[Neuron, Rule, Rule, Rule], number: int):
        circuit = job.circuit
        self.job, self.number, self.neuron, self.rule = job, number, models[0], models[1]
        self.rules = dict(zip(("rule", "readout_rule", "feedback_rule"), models[1:], strict=True))
        method = one_of("method of engine 'reference'", circuit.method or self.neuron.method, METHODS)
        parameters = {name: values[number] for name, values in job.parameters.items()}
        self.world = World((*models[1:], models[0]), parameters, STEP / circuit.substeps, method)
        self.entropy = circuit.loss == "cross-entropy"
        self.helpers: list[tuple[Sum, Connection]] = []
        self.neurons = self._neurons()
        self.inputs = self._shown(job.x.shape[-1], "x : 1\nactivity = x : 1", "U")
        self.unit = self._shown(1, "activity = 1 : 1", "b", "c")
        self.outputs = Group(self.world, job.y.shape[-1])
        self.outputs.declare("readout", "prediction", "err", "target", "cost")
        self.outputs.steady("offset", None if "c" in circuit.learn else job.weights.c, number)
        for rule in self._teaching("B"):
            self.outputs.add(rule.trace, rule.initial, rule.lasting)
        self.projections: dict[str, Synapses] = {}
        self.sums: dict[str, list[Sum]] = {"drive": [], "readout": [], "feedback": []}
        self._project()
        self.lessons = [
            Lesson(job, name, self.projections[name], self.rules[TAUGHT_BY[name]]) for name in circuit.learn
        ]
        self.shapes = {name: getattr(job.weights, name).shape[1:] for name in circuit.learn if name not in "bc"}
        self.shapes |= {"b": (circuit.neurons,), "c": (self.outputs.size,)}
        self.mse, self.nats, self.predictions = [], [], []
        self.traces, self.units = self._tables()
        self.spikes, self.total = np.zeros(circuit.neurons), np.zeros(circuit.neurons)

    # -- what there is ------------------------------------------------------------------------------------------------

    def _teaching(self, *weights: str) -> list[Rule]:
        """The rules by which any of these weights learn."""
        teachers = {TAUGHT_BY[name] for name in weights if name in self.job.circuit.learn}
        return [rule for name, rule in self.rules.items() if name in teachers]

    @property
    def parts(self) -> list[Part]:
        """All that has states, neurons first."""
        groups = [self.neurons, self.inputs, self.unit, self.outputs]
        return [*groups, *self.projections.values(), *(each.synapses for each, _ in self.helpers)]

    def _neurons(self) -> Group:
        """The neurons of the circuit; their starting values in the order in which these are evaluated."""
        neuron, job, group = self.neuron, self.job, Group(self.world, self.job.circuit.neurons, each=True)
        group.declare("drive", "input", "bias", "feedback", "loss", "sent_sum", *neuron.sums)
        group.declare("autapse_input", "autapse_returned", "autapse_perturbation")
        group.steady("autapse_bias", None if "b" in job.circuit.learn else job.weights.b, self.number)
        group.begin({"bias": "autapse_bias"})
        if self.rule.perturbation.strip() and self._teaching("W", "U", "b"):
            group.add("perturbation = autapse_perturbation : 1")
        if neuron.threshold:
            group.declare("spiked")
        if neuron.pseudo_derivative:
            group.declare("f_prime")
        if neuron.refractory:
            group.declare("not_refractory", "lastspike")
            group.begin({"not_refractory": "1", "lastspike": "-10000"})
        if neuron.activations:
            name = one_of("activation", job.circuit.activation, neuron.activations)
            activation = neuron.activations[name]
            group.add(f"f = {activation.f} : 1\nf_prime = {activation.f_prime} : 1")
        group.add(neuron.equations)
        group.begin(neuron.initial)
        self._send(group)
        self._remember(group, *ALL)
        for rule in self._teaching("W", "U", "b"):
            group.add(rule.postsynaptic, rule.initial, rule.lasting)
        return group

    def _send(self, group: Group) -> None:
        """What neurons show and send: where it is computed it stands still until the next spikes."""
        known = equations(self.neuron.equations)
        if "activity" not in known:
            raise InputError(f"{self.neuron.path}: the neuron defines no 'activity'; write 'activity = o : 1'")
        states = known.keys() & group.values.keys()
        self.stored = {
            name: group.expressions.pop(name)
            for name in ("activity", "sent")
            if name in group.expressions and getattr(group.expressions[name], "id", None) not in states
        }
        group.declare(*self.stored)
        group.initial |= self.stored
        if "sent" not in known:
            group.add("sent = activity : 1")

    def _shown(self, size: int, text: str, *taught: str) -> Group:
        """Neurons whose activity is given."""
        group = Group(self.world, size)
        group.add(f"{text}\nsent = activity : 1")
        self._remember(group, *taught)
        return group

    def _remember(self, group: Group, *taught: str) -> None:
        """The traces and connections that presynaptic neurons of these weights get."""
        for rule in self._teaching(*taught):
            group.declare(*(name for one in rule.connections for name in one.sums))
            group.add(rule.trace, rule.initial, rule.lasting)
            for one in rule.connections:
                synapses = Synapses(group, group, one.equations, pairs=one.pairs)
                for name in list(synapses.moving)[:1] if one.initial == "identity" else ():
                    synapses.values[name] = np.eye(group.size)
                synapses.moving.clear()
                (variable, value), *_ = one.sums.items()
                self.helpers.append((Sum(group, variable, synapses, tree(value)), one))

    def _project(self) -> None:
        """The projections of the weights, those that learn with the eligibility of their rule; and what is summed."""
        job, learn = self.job, self.job.circuit.learn
        ends = {
            "W": (self.neurons, self.neurons, "drive", "drive", "w*sent_pre"),
            "U": (self.inputs, self.neurons, "drive", "autapse_input", "w*sent_pre"),
            "b": (self.unit, self.neurons, "drive", "autapse_bias", "w*sent_pre"),
            "F": (self.outputs, self.neurons, "drive", "autapse_returned", "w*prediction_pre"),
            "V": (self.neurons, self.outputs, "readout", "readout", "w*activity_pre"),
            "c": (self.unit, self.outputs, "readout", "offset", "w*activity_pre"),
            "B": (self.outputs, self.neurons, "feedback", "feedback", "w*err_pre"),
        }
        there = {"W", "U", "V", "B", *learn} | ({"F"} if job.circuit.returned else set())
        for name, (pre, post, slot, variable, text) in ends.items():
            if name not in there:
                continue
            rule = self.rules[TAUGHT_BY[name]] if name in learn else None
            synapses = self.projections[name] = Synapses(pre, post, rule.eligibility if rule else "", rule)
            given = getattr(job.weights, name)
            synapses.values["w"] = np.zeros(synapses.shape)
            if given is not None:
                synapses.values["w"] = given[self.number].reshape(synapses.shape)
            self.sums[slot].append(Sum(post, variable, synapses, tree(text)))
            self.sums[slot] += [Sum(post, variable, synapses, node) for variable, node in synapses.summed.items()]
        recurrent = self.projections["W"]
        recurrent.arrive_late(job.circuit.delay)
        self.sums["drive"] += [
            Sum(self.neurons, name, recurrent, tree(text)) for name, text in self.neuron.sums.items()
        ]
        self.sums["drive"] += [each for each, connection in self.helpers if connection.when == "drive"]

    def _tables(self) -> tuple[dict[str, list], dict[str, str]]:
        """Room for the traces, and their units, by name."""
        written = [rule.trace for rule in self._teaching(*ALL)]
        written += [rule.postsynaptic for rule in self._teaching("W", "U", "b")]
        own = equations(self.neuron.equations)
        tables = {name: each for text in written for name, each in equations(text).items()}
        spikes = {"spikes": None, **own} if self.neuron.threshold else {}
        states = self.neurons.rates.keys() | self.neurons.exact.keys() | {"spikes"}
        kept = {name: each for name, each in (tables | spikes).items() if name in states}
        kept = {"error": None, "activity": own["activity"], "feedback": None, **kept}
        units = {
            name: "1" if each is None or each.unit.is_dimensionless else str(each.unit) for name, each in kept.items()
        }
        return {name: [] for name in kept}, units

    # -- what happens -------------------------------------------------------------------------------------------------

    def play(self) -> _Network:
        """Show all presentations."""
        job, world = self.job, self.world
        steps, substeps = job.x.shape[2], job.circuit.substeps
        scored = getattr(job, "scored", None)
        learned = 0
        for presentation, (trajectory, learns) in enumerate(
            zip(job.schedule.trajectory, job.schedule.learn, strict=True)
        ):
            learned += bool(learns)
            self._start(first=presentation == 0)
            squares, counted, nats = 0.0, np.zeros((steps, self.outputs.size), dtype=bool), 0.0
            for step in range(steps):
                x, y = (shown[job.source[self.number], trajectory, step] for shown in (job.x, job.y))
                counted[step] = ~np.isnan(y) & (True if scored is None else scored[step])
                for substep in range(substeps):
                    last = substep == substeps - 1
                    ending = last and step == steps - 1
                    if job.update == "step":
                        updating, updates = last, (learned - 1) * steps + step + 1
                    else:
                        updating, updates = ending and learned % job.batch == 0, learned // job.batch
                    how = (bool(learns), bool(learns and updating), updates)
                    self.now = Now(x, y, counted[step], substep == 0, ending, *how)
                    elapsed = step + (substep + 1) / substeps if job.averaging else 1.0
                    world.shared |= {"steps": step + 1.0, "elapsed": elapsed}
                    self.inputs.values |= {"x": x} if "x" in self.inputs.values else {}
                    self.outputs.values["target"] = y
                    for slot in ORDER:
                        getattr(self, slot)()
                    world.ticks += 1
                squares = squares + self.outputs.values["err"] ** 2
                nats = nats + self.outputs.values["cost"]
                self._record(presentation)
            self.mse.append(np.sum(squares) / counted.sum())
            self.nats.append(np.sum(nats) / counted.any(axis=1).sum())
            if learns:
                for part in self.parts:
                    part.leave()
        return self

    def _start(self, first: bool) -> None:
        """Begin a trajectory."""
        if first or self.job.reset:
            self.world.ticks = 0
            for part in self.parts:
                part.restart(first)
        for part in self.parts:
            part.values |= part.left

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
            values, period = self.neurons.values, tree(self.neuron.refractory)
            if is_condition(period):
                free = (values["not_refractory"] != 0) | (self.neurons.value(period) == 0)
            else:
                since = f"timestep(t - lastspike, dt) >= timestep({self.neuron.refractory}, dt)"
                free = self.neurons.value(tree(since))
            values["not_refractory"] = 1.0 * free
        for group in (self.neurons, self.inputs, self.unit, self.outputs):
            group.integrate()

    def spike(self) -> None:
        """7: pseudo-derivative, threshold, reset; then what is shown and sent."""
        neuron, group, values = self.neuron, self.neurons, self.neurons.values
        if neuron.pseudo_derivative:
            values["f_prime"] = group.value(tree(neuron.pseudo_derivative))
        if neuron.threshold:
            spiked = group.value(tree(neuron.threshold)) != 0
            spiked = spiked & (values["not_refractory"] != 0) if neuron.refractory else spiked
            values["spiked"] = 1.0 * spiked
            self.spikes = values["spiked"] + (0 if self.now.fresh else self.spikes)
            self.total = self.total + values["spiked"]
            if neuron.refractory:
                values["lastspike"] = np.where(spiked, self.world.t, values["lastspike"])
            group.assign(assignments(neuron.reset), where=spiked)
            if neuron.refractory:
                values["not_refractory"] = values["not_refractory"] * ~spiked
        for name, node in self.stored.items():
            values[name] = group.value(node)
        values["sent_sum"] = values["sent_sum"] + group.value(tree("sent*dt/step"))

    def predict(self) -> None:
        """8: the read-out, or its softmax."""
        self._sum("readout")
        values = self.outputs.values
        score = values["readout"] + values["offset"]
        odds = np.exp(score - score.max())
        values["prediction"] = odds / odds.sum() if self.entropy else score

    def compare(self) -> None:
        """9: the error where it counts, and what it costs."""
        values, counts = self.outputs.values, self.now.counts
        prediction, target = values["prediction"], values["target"]
        values["err"] = np.where(counts, prediction - target, 0)
        surprise = -target * np.log(np.maximum(prediction, 1e-300))
        values["cost"] = np.where(counts, surprise if self.entropy else values["err"] ** 2 / 2, 0)

    def feed_back(self) -> None:
        """10: what the error tells the neurons."""
        self._sum("feedback")
        self.neurons.values["loss"] = self.neurons.full(self.outputs.values["cost"].sum())

    def connect(self) -> None:
        """11: sums of connections, one after the other."""
        for each, connection in self.helpers:
            if connection.when == "update":
                each.group.values[each.variable] = each.total()

    def change(self) -> None:
        """12: weights and connections change."""
        for each, connection in self.helpers if self.now.learns else ():
            each.synapses.assign(assignments(connection.update))
        self.projections["W"].look_back("update")
        for lesson in self.lessons:
            lesson.change(self.now.learns)

    def finish(self) -> None:
        """13: the end of a trajectory; what was gathered becomes a change."""
        ends = self.now.learns and self.now.ending
        for lesson in self.lessons:
            if ends:
                lesson.finish()
            if self.now.updating:
                lesson.update(self.now.updates)
        for rule in self._teaching("W", "U", "b") if ends else ():
            self.neurons.assign(assignments(rule.finish_postsynaptic))
