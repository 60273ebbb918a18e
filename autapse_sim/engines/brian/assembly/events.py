"""What happens in synapses at spikes: code that runs where one arrives, or where the neuron that is reached spikes."""

from __future__ import annotations

from collections.abc import Mapping

from brian2 import Synapses

from autapse_sim.engines.brian.assembly.equations import Draws
from autapse_sim.engines.brian.assembly.order import When
from autapse_sim.engines.brian.assembly.plan import Plan
from autapse_sim.engines.brian.assembly.statements import OURS, changes, update_code
from autapse_sim.spec.language import renamed, statements
from autapse_sim.spec.model import Rule


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
        change = changes(rule, text, states, plan.gathers, substeps=1, events=frozenset())
        written = renamed("\n".join(map(str, change.statements)), words)
        lines = statements(Draws(f"{synapses.name}.on_{side}", *plan.ends(name))(written))
        code = update_code(lines, plan.gathers, plan.limits(name), carried=when is When.ALWAYS)
        spiked = words.get(f"spiked_{side}", f"spiked_{side}")
        plan.parts.at_spikes(synapses, code, f"on_{side}", spiked, kept, when)
        bounds += [renamed(limit, words) for limit in change.limits]
    return bounds
