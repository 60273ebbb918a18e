"""What is on its way: with a delay, synapses read what their presynaptic neuron was some integration steps ago."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from brian2 import Equations

from autapse_sim.engines.brian.dense.layout import Block
from autapse_sim.engines.brian.program import Delay
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.language import Statement, names
from autapse_sim.spec.library import Models
from autapse_sim.spec.quantities import unit_of


@dataclass(frozen=True)
class Registers:
    """Variables of neurons that keep what is on its way.

    Parameters
    ----------
    equations : list of str
        Their declarations.
    begin : dict of str to str
        Their values where a trajectory starts.
    spikes, code : list of Statement
        What moves them on: those of spikes once a neuron has spiked, the others when all else is done.
    inputs : dict
        The delays of neurons.
    """

    equations: list[str] = field(default_factory=list)
    begin: dict[str, str] = field(default_factory=dict)
    spikes: list[Statement] = field(default_factory=list)
    code: list[Statement] = field(default_factory=list)
    inputs: dict[str, Delay] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Of the variables."""
        return list(self.begin)


class Delays:
    """The delays of a circuit, and what of its neurons is read with a delay.

    Attributes
    ----------
    arriving : dict of str to str
        What stands for X_pre in the synapses of W.
    each_synapse : bool
        Whether every synapse has a delay of its own.
    """

    def __init__(self, circuit: Circuit, models: Models):
        self.steps = sorted(set(np.ravel(circuit.delay).tolist()))
        self.each_neuron, self.each_synapse = (np.ndim(circuit.delay) == axes for axes in (1, 2))
        self.arriving: dict[str, str] = {}
        if self.steps == [0]:
            return
        read = names(*models.neuron.sums.values(), "sent_pre")
        rules = [models.rule] if "W" in circuit.learn else []
        for rule in rules:
            read |= names(*rule.code, rule.eligibility, *rule.initial.values())
            read |= {"spiked_pre"} if "pre" in rule.events else set()
        constant = {*models.neuron.parameters, *(name for rule in rules for name in rule.parameters), "N"}
        self.read = sorted({name.removesuffix("_pre") for name in read if name.endswith("_pre")} - constant)
        self.arriving = {f"{name}_pre": self._arriving(name) for name in self.read}

    def _arriving(self, name: str) -> str:
        if self.each_synapse:
            return _picked([f"autapse_late_{name}_{step}_pre" for step in self.steps], self.steps)
        return f"autapse_arriving_{name}_pre" if self.each_neuron else f"autapse_late_{name}_{self.steps[0]}_pre"

    def registers(self, defined: Equations) -> Registers:
        """The variables that neurons of these equations need."""
        if not self.arriving:
            return Registers()
        found = Registers(inputs={"neurons.autapse_delay": Delay()} if self.each_neuron else {})
        found.equations.extend(["autapse_delay : 1 (constant)"] * self.each_neuron)
        for name in self.read:
            unit = unit_of(defined[name].unit) if name in defined else "1"
            code = found.spikes if name == "spiked" else found.code
            line = [f"autapse_late_{name}_{step}" for step in range(self.steps[-1] + 1)]
            for new, old in zip(reversed(line), [*reversed(line[:-1]), name], strict=True):
                code.append(Statement(new, "", old))
            if self.each_neuron:
                value = _picked([line[step] for step in self.steps], self.steps)
                line.append(f"autapse_arriving_{name}")
                code.append(Statement(line[-1], "", value))
            found.equations.extend(f"{each} : {unit}" for each in line)
            found.begin.update(dict.fromkeys(line, name))
        return found

    def synaptic(self, synapses: str, block: Block) -> dict[str, Delay]:
        """The delays of synapses, as an input of the run."""
        return {f"{synapses}.autapse_delay": Delay(block)} if self.each_synapse else {}


def _picked(values: list[str], steps: list[int]) -> str:
    """The value that belongs to a delay, as an expression.

    Its condition is a number, since what holds a comparison is no real number to SymPy, and has no logarithm.
    """
    found = values[0]
    for value, step in zip(values[1:], steps[1:], strict=True):
        found = f"choose(autapse_delay - {step}, {found}, {value})"
    return found
