"""Gradients by complex steps through the reference interpreter: forward, weight by weight, and of spikes, too.

A weight gets an imaginary part so small that its square is nothing; what the loss has of it in the end is the slope, to
rounding. It shares no code with the programs that go backward. A spike's slope is its pseudo-derivative, by the
difference of the two sides of its threshold.
"""

import ast
from collections import ChainMap
from dataclasses import replace

import numpy as np
from numpy import real

from autapse_sim.engines.reference import code, network
from autapse_sim.engines.reference.code import assignments, equations
from autapse_sim.engines.reference.parts import Part
from autapse_sim.spec.model import read_neuron, read_rule

TINY = 1e-30


def _clip(x, low, high):
    below = np.where(real(x) < real(low), low, x)
    return np.where(real(below) > real(high), high, below)


def _exprel(x):
    small = np.abs(x) < 1e-3
    series = 1 + x / 2 * (1 + x / 3 * (1 + x / 4 * (1 + x / 5)))
    return np.where(small, series, (np.exp(x) - 1) / np.where(small, 1, x))


FUNCTIONS = code.FUNCTIONS | {
    "abs": lambda x: np.where(real(x) < 0, -x, x),
    "sign": lambda x: np.sign(real(x)),
    "floor": lambda x: np.floor(real(x)),
    "ceil": lambda x: np.ceil(real(x)),
    "int": lambda x: np.trunc(real(x)),
    "clip": _clip,
    "exprel": _exprel,
    "arctan": lambda x: np.arctan(real(x)) + 1j * np.imag(x) / (1 + real(x) ** 2),
    "choose": lambda condition, yes, no: np.where(real(condition) != 0, yes, no),
    "timestep": lambda t, dt: np.trunc((real(t) + 1e-3 * real(dt)) / real(dt)),
}
"""Those that are not the same for complex numbers; conditions are of real parts, and have no slope."""
OPERATORS = code.OPERATORS | {
    ast.FloorDiv: lambda x, y: np.floor_divide(real(x), real(y)),
    ast.Mod: lambda x, y: x - y * np.floor_divide(real(x), real(y)),
    **{
        kind: lambda x, y, compare=code.OPERATORS[kind]: compare(real(x), real(y))
        for kind in (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq, ast.And, ast.Or)
    },
    ast.Not: lambda x: np.logical_not(real(x)),
}


class Complex(network._Network):
    """One network whose numbers are complex, with its loss."""

    def __init__(self, job, models, number, detached):
        super().__init__(job, models, number)
        self.detached, self.cost, self.spiking = detached, 0.0, 0

    def spike(self):
        """7, with slopes."""
        neuron, group, values = self.neuron, self.neurons, self.neurons.values
        if neuron.pseudo_derivative:
            values["f_prime"] = group.value(self.own(neuron.pseudo_derivative))
        if not neuron.threshold:
            return
        threshold = self.own(neuron.threshold)
        spiked = real(group.value(threshold)) != 0
        free = real(values["not_refractory"]) if neuron.refractory else 1.0
        spiked = spiked & (free != 0)
        sides = group.value(threshold.left) - group.value(threshold.comparators[0])
        down = isinstance(threshold.ops[0], ast.Lt | ast.LtE)
        values["spiked"] = spiked + 1j * real(values["f_prime"]) * free * np.imag(-sides if down else sides)
        self.spiking += spiked.sum()
        if neuron.refractory:
            values["lastspike"] = np.where(spiked, self.world.t, values["lastspike"])

    def reset(self):
        """9, with slopes: a reset that a spike makes has that of the spike, but for what is detached."""
        neuron, group, values = self.neuron, self.neurons, self.neurons.values
        if neuron.threshold:
            spiked, slope = real(values["spiked"]) != 0, 1j * np.imag(values["spiked"])
            states, temporaries = equations(neuron.equations), {}
            look = group.seen(ChainMap(temporaries, values))
            for name, value in assignments(neuron.reset):
                new = code.evaluate(code.replaced(value, self.stored), look)
                if name in states:
                    jump = 0 if name in self.detached else slope * real(new - values[name])
                    values[name] = group.full(np.where(spiked, new, values[name]) + jump)
                else:
                    temporaries[name] = new
            if neuron.refractory:
                values["not_refractory"] = values["not_refractory"] * ~spiked
        for name, node in self.stored.items():
            values[name] = group.value(node)

    def compare(self):
        """11, and what it counts in the loss."""
        super().compare()
        share = 1 / self.job.circuit.substeps / self.world.shared["elapsed"]
        self.cost = self.cost + share * self.outputs.values["autapse_cost"].sum()


def slopes(job, names, patch, detached=frozenset()):
    """The gradient of the loss of a job's trajectory by some weights, and how often neurons spiked."""
    patch.setattr(code, "FUNCTIONS", FUNCTIONS)
    patch.setattr(code, "OPERATORS", OPERATORS)
    patch.setattr(code, "exprel", _exprel)
    patch.setattr(Part, "full", lambda self, value: np.broadcast_to(np.asarray(value), self.shape))
    circuit = replace(job.circuit, rule="dfa", learn=())
    models = (read_neuron(circuit.neuron, job.sources), *map(read_rule, ("dfa", "delta", "kolen_pollack")))
    found, spikes = {}, 0
    for name in names:
        given = getattr(job.weights, name)
        found[name] = np.zeros(given.shape[1:])
        for place in np.ndindex(given.shape[1:]):
            moved = given.astype(complex)
            moved[(0, *place)] += 1j * TINY
            one = replace(job, circuit=circuit, weights=replace(job.weights, **{name: moved}))
            with np.errstate(all="ignore"):
                its = Complex(one, models, 0, detached)
                its.play()
            found[name][place] = np.imag(its.cost) / TINY
            spikes = its.spiking
    return found, spikes
