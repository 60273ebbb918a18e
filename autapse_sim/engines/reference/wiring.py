"""The neurons and synapses of one network of a circuit, as its models and its weights make them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np

from autapse_sim.engines.reference.code import METHODS, equations, names, replaced, tree
from autapse_sim.engines.reference.lesson import Lesson
from autapse_sim.engines.reference.parts import Group, Part, Sum, Synapses, World
from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.spec.circuit import TAUGHT_BY
from autapse_sim.spec.connection import Connection
from autapse_sim.spec.events import shows_spikes
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.library import connected
from autapse_sim.spec.model import Neuron, Rule

ALL = ("W", "U", "b", "V", "c")
"""The weights whose rules have traces and connections in the neurons."""


class Wiring:
    """One network: its groups, projections, sums, and how its weights learn."""

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
        self.inputs = self._shown(job.x.shape[-1], "autapse_x : 1\nactivity = autapse_x : 1", "U")
        self.unit = self._shown(1, "activity = 1 : 1", "b", "c")
        self.outputs = Group(self.world, job.y.shape[-1])
        self.outputs.declare("autapse_readout", "prediction", "err", "target", "autapse_cost")
        self.outputs.steady("autapse_offset", None if "c" in circuit.learn else job.weights.c, number)
        for rule in self.teaching("B"):
            self.outputs.add(rule.trace, rule.initial, rule.lasting)
        self.projections: dict[str, Synapses] = {}
        self.sums: dict[str, list[Sum]] = {"drive": [], "readout": [], "feedback": []}
        self._project()
        for rule in self.teaching(*ALL, "B"):
            self._check_starts(rule)
        self.lessons = [
            Lesson(job, name, self.projections[name], self.rules[TAUGHT_BY[name]], number) for name in circuit.learn
        ]

    def teaching(self, *weights: str) -> list[Rule]:
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
        if self.rule.perturbation.strip() and self.teaching("W", "U", "b"):
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
        self._remember(group, "neurons", *ALL)
        return group

    def _send(self, group: Group) -> None:
        """What neurons show and send: where it is computed it stands still until the next spikes for all others."""
        known = equations(self.neuron.equations)
        if "activity" not in known:
            raise InputError(f"{self.neuron.path}: the neuron defines no 'activity'; write 'activity = o : 1'")
        states = known.keys() & group.values.keys()
        self.stored: dict[str, ast.expr] = {
            name: group.expressions.pop(name)
            for name in ("activity", "sent")
            if name in group.expressions and getattr(group.expressions[name], "id", None) not in states
        }
        self.stored = {name: replaced(node, self.stored) for name, node in self.stored.items()}
        self.within = self._moving_within(group, known)
        for own in (group.rates, group.expressions, group.initial):
            own |= {name: replaced(node, self.stored) for name, node in own.items()}
        group.declare(*self.stored)
        group.initial |= self.stored
        if "sent" not in known:
            group.add("sent = activity : 1")

    def _moving_within(self, group: Group, known: Mapping[str, Any]) -> dict[str, ast.expr]:
        """What moves within an integration step as the neuron's states do, for the equations of rules."""
        if self.world.method in ("euler", "exponential_euler"):
            return {}
        still = {"t", "steps", "elapsed", *group.values} - known.keys()

        def moves(node: ast.expr) -> bool:
            return all(moves(group.expressions[name]) for name in names(node) & group.expressions.keys()) and not (
                names(node) & still
            )

        found = {name: node for name, node in self.stored.items() if moves(node)}
        return found | ({"sent": found["activity"]} if "activity" in found and "sent" not in known else {})

    def own(self, expression: str) -> ast.expr:
        """A text of the neuron: what it shows and sends it computes wherever it reads it."""
        return replaced(tree(expression), self.stored)

    def _check_starts(self, rule: Rule) -> None:
        """Refuse starting values of what the rule has not."""
        known = {name for text in (rule.trace, rule.postsynaptic, rule.eligibility) for name in equations(text)}
        for name in sorted({*rule.initial, *rule.lasting} - known):
            raise self.world.blame(name, f"the rule has no variable {name!r} that could start anew, or last")

    def _shown(self, size: int, text: str, *taught: str) -> Group:
        """Neurons whose activity is given."""
        group = Group(self.world, size)
        group.add(f"{text}\nsent = activity : 1")
        if "U" in taught and shows_spikes(self.rule, self.job.circuit.learn):
            group.declare("spiked")
        self._remember(group, "inputs", *taught)
        return group

    def _remember(self, group: Group, name: str, *taught: str) -> None:
        """The traces and connections that a group gets of the rules that teach these weights."""
        for rule in self.teaching(*taught):
            connections = [one for _, one in connected(rule, name)]
            group.declare(*(name for one in connections for name in one.sums))
            # as one text: where its variables start is said in one order
            text = f"{rule.trace}\n{rule.postsynaptic}" if name == "neurons" else rule.trace
            group.add(text, rule.initial, rule.lasting)
            for own in (group.rates, group.expressions) if name == "neurons" else ():
                own |= {each: replaced(own[each], self.within) for each in own.keys() & equations(text).keys()}
            for one in connections:
                synapses = Synapses(group, group, one.equations, pairs=one.pairs)
                if one.initial == "identity":
                    synapses.values[next(iter(synapses.values))] = np.eye(group.size)
                synapses.moving.clear()  # it lasts from trajectory to trajectory
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
            "V": (self.neurons, self.outputs, "readout", "autapse_readout", "w*activity_pre"),
            "c": (self.unit, self.outputs, "readout", "autapse_offset", "w*activity_pre"),
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
            for name, node in synapses.summed.items():
                if name not in post.moving:
                    raise self.world.blame(name, f"{name}_post is no variable of the neuron that could be summed")
                self.sums[slot].append(Sum(post, name, synapses, node))
        recurrent = self.projections["W"]
        recurrent.arrive_late(job.circuit.delay)
        self.sums["drive"] += [
            Sum(self.neurons, name, recurrent, tree(text)) for name, text in self.neuron.sums.items()
        ]
        self.sums["drive"] += [each for each, connection in self.helpers if connection.when == "drive"]

    def tables(self) -> dict[str, str]:
        """The units of the traces by their names."""
        written = [rule.trace for rule in self.teaching(*ALL)]
        written += [rule.postsynaptic for rule in self.teaching("W", "U", "b")]
        own = equations(self.neuron.equations)
        tables = {name: each for text in written for name, each in equations(text).items()}
        spikes = {"spikes": None, **own} if self.neuron.threshold else {}
        states = self.neurons.moving | {"spikes"}
        kept = {name: each for name, each in (tables | spikes).items() if name in states - self.stored.keys()}
        kept = {"error": None, "activity": own["activity"], "feedback": None, **kept}
        return {
            name: "1" if each is None or each.unit.is_dimensionless else str(each.unit) for name, each in kept.items()
        }
