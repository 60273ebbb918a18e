"""Every name in a circuit's models is looked up in what may stand in its place, before anything is built."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from brian2 import Equations
from brian2.equations.equations import DIFFERENTIAL_EQUATION, FLOAT, PARAMETER, SUBEXPRESSION

from autapse_sim import vocabulary
from autapse_sim.circuit import Circuit
from autapse_sim.circuit_models import Models
from autapse_sim.errors import InputError
from autapse_sim.language import Statement, called, is_condition, names, parsed, statements
from autapse_sim.model import Connection, Neuron, Rule, line_of
from autapse_sim.names import one_of
from autapse_sim.vocabulary import PLACES, refusal

FLAGS = {DIFFERENTIAL_EQUATION: {"unless refractory", "clock-driven", "event-driven"}, SUBEXPRESSION: {"summed"}}
PRE = {"W": "neurons", "U": "inputs", "b": "unit", "V": "neurons", "c": "unit", "B": "outputs"}
POST = {"W": "neurons", "U": "neurons", "b": "neurons", "V": "outputs", "c": "outputs", "B": "neurons"}
"""The groups on both sides of a projection, by its weights."""
RECORDS = frozenset({"error", "stimulus", "spikes"})
"""Names of records that every result may hold, which no state of a neuron may have."""
_NUMBERS = {*vocabulary.NUMBERED, *vocabulary.TIME}


def read_equations(model: Neuron | Rule, text: str, place: Iterable[str]) -> Equations:
    """Equations as Brian2 reads them; refused where they define what they may not, or in a way that means nothing."""
    if not text.strip():
        return Equations("")
    try:
        for line in text.splitlines():
            parsed(_unit(line))
        equations = Equations(text)
    except Exception as error:  # of pyparsing, Brian2 or SymPy
        said = " ".join(str(error.__cause__ or error).split())
        quoted = re.search(r"'([^']+)'", said)
        where = line_of(model, quoted[1] if quoted else text.strip().splitlines()[0].strip(), text)
        raise InputError(f"{where}: {said}") from None
    for name in equations:
        equation = equations[name]
        target = name.removesuffix("_post") if "summed" in equation.flags else name
        where = line_of(model, name, text)
        reason = refusal(target, () if "summed" in equation.flags else place)
        if reason and name == "w" and "w" in place:
            raise InputError(f"{where}: the weight w changes in update; write for example 'w += step*(...)' there")
        if reason:
            raise InputError(f"{where}: {name!r} cannot be defined here: {reason}; rename it")
        wrong = set(equation.flags) - FLAGS.get(equation.type, set()) - {""}
        if "constant" in wrong:
            raise InputError(
                f"{where}: {name} is constant and nothing gives it a value; take it out of the equations and write "
                f"parameters={{{name!r}: ...}}"
            )
        if wrong:
            raise InputError(f"{where}: the flag ({min(wrong)}) means nothing here; take it away")
        if equation.type != SUBEXPRESSION and equation.var_type != FLOAT:
            raise InputError(f"{where}: {name} is no real number; declare it as '{name} : 1'")
    return equations


def _unit(line: str) -> str:
    """The unit that a line of equations ends with, without flags; 1 where it ends with none."""
    _, colon, end = line.rpartition(":")
    return (end.partition("(")[0].strip() if colon else "") or "1"


@dataclass(frozen=True)
class Scope:
    """What may stand in a text.

    Parameters
    ----------
    model : Neuron or Rule
        Whose text it is.
    place : str
        How the place is called in messages.
    known : frozenset of str
        All that may be read there.
    """

    model: Neuron | Rule
    place: str
    known: frozenset[str]

    @classmethod
    def of(cls, model: Neuron | Rule, place: str, *known: Iterable[str]) -> Scope:
        return cls(model, place, frozenset().union(vocabulary.everywhere(), *known))

    def check(self, expression: str, text: str, temporary: Iterable[str] = ()) -> None:
        """Refuse an expression that is none, or that reads what is not known."""
        first = next(iter(expression.split()), "")
        try:
            parsed(expression)
        except InputError as error:
            raise InputError(f"{line_of(self.model, first, text)}: {error}") from None
        for name in sorted(names(expression) - self.known - set(temporary)):
            raise self.unknown(name, text)
        for name in called(expression):
            if name not in vocabulary.FUNCTIONS:
                where = line_of(self.model, name, text)
                raise InputError(f"{where}: {name!r} is no function; known are {', '.join(vocabulary.FUNCTIONS)}")

    def unknown(self, name: str, text: str) -> InputError:
        """What to say of a name that means nothing here."""
        near = get_close_matches(name, self.known - _units(), n=1, cutoff=0.6)
        where = line_of(self.model, name, text)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        if not near and not name.endswith(("_pre", "_post")):
            hint = f"; if it is a constant, write parameters={{{name!r}: ...}}"
        known = ", ".join(sorted(self.known - vocabulary.everywhere()))
        return InputError(f"{where}: {name!r} means nothing in {self.place}{hint} (known there: {known})")

    def check_statements(self, text: str, writes: Iterable[str], why: str) -> list[Statement]:
        """Refuse assignments to what may not be written, and temporaries that are read too early or never."""
        try:
            found = statements(text)
        except InputError as error:
            word = next(iter(str(error).strip("'\"").split()), "")
            raise InputError(f"{line_of(self.model, word, text)}: {error}") from None
        writes, temporary = set(writes), {}
        for number, each in enumerate(found):
            self.check(each.value, text, temporary)
            if each.name in writes:
                continue
            if each.name in self.known or each.name.endswith(("_pre", "_post")) or refusal(each.name):
                where = line_of(self.model, each.name, text)
                if each.name not in self.known and not refusal(each.name.rpartition("_")[0] or each.name):
                    raise self.unknown(each.name, text)
                raise InputError(f"{where}: {str(each)!r} assigns to {each.name!r}; {why}")
            if each.operator and each.name not in temporary:
                raise self.unknown(each.name, text)
            temporary[each.name] = number
        for name, number in temporary.items():
            later = [names(each.value) | ({each.name} if each.operator else set()) for each in found[number + 1 :]]
            if not any(name in read for read in later):
                near = get_close_matches(name, sorted(writes), n=1, cutoff=0.6)
                hint = f"; did you mean {near[0]!r}?" if near else "; declare it in the equations, or take it away"
                raise InputError(f"{line_of(self.model, name, text)}: {name!r} is set and never read{hint}")
        return found


def _units() -> set[str]:
    from brian2.core.namespace import DEFAULT_UNITS

    return set(DEFAULT_UNITS)


def check_models(models: Models, circuit: Circuit) -> None:
    """Refuse a circuit whose models read, write or define what means nothing, with file and line."""
    models.method(circuit)
    provided = neuron_words(models.neuron)
    neuron = check_neuron(models.neuron, circuit, provided)
    groups = {"neurons": set(neuron), "outputs": {*PLACES["read-out"]}}
    taken: dict[str, str] = dict.fromkeys(neuron - provided, "the neuron has it, too")
    for rule in models.teaching(circuit.learn):
        mine = [name for name in circuit.learn if models.teacher(name) is rule]
        check_parameters(rule, {*PLACES["synapse"], *PLACES["taught neuron"], *PLACES["read-out"]}, taken)
        check_rule(rule, mine, groups, models, circuit, taken)


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
        raise InputError(f"{neuron.path}: the neuron defines no 'activity'; write for example 'activity = o : 1'")
    if "sent" in equations and equations["sent"].type != SUBEXPRESSION:
        raise InputError(f"{line_of(neuron, 'sent')}: sent is no expression; write for example 'sent = z : 1'")
    known = {*equations, *neuron.parameters, *neuron.sums, *provided}
    scope = Scope.of(neuron, "the neuron", known)
    check_expressions(scope, neuron.equations, equations)
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
    moving = follows(neuron, circuit)
    for name, value in neuron.initial.items():
        if name not in states:
            raise InputError(f"{line_of(neuron, name)}: the neuron has no {name!r} that could start anew")
        scope.check(value, value)
        check_initial(neuron, value, moving)
    check_states(neuron, neuron.equations, equations, {each.name for each in reset}, neuron.initial)
    recurrent = {
        f"{name}_{side}" for name in {*known, "sent", *PLACES["stimulus"]} - _NUMBERS for side in ("pre", "post")
    }
    over = Scope.of(neuron, "a sum over synapses", recurrent, set(PLACES["synapse"]) - {"elapsed", "steps"})
    for value in neuron.sums.values():
        over.check(value, value)
    return known | {"sent"}


_MOVING = {*vocabulary.NEURON, *vocabulary.TAUGHT, *vocabulary.SPIKING, "t", "steps", "elapsed", "lastspike"}


def follows(neuron: Neuron, circuit: Circuit) -> set[str]:
    """The names of a neuron that follow what arrives, or time, at once: they have no value before a trajectory."""
    made = {}
    equations = Equations(neuron.equations)
    for name in equations:
        if equations[name].type == SUBEXPRESSION:
            made[name] = names(equations[name].expr.code)
    if neuron.activations:
        made["f"] = names(neuron.activations[circuit.activation].f)
        made["f_prime"] = names(neuron.activations[circuit.activation].f_prime)
    found = {*_MOVING, *neuron.sums}
    for _ in made:  # they stand in any order: as many rounds as there are names
        found |= {name for name, read in made.items() if read & found and name not in ("activity", "sent")}
    return found


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
    for text in (chosen.f, chosen.f_prime):
        scope.check(text, text)


def check_expressions(scope: Scope, text: str, equations: Equations) -> None:
    """Refuse equations that read what is not known."""
    noise = {word for word in names(text) if word == "xi" or word.startswith("xi_")}
    for name in equations:
        if equations[name].expr is not None:
            allowed = noise if equations[name].type == DIFFERENTIAL_EQUATION else ()
            scope.check(equations[name].expr.code, text, allowed)


def check_rule(
    rule: Rule,
    learned: Sequence[str],
    groups: dict[str, set[str]],
    models: Models,
    circuit: Circuit,
    taken: dict[str, str],
) -> None:
    """Refuse a rule whose texts mean nothing where it teaches."""
    role = next(name for name in ("rule", "readout_rule", "feedback_rule") if getattr(models, name) is rule)
    for name in ("postsynaptic", "perturbation", "finish_postsynaptic"):
        if role != "rule" and getattr(rule, name).strip():
            raise InputError(f"{line_of(rule, name)}: {name} is for the rule of W, U and b; {role} has none")
    if role == "feedback_rule" and (rule.trace.strip() or rule.connections):
        raise InputError(f"{line_of(rule, 'trace')}: the read-out keeps no trace or connection; use eligibility")
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
    here = {**groups}
    here["neurons"] = {*groups["neurons"], *own, *rule.parameters, *perturbs, "sent_sum", *models.neuron.parameters}
    here["outputs"] = {*groups["outputs"], *rule.parameters, *_readout_parameters(models, circuit)}
    asked = names(rule.trace, *(text for each in rule.connections for text in each.texts))
    given = {*models.neuron.parameters, *rule.parameters} & asked
    here["inputs"] = here["unit"] = {*PLACES["stimulus"], *trace, *sums, *given}
    neuron_scope = Scope.of(rule, "equations of the neuron", here["neurons"], vocabulary.NUMBERED)
    check_expressions(neuron_scope, rule.postsynaptic, post)
    for group in {"neurons", *(PRE[name] for name in learned)} - {"outputs"}:
        place = "a trace of the " + {"neurons": "neuron", "inputs": "stimulus (U learns)", "unit": "bias"}[group]
        check_expressions(Scope.of(rule, place, here[group], vocabulary.NUMBERED), rule.trace, trace)
        for each in rule.connections:
            check_connection(rule, each, here[group])
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
    eligibility = check_synapses(rule, learned, here, models)
    summed = {name.removesuffix("_post") for name in eligibility if "summed" in eligibility[name].flags}
    if summed and len(learned) > 1:
        raise InputError(f"{line_of(rule, min(summed))}: a (summed) variable needs one kind of weights that learns")
    if summed - set(post):
        raise InputError(
            f"{line_of(rule, min(summed))}: {min(summed)!r} is summed, but postsynaptic has no such variable"
        )
    if summed and set(rule.lasting) & set(eligibility):
        where = line_of(rule, min(set(rule.lasting) & set(eligibility)))
        raise InputError(f"{where}: a state of a synapse that lasts cannot stand beside a (summed) variable")
    states = [name for each in (trace, post, eligibility) for name in each if each[name].type != SUBEXPRESSION]
    for name in [*rule.initial, *rule.lasting]:
        if name not in states:
            raise InputError(f"{line_of(rule, name)}: the rule has no state {name!r} that could start")
    moving = follows(models.neuron, circuit) | sums
    sides = {f"{name}_{side}" for name in moving for side in ("pre", "post")}
    for name, value in rule.initial.items():
        if name not in eligibility:
            neuron_scope.check(value, value)
        check_initial(rule, value, moving | sides)
        if "U" in learned and names(value) & {"activity", "sent", "activity_pre", "sent_pre"}:
            raise InputError(f"{line_of(rule, name)}: initial reads the stimulus (U learns), which is not shown yet")
    if circuit.delay != 0 and "W" in learned:
        late = moving - {"spiked"} - ({"f_prime"} if models.neuron.pseudo_derivative else set())
        read = names(rule.update, rule.finish, rule.eligibility) & {f"{name}_pre" for name in late}
        if read:
            raise InputError(
                f"{line_of(rule, min(read))}: {min(read)!r} is nothing that arrives with the delay; read activity_pre, "
                "sent_pre, spiked_pre, or a state or trace of the neuron"
            )
    check_states(rule, rule.trace, trace, sums, rule.initial)
    check_states(rule, rule.postsynaptic, post, {*sums, *summed, *(each.name for each in after)}, rule.initial)


def _readout_parameters(models: Models, circuit: Circuit) -> set[str]:
    return set(models.readout_rule.parameters) if {"V", "c"} & set(circuit.learn) else set()


def check_connection(rule: Rule, connection: Connection, group: set[str]) -> None:
    """Refuse a connection within a group whose texts mean nothing."""
    equations = read_equations(rule, connection.equations, {*PLACES["synapse"], *rule.parameters})
    for name in equations:
        if equations[name].type != PARAMETER:
            where = line_of(rule, name, connection.equations)
            raise InputError(f"{where}: {name!r} of a connection changes in its update; write '{name} : 1'")
    sides = {f"{name}_{side}" for name in group - _NUMBERS for side in ("pre", "post")}
    words = set(PLACES["synapse"]) - {"w", "elapsed"}
    scope = Scope.of(rule, "a connection", equations, sides, group - _NUMBERS, words)
    for value in connection.sums.values():
        scope.check(value, value)
    found = scope.check_statements(connection.update, equations, _OWN)
    set_first = set(list(equations)[:1]) if connection.initial == "identity" else set()
    check_states(rule, connection.equations, equations, {each.name for each in found} | set_first, {})


_OWN = (
    "a synapse writes its own variables only; let a Connection sum what the neuron should get, or change the neuron's "
    "variable in its own equations"
)


def check_synapses(rule: Rule, learned: Sequence[str], groups: Mapping[str, set[str]], models: Models) -> Equations:
    """Refuse what a rule says of its synapses where it means nothing; its eligibility."""
    eligibility = read_equations(rule, rule.eligibility, {*PLACES["synapse"], *rule.parameters})
    states = {name for name in eligibility if eligibility[name].type != SUBEXPRESSION}
    for weight in learned:
        pre, post = groups[PRE[weight]] - _NUMBERS, groups[POST[weight]] - _NUMBERS
        sides = {f"{name}_pre" for name in pre} | {f"{name}_post" for name in post}
        known = (set(eligibility), PLACES["synapse"], sides, post)
        scope = Scope.of(rule, f"the synapses of {weight}", *known)
        check_expressions(scope, rule.eligibility, eligibility)
        found = scope.check_statements(rule.update, states | {"w"}, _OWN)
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
