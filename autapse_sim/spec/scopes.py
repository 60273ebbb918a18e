"""Every name in a circuit's models is looked up in what may stand in its place, before anything is built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from brian2 import Equations
from brian2.equations.equations import PARAMETER, SUBEXPRESSION

from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.spec import vocabulary
from autapse_sim.spec.algebra import real_functions
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.connection import Connection
from autapse_sim.spec.dimensions import check_dimensions
from autapse_sim.spec.events import check_events
from autapse_sim.spec.feeding import check_fed
from autapse_sim.spec.hints import nearest
from autapse_sim.spec.language import is_condition, names
from autapse_sim.spec.library import Models, connected
from autapse_sim.spec.lines import line_of
from autapse_sim.spec.making import follows
from autapse_sim.spec.model import Neuron, Rule
from autapse_sim.spec.scope import Scope, read_equations
from autapse_sim.spec.summing import check_sums
from autapse_sim.spec.vocabulary import PLACES, refusal

PRE = {"W": "neurons", "U": "inputs", "b": "unit", "V": "neurons", "c": "unit", "B": "outputs"}
POST = {"W": "neurons", "U": "neurons", "b": "neurons", "V": "outputs", "c": "outputs", "B": "neurons"}
"""The groups on both sides of a projection, by its weights."""
RECORDS = frozenset({"error", "stimulus", "spikes"})
"""Names of records that every result may hold, which no state of a neuron may have."""
_NUMBERS = {*vocabulary.NUMBERED, *vocabulary.TIME}


@real_functions()
def check_models(models: Models, circuit: Circuit, sizes: Mapping[str, int] = MappingProxyType({})) -> None:
    """Refuse a circuit whose models read, write or define what means nothing, with file and line.

    `sizes` are the neurons of 'inputs' and 'outputs', where it is known what is shown.
    """
    models.method(circuit)
    sizes = {"neurons": circuit.neurons, "unit": 1, **sizes}
    provided = neuron_words(models.neuron)
    neuron = check_neuron(models.neuron, circuit, provided)
    groups = {"neurons": set(neuron), "outputs": {*PLACES["read-out"]}}
    taken: dict[str, str] = dict.fromkeys(neuron - provided, "the neuron has it, too")
    for rule in models.teaching(circuit.learn):
        mine = [name for name in circuit.learn if models.teacher(name) is rule]
        check_parameters(rule, {*PLACES["synapse"], *PLACES["taught neuron"], *PLACES["read-out"]}, taken)
        check_rule(rule, mine, groups, models, circuit, taken, sizes)
    check_dimensions(models, circuit)
    check_fed(models, circuit)
    check_sums(models, circuit)


def within(sizes: Mapping[str, int], group: str) -> dict[str, int]:
    """What counts neurons in the texts of a group's neurons."""
    return {"N": sizes[group]} if group in sizes else {}


def between(sizes: Mapping[str, int], source: str, target: str, pairs: str = "all") -> dict[str, int]:
    """What counts neurons and synapses in the texts of synapses between two groups."""
    sides = {"N_pre": sizes.get(source), "N_post": sizes.get(target)}
    each = {"N_incoming": sides["N_pre"], "N_outgoing": sides["N_post"]}
    each = each if pairs == "all" else dict.fromkeys(each, 1)
    return {name: count for name, count in (sides | each).items() if count is not None}


def neuron_words(neuron: Neuron) -> set[str]:
    """What the circuit provides to a neuron."""
    words = {*vocabulary.NEURON, *vocabulary.NUMBERED, *vocabulary.TIME}
    words |= set(vocabulary.ACTIVATED) if neuron.activations else set()
    words |= {"f_prime"} if neuron.pseudo_derivative else set()
    words |= set(vocabulary.SPIKING) if neuron.threshold else set()
    return words | (set(vocabulary.REFRACTORY) if neuron.refractory else set())


def check_parameters(model: Neuron | Rule, words: Iterable[str], taken: Mapping[str, str] | None = None) -> None:
    """Refuse parameters whose names mean something else."""
    for name in model.parameters:
        reason = refusal(name, words) or (taken or {}).get(name, "")
        if not name.isidentifier() or not name.isascii():
            reason = "it is no name"
        if reason:
            raise InputError(f"{line_of(model, name)}: parameter {name!r}: {reason}; rename it")


def check_states(
    model: Neuron | Rule, text: str, equations: Equations, assigned: Iterable[str], initial: Mapping[str, str]
) -> None:
    """Refuse variables that nothing ever sets."""
    for name in equations:
        if equations[name].type == PARAMETER and name not in assigned and name not in initial:
            raise InputError(
                f"{line_of(model, name, text)}: nothing ever sets {name!r}; if it is a constant, take it out of the "
                f"equations and write parameters={{{name!r}: ...}}"
            )


def check_neuron(neuron: Neuron, circuit: Circuit, provided: set[str]) -> set[str]:
    """Refuse a neuron whose texts mean nothing; all that can be read of it."""
    words = provided | RECORDS | {"sent_sum", "perturbation"}
    equations = read_equations(neuron, neuron.equations, words)
    check_parameters(neuron, words, dict.fromkeys(equations, "the equations define it, too"))
    for name in neuron.sums:
        reason = refusal(name, {*words, *equations, *neuron.parameters})
        if reason:
            raise InputError(f"{line_of(neuron, name)}: the sum {name!r}: {reason}; rename it")
    if "activity" not in equations:
        near = nearest("activity", equations)
        meant = f"rename {near!r}" if near else "write for example 'activity = o : 1'"
        where = line_of(neuron, near or "equations")
        raise InputError(f"{where}: the neuron defines no 'activity', which the read-out reads; {meant}")
    if "sent" in equations and equations["sent"].type != SUBEXPRESSION:
        raise InputError(f"{line_of(neuron, 'sent')}: sent is no expression; write for example 'sent = z : 1'")
    known = {*equations, *neuron.parameters, *neuron.sums, *provided}
    scope = Scope.of(neuron, "the neuron", known, numbers={"N": circuit.neurons})
    scope.check_equations(neuron.equations, equations)
    states = {name for name in equations if equations[name].type != SUBEXPRESSION}
    check_activation(neuron, circuit, scope)
    boolean = {name for name in equations if equations[name].var_type == "boolean"} | {"not_refractory"}
    if neuron.threshold:
        scope.check(neuron.threshold, neuron.threshold)
        if not is_condition(neuron.threshold) and neuron.threshold.strip() not in boolean:
            where = line_of(neuron, "threshold")
            raise InputError(f"{where}: threshold {neuron.threshold!r} is no condition; write for example 'v > v_th'")
    for text in filter(str.strip, (neuron.refractory, neuron.pseudo_derivative)):
        scope.check(text, text)
    reset = scope.check_statements(neuron.reset, states, "a reset sets states of the neuron")
    moving = follows(neuron, circuit, shown=True)
    for name, value in neuron.initial.items():
        if name not in states:
            raise InputError(f"{line_of(neuron, name)}: the neuron has no {name!r} that could start anew")
        scope.check(value, value)
        check_initial(neuron, value, moving)
    check_states(neuron, neuron.equations, equations, {each.name for each in reset}, neuron.initial)
    recurrent = {
        f"{name}_{side}" for name in {*known, "sent", *vocabulary.SHOWN} - _NUMBERS for side in ("pre", "post")
    }
    counts = between({"neurons": circuit.neurons}, "neurons", "neurons")
    words = set(PLACES["synapse"]) - {"elapsed", "steps"}
    over = Scope.of(neuron, "a sum over synapses", recurrent, words, numbers=counts)
    for value in neuron.sums.values():
        over.check(value, value)
    return known | {"sent"}


def check_initial(model: Neuron | Rule, value: str, moving: Iterable[str]) -> None:
    """Refuse a starting value that reads what has no value before a trajectory."""
    wrong = sorted(names(value) & set(moving))
    if wrong:
        raise InputError(
            f"{line_of(model, wrong[0], value)}: initial reads {wrong[0]!r}, which has no value before a trajectory"
        )


def check_activation(neuron: Neuron, circuit: Circuit, scope: Scope) -> None:
    """Refuse an activation that the neuron does not have, or that reads what it lacks."""
    if not neuron.activations:
        return
    chosen = neuron.activations[one_of("activation", circuit.activation, neuron.activations)]
    for name, text in (("f", chosen.f), ("f_prime", chosen.f_prime)):
        scope.check(text, text)
        scope.check_undrawn(name, text, text)


def check_rule(
    rule: Rule,
    learned: Sequence[str],
    groups: dict[str, set[str]],
    models: Models,
    circuit: Circuit,
    taken: dict[str, str],
    sizes: Mapping[str, int],
) -> None:
    """Refuse a rule whose texts mean nothing where it teaches."""
    _check_role(rule, models)
    sums = {name for each in rule.connections for name in each.sums}
    words = {*PLACES["taught neuron"], *RECORDS}
    trace = read_equations(rule, rule.trace, words)
    post = read_equations(rule, rule.postsynaptic, {*words, *trace})
    own = [*trace, *post, *sums]
    for name in own:
        reason = taken.get(name) or refusal(name, {*words, *rule.parameters}) or ("twice" * (own.count(name) > 1))
        if reason:
            raise InputError(f"{line_of(rule, name)}: {name!r} cannot be defined here: {reason}; rename it")
    taken |= dict.fromkeys([*own, *rule.parameters], "another rule of the circuit has it, too")
    perturbs = {"perturbation"} if rule.perturbation.strip() else set()
    steady = {*models.neuron.parameters, *rule.parameters}
    here = {**groups, "neurons": {*groups["neurons"], *own, *steady, *perturbs, "sent_sum"}}
    here["outputs"] = {*groups["outputs"], *rule.parameters, *_readout_parameters(models, circuit)}
    given = steady & names(rule.trace, *(text for _, each in connected(rule, "inputs") for text in each.texts))
    told = {name for _, each in connected(rule, "inputs") for name in each.sums}
    here["inputs"] = {*PLACES["stimulus"], *trace, *told, *given}
    here["unit"] = here["inputs"] - {*vocabulary.SHOWN_SPIKES}
    known = here["neurons"], vocabulary.NUMBERED
    neuron_scope = Scope.of(rule, "equations of the neuron", *known, numbers=within(sizes, "neurons"))
    neuron_scope.check_equations(rule.postsynaptic, post)
    for group in {"neurons", *(PRE[name] for name in learned)} - {"outputs"}:
        place = "a trace of the " + {"neurons": "neuron", "inputs": "stimulus (U learns)", "unit": "bias"}[group]
        scope = Scope.of(rule, place, here[group], vocabulary.NUMBERED, numbers=within(sizes, group))
        scope.check_equations(rule.trace, trace)
        for _, each in connected(rule, group):
            check_connection(rule, each, here[group], between(sizes, group, group, each.pairs))
    if rule.perturbation.strip():
        neuron_scope.check(rule.perturbation, rule.perturbation)
        read = {name for each in models.neuron.texts for name in names(each)}
        if "bias" not in read:
            raise InputError(f"{line_of(rule, 'perturbation')}: the neuron reads no bias that could be perturbed")
    after = neuron_scope.check_statements(
        rule.finish_postsynaptic,
        {name for name in post if post[name].type != SUBEXPRESSION},
        "finish_postsynaptic sets variables of postsynaptic",
    )
    eligibility = check_synapses(rule, learned, here, sizes, here["neurons"] - steady if circuit.delay != 0 else set())
    summed = _check_summed(rule, learned, eligibility, post)
    states = [name for each in (trace, post, eligibility) for name in each if each[name].type != SUBEXPRESSION]
    _check_named(rule, states)
    moving = follows(models.neuron, circuit) | sums
    _check_starts(rule, neuron_scope, eligibility, moving, "U" in learned)
    if circuit.delay != 0 and "W" in learned:
        _check_late(rule, moving - {"spiked"} - ({"f_prime"} if models.neuron.pseudo_derivative else set()))
    check_states(rule, rule.trace, trace, sums, rule.initial)
    check_states(rule, rule.postsynaptic, post, {*sums, *summed, *(each.name for each in after)}, rule.initial)


def _check_named(rule: Rule, states: Sequence[str]) -> None:
    """Refuse starting and lasting values of what is no state of the rule."""
    for name in [*rule.initial, *rule.lasting]:
        if name not in states:
            near = nearest(name, states)
            meant = f"; did you mean {near!r}?" if near else ""
            raise InputError(f"{line_of(rule, name)}: the rule has no state {name!r} that could start{meant}")


def _check_role(rule: Rule, models: Models) -> None:
    """Refuse what has no place in a rule of the read-out or of the feedback."""
    role = next(name for name in ("rule", "readout_rule", "feedback_rule") if getattr(models, name) is rule)
    for name in ("postsynaptic", "perturbation", "finish_postsynaptic"):
        if role != "rule" and getattr(rule, name).strip():
            raise InputError(f"{line_of(rule, name)}: {name} is for the rule of W, U and b; {role} has none")
    if role != "rule" and any(each.among == "taught" for each in rule.connections):
        raise InputError(
            f"{line_of(rule, 'among')}: among='taught' is for the rule of W, U and b; {role} teaches no such neurons"
        )
    if role == "feedback_rule" and (rule.trace.strip() or rule.connections):
        raise InputError(f"{line_of(rule, 'trace')}: the read-out keeps no trace or connection; use eligibility")


def _check_summed(rule: Rule, learned: Sequence[str], eligibility: Equations, post: Equations) -> set[str]:
    """What synapses sum for the neurons that they end in; refused where it has no place."""
    summed = {name.removesuffix("_post") for name in eligibility if "summed" in eligibility[name].flags}
    if summed and len(learned) > 1:
        raise InputError(f"{line_of(rule, min(summed))}: a (summed) variable needs one kind of weights that learns")
    if summed - set(post):
        raise InputError(
            f"{line_of(rule, f'{min(summed)}_post')}: {min(summed)!r} is summed, but postsynaptic has no such variable"
        )
    if summed and set(rule.lasting) & set(eligibility):
        where = line_of(rule, min(set(rule.lasting) & set(eligibility)))
        raise InputError(f"{where}: a state of a synapse that lasts cannot stand beside a (summed) variable")
    return summed


def _check_starts(rule: Rule, scope: Scope, eligibility: Equations, moving: set[str], shown: bool) -> None:
    """Refuse starting values that mean nothing, or that read what has no value yet."""
    sides = {f"{name}_{side}" for name in moving for side in ("pre", "post")}
    for name, value in rule.initial.items():
        if name not in eligibility:
            scope.check(value, value)
        check_initial(rule, value, moving | sides)
        if shown and names(value) & {"activity", "sent", "activity_pre", "sent_pre"}:
            raise InputError(f"{line_of(rule, name)}: initial reads the stimulus (U learns), which is not shown yet")


def _check_late(rule: Rule, late: set[str]) -> None:
    """Refuse a rule that reads of the presynaptic neuron what does not arrive with the delay."""
    read = names(rule.update, rule.finish, rule.eligibility) & {f"{name}_pre" for name in late}
    if read:
        raise InputError(
            f"{line_of(rule, min(read))}: {min(read)!r} is nothing that arrives with the delay; read activity_pre, "
            "sent_pre, spiked_pre, or a state or trace of the neuron"
        )


def _readout_parameters(models: Models, circuit: Circuit) -> set[str]:
    return set(models.readout_rule.parameters) if {"V", "c"} & set(circuit.learn) else set()


def check_connection(rule: Rule, connection: Connection, group: set[str], counts: Mapping[str, int]) -> None:
    """Refuse a connection within a group whose texts mean nothing."""
    equations = read_equations(rule, connection.equations, {*PLACES["synapse"], *rule.parameters})
    for name in equations:
        if equations[name].type != PARAMETER:
            where = line_of(rule, name, connection.equations)
            raise InputError(f"{where}: {name!r} of a connection changes in its update; write '{name} : 1'")
    sides = {f"{name}_{side}" for name in group - _NUMBERS for side in ("pre", "post")}
    words = set(PLACES["synapse"]) - {"w", "elapsed"}
    scope = Scope.of(rule, "a connection", equations, sides, group - _NUMBERS, words, numbers=counts)
    for value in connection.sums.values():
        scope.check(value, value)
    found = scope.check_statements(connection.update, equations, _OWN)
    set_first = set(list(equations)[:1]) if connection.initial == "identity" else set()
    check_states(rule, connection.equations, equations, {each.name for each in found} | set_first, {})


_OWN = (
    "a synapse writes its own variables only; let a Connection sum what the neuron should get, or change the neuron's "
    "variable in its own equations"
)


def check_synapses(
    rule: Rule,
    learned: Sequence[str],
    groups: Mapping[str, set[str]],
    sizes: Mapping[str, int],
    late: set[str],
) -> Equations:
    """Refuse what a rule says of its synapses where it means nothing; its eligibility."""
    eligibility = read_equations(rule, rule.eligibility, {*PLACES["synapse"], *rule.parameters})
    states = {name for name in eligibility if eligibility[name].type != SUBEXPRESSION}
    for weight in learned:
        pre, post = groups[PRE[weight]] - _NUMBERS, groups[POST[weight]] - _NUMBERS
        sides = {f"{name}_pre" for name in pre} | {f"{name}_post" for name in post}
        known = (set(eligibility), PLACES["synapse"], sides, post)
        counts = between(sizes, PRE[weight], POST[weight])
        scope = Scope.of(rule, f"the synapses of {weight}", *known, numbers=counts)
        scope.check_equations(rule.eligibility, eligibility)
        ends, spiking = (PRE[weight], POST[weight]), [name for name in groups if "spiked" in groups[name]]
        found = check_events(rule, weight, ends, spiking, scope, states, late if weight == "W" else set())
        found += scope.check_statements(rule.update, states | {"w"}, _OWN)
        found += scope.check_statements(rule.finish, states | {"w"}, _OWN)
        for name in set(rule.initial) & set(eligibility):
            scope.check(rule.initial[name], rule.initial[name])
        check_states(rule, rule.eligibility, eligibility, {each.name for each in found}, rule.initial)
        for name in eligibility:
            check_event_driven(rule, eligibility, name, states)
    return eligibility


def check_event_driven(rule: Rule, eligibility: Equations, name: str, states: set[str]) -> None:
    """Refuse an event-driven equation that cannot be integrated exactly, each alone."""
    equation = eligibility[name]
    if "event-driven" in equation.flags and names(equation.expr.code) & (states - {name}):
        raise InputError(
            f"{line_of(rule, name, rule.eligibility)}: {name} is event-driven but reads another state; write both "
            "without (event-driven)"
        )
