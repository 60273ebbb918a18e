"""Circuit -> Brian2 objects; the one place that owns the order inside a time step.

start, 0    activity, traces      back to 0 where a trajectory starts
start, 1    x(t)                  the stimulus
start, 2    perturbation          of the bias, where the rule perturbs
groups, -1  drive = W o, input = U x, bias = b     summed, from the old activity
groups, 0   eligibilities         state update, from the old activity and the new drive
groups, 1   activity and traces   state update
thresholds, 0    spikes: pseudo-derivative, threshold and reset
after_resets, 0  read-out = V o, offset = c        summed, from the new activity
after_resets, 1  total of the softmax              summed, where the loss is the cross-entropy
after_resets, 2  err = prediction - target
after_resets, 3  feedback = B err, loss            summed
after_resets, 4  what the connections of a rule sum, one after the other
after_resets, 8  weight updates
after_resets, 9  end of a trajectory: gathered changes are added, eligibilities end
end, 0      records
end, 1      update of this step and drive of the next in one pass over the weights, where a program may (`fused`);
            it then stands for both
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from brian2 import (
    Clock,
    Equations,
    Network,
    NeuronGroup,
    StateUpdateMethod,
    Synapses,
    second,
)
from brian2.core.variables import Variable
from brian2.equations.equations import SUBEXPRESSION
from brian2.groups.group import CodeRunner

from autapse_sim.circuit import TAUGHT_BY, Circuit
from autapse_sim.dense.layout import Block, Layout
from autapse_sim.dense.synapses import DenseNeurons, DenseSynapses, assigned, fused
from autapse_sim.errors import InputError
from autapse_sim.job import STEP, Job
from autapse_sim.model import Neuron, Rule, line_of, read_neuron, read_rule
from autapse_sim.names import one_of
from autapse_sim.program import Bias, Identity, Parameter, Projection, Sign
from autapse_sim.statements import (
    OPTIMISER_STATE,
    changing,
    computed,
    finish_code,
    spike_code,
    states_of,
    unit_of,
    update_code,
    without,
    words,
)

logger = logging.getLogger("autapse_sim")

SLOTS = {
    "restart": ("start", 0),
    "stimulus": ("start", 1),
    "perturbation": ("start", 2),
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
    "record": ("end", 0),
    "fused": ("end", 1),
}
"""The order inside a time step: slot -> (when, order)."""


@dataclass(frozen=True)
class Models:
    """The neuron and the rules of a circuit, read and checked."""

    neuron: Neuron
    rule: Rule
    readout_rule: Rule
    feedback_rule: Rule

    @classmethod
    def of(cls, circuit: Circuit) -> Models:
        """Read the model files that a circuit names."""
        rules = (circuit.rule, circuit.readout_rule, circuit.feedback_rule)
        return cls(read_neuron(circuit.neuron), *map(read_rule, rules))

    def teaching(self, learned: Iterable[str]) -> list[Rule]:
        """The rules by which these weights learn."""
        teaching = {TAUGHT_BY[name] for name in learned}
        return [getattr(self, name) for name in dict.fromkeys(TAUGHT_BY.values()) if name in teaching]

    def parameters(self, circuit: Circuit) -> dict[str, object]:
        """Every parameter of the circuit with its default value (a Brian2 quantity where it has a unit)."""
        merged = dict(self.neuron.parameters)
        for rule in self.teaching(circuit.learn):
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
    inputs : dict of str to Parameter, Bias or Projection
        What has to be set before a run, by 'object.variable'.
    learned : dict of str to str
        The variables that hold the learned weights, by the weights' names.
    tables : dict of str to str
        The units of the records that the tape keeps by their names, 'error' first.
    conditions : dict of str to str
        When the program runs an object, by name, in words of the tape; always where nothing is said.
    """

    network: Network
    inputs: dict[str, Parameter | Bias | Projection]
    learned: dict[str, str]
    tables: dict[str, str]
    conditions: dict[str, str]

    @property
    def spiking(self) -> bool:
        """Whether the neurons spike, and 'neurons.total' counts it."""
        return "spikes" in self.tables

    def variable(self, name: str) -> Variable:
        """The Brian2 variable of an 'object.variable'."""
        owner, variable = name.split(".")
        return next(thing for thing in self.network.objects if thing.name == owner).variables[variable]


def assemble(
    job: Job,
    models: Models,
    functions: Mapping[str, object],
    layout: Layout,
    program: bool,
    dense: bool = True,
) -> Assembly:
    """Build the Brian2 objects of a job.

    Parameters
    ----------
    job : Job
        What is run; only its shapes count here.
    models : Models
        The neuron and the rules, read and checked.
    functions : mapping of str to callable
        Those of the tape (stimulus, target, learning, ...).
    layout : Layout
        How the networks lie in memory.
    program : bool
        For a program of our own loop (dense projections; the program itself moves stimuli and scores), or for Brian2's
        runtime mode.
    dense : bool
        Whether a program runs projections as dense loops where it can.
    """
    return _Assembler(job, models, functions, layout, program, dense and program).assembly()


class _Assembler:
    """The objects of a circuit while they are being made."""

    def __init__(
        self,
        job: Job,
        models: Models,
        functions: Mapping[str, object],
        layout: Layout,
        program: bool,
        dense: bool,
    ):
        self.job, self.circuit, self.models = job, job.circuit, models
        self.layout, self.program, self.dense = layout, program, dense
        self.n, self.m, self.c = job.circuit.neurons, job.x.shape[-1], job.y.shape[-1]
        self.namespace = {**functions, "step": STEP * second}
        method = one_of("method", job.circuit.method or models.neuron.method, StateUpdateMethod.stateupdaters)
        self.clock = Clock(dt=STEP / job.circuit.substeps * second, name="steps")
        check_random(models, "standalone" if dense else "runtime" if not program else "Brian2's own path")
        self.options = {"method": method, "clock": self.clock, "namespace": self.namespace}
        """What Brian2 is told of every group and every projection."""
        self.objects: list[object] = []
        self.inputs: dict[str, Parameter | Bias | Projection] = {}
        self.learned: dict[str, str] = {}
        self.conditions: dict[str, str] = {}

    def assembly(self) -> Assembly:
        learn = set(self.circuit.learn)
        rule, readout_rule = self.models.rule, self.models.readout_rule
        neurons = self.neurons()
        inputs = self.shown("inputs", self.m, "x : 1\nactivity = x : 1", "U")
        outputs = self.outputs(readout_rule.parameters if learn & {"V", "c"} else {})
        self.project("W", neurons, neurons, "w*sent_pre", "drive", "drive", rule)
        self.project("U", inputs, neurons, "w*sent_pre", self.input, "drive", rule)
        if self.circuit.returned:
            self.project("F", outputs, neurons, "w*prediction_pre", "returned", "drive")
        self.project("V", neurons, outputs, "w*activity_pre", "readout", "readout", readout_rule)
        self.project("B", outputs, neurons, "w*err_pre", "feedback", "feedback", self.models.feedback_rule)
        if learn & {"b", "c"}:
            # a unit of constant activity, whose weights are the biases that learn
            unit = self.shown("unit", 1, "activity = 1 : 1", "b", "c")
            if "b" in learn:
                self.project("b", unit, neurons, "w*sent_pre", self.bias, "drive", rule)
            if "c" in learn:
                self.project("c", unit, outputs, "w*activity_pre", "offset", "readout", readout_rule)
        if self.circuit.loss == "cross-entropy":
            self.synapses("softmax", outputs, outputs, "exp(score_pre - score_post)", "total", "softmax")
        if "loss" in neurons.variables:
            self.synapses("loss", outputs, neurons, "cost_pre", "loss", "feedback")
        if not self.program:
            self.regularly(inputs, "x = stimulus(i, t_in_timesteps)", "stimulus")
            self.regularly(outputs, "target = shown(i, t_in_timesteps)", "stimulus")
        added = [*self.traces("W", "U", "b", "V", "c"), *(each.postsynaptic for each in self.rules("W", "U", "b"))]
        traces = [states_of(Equations(text)) for text in added if text.strip()]
        tables = ["error", "activity", "feedback", *(name for names in traces for name in names)]
        if self.models.neuron.threshold:
            tables += ["spikes", *states_of(Equations(self.models.neuron.equations))]
        records = "\n".join(f"t{k} = trace({k}, i, t_in_timesteps, {name})" for k, name in enumerate(tables[1:], 1))
        self.regularly(neurons, records, "record", "tape.tracing")
        self.regularly(outputs, "t0 = trace(0, i, t_in_timesteps, err)", "record", "tape.tracing")
        units = {name: neurons.variables[name].unit for name in tables if name != "error"}
        units = {"error": "1"} | {name: "1" if unit.is_dimensionless else str(unit) for name, unit in units.items()}
        return Assembly(Network(*self.objects), self.inputs, self.learned, units, self.conditions)

    def rules(self, *taught: str) -> list[Rule]:
        """The rules that teach any of these weights here."""
        return self.models.teaching(set(taught) & set(self.circuit.learn))

    def traces(self, *taught: str) -> list[str]:
        """The equations that presynaptic neurons of these weights get."""
        return [rule.trace for rule in self.rules(*taught)]

    def neurons(self) -> NeuronGroup:
        """The neurons of the circuit."""
        neuron, rule = self.models.neuron, self.models.rule
        everything = ("W", "U", "b", "V", "c")
        equations = [neuron.equations, *self.traces(*everything), "drive : 1", f"{self.input} : 1", "feedback : 1"]
        equations += ["returned : 1", f"input = {self.input} + returned : 1"] if self.circuit.returned else []
        equations += [f"{self.bias} : 1{'' if 'b' in self.circuit.learn else ' (constant)'}"]
        if neuron.activations:
            activation = neuron.activations[
                one_of(f"activation of {self.circuit.neuron}", self.circuit.activation, neuron.activations)
            ]
            equations += [f"f = {activation.f} : 1", f"f_prime = {activation.f_prime} : 1"]
        stored, begins, kept, lines = self.sending()
        equations[0] = "\n".join(lines)
        if neuron.threshold:
            equations += ["spiked : 1", "spikes : 1", "total : 1"]
        if neuron.pseudo_derivative:
            equations += ["psi : 1", "f_prime = psi : 1"]
        if self.perturbs:
            equations += ["perturbation : 1", f"bias = {self.bias} + perturbation : 1"]
        equations += [each.postsynaptic for each in self.rules("W", "U", "b")]
        asked = words(*(text for each in self.rules(*everything) for text in each.texts))
        for name in ("loss", "sent_sum"):
            if asked & {name, f"{name}_post"}:
                equations += [f"{name} : 1"]
        equations += [
            f"{name} : 1" for each in self.rules(*everything) for one in each.connections for name in one.sums
        ]
        initial = {**neuron.initial, **begins}
        written = kept + "\n".join(equations)
        made = self.group("neurons", self.n, written, self.neuron_parameters(), initial, neuron.refractory)
        if "b" not in self.circuit.learn:
            self.inputs[f"neurons.{self.bias}"] = Bias("b", self.n)
        if self.perturbs:
            code = f"perturbation = choose(learning(t_in_timesteps) > 0, {rule.perturbation}, 0)"
            self.regularly(made, code, "perturbation")
        code = [spike_code(neuron)] if neuron.threshold else []
        code += [f"{name} = {value}" for name, value in stored.items()]
        code += ["sent_sum = sent_sum + sent*dt/step"] if "sent_sum" in made.variables else []
        if code:
            self.regularly(made, "\n".join(code), "spike")
        self.connect(made, *everything)
        return made

    def sending(self) -> tuple[dict[str, str], dict[str, str], Equations, list[str]]:
        """What neurons show and send: code of each step, values at the start, their other equations, and new ones."""
        neuron, delay = self.models.neuron, self.circuit.delay
        defined = Equations(neuron.equations)
        if "activity" not in defined:
            raise InputError(f"{neuron.path}: the neuron defines no 'activity'; write for example 'activity = o : 1'")
        if "sent" in defined and defined["sent"].type != SUBEXPRESSION:
            raise InputError(f"{line_of(neuron, 'sent')}: sent is no expression; write for example 'sent = z : 1'")
        stored, sends = computed(defined), defined["sent"].expr.code if "sent" in defined else "activity"
        begins, kept = dict(stored), without(defined, {*stored, "sent"})
        if delay:
            # what was sent goes from place to place, one a step
            line = [f"late_{step}" for step in range(delay)]
            shifts = dict(zip(["sent", *reversed(line)], [*reversed(line), sends], strict=True))
            stored = {name: value for name, value in stored.items() if name != "sent"} | shifts
            begins |= dict.fromkeys(shifts, "0")
        alias = [] if "sent" in stored else [f"sent = {sends} : 1"]
        return stored, begins, kept, [f"{name} : 1" for name in stored] + alias

    def neuron_parameters(self) -> dict[str, object]:
        """The parameters that the neurons hold: their own, and those of rules as far as they are asked for there."""
        parameters = dict(self.models.neuron.parameters)
        for rule in self.rules("W", "U", "b", "B"):
            parameters |= rule.parameters
        for rule in self.rules("V", "c"):
            here = words(rule.trace, *(text for one in rule.connections for text in one.texts))
            parameters |= {key: value for key, value in rule.parameters.items() if key in here}
        return parameters

    def connect(self, group: NeuronGroup, *taught: str) -> None:
        """The connections within a group that the rules of these weights need."""
        for each in self.rules(*taught):
            for number, one in enumerate(each.connections, 1):
                (variable, value), *_ = one.sums.items()
                slot = "drive" if one.when == "drive" else f"sums {number}"
                name = f"{group.name}_{variable}"
                synapses, block = self.synapses(name, group, group, value, variable, slot, one.equations, one.pairs)
                if one.initial == "identity":
                    self.inputs[f"{synapses.name}.{changing(Equations(one.equations))[0]}"] = Identity(block)
                if one.update:
                    self.regularly(synapses, one.update, "update", "tape.learns")

    @property
    def perturbs(self) -> bool:
        """Whether the rule perturbs the neurons."""
        return bool(self.models.rule.perturbation.strip() and self.rules("W", "U", "b"))

    @property
    def input(self) -> str:
        """The variable of a neuron that the stimulus goes to."""
        return "shown_input" if self.circuit.returned else "input"

    @property
    def bias(self) -> str:
        """The variable of a neuron that the weights b go to."""
        return "steady_bias" if self.perturbs else "bias"

    def shown(self, name: str, size: int, equations: str, *taught: str) -> NeuronGroup:
        """Neurons whose activity is given, with the traces and connections of the rules that teach their weights."""
        rules = self.rules(*taught)
        connections = [one for rule in rules for one in rule.connections]
        here = words(*self.traces(*taught), *(text for one in connections for text in one.texts))
        possible = dict(self.models.neuron.parameters)
        for rule in rules:
            possible |= rule.parameters
        sums = [f"{name} : 1" for one in connections for name in one.sums]
        equations = "\n".join([equations, "sent = activity : 1", *self.traces(*taught), *sums])
        made = self.group(name, size, equations, {key: value for key, value in possible.items() if key in here})
        self.connect(made, *taught)
        return made

    def outputs(self, parameters: Mapping[str, object]) -> NeuronGroup:
        """The read-out, its target and its error."""
        entropy = self.circuit.loss == "cross-entropy"
        equations = ["readout : 1", "offset : 1", "prediction : 1", "err : 1", "target : 1"]
        equations += ["score = readout + offset : 1", "total : 1"] if entropy else []
        surprise = "choose(known(target), -target*log(prediction), 0)"
        equations += [f"cost = {surprise if entropy else '0.5*err**2'} : 1"]
        made = self.group("outputs", self.c, "\n".join(equations), parameters)
        if "c" not in self.circuit.learn:
            self.inputs["outputs.offset"] = Bias("c", self.c)
        code = f"prediction = {'1/total' if entropy else 'readout + offset'}"
        code += "\nerr = choose(known(target), prediction - target, 0)"
        if not self.program:
            code += "\nkept = keep(i, t_in_timesteps, prediction, err, target)"
        self.regularly(made, code, "error")
        return made

    def group(
        self,
        name: str,
        size: int,
        equations: str | Equations,
        parameters: Mapping[str, object],
        initial: Mapping[str, str] = MappingProxyType({}),
        refractory: str = "",
    ) -> NeuronGroup:
        """R x `size` neurons whose parameters are inputs of the run, and whose states begin anew with a trajectory."""
        declared = "".join(f"\n{key} : {unit_of(value)} (constant)" for key, value in parameters.items())
        options = {**self.options, "name": name}
        if refractory:
            options["refractory"] = refractory
        if self.dense:
            made = DenseNeurons(
                size, equations + declared, self.layout, jumps=("spiked", "activity", "sent"), **options
            )
        else:
            made = NeuronGroup(self.layout.replicates * size, equations + declared, **options)
        self.objects.append(made)
        self.inputs |= {f"{name}.{key}": Parameter(key, size, name == "neurons") for key in parameters}
        if made.state_updater is not None:
            made.state_updater.when, made.state_updater.order = SLOTS["state"]
        for state in set(initial) - set(made.variables):
            raise InputError(f"{line_of(self.models.neuron, state)}: the neuron has no {state!r} that could start anew")
        begin = {state: "0" for state in states_of(made.equations) if state not in initial}
        moving = ("spiked", "spikes", "psi", "sent_sum", *(("prediction",) if self.circuit.returned else ()))
        begin |= {name: "0" for name in moving if name in made.variables}
        begin |= initial
        if refractory:
            begin["lastspike"] = "-10000*second"
        if begin:
            # first, since Brian2 lets nothing be written to what is `unless refractory` while this is false
            code = ["not_refractory = not_refractory or starting(t_in_timesteps) > 0"] if refractory else []
            code += [f"{state} = choose(starting(t_in_timesteps), {value}, {state})" for state, value in begin.items()]
            self.regularly(made, "\n".join(code), "restart", "tape.starting")
        return made

    def project(
        self,
        name: str,
        source: NeuronGroup,
        target: NeuronGroup,
        value: str,
        variable: str,
        slot: str,
        rule: Rule | None = None,
    ) -> None:
        """The projection of the weights `name`, all-to-all within each network; it learns by `rule` where it learns."""
        rule = rule if name in self.circuit.learn else None
        equations, traces = "w : 1\n", []
        if rule is not None:
            equations += """
                elapsed = since_start(t_in_timesteps) : 1 (shared)
                steps = steps_shown(t_in_timesteps) : 1 (shared)
                """
            equations += rule.eligibility
            traces = changing(Equations(rule.eligibility)) if rule.eligibility.strip() else []
            kept = ("change", *OPTIMISER_STATE[self.job.optimiser]) if self.gathers else ()
            equations += "".join(f"\n{name} : 1" for name in kept)
            if self.job.constraints and name in ("W", "U"):
                equations += "\nw_sign : 1 (constant)"
        synapses, block = self.synapses(name, source, target, value, variable, slot, equations)
        self.inputs[f"{synapses.name}.w"] = Projection(name, block)
        if "w_sign" in synapses.variables:
            self.inputs[f"{synapses.name}.w_sign"] = Sign(name, block)
        if rule is None:
            return
        self.learned[name] = f"{synapses.name}.w"
        # what a rule keeps begins anew with each trajectory, so it need not run where nothing is learned
        gated = self.program and assigned(rule.update) & set(synapses.variables) <= {"w", *traces}
        learns = "tape.learns" if gated else "true"
        if synapses.state_updater is not None:
            synapses.state_updater.when, synapses.state_updater.order = SLOTS["eligibility"]
            self.conditions[synapses.state_updater.name] = learns
        limits = self.limits(name)
        code = update_code(rule, self.gathers, limits, scaled=not gated or self.circuit.substeps > 1)
        update = self.regularly(synapses, code, "update", learns)
        finish = finish_code(rule, traces, limits, self.gathers, self.job.optimiser, self.job.epsilon)
        if finish:
            self.regularly(synapses, finish, "finish", f"(tape.updating || tape.ending) && {learns}")
        summed = synapses.summed_updaters[f"{variable}_post"]
        early = self.dense and slot == "drive" and not (self.gathers and self.job.update == "step")
        both = fused(update, summed, SLOTS["fused"], f"{synapses.name}_fused") if early else None
        if both is not None:
            synapses.contained_objects.append(both)
            self.conditions[both.name] = f"driven = {learns} && !tape.ending"
            self.conditions[update.name] = f"{learns} && tape.ending"
            self.conditions[summed.name] = "!driven"

    def synapses(
        self,
        name: str,
        source: NeuronGroup,
        target: NeuronGroup,
        value: str,
        variable: str,
        slot: str,
        equations: str = "",
        pairs: str = "all",
    ) -> tuple[Synapses, Block]:
        """Synapses within each network, all to all or each to itself, which sum `value` to a variable of the target."""
        R = self.layout.replicates
        pre, post = source.N // R, target.N // R
        equations += f"\n{variable}_post = {value} : 1 (summed)\n"
        options = {**self.options, "name": f"projection_{name}"}
        if self.dense:
            synapses = DenseSynapses(source, target, equations, pairs, **options)
            block = synapses.block
        else:
            block = Block(self.layout, pre, post, "self" if pairs == "self" else "post")
            synapses = Synapses(source, target, equations, **options)
            synapses.connect(j="i" if pairs == "self" else f"(i//{pre})*{post} + k for k in range({post})")
        self.objects.append(synapses)
        summed = synapses.summed_updaters[f"{variable}_post"]
        summed.when, summed.order = SLOTS[slot]
        return synapses, block

    @property
    def gathers(self) -> bool:
        """Whether the changes of w wait for an update at the end of a step, a trajectory or a batch."""
        return self.job.update != "step" or self.job.optimiser != "sgd"

    def limits(self, name: str) -> list[str]:
        """The code that keeps the weights `name` within the constraints of the protocol."""
        if name not in ("W", "U"):
            return []
        sparse = ["w = choose(w_sign == 0, w_before, w)"] if "sparse" in self.job.constraints else []
        dale = ["w = choose(w*w_sign < 0, 0, w)"] if "dale" in self.job.constraints else []
        bound = [f"w = clip(w, -{self.job.bound!r}, {self.job.bound!r})"] if self.job.bound is not None else []
        return sparse + dale + bound

    def regularly(self, group: NeuronGroup | Synapses, code: str, slot: str, condition: str = "true") -> CodeRunner:
        """Run `code` in every step, in a slot of the step; the program may run it under a condition only."""
        when, order = SLOTS[slot]
        runner = group.run_regularly(code, when=when, order=order, name=f"{group.name}_{slot}", clock=group.clock)
        self.conditions[runner.name] = condition
        return runner


def check_random(models: Models, engine: str) -> None:
    """Refuse random numbers that could not be drawn for each network alone, whoever runs beside it."""
    for model in (models.neuron, models.rule, models.readout_rule, models.feedback_rule):
        written = words(*model.texts)
        drawn = written & {"rand", "randn", "xi"} | {word for word in written if word.startswith("xi_")}
        other = written & {"poisson", "binomial"}
        if drawn and engine != "standalone":
            raise InputError(
                f"{line_of(model, min(drawn))}: {min(drawn)} needs engine 'standalone' and dense projections"
            )
        if other:
            raise InputError(
                f"{line_of(model, min(other))}: {min(other)} cannot be seeded; draw from rand() or randn()"
            )


def dense_can(rule: Rule) -> bool:
    """Whether a rule's update may run in dense loops: it writes variables of the synapse alone."""
    foreign = sorted(word for word in assigned(rule.update) if word.endswith(("_pre", "_post")))
    if foreign:
        logger.info("%s writes %s: projections run on Brian2's own path", rule.path, ", ".join(foreign))
    return not foreign


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
    if text.startswith("Refractory"):
        return InputError(f"{line_of(models.neuron, 'refractory')}: {text}")
    quoted = re.findall(r"['\"]([^'\"]+)['\"]", text)
    sources = [models.rule, models.neuron, models.readout_rule, models.feedback_rule]
    for word in sorted(quoted, key=len):
        for model in sources:
            where = line_of(model, word)
            if ", line " in where:
                return InputError(f"{where}: {text}")
    return InputError(f"{models.rule.path}: {text}")
