"""Circuit -> Brian2 objects. The order inside a time step is that of `autapse_sim.order`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from brian2 import Clock, Equations, Network, NeuronGroup, Synapses
from brian2.core.variables import Variable
from brian2.groups.group import CodeRunner

from autapse_sim.carried import carried
from autapse_sim.circuit_models import Models
from autapse_sim.delays import Delays
from autapse_sim.dense.layout import Layout
from autapse_sim.dense.synapses import fused
from autapse_sim.equations import Draws, rebuilt
from autapse_sim.job import Job
from autapse_sim.language import Statement, names, renamed, statements
from autapse_sim.lasting import Lasting
from autapse_sim.model import Rule
from autapse_sim.order import SLOTS, When
from autapse_sim.parts import Input, Parts
from autapse_sim.program import Bias, Identity, Projection, Sign
from autapse_sim.scopes import POST, PRE, check_models
from autapse_sim.statements import (
    OPTIMISER_STATE,
    OURS,
    changes,
    changing,
    computed,
    finish_code,
    spike_code,
    telling,
    unit_of,
    update_code,
    without,
)

EVERYTHING = ("W", "U", "b", "V", "c")
TAUGHT = {"neurons": EVERYTHING, "inputs": ("U",), "unit": ("b", "c")}
"""The weights whose rules leave traces in a group."""
STEPS = "autapse_steps(t_in_timesteps)"


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
    """

    network: Network
    clock: Clock
    inputs: dict[str, Input]
    learned: dict[str, str]
    tables: dict[str, str]
    conditions: dict[str, When]
    names: frozenset[str]
    lasting: dict[str, Lasting]

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
    check_models(models, job.circuit)
    return _Assembler(job, models, Parts(job, models, functions, layout, program, dense and program)).assembly()


class _Assembler:
    """The objects of a circuit while they are being made."""

    def __init__(self, job: Job, models: Models, parts: Parts):
        self.job, self.circuit, self.models, self.parts = job, job.circuit, models, parts
        self.size = {"neurons": job.circuit.neurons, "inputs": job.x.shape[-1], "outputs": job.y.shape[-1], "unit": 1}
        self.learned: dict[str, str] = {}
        texts = [*models.neuron.texts, *(text for rule in models.teaching(job.circuit.learn) for text in rule.texts)]
        self.asked = names(*texts)
        self.numbered = bool(self.asked & {"i", "j"})
        self.delays = Delays(job.circuit, models)
        self.summed_early: list[str] = []  # what the neurons have of the next step before this one ends

    def assembly(self) -> Assembly:
        learn, circuit = set(self.circuit.learn), self.circuit
        neurons = self.neurons()
        inputs = self.shown("inputs", ["autapse_x : 1", "activity = autapse_x : 1"], "U")
        outputs = self.outputs(self.models.readout_rule.parameters if learn & {"V", "c"} else {})
        self.project("W", neurons, neurons, {"drive": "w*sent_pre", **self.models.neuron.sums}, "drive")
        self.project("U", inputs, neurons, {self.input: "w*sent_pre"}, "drive")
        if circuit.returned:
            self.project("F", outputs, neurons, {"autapse_returned": "w*prediction_pre"}, "drive")
        self.project("V", neurons, outputs, {"autapse_readout": "w*activity_pre"}, "readout")
        self.project("B", outputs, neurons, {"feedback": "w*err_pre"}, "feedback")
        if learn & {"b", "c"}:
            # a unit of constant activity, whose weights are the biases that learn
            unit = self.shown("unit", ["activity = 1 : 1"], "b", "c")
            if "b" in learn:
                self.project("b", unit, neurons, {self.bias: "w*sent_pre"}, "drive")
            if "c" in learn:
                self.project("c", unit, outputs, {"autapse_offset": "w*activity_pre"}, "readout")
        if circuit.loss == "cross-entropy":
            total = {"autapse_total": "exp(autapse_score_pre - autapse_score_post)"}
            self.parts.synapses("softmax", outputs, outputs, total, "softmax")
        if "loss" in neurons.variables:
            self.parts.synapses("loss", outputs, neurons, {"loss": "autapse_cost_pre"}, "feedback")
        if not self.parts.program:
            shown = [Statement("autapse_x", "", "autapse_stimulus(i, t_in_timesteps)")]
            self.parts.regularly(inputs, shown, "stimulus")
            self.parts.regularly(outputs, [Statement("target", "", "autapse_target(i, t_in_timesteps)")], "stimulus")
        tables = self.records(neurons, outputs)
        defined = frozenset(self.asked | {*self.models.neuron.parameters})
        return Assembly(
            Network(*self.parts.objects),
            self.parts.options["clock"],
            self.parts.inputs,
            self.learned,
            tables,
            self.parts.conditions,
            defined,
            carried(self.parts.objects, self.parts.blocks, self.size, self.models, self.job.reset),
        )

    def records(self, neurons: NeuronGroup, outputs: NeuronGroup) -> dict[str, str]:
        """Keep what is recorded of traced networks; the units of the records by their names."""
        added = [*(rule.trace for rule in self.rules(*EVERYTHING)), *self.postsynaptic]
        kept = [name for text in added for name in changing(Equations(text))]
        kept += changing(Equations(self.models.neuron.equations)) if self.models.neuron.threshold else []
        variables = {"activity": "activity", "feedback": "feedback"} | {name: name for name in kept}
        if self.models.neuron.threshold:
            variables["spikes"] = OURS["spikes"]
        code = [
            Statement(f"autapse_t{k}", "", f"autapse_trace({k}, i, t_in_timesteps, {name})")
            for k, name in enumerate(variables.values(), 1)
        ]
        self.parts.regularly(neurons, code, "record", When.TRACING)
        error = Statement("autapse_t0", "", "autapse_trace(0, i, t_in_timesteps, err)")
        self.parts.regularly(outputs, [error], "record", When.TRACING)
        units = {name: neurons.variables[variable].unit for name, variable in variables.items()}
        return {"error": "1"} | {name: "1" if unit.is_dimensionless else str(unit) for name, unit in units.items()}

    def rules(self, *taught: str) -> list[Rule]:
        """The rules that teach any of these weights here."""
        return self.models.teaching(set(taught) & set(self.circuit.learn))

    @property
    def postsynaptic(self) -> list[str]:
        """The equations that rules add to the neurons that they teach."""
        return [rule.postsynaptic for rule in self.rules("W", "U", "b")]

    def words(self, group: str) -> dict[str, str]:
        """What names in the texts of a group's neurons stand for."""
        return {"i": "autapse_i", "N": str(self.size[group]), "steps": STEPS}

    def neurons(self) -> NeuronGroup:
        """The neurons of the circuit."""
        neuron, size, words = self.models.neuron, self.size["neurons"], self.words("neurons")
        stored, kept, alias = self.sending()
        equations = [f"{name} : 1" for name in stored] + alias + [*rebuilt(kept, words), *self.provided()]
        if neuron.activations:
            activation = neuron.activations[self.circuit.activation]
            equations += [f"{name} = {renamed(getattr(activation, name), words)} : 1" for name in ("f", "f_prime")]
        defined = Equations("\n".join(equations))
        late = self.delays.registers(defined)
        self.parts.jumps += late.names
        shown = {name: renamed(value, words) for name, value in stored.items()}
        begin = self.begin("neurons", [kept, *map(Equations, self.postsynaptic)], neuron.initial, shown)
        moving = ("spiked", OURS["spikes"], OURS["psi"], "sent_sum", "feedback", "loss", *self.sums(*EVERYTHING))
        begin = {name: "0" for name in moving if name in defined} | begin
        begin |= late.begin
        made = self.parts.group(
            "neurons",
            size,
            [*equations, *late.equations],
            self.neuron_parameters(),
            begin,
            renamed(neuron.refractory, words),
            self.numbered,
        )
        self.parts.inputs |= late.inputs
        if "b" not in self.circuit.learn:
            self.parts.inputs[f"neurons.{self.bias}"] = Bias("b", size)
        draws = Draws("neurons", size)
        if self.perturbs:
            value = Draws("neurons.perturbation", size)(renamed(self.models.rule.perturbation, words))
            code = [Statement("perturbation", "", f"choose({OURS['learns']}, {value}, 0)")]
            self.parts.regularly(made, code, "perturbation")
        mine = {each.name: f"autapse_own_{each.name}" for each in statements(neuron.reset) if each.name not in kept}
        reset = statements(draws(renamed(neuron.reset, {**words, **mine})))
        code = [each.renamed(words) for each in spike_code(neuron, reset)] if neuron.threshold else []
        code += [Statement(name, "", value) for name, value in shown.items()]
        code += [Statement("sent_sum", "", "sent_sum + sent*dt/step")] if "sent_sum" in made.variables else []
        code += late.code
        if code:
            self.parts.regularly(made, code, "spike")
        self.connect(made, *EVERYTHING)
        self.leave(made)
        return made

    def provided(self) -> list[str]:
        """The equations of what the circuit provides to its neurons."""
        neuron = self.models.neuron
        lines = ["drive : 1", f"{self.input} : 1", "feedback : 1"]
        lines += ["autapse_returned : 1", f"input = {self.input} + autapse_returned : 1"] * self.circuit.returned
        lines += [f"{self.bias} : 1{'' if 'b' in self.circuit.learn else ' (constant)'}"]
        lines += ["perturbation : 1", f"bias = {self.bias} + perturbation : 1"] * self.perturbs
        if neuron.threshold:
            lines += ["spiked : 1", f"{OURS['spikes']} : 1", f"{OURS['total']} : 1"]
        if neuron.pseudo_derivative:
            lines += [f"{OURS['psi']} : 1", f"f_prime = {OURS['psi']} : 1"]
        lines += [f"{name} : 1" for name in ("loss", "sent_sum") if self.asked & {name, f"{name}_post", f"{name}_pre"}]
        lines += [f"{name} : 1" for name in (*neuron.sums, *self.sums(*EVERYTHING))]
        words = self.words("neurons")
        for rule in self.rules(*EVERYTHING):
            lines += rebuilt(Equations(rule.trace), words)
        for text in self.postsynaptic:
            lines += rebuilt(Equations(text), words)
        return lines + [f"autapse_left_{name} : {unit}" for name, unit in self.left("neurons").items()]

    def sums(self, *taught: str) -> list[str]:
        """The variables that receive what the connections of these weights' rules sum."""
        return [name for rule in self.rules(*taught) for one in rule.connections for name in one.sums]

    def left(self, group: str) -> dict[str, str]:
        """The states of a group that start from where the last training trajectory left them; their units."""
        rules = self.rules(*TAUGHT[group])
        lasting = {name for rule in rules for name in rule.lasting}
        texts = [*(rule.trace for rule in rules), *(self.postsynaptic if group == "neurons" else ())]
        every = [(name, each[name]) for each in map(Equations, texts) for name in each if name in lasting]
        return {name: unit_of(equation.unit) for name, equation in every}

    def begin(
        self, group: str, equations: Iterable[Equations], initial: Mapping[str, str], shown: Mapping[str, str]
    ) -> dict[str, str]:
        """Where the states of a group's neurons begin, what they show then, and where those of their rules begin."""
        rules = self.rules(*TAUGHT[group])
        every = [*equations, *(Equations(rule.trace) for rule in rules)]
        states = [name for each in every for name in changing(each)]
        mine = {name: value for rule in rules for name, value in rule.initial.items() if name in states}
        words = self.words(group)
        # what is said in its order, after all that begins at 0
        begin = {name: "0" for name in states if name not in {*initial, *mine}}
        begin |= {name: renamed(value, words) for name, value in initial.items()} | dict(shown)
        begin |= {name: renamed(value, words) for name, value in mine.items()}
        for name in self.left(group):
            left = f"autapse_left_{name}"
            begin[left] = f"choose(autapse_first(t_in_timesteps), {begin.pop(name)}, {left})"
            begin[name] = left
        return begin

    def leave(self, group: NeuronGroup) -> None:
        """What happens in the neurons of a group at the end of each training trajectory."""
        words, code = self.words(group.name), []
        for rule in self.rules("W", "U", "b") if group.name == "neurons" else ():
            states = changing(Equations(rule.postsynaptic))
            found = statements(rule.finish_postsynaptic)
            mine = {each.name: f"autapse_own_{each.name}" for each in found if each.name not in states}
            draws = Draws("neurons.finish_postsynaptic", self.size["neurons"])
            code += statements(draws(renamed(rule.finish_postsynaptic, {**words, **mine})))
        code += [Statement(f"autapse_left_{name}", "", name) for name in self.left(group.name)]
        if code:
            self.parts.regularly(group, code, "leave", When.LEARNED)

    def sending(self) -> tuple[dict[str, str], Equations, list[str]]:
        """What neurons show and send where it is computed, their other equations, and another name where it is not."""
        defined = Equations(self.models.neuron.equations)
        stored = computed(defined)
        sends = defined["sent"].expr.code if "sent" in defined else "activity"
        alias = [] if "sent" in stored else [f"sent = {renamed(sends, self.words('neurons'))} : 1"]
        return stored, without(defined, {*stored, "sent"}), alias

    def neuron_parameters(self) -> dict[str, object]:
        """The parameters that the neurons hold: their own, and those of rules as far as they are asked for there."""
        parameters = dict(self.models.neuron.parameters)
        for rule in self.rules("W", "U", "b", "B"):
            parameters |= rule.parameters
        for rule in self.rules("V", "c"):
            here = names(rule.trace, *(text for one in rule.connections for text in one.texts))
            parameters |= {key: value for key, value in rule.parameters.items() if key in here}
        return parameters

    def connect(self, group: NeuronGroup, *taught: str) -> None:
        """The connections within a group that the rules of these weights need."""
        size = self.size[group.name]
        for each in self.rules(*taught):
            for number, one in enumerate(each.connections, 1):
                (variable, _), *_ = one.sums.items()
                slot = "drive" if one.when == "drive" else f"sums {number}"
                equations, draws = Equations(one.equations), Draws(f"{group.name}.{variable}", size, size)
                own = {name: f"autapse_own_{name}" for name in (*equations, *(s.name for s in statements(one.update)))}
                words = {**self.synapse_words(group.name, group.name, one.pairs), **own}
                sums = {name: draws(renamed(value, words)) for name, value in one.sums.items()}
                name = f"{group.name}_{variable}"
                lines = rebuilt(equations, words, own)
                synapses, block = self.parts.synapses(name, group, group, sums, slot, lines, one.pairs)
                if one.initial == "identity":
                    self.parts.inputs[f"{synapses.name}.{own[changing(equations)[0]]}"] = Identity(block)
                if one.update.strip():
                    code = statements(draws(renamed(one.update, words)))
                    self.parts.regularly(synapses, code, "update", When.LEARNS)

    def synapse_words(self, source: str, target: str, pairs: str = "all") -> dict[str, str]:
        """What names in the texts of synapses between two groups stand for."""
        pre, post = self.size[source], self.size[target]
        many = {"N_incoming": pre, "N_outgoing": post} if pairs == "all" else {"N_incoming": 1, "N_outgoing": 1}
        words = {name: str(count) for name, count in {"N_pre": pre, "N_post": post, **many}.items()}
        words |= {"w": OURS["w"], "i": "autapse_i_pre", "j": "autapse_i_post", "steps": STEPS}
        return words | {"elapsed": "autapse_elapsed(t_in_timesteps)"}

    @property
    def perturbs(self) -> bool:
        """Whether the rule perturbs the neurons."""
        return bool(self.models.rule.perturbation.strip() and self.rules("W", "U", "b"))

    @property
    def input(self) -> str:
        """The variable of a neuron that the stimulus goes to."""
        return "autapse_input" if self.circuit.returned else "input"

    @property
    def bias(self) -> str:
        """The variable of a neuron that the weights b go to."""
        return "autapse_bias" if self.perturbs else "bias"

    def shown(self, name: str, equations: list[str], *taught: str) -> NeuronGroup:
        """Neurons whose activity is given, with the traces and connections of the rules that teach their weights."""
        rules = self.rules(*taught)
        here = names(
            *(rule.trace for rule in rules), *(text for r in rules for one in r.connections for text in one.texts)
        )
        possible = dict(self.models.neuron.parameters)
        for rule in rules:
            possible |= rule.parameters
        traces = [line for rule in rules for line in rebuilt(Equations(rule.trace), self.words(name))]
        sums = self.sums(*taught)
        equations = [*equations, "sent = activity : 1", *traces, *(f"{each} : 1" for each in sums)]
        equations += [f"autapse_left_{each} : {unit}" for each, unit in self.left(name).items()]
        parameters = {key: value for key, value in possible.items() if key in here}
        begin = dict.fromkeys(sums, "0") | self.begin(name, [], {}, {})
        made = self.parts.group(name, self.size[name], equations, parameters, begin, numbered=self.numbered)
        self.connect(made, *taught)
        self.leave(made)
        return made

    def outputs(self, parameters: Mapping[str, object]) -> NeuronGroup:
        """The read-out, its target and its error."""
        entropy = self.circuit.loss == "cross-entropy"
        equations = [f"{name} : 1" for name in ("autapse_readout", "autapse_offset", "prediction", "err", "target")]
        equations += ["autapse_score = autapse_readout + autapse_offset : 1", "autapse_total : 1"] if entropy else []
        surprise = "choose(autapse_known(target), -target*log(prediction), 0)"
        equations += [f"autapse_cost = {surprise if entropy else '0.5*err**2'} : 1"]
        begin = {"prediction": "0", "err": "0"}
        made = self.parts.group("outputs", self.size["outputs"], equations, parameters, begin, numbered=self.numbered)
        if "c" not in self.circuit.learn:
            self.parts.inputs["outputs.autapse_offset"] = Bias("c", self.size["outputs"])
        code = statements(f"prediction = {'1/autapse_total' if entropy else 'autapse_readout + autapse_offset'}")
        code += statements("err = choose(autapse_known(target), prediction - target, 0)")
        if not self.parts.program:
            code += statements("autapse_kept = autapse_keep(i, t_in_timesteps, prediction, err, target)")
        self.parts.regularly(made, code, "error")
        return made

    def project(self, name: str, source: NeuronGroup, target: NeuronGroup, sums: Mapping[str, str], slot: str) -> None:
        """The projection of the weights `name`, all-to-all within each network; it learns where the circuit says so."""
        learns = name in self.circuit.learn
        rule = self.models.teacher(name) if learns else None
        eligibility = Equations(rule.eligibility if rule else "")
        code = statements(f"{rule.update}\n{rule.finish}") if rule else []
        taken = [each for each in eligibility if "summed" not in eligibility[each].flags]
        own = {each: f"autapse_own_{each}" for each in (*taken, *(s.name for s in code if s.name != "w"))}
        words = {**self.synapse_words(source.name, target.name), **own}
        words |= self.delays.arriving if name == "W" else {}
        draws = Draws(f"projection_{name}", self.size[source.name], self.size[target.name])
        lines = [f"{OURS['w']} : 1", *rebuilt(eligibility, words, own)]
        kept = ("change", *OPTIMISER_STATE[self.job.optimiser]) if learns and self.gathers else ()
        lines += [f"{OURS[each]} : 1" for each in kept]
        signed = learns and bool(self.job.constraints) and name in ("W", "U")
        lines += ["autapse_sign : 1 (constant)"] * signed
        lines += ["autapse_delay : 1 (constant)"] * (name == "W" and self.delays.each_synapse)
        exactly = [own[each] for each in taken if "event-driven" in eligibility[each].flags]
        sums = {variable: draws(renamed(value, words)) for variable, value in sums.items()}
        synapses, block = self.parts.synapses(name, source, target, sums, slot, lines, exactly=exactly)
        self.parts.inputs[f"{synapses.name}.{OURS['w']}"] = Projection(name, block)
        if signed:
            self.parts.inputs[f"{synapses.name}.autapse_sign"] = Sign(name, block)
        if name == "W":
            self.parts.inputs |= self.delays.synaptic(synapses.name, block)
        if rule is not None:
            self.learned[name] = f"{synapses.name}.{OURS['w']}"
            self.teach(name, rule, synapses, eligibility, words, draws, next(iter(sums)), slot)

    def teach(
        self,
        name: str,
        rule: Rule,
        synapses: Synapses,
        eligibility: Equations,
        words: Mapping[str, str],
        draws: Draws,
        variable: str,
        slot: str,
    ) -> None:
        """Let the weights of a projection learn by a rule."""
        # what a rule keeps begins anew with each trajectory, so it need not run where nothing is learned or summed
        carried = not self.job.reset or any("summed" in eligibility[each].flags for each in eligibility)
        learns = When.ALWAYS if carried else When.LEARNS
        if synapses.state_updater is not None:
            self.parts.conditions[synapses.state_updater.name] = learns
        states = [each for each in changing(eligibility) if "summed" not in eligibility[each].flags]
        begin = [Statement(words[each], "", self.start(rule, each, words)) for each in states]
        if begin:
            self.parts.regularly(synapses, begin, "begin", When.STARTING)
        events = self.events(rule, eligibility, name)
        change = changes(rule, rule.update, states, self.gathers, self.circuit.substeps, events)
        ending = changes(rule, rule.finish, states, self.gathers, 1, events)
        limits = [renamed(limit, words) for limit in (*change.limits, *ending.limits)] + self.limits(name)
        lines = statements(draws(renamed("\n".join(map(str, change.statements)), words)))
        code = update_code(lines, self.gathers, limits, carried)
        update = self.parts.regularly(synapses, code, "update", learns)
        last = statements(draws(renamed("\n".join(map(str, ending.statements)), words)))
        kept = {words[each] for each in states}
        finish = finish_code(rule, last, kept, limits, self.gathers, self.job.optimiser, self.job.epsilon)
        if finish:
            self.parts.regularly(synapses, finish, "finish", When.FINISHES)
        summed = synapses.summed_updaters[f"{variable}_post"]
        early = self.parts.dense and slot == "drive" and not (self.gathers and self.job.update == "step")
        early = early and len(synapses.summed_updaters) == 1
        name = f"{synapses.name}_fused"
        both = fused(update, summed, SLOTS["fused"], name, self.summed_early) if early else None
        if both is not None:
            self.summed_early.append(variable)
            synapses.contained_objects.append(both)
            self.parts.conditions[both.name] = When.FUSED if carried else When.FUSED_LEARNS
            self.parts.conditions[update.name] = When.ENDS if carried else When.ENDS_LEARNS
            self.parts.conditions[summed.name] = When.UNDRIVEN

    def start(self, rule: Rule, state: str, words: Mapping[str, str]) -> str:
        """The value of a synapse's state where a trajectory begins, as code for every step."""
        new, value = words[state], renamed(rule.initial.get(state, "0"), words)
        when = "autapse_first" if state in rule.lasting else "autapse_starting"
        return f"choose({when}(t_in_timesteps), {value}, {new})"

    def events(self, rule: Rule, eligibility: Equations, name: str) -> frozenset[str]:
        """The names in a rule's code that tell of events."""
        traces = [each.trace for each in self.rules(*EVERYTHING)]
        neurons = Equations("\n".join([self.models.neuron.equations, *traces, *self.postsynaptic]))
        known = {"dt"}
        for group, suffixes in ((PRE[name], ("_pre",)), (POST[name], ("_post", ""))):
            if group == "neurons":
                known |= telling(neurons, {"spiked", "dt"}, suffixes) | {f"spiked{suffix}" for suffix in suffixes}
            elif group != "outputs":
                known |= telling(Equations("\n".join(each.trace for each in self.rules(name))), {"dt"}, suffixes)
        return telling(eligibility, known - set(eligibility))

    @property
    def gathers(self) -> bool:
        """Whether the changes of w wait for an update at the end of a step, a trajectory or a batch."""
        return self.job.update != "step" or self.job.optimiser != "sgd"

    def limits(self, name: str) -> list[str]:
        """What the protocol lets the weights `name` be, as expressions of w."""
        if name not in ("W", "U"):
            return []
        sparse = ["choose(autapse_sign == 0, w_before, w)"] if "sparse" in self.job.constraints else []
        dale = ["choose(w*autapse_sign < 0, 0, w)"] if "dale" in self.job.constraints else []
        bound = ["clip(w, {!r}, {!r})".format(*self.job.bound)] if self.job.bound is not None else []
        return [renamed(limit, OURS) for limit in sparse + dale + bound]
