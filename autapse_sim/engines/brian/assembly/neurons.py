"""The groups of a circuit: its neurons, what is shown to them, its read-out, and what connects a group to itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from brian2 import Equations, NeuronGroup

from autapse_sim.engines.brian.assembly.equations import Draws, draws_in, rebuilt
from autapse_sim.engines.brian.assembly.events import begin_kept, exactly, jump, kept_equations
from autapse_sim.engines.brian.assembly.order import When
from autapse_sim.engines.brian.assembly.plan import EVERYTHING, Plan
from autapse_sim.engines.brian.assembly.stages import moving_within
from autapse_sim.engines.brian.assembly.statements import (
    OURS,
    changing,
    computed,
    reset_code,
    spike_code,
    without,
)
from autapse_sim.engines.brian.assembly.still import taken_apart
from autapse_sim.engines.brian.program import Bias, Identity
from autapse_sim.spec.events import shows_spikes
from autapse_sim.spec.language import Statement, names, renamed, statements
from autapse_sim.spec.library import connected
from autapse_sim.spec.model import Rule


def build_neurons(plan: Plan) -> NeuronGroup:
    """The neurons of the circuit."""
    neuron, size, words = plan.models.neuron, plan.size["neurons"], plan.words("neurons")
    stored, kept, alias = sending(plan)
    shown = {name: renamed(value, words) for name, value in stored.items()}
    own = words | {name: value for name, value in shown.items() if not draws_in(value)}
    within = moving_within(neuron, plan.circuit, plan.parts.method, shown)
    equations = [f"{name} : 1" for name in stored] + alias + [*rebuilt(kept, own), *provided(plan, within)]
    if neuron.activations:
        activation = neuron.activations[plan.circuit.activation]
        equations += [f"{name} = {renamed(getattr(activation, name), own)} : 1" for name in ("f", "f_prime")]
    defined = Equations("\n".join(equations))
    late, shared = plan.delays.registers(defined), plan.kept_in("neurons")
    plan.parts.jumps += late.names
    begin = [Statement(name, "", "0") for name in moving(plan) if name in defined]
    initial = {name: renamed(value, own) for name, value in neuron.initial.items()}
    begin += plan.begin("neurons", [kept, *map(Equations, plan.postsynaptic)], initial, stored)
    begin += [Statement(name, "", value) for name, value in late.begin.items()]
    made = plan.parts.group(
        "neurons",
        size,
        [*equations, *late.equations, *kept_equations(shared)],
        neuron_parameters(plan),
        begin + begin_kept(shared),
        renamed(neuron.refractory, own),
        plan.numbered,
        exactly(shared),
    )
    plan.parts.inputs |= late.inputs
    if "b" not in plan.circuit.learn:
        plan.parts.inputs[f"neurons.{plan.bias}"] = Bias("b", size)
    draws = Draws("neurons", size)
    if plan.perturbs:
        value = Draws("neurons.perturbation", size)(renamed(plan.models.rule.perturbation, words))
        code = [Statement("perturbation", "", f"autapse_only({OURS['learns']}, {value})")]
        plan.parts.regularly(made, code, "perturbation")
    mine = {each.name: f"autapse_own_{each.name}" for each in statements(neuron.reset) if each.name not in kept}
    reset = statements(renamed(neuron.reset, {**own, **mine}))
    spike = [each.renamed(own) for each in spike_code(neuron)] if neuron.threshold else []
    code = reset_code(neuron, reset) if neuron.threshold else []
    code += [Statement(name, "", value) for name, value in shown.items()]
    code += [Statement("sent_sum", "", "sent_sum + sent*dt/step")] if "sent_sum" in made.variables else []
    spike, code = draws.drawn(spike), draws.drawn(code)
    # one pass over the neurons, but where something happens between a spike and its reset
    apart = plan.happens
    for slot, lines in (
        ("spike", spike + (late.spikes if apart else [*code, *late.spikes, *late.code])),
        ("reset", [*code, *late.code] if apart else []),
    ):
        if lines:
            plan.parts.regularly(made, lines, slot)
    jump(plan, made)
    connect(plan, made, *EVERYTHING)
    leave(plan, made)
    return made


def moving(plan: Plan) -> list[str]:
    """What the circuit provides to its neurons and is 0 where a trajectory starts, until it is computed."""
    learned = [plan.bias] if "b" in plan.circuit.learn else []
    ours = ("spiked", OURS["spikes"], OURS["psi"], "sent_sum", "feedback", "loss", "perturbation")
    return [*ours, "drive", plan.input, "autapse_returned", *learned, *plan.models.neuron.sums, *plan.sums("neurons")]


def provided(plan: Plan, within: Mapping[str, str]) -> list[str]:
    """The equations of what the circuit provides to its neurons, and of its rules, to which some names are `within`."""
    neuron = plan.models.neuron
    lines = ["drive : 1", f"{plan.input} : 1", "feedback : 1"]
    lines += ["autapse_returned : 1", f"input = {plan.input} + autapse_returned : 1"] * plan.circuit.returned
    lines += [f"{plan.bias} : 1{'' if 'b' in plan.circuit.learn else ' (constant)'}"]
    lines += ["perturbation : 1", f"bias = {plan.bias} + perturbation : 1"] * plan.perturbs
    if neuron.threshold:
        lines += ["spiked : 1", f"{OURS['spikes']} : 1", f"{OURS['total']} : 1"]
    if neuron.pseudo_derivative:
        lines += [f"{OURS['psi']} : 1", f"f_prime = {OURS['psi']} : 1"]
    lines += [f"{name} : 1" for name in ("loss", "sent_sum") if plan.asked & {name, f"{name}_post", f"{name}_pre"}]
    lines += [f"{name} : 1" for name in (*neuron.sums, *plan.sums("neurons"))]
    words = {**plan.words("neurons"), **within}
    for rule in plan.rules(*EVERYTHING):
        lines += rebuilt(Equations(rule.trace), words)
    for text in plan.postsynaptic:
        lines += rebuilt(Equations(text), words)
    return lines + [f"autapse_left_{name} : {unit}" for name, unit in plan.left("neurons").items()]


def sending(plan: Plan) -> tuple[dict[str, str], Equations, list[str]]:
    """What neurons show and send where it is computed, their other equations, and another name where it is not."""
    defined = Equations(plan.models.neuron.equations)
    stored = computed(defined)
    sends = defined["sent"].expr.code if "sent" in defined else "activity"
    alias = [] if "sent" in stored else [f"sent = {renamed(sends, plan.words('neurons'))} : 1"]
    return stored, without(defined, {*stored, "sent"}), alias


def neuron_parameters(plan: Plan) -> dict[str, object]:
    """The parameters that the neurons hold: their own, and those of rules as far as they are asked for there."""
    parameters = dict(plan.models.neuron.parameters)
    for rule in plan.rules("W", "U", "b", "B"):
        parameters |= rule.parameters
    for rule in plan.rules("V", "c"):
        here = read_here([rule], "neurons")
        parameters |= {key: value for key, value in rule.parameters.items() if key in here}
    return parameters


def read_here(rules: Iterable[Rule], group: str) -> set[str]:
    """The names that the traces and connections of rules read in a group, but for what a connection has itself."""
    found = set()
    for rule in rules:
        found |= names(rule.trace)
        for _, one in connected(rule, group):
            found |= names(*one.texts) - {*Equations(one.equations), *(each.name for each in statements(one.update))}
    return found


def build_shown(plan: Plan, name: str, equations: list[str], *taught: str) -> NeuronGroup:
    """Neurons whose activity is given, with the traces and connections of the rules that teach their weights."""
    rules, kept = plan.rules(*taught), plan.kept_in(name)
    here = read_here(rules, name)
    here |= names(*kept_equations(kept), *(text for each in kept for text in (each.initial, *map(str, each.jumps))))
    possible = dict(plan.models.neuron.parameters)
    for rule in rules:
        possible |= rule.parameters
    traces = [line for rule in rules for line in rebuilt(Equations(rule.trace), plan.words(name))]
    sums = plan.sums(name)
    equations = [*equations, "sent = activity : 1", *traces, *(f"{each} : 1" for each in sums)]
    spikes = name == "inputs" and shows_spikes(plan.models.rule, plan.circuit.learn)
    equations += ["spiked : 1"] * spikes
    equations += [f"autapse_left_{each} : {unit}" for each, unit in plan.left(name).items()]
    parameters = {key: value for key, value in possible.items() if key in here}
    equations += kept_equations(kept)
    begin = [Statement(each, "", "0") for each in sums] + plan.begin(name, [], {}, {}) + begin_kept(kept)
    numbered, exact = plan.numbered, exactly(kept)
    made = plan.parts.group(name, plan.size[name], equations, parameters, begin, numbered=numbered, exactly=exact)
    code = []
    if name == "inputs" and not plan.parts.program:
        code += [Statement("autapse_x", "", "autapse_stimulus(i, t_in_timesteps)")]
    code += [Statement("spiked", "", f"int(autapse_x != 0)*{OURS['fresh']}")] * spikes
    if code:
        plan.parts.regularly(made, code, "stimulus")
    jump(plan, made)
    connect(plan, made, *taught)
    leave(plan, made)
    return made


def build_outputs(plan: Plan, parameters: Mapping[str, object]) -> NeuronGroup:
    """The read-out, its target and its error."""
    entropy = plan.circuit.loss == "cross-entropy"
    equations = [f"{name} : 1" for name in ("autapse_readout", "autapse_offset", "prediction", "err", "target")]
    equations += ["autapse_score = autapse_readout + autapse_offset : 1", "autapse_total : 1"] if entropy else []

    def counted(value: str) -> str:
        return f"choose(autapse_known(target), {value}, 0)" if plan.job.masked else value

    surprise = counted("-target*log(prediction)")
    equations += [f"autapse_cost = {surprise if entropy else '0.5*err**2'} : 1"]
    begin = statements("prediction = 0; err = 0")
    made = plan.parts.group("outputs", plan.size["outputs"], equations, parameters, begin, numbered=plan.numbered)
    if "c" not in plan.circuit.learn:
        plan.parts.inputs["outputs.autapse_offset"] = Bias("c", plan.size["outputs"])
    code = statements(f"prediction = {'1/autapse_total' if entropy else 'autapse_readout + autapse_offset'}")
    code += statements(f"err = {counted('prediction - target')}")
    if not plan.parts.program:
        code += statements("autapse_kept = autapse_keep(i, t_in_timesteps, prediction, err, target)")
    plan.parts.regularly(made, code, "error")
    return made


def leave(plan: Plan, group: NeuronGroup) -> None:
    """What happens in the neurons of a group at the end of each training trajectory."""
    words, code = plan.words(group.name), []
    for rule in plan.rules("W", "U", "b") if group.name == "neurons" else ():
        states = changing(Equations(rule.postsynaptic))
        found = statements(rule.finish_postsynaptic)
        mine = {each.name: f"autapse_own_{each.name}" for each in found if each.name not in states}
        draws = Draws("neurons.finish_postsynaptic", plan.size["neurons"])
        code += statements(draws(renamed(rule.finish_postsynaptic, {**words, **mine})))
    code += [Statement(f"autapse_left_{name}", "", name) for name in plan.left(group.name)]
    if code:
        plan.parts.regularly(group, code, "leave", When.LEARNED)


def connect(plan: Plan, group: NeuronGroup, *taught: str) -> None:
    """The connections within a group that the rules of these weights need."""
    size = plan.size[group.name]
    for each in plan.rules(*taught):
        for number, one in connected(each, group.name):
            (variable, _), *_ = one.sums.items()
            slot = "drive" if one.when == "drive" else f"sums {number}"
            equations, draws = Equations(one.equations), Draws(f"{group.name}.{variable}", size, size)
            own = {name: f"autapse_own_{name}" for name in (*equations, *(s.name for s in statements(one.update)))}
            words = {**plan.synapse_words(group.name, group.name, one.pairs), **own}
            sums = {name: draws(renamed(value, words)) for name, value in one.sums.items()}
            once: dict[str, str] = {}
            if plan.parts.dense and plan.job.reset and one.pairs == "all":  # without resets none could go on with it
                sums, once = taken_apart(sums, group)
            name = f"{group.name}_{variable}"
            lines = [*rebuilt(equations, words, own), *(f"{each} : 1" for each in once)]
            synapses, block = plan.parts.synapses(name, group, group, sums, slot, lines, one.pairs)
            if once:
                code = [Statement(each, "", value) for each, value in once.items()]
                plan.parts.regularly(synapses, code, "begin", When.STARTING)
            if one.initial == "identity":
                plan.parts.inputs[f"{synapses.name}.{own[changing(equations)[0]]}"] = Identity(block)
            if one.update.strip():
                code = statements(draws(renamed(one.update, words)))
                plan.parts.regularly(synapses, code, "update", When.LEARNS)
