"""Circuit -> Brian2 objects. The order inside a time step is that of `autapse_sim.engines.brian.assembly.order`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from brian2 import Clock, Equations, Network, NeuronGroup
from brian2.core.variables import Variable
from brian2.groups.group import CodeRunner

from autapse_sim.engines.brian.assembly.carried import carried
from autapse_sim.engines.brian.assembly.lasting import Lasting
from autapse_sim.engines.brian.assembly.neurons import build_neurons, build_outputs, build_shown
from autapse_sim.engines.brian.assembly.order import When
from autapse_sim.engines.brian.assembly.parts import Input, Parts
from autapse_sim.engines.brian.assembly.plan import EVERYTHING, Plan
from autapse_sim.engines.brian.assembly.projections import project
from autapse_sim.engines.brian.assembly.statements import OURS, changing
from autapse_sim.engines.brian.dense.layout import Layout
from autapse_sim.spec.job import Job
from autapse_sim.spec.language import Statement
from autapse_sim.spec.library import Models
from autapse_sim.spec.scopes import check_models


@dataclass(frozen=True)
class Assembly:
    """The Brian2 objects of a circuit.

    Parameters
    ----------
    network : Network
        All objects, in the order of `SLOTS`.
    clock : Clock
        That of all objects.
    inputs : dict of str to Parameter, Bias, Projection, ...
        What has to be set before a run, by 'object.variable'.
    learned : dict of str to str
        The variables that hold the learned weights, by the weights' names.
    tables : dict of str to str
        The units of the records that the tape keeps by their names, 'error' first.
    conditions : dict of str to When
        When an object runs, by name; always where nothing is said.
    names : frozenset of str
        All names that the models of the circuit define.
    lasting : dict of str to Lasting
        What goes on from trajectory to trajectory beside the weights that learn.
    apart : dict of str to str
        Why weights that learn do not change and get summed in one pass, by their names; '' where they do.
    """

    network: Network
    clock: Clock
    inputs: dict[str, Input]
    learned: dict[str, str]
    tables: dict[str, str]
    conditions: dict[str, When]
    names: frozenset[str]
    lasting: dict[str, Lasting]
    apart: dict[str, str]

    @property
    def spiking(self) -> bool:
        """Whether the neurons spike, and 'neurons.autapse_total' counts it."""
        return "spikes" in self.tables

    def variable(self, name: str) -> Variable:
        """The Brian2 variable of an 'object.variable'."""
        owner, variable = name.split(".")
        return next(thing for thing in self.network.objects if thing.name == owner).variables[variable]

    def runners(self) -> list[CodeRunner]:
        """All that runs in a step."""
        inside = [part for thing in self.network.objects for part in thing.contained_objects]
        return [each for each in inside if isinstance(each, CodeRunner)]


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
        The neuron and the rules, read.
    functions : mapping of str to callable
        Those of the tape (autapse_stimulus, autapse_target, choose, ...).
    layout : Layout
        How the networks lie in memory.
    program : bool
        For a program of our own loop (dense projections; the program itself moves stimuli and scores), or for Brian2's
        runtime mode.
    dense : bool
        Whether a program runs projections as dense loops.
    """
    check_models(models, job.circuit, job.channels)
    return assembled(Plan(job, models, Parts(job, models, functions, layout, program, dense and program)))


def assembled(plan: Plan) -> Assembly:
    """The objects of a circuit, made from what they need."""
    learn, circuit = set(plan.circuit.learn), plan.circuit
    neurons = build_neurons(plan)
    inputs = build_shown(plan, "inputs", ["autapse_x : 1", "activity = autapse_x : 1"], "U")
    outputs = build_outputs(plan, plan.models.readout_rule.parameters if learn & {"V", "c"} else {})
    project(plan, "W", neurons, neurons, {"drive": "w*sent_pre", **plan.models.neuron.sums}, "drive")
    project(plan, "U", inputs, neurons, {plan.input: "w*sent_pre"}, "drive")
    if circuit.returned:
        project(plan, "F", outputs, neurons, {"autapse_returned": "w*prediction_pre"}, "drive")
    project(plan, "V", neurons, outputs, {"autapse_readout": "w*activity_pre"}, "readout")
    project(plan, "B", outputs, neurons, {"feedback": "w*err_pre"}, "feedback")
    if learn & {"b", "c"}:
        # a unit of constant activity, whose weights are the biases that learn
        unit = build_shown(plan, "unit", ["activity = 1 : 1"], "b", "c")
        if "b" in learn:
            project(plan, "b", unit, neurons, {plan.bias: "w*sent_pre"}, "drive")
        if "c" in learn:
            project(plan, "c", unit, outputs, {"autapse_offset": "w*activity_pre"}, "readout")
    if circuit.loss == "cross-entropy":
        total = {"autapse_total": "exp(autapse_score_pre - autapse_score_post)"}
        plan.parts.synapses("softmax", outputs, outputs, total, "softmax")
    if "loss" in neurons.variables:
        plan.parts.synapses("loss", outputs, neurons, {"loss": "autapse_cost_pre"}, "feedback")
    if not plan.parts.program:
        plan.parts.regularly(outputs, [Statement("target", "", "autapse_target(i, t_in_timesteps)")], "stimulus")
    tables = keep_records(plan, neurons, outputs)
    defined = frozenset(plan.asked | {*plan.models.neuron.parameters})
    return Assembly(
        Network(*plan.parts.objects),
        plan.parts.options["clock"],
        plan.parts.inputs,
        plan.learned,
        tables,
        plan.parts.conditions,
        defined,
        carried(plan.parts.objects, plan.parts.blocks, plan.size, plan.models, plan.job.reset),
        plan.parts.apart,
    )


def keep_records(plan: Plan, neurons: NeuronGroup, outputs: NeuronGroup) -> dict[str, str]:
    """Keep what is recorded of traced networks; the units of the records by their names."""
    added = [*(rule.trace for rule in plan.rules(*EVERYTHING)), *plan.postsynaptic]
    kept = [name for text in added for name in changing(Equations(text))]
    kept += changing(Equations(plan.models.neuron.equations)) if plan.models.neuron.threshold else []
    variables = {"activity": "activity", "feedback": "feedback"} | {name: name for name in kept}
    if plan.models.neuron.threshold:
        variables["spikes"] = OURS["spikes"]
    code = [
        Statement(f"autapse_t{k}", "", f"autapse_trace({k}, i, t_in_timesteps, {name})")
        for k, name in enumerate(variables.values(), 1)
    ]
    plan.parts.regularly(neurons, code, "record", When.TRACING)
    error = Statement("autapse_t0", "", "autapse_trace(0, i, t_in_timesteps, err)")
    plan.parts.regularly(outputs, [error], "record", When.TRACING)
    units = {name: neurons.variables[variable].unit for name, variable in variables.items()}
    return {"error": "1"} | {name: "1" if unit.is_dimensionless else str(unit) for name, unit in units.items()}
