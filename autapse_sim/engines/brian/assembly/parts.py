"""Groups, synapses and what runs in a step: the Brian2 objects of a circuit while they are being made."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from brian2 import Clock, NeuronGroup, Synapses, second
from brian2.groups.group import CodeRunner
from brian2.groups.neurongroup import Thresholder

from autapse_sim.engines.brian.assembly.equations import Draws, integrator
from autapse_sim.engines.brian.assembly.expressions import written_out
from autapse_sim.engines.brian.assembly.order import SLOTS, When
from autapse_sim.engines.brian.assembly.statements import only_where
from autapse_sim.engines.brian.assembly.truths import as_numbers, equations_as_numbers, value_as_number
from autapse_sim.engines.brian.dense.layout import Block, Layout
from autapse_sim.engines.brian.dense.synapses import DenseNeurons, DenseSynapses, at_spikes
from autapse_sim.engines.brian.program import Index, Input, Parameter
from autapse_sim.engines.brian.tape import FUNCTIONS
from autapse_sim.spec import vocabulary
from autapse_sim.spec.job import STEP, Job
from autapse_sim.spec.language import Statement, is_condition, names, statements
from autapse_sim.spec.library import Models
from autapse_sim.spec.quantities import unit_of
from autapse_sim.spec.truths import truths_in


class Parts:
    """The objects of a circuit while they are being made.

    Parameters
    ----------
    job : Job
        Only its shapes count.
    models : Models
        The neuron and the rules.
    functions : mapping of str to callable
        Those of the tape.
    layout : Layout
        How the networks lie in memory.
    program : bool
        Whether the objects become a C++ program.
    dense : bool
        Whether its projections are dense loops.

    Attributes
    ----------
    objects, inputs, conditions
        See `autapse_sim.engines.brian.assembly.assembler.Assembly`.
    blocks : dict of str to Block
        Where the weights of synapses lie, by the names of these.
    jumps : list of str
        Variables of neurons that are set once between a state update and the sums that follow it in the same step.
    apart : dict of str to str
        Why weights that learn do not change and get summed in one pass, by their names; '' where they do.
    """

    def __init__(
        self,
        job: Job,
        models: Models,
        functions: Mapping[str, object],
        layout: Layout,
        program: bool,
        dense: bool,
    ):
        circuit = job.circuit
        self.layout, self.program, self.dense = layout, program, dense
        self.method = models.method(circuit)
        clock = Clock(dt=STEP / circuit.substeps * second, name="steps")
        self.options = {"clock": clock, "namespace": {**functions, "step": STEP * second}}
        """What Brian2 is told of every group and every projection."""
        self.objects: list[object] = []
        self.inputs: dict[str, Input] = {}
        self.conditions: dict[str, When] = {}
        self.blocks: dict[str, Block] = {}
        self.jumps = ["spiked", "activity", "sent"]
        self.apart: dict[str, str] = {}

    def group(
        self,
        name: str,
        size: int,
        equations: Iterable[str],
        parameters: Mapping[str, object],
        begin: Iterable[Statement] = (),
        refractory: str = "",
        numbered: bool = False,
        exactly: Iterable[str] = (),
    ) -> NeuronGroup:
        """R x `size` neurons; parameters are inputs of the run, states `begin` anew with a trajectory.

        Equations of the variables in `exactly` are integrated so.
        """
        lines = [*equations, *(f"{key} : {unit_of(value)} (constant)" for key, value in parameters.items())]
        lines += ["autapse_i : 1 (constant)"] if numbered else []
        options = {**self.options, "name": name, "method": integrator(self.method, exactly)}
        truths = truths_in("\n".join(lines)) | {"not_refractory"}
        text = equations_as_numbers("\n".join(lines), truths)
        if refractory:
            options["refractory"] = value_as_number(refractory, truths)
        if self.dense:
            made = DenseNeurons(size, text, self.layout, jumps=tuple(self.jumps), **options)
        else:
            events = {} if self.program or "spiked : 1" not in lines else {"spike": "spiked > 0"}
            made = NeuronGroup(self.layout.replicates * size, text, events=events, **options)
            for thresholder in made.thresholder.values():
                _tell_only(thresholder)
        self.objects.append(made)
        self.inputs |= {f"{name}.{key}": Parameter(key, size, name == "neurons") for key in parameters}
        if numbered:
            self.inputs[f"{name}.autapse_i"] = Index(size)
        if made.state_updater is not None:
            made.state_updater.when, made.state_updater.order = SLOTS["state"]
            Draws(f"{name}.equations", size).rewrite(made.state_updater)
        begin = [*begin, *([Statement("lastspike", "", "-10000*second")] if refractory else ())]
        code = [Statement("not_refractory", "", f"not_refractory or {_STARTING} > 0")] if refractory else []
        code += [replace(each, value=f"choose({_STARTING}, {each.value}, {each.name})") for each in begin]
        if code:
            self.regularly(made, code, "restart", When.STARTING)
        return made

    def synapses(
        self,
        name: str,
        source: NeuronGroup,
        target: NeuronGroup,
        sums: Mapping[str, str],
        slot: str,
        equations: Iterable[str] = (),
        pairs: str = "all",
        exactly: Iterable[str] = (),
    ) -> tuple[Synapses, Block]:
        """Synapses within each network, all to all or each to itself, which sum to variables of the target."""
        R = self.layout.replicates
        pre, post = source.N // R, target.N // R
        lines = [*equations, *(f"{variable}_post = {value} : 1 (summed)" for variable, value in sums.items())]
        options = {**self.options, "name": f"projection_{name}", "method": integrator(self.method, exactly)}
        sides = (("pre", source), ("post", target))
        truths = {f"{each}_{side}" for side, group in sides for each in _truths(group)} | _truths(target)
        text = equations_as_numbers("\n".join(lines), truths)
        if self.dense:
            synapses = DenseSynapses(source, target, text, pairs, **options)
            block = synapses.autapse_block
        else:
            block = Block(self.layout, pre, post, "self" if pairs == "self" else "post")
            synapses = Synapses(source, target, text, **options)
            if self.program:
                synapses.connect(j="i" if pairs == "self" else f"(i//{pre})*{post} + k for k in range({post})")
            else:  # the same, in less time than it takes to generate code
                network, own = np.divmod(np.arange(pre * R), pre)
                to = network[:, None] * post + (own[:, None] if pairs == "self" else np.arange(post))
                synapses.connect(i=np.repeat(np.arange(pre * R), to.shape[1]), j=to.ravel())
        self.objects.append(synapses)
        self.blocks[synapses.name] = block
        for summed in synapses.summed_updaters.values():
            summed.when, summed.order = SLOTS[slot]
        if synapses.state_updater is not None:
            synapses.state_updater.when, synapses.state_updater.order = SLOTS["eligibility"]
            Draws(f"{name}.eligibility", pre, post).rewrite(synapses.state_updater)
        return synapses, block

    def regularly(
        self, group: NeuronGroup | Synapses, code: Iterable[Statement], slot: str, when: When = When.ALWAYS
    ) -> CodeRunner:
        """Run `code` in every step, in a slot of the step, under a condition."""
        place, order = SLOTS[slot]
        text, name = _text(group, code), f"{group.name}_{slot}"
        runner = group.run_regularly(text, when=place, order=order, name=name, clock=group.clock)
        runner.needed_variables = _read(text)
        # what is `unless refractory` stands still for its equation alone; what is assigned is assigned
        runner.override_conditional_write = ["not_refractory"]
        self.conditions[runner.name] = when
        return runner

    def at_spikes(
        self, synapses: Synapses, code: Iterable[Statement], slot: str, spiked: str, states: set[str], when: When
    ) -> None:
        """Run `code` in the synapses of neurons that spike: where `spiked` is not 0, a variable of one side.

        `states` are the variables of the synapse among what the code sets.
        """
        if self.dense and spiked.isidentifier():
            text = _text(synapses, code)
            runner = at_spikes(synapses, text, spiked, SLOTS[slot], f"{synapses.name}_{slot}")
            runner.needed_variables += _read(text)
            synapses.contained_objects.append(runner)
            self.conditions[runner.name] = when
        else:
            self.regularly(synapses, only_where(spiked, [*code], states), slot, when)


def _text(group: NeuronGroup | Synapses, code: Iterable[Statement]) -> str:
    """Statements as Brian2 is given them."""
    anchor = "i_pre" if isinstance(group, Synapses) else "i"
    code = written_out([*code], group.variables)
    code = as_numbers(code, _truths(group), group.variables)
    vectors = [_vector(each, anchor) if each.name.startswith("autapse_own_") else each for each in code]
    return "\n".join(map(str, _real(vectors, group.variables)))


def _read(text: str) -> list[str]:
    """What statements read: Brian2 looks for what SymPy leaves, which is no function in exp(-0.5) or exp(-log(x)).

    True and False are no names to it.
    """
    code = statements(text)
    return sorted(names(*(each.value for each in code)) - {each.name for each in code} - {"True", "False"})


def _truths(group: NeuronGroup | Synapses) -> set[str]:
    """The variables of a group that are true or false."""
    return {name for name, variable in group.variables.items() if variable.is_boolean}


def _tell_only(thresholder: Thresholder) -> None:
    """Let Brian2's own monitors know of spikes once all is done in a step: what a spike changes has been changed."""
    thresholder.when, thresholder.order = "end", -1
    thresholder.template_kwds["_uses_refractory"] = False
    thresholder.update_abstract_code = lambda run_namespace: setattr(thresholder, "abstract_code", "_cond = spiked > 0")


def _vector(each: Statement, anchor: str) -> Statement:
    """The statement, with one value of each element where it has one for all, which Brian2 wants to know first."""
    shared = {"t_in_timesteps"} | vocabulary.everywhere() | set(FUNCTIONS)
    if names(each.value) - shared or each.operator:
        return each
    return replace(each, value=f"choose({anchor} >= 0, {each.value}, {each.value})")


def _real(code: Iterable[Statement], states: Container[str]) -> Iterator[Statement]:
    """The statements, with temporaries that are real numbers where they are no truth values, and copies of variables.

    Brian2 gives a temporary the type of its first value, and `a = int(b > 0); a *= 0.9` would be cut to whole numbers;
    NumPy would let `a = b; a *= 2` change b.
    """
    truths: set[str] = set()
    for each in code:
        value = each.value.strip("() ")
        if not each.operator and (is_condition(each.value) or value in truths):
            truths.add(each.name)
        elif not each.operator and each.name not in states:
            each = replace(each, value=f"1.0*({each.value})")
        elif value.isidentifier():
            each = replace(each, value=f"1*{each.value}")
        yield each


_STARTING = "autapse_starting(t_in_timesteps)"
