"""Circuit -> Brian2 objects; the one place that owns the order inside a time step.

start, 0    activity, traces      back to 0 where a trajectory starts
start, 1    x(t)                  the stimulus
groups, -1  drive = W o, input = U x, bias = b     summed, from the old activity
groups, 0   eligibilities         state update, from the old activity and the new drive
groups, 1   activity and traces   state update; then thresholds and resets
after_resets, 0  read-out = V o, offset = c        summed, from the new activity
after_resets, 1  err = prediction - target
after_resets, 2  feedback = B err                  summed
after_resets, 3  weight updates
end         records
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from brian2 import (
    Clock,
    Equations,
    Network,
    NeuronGroup,
    StateUpdateMethod,
    Synapses,
    get_dimensions,
    have_same_dimensions,
    second,
)
from brian2.equations.equations import DIFFERENTIAL_EQUATION
from brian2.groups.group import CodeRunner

from autapse_sim.circuit import Circuit
from autapse_sim.errors import InputError
from autapse_sim.job import STEP, Job
from autapse_sim.model import Neuron, Rule, line_of, read_neuron, read_rule
from autapse_sim.names import one_of

SLOTS = {
    "restart": ("start", 0),
    "stimulus": ("start", 1),
    "drive": ("groups", -1),
    "eligibility": ("groups", 0),
    "state": ("groups", 1),
    "readout": ("after_resets", 0),
    "error": ("after_resets", 1),
    "feedback": ("after_resets", 2),
    "update": ("after_resets", 3),
    "record": ("end", 0),
}
"""The order inside a time step: slot -> (when, order)."""


@dataclass(frozen=True)
class Models:
    """The neuron and the rules of a circuit, read and checked."""

    neuron: Neuron
    rule: Rule
    readout_rule: Rule

    @classmethod
    def of(cls, circuit: Circuit) -> Models:
        """Read the model files that a circuit names."""
        return cls(read_neuron(circuit.neuron), read_rule(circuit.rule), read_rule("delta"))

    def parameters(self, circuit: Circuit) -> dict[str, object]:
        """Every parameter of the circuit with its default value (a Brian2 quantity where it has a unit)."""
        merged = dict(self.neuron.parameters)
        for rule, learns in ((self.rule, {"W", "b"}), (self.readout_rule, {"V", "c"})):
            if not learns & set(circuit.learn):
                continue
            twice = sorted(set(merged) & set(rule.parameters))
            if twice:
                raise InputError(f"{line_of(rule, twice[0])}: {twice[0]!r} is a parameter of the neuron too; rename it")
            merged |= rule.parameters
        return merged


@dataclass(frozen=True)
class Assembly:
    """The Brian2 objects of a circuit.

    Parameters
    ----------
    network : Network
        All objects, in the order of `SLOTS`.
    values : dict of str to array
        What has to be set before a run, by 'object.variable', in SI units.
    weights : dict of str to str
        The learned weights, by 'object.variable'.
    tables : list of str
        The names of the records that the tape keeps, 'error' first.
    """

    network: Network
    values: dict[str, np.ndarray]
    weights: dict[str, str]
    tables: list[str]


def assemble(job: Job, models: Models, functions: Mapping[str, object]) -> Assembly:
    """Build the Brian2 objects of a job; `functions` are those of the tape (stimulus, target, learning, ...)."""
    circuit = job.circuit
    networks, n, m = job.weights.W.shape[0], circuit.neurons, job.x.shape[-1]
    c = job.y.shape[-1]
    namespace = {**functions, "step": STEP * second}
    one_of("method", circuit.method, StateUpdateMethod.stateupdaters)
    clock = Clock(dt=STEP / circuit.substeps * second, name="steps")
    learn_rule = sorted({"W", "b"} & set(circuit.learn))
    learn_readout = sorted({"V", "c"} & set(circuit.learn))
    rule, delta = models.rule, models.readout_rule
    values: dict[str, np.ndarray] = {}

    def group(name: str, size: int, equations: str, parameters: Mapping[str, object]) -> NeuronGroup:
        declared = "".join(f"\n{key} : {unit_of(value)} (constant)" for key, value in parameters.items())
        made = NeuronGroup(
            networks * size, equations + declared, method=circuit.method, clock=clock, namespace=namespace, name=name
        )
        for key in parameters:
            values[f"{name}.{key}"] = np.repeat(job.parameters[key], size)
        if made.state_updater is not None:
            made.state_updater.when, made.state_updater.order = SLOTS["state"]
        states = states_of(made.equations)
        if states:
            code = "\n".join(f"{state} = choose(starting(t_in_timesteps), 0, {state})" for state in states)
            regularly(made, code, "restart")
        return made

    # the neurons
    activation = models.neuron.activations[
        one_of(f"activation of {circuit.neuron}", circuit.activation, models.neuron.activations)
    ]
    equations = f"""{models.neuron.equations}
        f = {activation.f} : 1
        f_prime = {activation.f_prime} : 1
        drive : 1
        input : 1
        feedback : 1
        bias : 1
        """
    parameters = dict(models.neuron.parameters)
    if learn_rule:
        equations += rule.trace
        parameters |= rule.parameters
    neurons = group("neurons", n, equations, parameters)
    if "activity" not in neurons.variables:
        raise InputError(
            f"{models.neuron.path}: the neuron defines no 'activity'; write for example 'activity = o : 1'"
        )
    trace_names = states_of(Equations(rule.trace)) if learn_rule and rule.trace.strip() else []
    bias = job.weights.b if job.weights.b is not None else np.zeros((networks, n))
    if "b" not in circuit.learn:
        values["neurons.bias"] = bias.ravel()

    # the stimulus, the read-out, and a unit of constant activity for biases that learn
    inputs = group("inputs", m, "x : 1", {})
    regularly(inputs, "x = stimulus(i, t_in_timesteps)", "stimulus")
    outputs = group(
        "outputs",
        c,
        "readout : 1\noffset : 1\nprediction : 1\nerr : 1",
        delta.parameters if learn_readout else {},
    )
    offset = job.weights.c if job.weights.c is not None else np.zeros((networks, c))
    if "c" not in circuit.learn:
        values["outputs.offset"] = offset.ravel()
    regularly(
        outputs,
        """prediction = readout + offset
        err = prediction - target(i, t_in_timesteps)
        kept = keep(i, t_in_timesteps, prediction, err)
        traced = trace(0, i, t_in_timesteps, err)""",
        "error",
    )
    objects: list[object] = [neurons, inputs, outputs]
    if "b" in circuit.learn:
        traced = {key: rule.parameters[key] for key in rule.parameters if rule.trace.strip()}
        unit = group("unit", 1, "activity = 1 : 1\n" + rule.trace, traced)
        objects.append(unit)
    elif "c" in circuit.learn:
        unit = group("unit", 1, "activity = 1 : 1", {})
        objects.append(unit)

    # the projections, all-to-all within each network, in pre-major order
    weights: dict[str, str] = {}

    def project(name: str, source: NeuronGroup, target: NeuronGroup, value: str, variable: str, slot: str) -> None:
        sizes = source.N // networks, target.N // networks
        initial = {"b": bias, "c": offset}.get(name, getattr(job.weights, name))
        plasticity = None if name not in circuit.learn else rule if name in learn_rule else delta
        equations = f"w : 1\n{variable}_post = {value} : 1 (summed)\n"
        if plasticity is not None:
            equations += "elapsed = since_start(t_in_timesteps) : 1 (shared)\n" + plasticity.eligibility
            equations += "\nchange : 1\n" if job.update == "trajectory" else ""
        synapses = Synapses(
            source,
            target,
            equations,
            method=circuit.method,
            clock=clock,
            namespace=namespace,
            name=f"projection_{name}",
        )
        synapses.connect(j=f"(i//{sizes[0]})*{sizes[1]} + k for k in range({sizes[1]})")
        updater = synapses.summed_updaters[f"{variable}_post"]
        updater.when, updater.order = SLOTS[slot]
        if synapses.state_updater is not None:
            synapses.state_updater.when, synapses.state_updater.order = SLOTS["eligibility"]
        flat = initial.reshape(networks, sizes[1], sizes[0])
        values[f"{synapses.name}.w"] = np.ascontiguousarray(flat.transpose(0, 2, 1)).ravel()
        if plasticity is not None:
            regularly(synapses, update_code(plasticity, job.update, states_of(synapses.equations)), "update")
            weights[name] = f"{synapses.name}.w"
        objects.append(synapses)

    project("W", neurons, neurons, "w*activity_pre", "drive", "drive")
    project("U", inputs, neurons, "w*x_pre", "input", "drive")
    project("V", neurons, outputs, "w*activity_pre", "readout", "readout")
    project("B", outputs, neurons, "w*err_pre", "feedback", "feedback")
    if "b" in circuit.learn:
        project("b", unit, neurons, "w*activity_pre", "bias", "drive")
    if "c" in circuit.learn:
        project("c", unit, outputs, "w*activity_pre", "offset", "readout")

    tables = ["error", "activity", "feedback", *trace_names]
    records = "\n".join(f"t{k} = trace({k}, i, t_in_timesteps, {name})" for k, name in enumerate(tables[1:], 1))
    regularly(neurons, records, "record")
    return Assembly(Network(*objects), values, weights, tables)


def update_code(rule: Rule, update: str, eligibilities: list[str]) -> str:
    """The code of a plastic synapse at every integration step, whatever its rule says.

    The change that the rule makes to w is scaled by `learning` (dt/step, or 0 where nothing is learned); with updates
    per trajectory it is gathered and added at the end of the trajectory. Eligibilities end with their trajectory.
    """
    # the double minus makes a copy: in runtime mode `w -= ...` changes the array in place
    lines = ["w_before = -(-w)", rule.update]
    if update == "step":
        lines += ["w = w_before + learning(t_in_timesteps)*(w - w_before)"]
    else:
        lines += [
            "change = change + learning(t_in_timesteps)*(w - w_before)",
            "w = w_before + choose(ending(t_in_timesteps), change, 0)",
            "change = choose(ending(t_in_timesteps), 0, change)",
        ]
    lines += [f"{name} = choose(ending(t_in_timesteps), 0, {name})" for name in eligibilities]
    return "\n".join(line.strip() for text in lines for line in text.strip().splitlines())


def regularly(group: NeuronGroup | Synapses, code: str, slot: str) -> None:
    """Run `code` in every step, in a slot of the step."""
    when, order = SLOTS[slot]
    group.run_regularly(code, when=when, order=order, name=f"{group.name}_{slot}", clock=group.clock)


def states_of(equations: Equations) -> list[str]:
    """The variables that differential equations define."""
    return [name for name in equations if equations[name].type == DIFFERENTIAL_EQUATION]


def unit_of(value: object) -> str:
    """The unit of a parameter, as Brian2's equations spell it."""
    names = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")
    powers = zip(names, get_dimensions(value)._dims, strict=True)
    return "*".join(f"{name}**{power:g}" for name, power in powers if power) or "1"


def is_time(value: object) -> bool:
    """Whether a parameter is a time."""
    return have_same_dimensions(value, second)


def check_order(network: Network) -> None:
    """Assert the order inside a step on Brian2's own sorted objects."""
    rank = {slot: position for position, slot in enumerate(SLOTS)}
    place = {key: slot for slot, key in SLOTS.items()}
    seen = [
        place[(runner.when, runner.order)]
        for runner in network.sorted_objects
        if isinstance(runner, CodeRunner) and runner.active and (runner.when, runner.order) in place
    ]
    if seen != sorted(seen, key=rank.__getitem__):
        raise AssertionError(f"the order inside a step is broken: {' '.join(seen)}")


def explain(error: BaseException, models: Models) -> InputError:
    """What Brian2 found wrong in the equations, as one line with the file and line that the user wrote."""
    causes = [error]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    innermost = causes[-1]
    text = str(innermost.args[0]) if isinstance(innermost, KeyError) else str(innermost)
    text = " ".join(text.split())
    quoted = re.findall(r"['\"]([^'\"]+)['\"]", text)
    sources = [models.rule, models.neuron, models.readout_rule]
    for word in sorted(quoted, key=len):
        for model in sources:
            where = line_of(model, word)
            if ", line " in where:
                return InputError(f"{where}: {text}")
    return InputError(f"{models.rule.path}: {text}")
