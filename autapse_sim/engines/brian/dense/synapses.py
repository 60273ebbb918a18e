"""Synapses whose generated code runs in computed loops, in Brian2's C++ standalone mode."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from typing import Any

from brian2 import NeuronGroup, Synapses
from brian2.codegen.codeobject import create_runner_codeobj
from brian2.codegen.generators.cpp_generator import c_data_type
from brian2.core.variables import ArrayVariable, Subexpression, Variable
from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from brian2.equations.equations import DIFFERENTIAL_EQUATION, PARAMETER
from brian2.groups.group import CodeRunner
from brian2.synapses.synapses import SummedVariableUpdater
from brian2.utils.stringtools import get_identifiers

from autapse_sim.engines.brian.dense.layout import Layout

_POINTER = re.compile(r"^\s*([\w:<> ]+\*)\s*(?:__restrict)?\s*(\w+) = (\w+);", re.MULTILINE)
"""A line with which Brian2 names a pointer to an array."""
_INDEX_LINE = re.compile(r"\s*const \w+ _(?:pre|post)synaptic_idx = ")
"""A line with which Brian2 loads the index of a neuron of a synapse."""


class DenseCodeObject(CPPStandaloneCodeObject):
    """Brian2's code for one neuron or synapse within our loops."""

    templater = CPPStandaloneCodeObject.templater.derive(
        "autapse_sim.engines.brian.dense", env_globals={"c_data_type": c_data_type}
    )


def _parameters(lines: list[str]) -> str:
    return ", ".join(f"{kind} __restrict {pointer}" for kind, pointer, _ in _POINTER.findall("\n".join(lines)))


def _arguments(lines: list[str]) -> str:
    return ", ".join(pointer for _, pointer, _ in _POINTER.findall("\n".join(lines)))


def _computed(lines: list[str]) -> list[str]:
    return [line for line in lines if not _INDEX_LINE.match(line)]


def _reciprocals(lines: list[str], variables: dict[str, Variable]) -> tuple[list[tuple[str, str]], list[str]]:
    """Code for one neuron with divisions by its constants as products with reciprocals, which are taken once."""
    text, found = "\n".join(lines), []
    for name, array in re.findall(r"const \w+ (\w+) = (\w+)\[_idx\];", text):
        if name in variables and variables[name].constant:
            text, times = re.subn(rf"/\s*{name}\b(?!\s*[(\[.])", f"*_per_{name}[_idx]", text)
            if times:
                found.append((name, array))
    return found, text.split("\n")


def _exponentials(
    lines: list[str], scalar_lines: list[str], variables: dict[str, Variable]
) -> tuple[list[tuple[str, str, str, int]], list[str]]:
    """Code with what is e to the power of the time step by a constant (the decay of a filter) looked up in tables.

    A table is (its name, the time step or minus that, the array of the constant, its size).
    """
    steps = {"dt", *re.findall(r"const \w+ (_lio_\d+) = -? ?dt;", "\n".join(scalar_lines))}
    text, tables = "\n".join(lines), {}
    for name, array, index in re.findall(r"const \w+ (\w+) = (\w+)\[(\w+)\];", text):
        if name not in variables or not variables[name].constant:
            continue
        for step in steps:
            text, times = re.subn(rf"\bexp\((?:1\.0f\*)?{step}/{name}\)", f"_exp_{step}_{name}[{index}]", text)
            if times:
                tables[f"_exp_{step}_{name}"] = (step, array, variables[name].size)
    return [(table, *parts) for table, parts in sorted(tables.items())], text.split("\n")


_SET = re.compile(r"\s*const (\w+) (\w+) = (.*);")
"""A line that sets a name once."""
_MADE = re.compile(r"^\s*(?:const )?\w+ (\w+)\s*[=;]")
"""The beginning of a line that makes a variable."""
_CALL = re.compile(r"\b[A-Za-z_]\w*\(")
_INNER = frozenset({"_idx", "_presynaptic_idx", "_vectorisation_idx"})
"""What differs from synapse to synapse of a postsynaptic neuron."""


def _rows(lines: list[str]) -> tuple[list[str], list[tuple[str, str]], list[str]]:
    """Code for one synapse without lines that are the same for all of a postsynaptic neuron, if they call functions.

    Those come first, with the types and names of what is read of them: in a loop over neurons of its own, before the
    one over synapses, compilers find functions for several neurons at once.
    """
    inner, early, rest = {*_INNER}, dict[str, tuple[str, str]](), list[str]()
    for line in lines:
        match = _SET.fullmatch(line)
        if match and not inner & {*get_identifiers(match[3])}:
            early[match[2]] = match[1], line
        else:
            rest.append(line)
            inner |= {*_MADE.findall(line)}
    if not any(_CALL.search(line) for _, line in early.values()):
        return [], [], lines
    wanted = {*get_identifiers("\n".join(rest)), "_synaptic_var"}
    kept = [(kind, name) for name, (kind, _) in early.items() if name in wanted]
    return [line for _, line in early.values()], kept, rest


DenseCodeObject.templater.env.filters |= {
    "rows": _rows,
    "parameters": _parameters,
    "arguments": _arguments,
    "computed": _computed,
    "exponentials": _exponentials,
    "reciprocals": _reciprocals,
}


class DenseNeurons(NeuronGroup):
    """The same neurons in every replicate, for `DenseSynapses` (C++ standalone only).

    Parameters
    ----------
    size : int
        Neurons of one replicate.
    model : str
        Equations.
    layout : Layout
        Number and memory order of the replicates.
    jumps : tuple of str
        Variables that are set between a state update and the sums that follow it, and not again in that step.
    **options
        Passed on to `brian2.NeuronGroup`.
    """

    def __init__(self, size: int, model: str, layout: Layout, jumps: tuple[str, ...] = (), **options: Any):
        self.autapse_size, self.autapse_layout, self.autapse_jumps = size, layout, jumps
        super().__init__(size * layout.replicates, model, codeobj_class=DenseCodeObject, **options)


class DenseSynapses(Synapses):
    """Synapses within each replicate as nested loops, from all to all or each to itself (C++ standalone only).

    Parameters
    ----------
    source, target : DenseNeurons
        The two groups.
    model : str
        Equations of the synapse.
    pairs : {'all', 'self'}
        Which neurons are connected.
    **options
        Passed on to `brian2.Synapses`.

    Attributes
    ----------
    autapse_block : Block
        Sizes and memory order; a weight array is given and taken in this order.
    """

    def __init__(self, source: DenseNeurons, target: DenseNeurons, model: str, pairs: str = "all", **options: Any):
        self.autapse_block = source.autapse_layout.block(source.autapse_size, target.autapse_size, pairs)
        super().__init__(source, target, model, codeobj_class=DenseCodeObject, **options)
        create_runner_codeobj(
            self, "", "connect_all", name=f"{self.name}_connect_all", run_namespace={}, codeobj_class=DenseCodeObject
        )()
        self._connect_called = True


def obstacle(update: CodeRunner, summed: SummedVariableUpdater, early: Container[str]) -> str:
    """What keeps an update and the sum of the next step from being one pass over the synapses; '' where nothing does.

    Nothing that the sum reads may change between the two but by the state updates that follow the sum, and the update
    may read no sum that is the next step's by then: its own through its presynaptic neurons, some of which have got
    theirs, and those of the passes before it (`early`, variables of the target).
    """
    synapses = update.group
    sum_reads = reads(synapses, get_identifiers(summed.expression.code), "_pre")
    update_reads = {side: reads(synapses, get_identifiers(update.abstract_code), side) for side in ("_pre", "_post")}
    variable = summed.target_varname.removesuffix("_post")
    late = [f"{name}_post" for name in update_reads["_post"] if name in early]
    if synapses.source is summed.target:
        late += [f"{name}_pre" for name in update_reads["_pre"] if name in early or name == variable]
    moved = [f"{name.removeprefix('autapse_')}_pre" for name in sum_reads - settled(synapses.source)]
    if late:
        return f"the update reads {min(late)}, which would be that of the next step"
    return f"the sum reads {min(moved)}, which changes after the update" if moved else ""


def fused(update: CodeRunner, summed: SummedVariableUpdater, slot: tuple[str, int], name: str) -> CodeRunner:
    """One pass over the synapses that updates them and sums what the next step asks for; there must be no `obstacle`.

    It stands for the update of this step and the sum of the next.
    """
    return CodeRunner(
        group=update.group,
        template="summed_variable",
        code=f"{update.abstract_code}\n_synaptic_var = {summed.expression.code}",
        needed_variables=[*summed.needed_variables, *update.needed_variables],
        clock=update.clock,
        when=slot[0],
        order=slot[1],
        name=name,
        template_kwds={name: value for name, value in summed.template_kwds.items() if name != "_sent"},
    )


def of_senders(summed: SummedVariableUpdater) -> None:
    """Let a sum of w times what is sent be one over those neurons that send something, where its block allows it."""
    synapses = summed.group
    if synapses.autapse_block.innermost == "pre":
        summed.template_kwds = {**summed.template_kwds, "_sent": synapses.source.variables["sent"]}


def at_spikes(synapses: DenseSynapses, code: str, spiked: str, slot: tuple[str, int], name: str) -> CodeRunner:
    """Code for the synapses of those neurons of one side (`spiked` ends in _pre or _post) that spike, and no others."""
    side = "pre" if spiked.endswith("_pre") else "post"
    group = synapses.source if side == "pre" else synapses.target
    return CodeRunner(
        group=synapses,
        template="at_spikes",
        code=code,
        needed_variables=[spiked],
        clock=synapses.clock,
        when=slot[0],
        order=slot[1],
        name=name,
        template_kwds={"_spiked": group.variables[spiked.removesuffix(f"_{side}")], "_side": side},
    )


def reads(synapses: Synapses, identifiers: Iterable[str], side: str) -> set[str]:
    """The variables of the group on one side (`_pre`, `_post`) that code reads, subexpressions resolved."""
    group = synapses.source if side == "_pre" else synapses.target
    found: set[str] = set()
    waiting = [name.removesuffix(side) for name in _own(synapses, identifiers) if name.endswith(side)]
    while waiting:
        name = waiting.pop()
        variable = group.variables.get(name)
        if isinstance(variable, Subexpression):
            waiting += get_identifiers(variable.expr) - found
        elif isinstance(variable, ArrayVariable):
            found.add(name)
    return found


def _own(synapses: Synapses, identifiers: Iterable[str]) -> set[str]:
    """The identifiers of code, subexpressions of the synapses resolved, unsuffixed names of the target with suffix."""
    found: set[str] = set()
    waiting = list(identifiers)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        variable = synapses.variables.get(name)
        if isinstance(variable, Subexpression) and variable.owner is synapses:
            waiting += get_identifiers(variable.expr)
    return found


def settled(group: DenseNeurons) -> set[str]:
    """The variables of a group that change in state updates and resets only, and its constants."""
    names = {"dt", "N", "i", *group.autapse_jumps}
    for name, equation in group.equations.items():
        if equation.type == DIFFERENTIAL_EQUATION or (equation.type == PARAMETER and "constant" in equation.flags):
            names.add(name)
    return names
