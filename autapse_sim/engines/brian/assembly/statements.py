"""What neurons and plastic synapses do in a step, as code of Brian2, and questions about such code."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce

from brian2 import Equations
from brian2.equations.equations import DIFFERENTIAL_EQUATION, PARAMETER, SUBEXPRESSION

from autapse_sim.errors import InputError
from autapse_sim.spec.language import Statement, call_of, is_one_of, mixes, names, parsed, renamed, statements, terms
from autapse_sim.spec.lines import line_of
from autapse_sim.spec.model import Neuron, Rule
from autapse_sim.spec.rates import learning_rate
from autapse_sim.spec.vocabulary import PREFIX

OURS = {
    name: f"{PREFIX}{name}"
    for name in (
        *("w", "w_before", "change", "now", "mean", "velocity", "moment", "square", "moment_mean", "square_mean"),
        *("corrected", "ends", "psi", "spikes", "total"),
    )
} | {name: f"{PREFIX}{name}(t_in_timesteps)" for name in ("learns", "ending", "updating", "updates", "share", "fresh")}
"""The harness's words for what it keeps and does, as Brian2 knows them."""

OPTIMISERS = {
    "sgd": "w = w + choose(now, mean, 0)",
    "momentum": """
        velocity = choose(now, 0.9*velocity + mean, velocity)
        w = w + choose(now, velocity, 0)""",
    "adam": """
        moment = choose(now, 0.9*moment + 0.1*mean, moment)
        square = choose(now, 0.999*square + 0.001*mean**2, square)
        moment_mean = moment/(1 - 0.9**updates)
        square_mean = square/(1 - 0.999**updates)
        w = w + choose(now, ETA*moment_mean/(sqrt(square_mean) + EPSILON*ETA + LEAST), 0)""",
    "adam-hat": """
        moment = choose(now, 0.9*moment + 0.1*mean, moment)
        square = choose(now, 0.999*square + 0.001*mean**2, square)
        corrected = ETA*sqrt(1 - 0.999**updates)/(1 - 0.9**updates)
        w = w + choose(now, corrected*moment/(sqrt(square) + EPSILON*ETA + LEAST), 0)""",
}
"""What an update does with the mean of the changes that were gathered (see `Protocol`), in words of the harness."""
OPTIMISER_STATE = {
    "sgd": (),
    "momentum": ("velocity",),
    "adam": ("moment", "square"),
    "adam-hat": ("moment", "square"),
}


@dataclass(frozen=True)
class Changes:
    """The statements of a rule for w, with what keeps w within bounds apart where changes are gathered.

    Parameters
    ----------
    statements : tuple of Statement
        In order.
    limits : tuple of str
        What w may be, as expressions that clip w.
    """

    statements: tuple[Statement, ...]
    limits: tuple[str, ...] = ()


def changes(
    rule: Rule, code: str, states: Iterable[str], gathers: bool, substeps: int, events: frozenset[str]
) -> Changes:
    """The changes of w that a rule's code makes in one integration step.

    Parameters
    ----------
    rule : Rule
        Whose code it is.
    code : str
        Its `update`, or its `finish` (with `substeps` 1: it happens as written).
    states : iterable of str
        Variables of the synapse, whose values are no events, whatever moves them; other names are temporaries.
    gathers : bool
        Whether changes are summed while w stands still.
    substeps : int
        Integration steps in a step. A term of a change that reads what happens at once (`events`) happens as written,
        any other is a rate per step.
    events : frozenset of str
        Names that tell of events: spikes, dt, and what is made of them.
    """
    found: list[Statement] = []
    limits: list[str] = []
    parts: dict[str, list[str]] = {}
    for each in _unfolded(rule, code, states) if gathers or substeps > 1 else statements(code):
        if each.name in states:
            found.append(each)
            continue
        if each.name != "w":
            summands = _resolved(terms(each.assigned), parts)
            if substeps > 1:
                _unmixed(rule, summands, parts, events, code)
            parts[each.name] = summands
            if any(names(part) & events for part in parts[each.name]):
                events |= {each.name}
            found.append(each)
            continue
        change, bounds = _additive(each)
        if gathers and (change is None or "w" in names(*bounds)):
            raise InputError(
                f"{line_of(rule, 'w', code)}: {str(each)!r} sets w, but here its changes are gathered for an update to "
                "come; write w += ... or w -= ..., for bounds w = clip(w + ..., low, high) or Protocol(bound=...), "
                "or update every step with optimiser 'sgd'"
            )
        if change is None or (substeps == 1 and not gathers):
            found.append(each)
            continue
        part = _shared(rule, change, parts, substeps, events, code)
        if bounds and not gathers:
            found.append(Statement("w", "", reduce(_clipped, bounds, " + ".join(["w", *part]))))
            continue
        found += [Statement("w", "+", each) for each in part]
        limits += [_clipped("w", bound) for bound in bounds]
    return Changes(tuple(found), tuple(limits))


def _additive(each: Statement) -> tuple[list[str] | None, list[str]]:
    """The terms that a statement adds to w, and the bounds that it keeps w within; no terms where it sets w."""
    if each.operator == "+":
        return terms(each.value), []
    if each.operator == "-":
        return terms(f"-({each.value})"), []
    if each.operator:
        return None, []
    inner, bounds = _unclipped(each.value)
    within = terms(inner)
    if within.count("w") != 1:
        return None, []
    within.remove("w")
    return within, bounds


def _unclipped(value: str) -> tuple[str, list[str]]:
    """What an expression keeps within bounds, and these, the innermost first; itself where it does not."""
    clip = call_of(value, "clip")
    if clip is None:
        return value, []
    inner, bounds = _unclipped(clip[0])
    return inner, [*bounds, f"{clip[1]}, {clip[2]}"]


def _clipped(value: str, bound: str) -> str:
    return f"clip({value}, {bound})"


def _within(value: str) -> list[str]:
    """The summands of an expression, or of what it keeps within bounds."""
    return terms(_unclipped(value)[0])


def _unfolded(rule: Rule, code: str, states: Iterable[str]) -> list[Statement]:
    """Statements in which w is set to what temporaries stand for that are w and terms, or a clip of these.

    Refused is such a temporary where what it was made of has changed since, or would be drawn again.
    """
    found: list[Statement] = []
    held: dict[str, str] = {}
    late: set[str] = set()
    for each in statements(code):
        value, within = each.assigned, _within(each.assigned)
        old = late & set(within)
        if "w" not in within:
            value = _put_in(value, held)
        if each.name == "w" and old and "w" not in names(value):
            raise InputError(
                f"{line_of(rule, min(old), code)}: {str(each)!r} sets w to {min(old)!r}, which holds a w of before; "
                "write w = w + ... or w = clip(w + ..., low, high) at once"
            )
        found.append(replace(each, value=value) if each.name == "w" and not each.operator else each)
        late |= {name for name, text in held.items() if each.name in names(text)}
        if each.name not in {"w", *states}:
            late = late - {each.name} | ({each.name} if old else set())
            held.pop(each.name, None)
            if _within(value).count("w") == 1:
                held[each.name] = value
                late |= {each.name} if names(value) & {"rand", "randn"} else set()
        held = {name: text for name, text in held.items() if name not in late}
    return found


def _put_in(value: str, held: Mapping[str, str]) -> str:
    """An expression in which others stand for its summands."""
    summands = _within(value)
    if not held.keys() & set(summands):
        return value
    total = " + ".join(f"({held[each]})" if each in held else each for each in summands)
    total = held[summands[0]] if len(summands) == 1 else total
    return reduce(_clipped, _unclipped(value)[1], total)


def _resolved(summands: list[str], parts: dict[str, list[str]]) -> list[str]:
    """Summands in which temporaries that are sums themselves stand as their summands."""
    found = []
    for each in summands:
        name = each.removeprefix("-")
        if name in parts:
            found += parts[name] if name == each else [f"-({part})" for part in parts[name]]
        else:
            found.append(each)
    return found


def _shared(
    rule: Rule, summands: list[str], parts: dict[str, list[str]], substeps: int, events: frozenset[str], code: str
) -> list[str]:
    """What w gets in one integration step: events as they are, rates by the share dt/step."""
    if substeps == 1:
        return [" + ".join(f"({each})" for each in summands)] if summands else []
    resolved = _resolved(summands, {name: part for name, part in parts.items() if name in _mixed(parts, events)})
    _unmixed(rule, resolved, parts, events, code)
    found = [f"({term})" if names(term) & events else f"({term})*dt/step" for term in resolved]
    return [" + ".join(found)] if found else []


def _mixed(parts: dict[str, list[str]], events: frozenset[str]) -> set[str]:
    """The temporaries that are sums of events and of rates."""
    return {name for name, each in parts.items() if len({bool(names(part) & events) for part in each}) > 1}


def _unmixed(rule: Rule, summands: list[str], parts: dict[str, list[str]], events: frozenset[str], code: str) -> None:
    """Refuse a summand that is a product with a sum, or a temporary which is one, that holds both kinds."""
    mixed = _mixed(parts, events)
    for term in summands:
        wrong = names(term) & mixed
        if wrong or mixes(term, lambda one: bool(names(one) & events)):
            node = parsed(term)
            said = ast.unparse(node.operand if isinstance(node, ast.UnaryOp) else node)
            at = min(wrong or names(term) & events)
            raise InputError(
                f"{line_of(rule, at, code)}: {said} mixes what happens at spikes with what happens at a rate; "
                "write the two as terms of their own"
            )


def telling(equations: Equations, events: Iterable[str], suffixes: Iterable[str] = ("",)) -> frozenset[str]:
    """`events`, and the subexpressions (with suffixes) that are made of them; what is sent or shown is a rate."""
    known = set(events)
    made: set[str] = set()
    rates = ("sent", "activity", "f", "f_prime")
    made_of = {name: names(equations[name].expr.code) for name in equations if equations[name].type == SUBEXPRESSION}
    for _ in made_of:  # they stand in any order: as many rounds as there are names
        made |= {name for name, read in made_of.items() if name not in rates and read & (known | made)}
    return frozenset(known | {f"{name}{suffix}" for name in made for suffix in suffixes})


def ours(text: str) -> list[Statement]:
    """Assignments in the harness's words."""
    return statements(renamed(text, OURS))


def update_code(lines: list[Statement], gathers: bool, limits: list[str], carried: bool) -> list[Statement]:
    """The code of a plastic synapse at every integration step, whatever its rule says (`lines`).

    Where the synapse `gathers`, the change is kept for an update to come. Where the code is `carried` on while nothing
    is learned, w then stays what it is. `limits` are what w may be else.
    """
    if not (gathers or carried or limits):
        return lines
    before = ours("w_before = -(-w)")  # a copy: in runtime mode `w -= ...` changes the array in place
    learned = "choose(learns, w - w_before, 0)" if carried else "w - w_before"
    if gathers:
        return [*before, *lines, *ours(f"change = change + {learned}\nw = w_before")]
    if carried:
        return [*before, *lines, *ours(f"w = w_before + {learned}"), *kept_within(limits, "learns")]
    return [*before, *lines, *kept_within(limits)]


def kept_within(limits: list[str], when: str = "") -> list[Statement]:
    """What w may be, one limit after the other; `when` is the harness's word for a condition."""
    lines = [Statement(OURS["w"], "", limit) for limit in limits]
    return only_where(OURS[when], lines, {OURS["w"]}) if when else lines


def finish_code(
    rule: Rule,
    ending: list[Statement],
    states: set[str],
    limits: list[str],
    gathers: bool,
    optimiser: str,
    epsilon: float,
    least: float,
) -> list[Statement]:
    """What ends at a plastic synapse: the rule's own finish (`ending`), and its gathered changes with an update.

    What it gathers is -eta g, so that Adam's step of eta is put right by the rule's own eta.
    """
    lines = []
    if ending:
        lines = ours("ends = choose(learns, ending, 0)\nw_before = -(-w)")
        lines += only_where(OURS["ends"], ending, {OURS["w"], *states})
        lines += ours("change = change + (w - w_before)\nw = w_before") if gathers else []
    if not gathers:
        return lines + kept_within(limits, "ends") if lines else []
    lines = lines or (ours("w_before = -(-w)") if limits else [])
    lines += ours("now = updating\nmean = change*share")
    lines += ours(_with_rate(rule, OPTIMISERS[optimiser], epsilon, least))
    lines += ours("change = choose(now, 0, change)")
    return lines + kept_within(limits, "now")


def _with_rate(rule: Rule, code: str, epsilon: float, least: float) -> str:
    if "ETA" not in names(code):
        return code
    return renamed(code, {"ETA": learning_rate(rule), "EPSILON": repr(float(epsilon)), "LEAST": repr(least)})


def only_where(condition: str, code: list[Statement], states: set[str]) -> list[Statement]:
    """Assignments that take place for some elements only, as code that all elements can run side by side."""
    return [
        replace(each, operator="", value=f"choose({condition}, {each.assigned}, {each.name})")
        if each.name in states
        else each
        for each in code
    ]


def spike_code(neuron: Neuron) -> list[Statement]:
    """The code of a neuron after its state update: pseudo-derivative and threshold."""
    free = " and not_refractory" if neuron.refractory else ""
    lines = [Statement(OURS["psi"], "", neuron.pseudo_derivative)] if neuron.pseudo_derivative else []
    lines += [Statement("spiked", "", f"int(({neuron.threshold}){free})")]
    lines += ours("spikes = choose(fresh, 0, spikes) + spiked\ntotal = total + spiked")
    return lines + ([Statement("lastspike", "", "choose(spiked, t, lastspike)")] if neuron.refractory else [])


def reset_code(neuron: Neuron, reset: list[Statement]) -> list[Statement]:
    """The code of a neuron that may have spiked."""
    lines = only_where("spiked", reset, set(changing(Equations(neuron.equations))))
    lines += [Statement("not_refractory", "", "not_refractory and spiked < 0.5")] if neuron.refractory else []
    return lines


def computed(equations: Equations) -> dict[str, str]:
    """What neurons send and show, where it is computed: worth doing once a neuron and not once a synapse.

    Each is an expression in what the neuron has beside these two.
    """
    found = {name: equations[name] for name in ("activity", "sent") if name in equations}
    made = {
        name: f"({equation.expr.code})"
        for name, equation in found.items()
        if equation.type == SUBEXPRESSION and not is_one_of(equation.expr.code, changing(equations))
    }
    return {name: renamed(code, made) for name, code in made.items()}


def without(equations: Equations, names: Iterable[str]) -> Equations:
    """Equations but for those of some variables."""
    return Equations([equations[name] for name in equations if name not in names])


def changing(equations: Equations) -> list[str]:
    """The variables that are not constant and not defined by others."""
    kinds = (DIFFERENTIAL_EQUATION, PARAMETER)
    return [name for name in equations if equations[name].type in kinds and "constant" not in equations[name].flags]
