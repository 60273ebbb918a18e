"""The projections of a circuit, and how they learn."""

from __future__ import annotations

from collections.abc import Mapping

from brian2 import Equations, NeuronGroup, Synapses

from autapse_sim.engines.brian.assembly.equations import Draws, rebuilt
from autapse_sim.engines.brian.assembly.events import happen
from autapse_sim.engines.brian.assembly.kept import words_of_kept
from autapse_sim.engines.brian.assembly.order import SLOTS, When
from autapse_sim.engines.brian.assembly.plan import TAUGHT, Plan
from autapse_sim.engines.brian.assembly.statements import (
    OPTIMISER_STATE,
    OURS,
    changes,
    changing,
    finish_code,
    telling,
    update_code,
    without,
)
from autapse_sim.engines.brian.dense.synapses import fused, obstacle, of_senders
from autapse_sim.engines.brian.program import Projection, Sign
from autapse_sim.spec.language import Statement, renamed, statements
from autapse_sim.spec.model import Rule
from autapse_sim.spec.protocol import LEAST
from autapse_sim.spec.scopes import POST, PRE


def project(
    plan: Plan, name: str, source: NeuronGroup, target: NeuronGroup, sums: Mapping[str, str], slot: str
) -> None:
    """The projection of the weights `name`, all-to-all within each network; it learns where the circuit says so."""
    learns = name in plan.circuit.learn
    rule = plan.models.teacher(name) if learns else None
    eligibility = Equations(rule.eligibility if rule else "")
    code = [each for text in (rule.code if rule else ()) for each in statements(text)]
    kept = plan.kept.get(name, {})
    eligibility = without(eligibility, kept)
    taken = [each for each in eligibility if "summed" not in eligibility[each].flags]
    own = {each: f"autapse_own_{each}" for each in (*taken, *(s.name for s in code if s.name not in {"w", *kept}))}
    words = {**plan.synapse_words(source.name, target.name), **own}
    words |= plan.delays.arriving if name == "W" else {}
    words |= words_of_kept(kept)
    draws = Draws(f"projection_{name}", plan.size[source.name], plan.size[target.name])
    lines = [f"{OURS['w']} : 1"]
    # what is summed is computed here, and equations where they are integrated
    lines += [draws(line) if line.endswith("(summed)") else line for line in rebuilt(eligibility, words, own)]
    gathered = ("change", *OPTIMISER_STATE[plan.job.optimiser]) if learns and plan.gathers else ()
    lines += [f"{OURS[each]} : 1" for each in gathered]
    limits = plan.job.limits(name)
    signed = learns and (limits.sparse or limits.dale)
    lines += ["autapse_sign : 1 (constant)"] * signed
    lines += ["autapse_delay : 1 (constant)"] * (name == "W" and plan.delays.each_synapse)
    exactly = [own[each] for each in taken if "event-driven" in eligibility[each].flags]
    sums = {variable: draws(renamed(value, words)) for variable, value in sums.items()}
    synapses, block = plan.parts.synapses(name, source, target, sums, slot, lines, exactly=exactly)
    plan.parts.inputs[f"{synapses.name}.{OURS['w']}"] = Projection(name, block)
    if name == "W" and plan.happens and plan.parts.dense and plan.sends_spikes and not plan.delays.arriving:
        of_senders(synapses.summed_updaters["drive_post"])
    if signed:
        plan.parts.inputs[f"{synapses.name}.autapse_sign"] = Sign(name, block)
    if name == "W":
        plan.parts.inputs |= plan.delays.synaptic(synapses.name, block)
    if rule is not None:
        plan.learned[name] = f"{synapses.name}.{OURS['w']}"
        teach(plan, name, rule, synapses, eligibility, words, draws, next(iter(sums)), slot)


def teach(
    plan: Plan,
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
    carried = not plan.job.reset or any("summed" in eligibility[each].flags for each in eligibility)
    learns = When.ALWAYS if carried else When.LEARNS
    if synapses.state_updater is not None:
        plan.parts.conditions[synapses.state_updater.name] = learns
    states = [each for each in changing(eligibility) if "summed" not in eligibility[each].flags]
    if states:
        begin = draws.drawn(starting(rule, states, words))
        plan.parts.regularly(synapses, begin, "begin", When.STARTING)
    bounds = happen(plan, name, rule, synapses, states, words, learns)
    events = events_in(plan, rule, eligibility, name)
    change = changes(rule, rule.update, states, plan.gathers, plan.circuit.substeps, events)
    ending = changes(rule, rule.finish, states, plan.gathers, 1, events)
    limits = bounds + [renamed(limit, words) for limit in (*change.limits, *ending.limits)] + plan.limits(name)
    lines = statements(draws(renamed("\n".join(map(str, change.statements)), words)))
    update = None
    if lines or (limits and not plan.gathers):
        code = update_code(lines, plan.gathers, limits, carried)
        update = plan.parts.regularly(synapses, code, "update", learns)
    last = statements(draws(renamed("\n".join(map(str, ending.statements)), words)))
    kept = {words[each] for each in states}
    small = plan.job.epsilon, LEAST[plan.circuit.precision]
    finish = finish_code(rule, last, kept, limits, plan.gathers, plan.job.optimiser, *small)
    if finish:
        plan.parts.regularly(synapses, finish, "finish", When.FINISHES)
    summed = synapses.summed_updaters[f"{variable}_post"]
    apart = _apart(plan, synapses, slot)
    if update is None:
        plan.parts.apart[name] = apart or "it changes at spikes, or where a trajectory ends"
        return
    plan.parts.apart[name] = apart or obstacle(update, summed, plan.summed_early)
    if not plan.parts.apart[name]:
        both = fused(update, summed, SLOTS["fused"], f"{synapses.name}_fused")
        plan.summed_early.append(variable)
        synapses.contained_objects.append(both)
        plan.parts.conditions[both.name] = When.FUSED if carried else When.FUSED_LEARNS
        plan.parts.conditions[update.name] = When.ENDS if carried else When.ENDS_LEARNS
        plan.parts.conditions[summed.name] = When.UNDRIVEN


def _apart(plan: Plan, synapses: Synapses, slot: str) -> str:
    """Why weights cannot change and be summed in one pass, whatever their rule reads; '' where they might."""
    if not plan.parts.dense:
        return "it does not run in dense loops"
    if slot != "drive":
        return "the sum of the next step needs an activity that is not there yet"
    if plan.gathers and plan.job.update == "step":
        return "an optimiser changes the weights at each step"
    return "" if len(synapses.summed_updaters) == 1 else "its synapses have more than one sum"


def starting(rule: Rule, states: list[str], words: Mapping[str, str]) -> list[Statement]:
    """Where a synapse's states begin, for every step: at 0, then what is said happens in its order."""
    values = [(name, "0") for name in states]
    values += [(name, value) for name, value in rule.initial.items() if name in states]
    code = []
    for name, value in values:
        when = "autapse_first" if name in rule.lasting else "autapse_starting"
        new = words[name]
        code.append(Statement(new, "", f"choose({when}(t_in_timesteps), {renamed(value, words)}, {new})"))
    return code


def events_in(plan: Plan, rule: Rule, eligibility: Equations, name: str) -> frozenset[str]:
    """The names in a rule's code that tell of events."""
    known = {"dt"}
    for group, suffixes in ((PRE[name], ("_pre",)), (POST[name], ("_post", ""))):
        made = [each.trace for each in plan.rules(*TAUGHT.get(group, ()))]
        if group == "neurons":
            made = [plan.models.neuron.equations, *made, *plan.postsynaptic]
        known |= telling(Equations("\n".join(made)), {"spiked", "dt"}, suffixes)
        known |= {f"spiked{suffix}" for suffix in suffixes}
    return telling(eligibility, known - set(eligibility))
