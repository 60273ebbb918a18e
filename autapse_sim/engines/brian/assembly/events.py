"""What happens in synapses at spikes: code that runs where one arrives, or where the neuron that is reached spikes."""

from __future__ import annotations

from collections.abc import Mapping

from brian2 import Equations, NeuronGroup, Synapses

from autapse_sim.engines.brian.assembly.equations import Draws, rebuilt
from autapse_sim.engines.brian.assembly.kept import Kept, without_kept
from autapse_sim.engines.brian.assembly.order import When
from autapse_sim.engines.brian.assembly.plan import Plan
from autapse_sim.engines.brian.assembly.statements import OURS, changes, only_where, update_code
from autapse_sim.spec.language import Statement, renamed, statements
from autapse_sim.spec.model import Rule


def kept_equations(kept: list[Kept]) -> list[str]:
    """The equations of traces of synapses that neurons keep."""
    return [line for each in kept for line in rebuilt(Equations([each.equation]), {}, {each.state: each.variable})]


def begin_kept(kept: list[Kept]) -> list[Statement]:
    """Where those begin."""
    return [Statement(each.variable, "", each.initial) for each in kept]


def exactly(kept: list[Kept]) -> list[str]:
    """The variables of those traces that are integrated exactly."""
    return [each.variable for each in kept if "event-driven" in each.equation.flags]


def jump(plan: Plan, group: NeuronGroup) -> None:
    """Let the traces of synapses that the neurons of a group keep jump where these spike, or their spikes arrive."""
    slots: dict[str, list[Statement]] = {}
    for each in plan.kept_in(group.name):
        arriving = plan.delays.arriving if (each.weights, each.side) == ("W", "pre") else {}
        code = [one.renamed({each.state: each.variable}) for one in each.jumps]
        lines = only_where(arriving.get("spiked_pre", "spiked_pre").removesuffix("_pre"), code, {each.variable})
        slots.setdefault(each.slot, []).extend(lines)
    for slot, code in slots.items():
        plan.parts.regularly(group, code, slot)


def happen(
    plan: Plan, name: str, rule: Rule, synapses: Synapses, states: list[str], words: Mapping[str, str], when: When
) -> list[str]:
    """Let `on_pre` and `on_post` of a rule happen in the synapses of the weights `name`.

    Returns
    -------
    list of str
        What w may be by their own bounds, where changes are gathered.
    """
    bounds: list[str] = []
    kept = {*(words[each] for each in states), OURS["w"], OURS["change"]}
    for side, text in rule.events.items():
        text = without_kept(text, plan.kept.get(name, ()))
        if not text.strip():
            continue
        change = changes(rule, text, states, plan.gathers, substeps=1, events=frozenset())
        written = renamed("\n".join(map(str, change.statements)), words)
        lines = statements(Draws(f"{synapses.name}.on_{side}", *plan.ends(name))(written))
        code = update_code(lines, plan.gathers, plan.limits(name), carried=when is When.ALWAYS)
        spiked = words.get(f"spiked_{side}", f"spiked_{side}")
        plan.parts.at_spikes(synapses, code, f"on_{side}", spiked, kept, when)
        bounds += [renamed(limit, words) for limit in change.limits]
    return bounds
