"""The audit of a rule, derived from its equations: from w backwards through all that a change of w depends on.

Equations are causal: what they read is of this step or of the one before. So a rule of equations reads no future, and
of the past what its states hold. Forward weights are read backwards where B is V^T; `w` of a text is the synapse's own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from brian2 import Equations
from brian2.equations.equations import DIFFERENTIAL_EQUATION, SUBEXPRESSION

from autapse_sim.spec.audit import Audit
from autapse_sim.spec.language import names, parsed, statements
from autapse_sim.spec.lines import line_of
from autapse_sim.spec.model import Neuron, Rule

SYNAPSE, NEURON = "synapse", "neuron"
"""Places of variables; a connection is another place."""
CLOCK = "a clock that starts with each trajectory"
GLOBAL = {
    "feedback": "B err, to each neuron its own mix of all errors",
    "loss": "one number for all",
    "elapsed": CLOCK,
    "steps": CLOCK,
    "t": CLOCK,
}
"""What the circuit tells all neurons or synapses."""
KEPT = {"sent_sum": "sum of what it sent", "perturbation": "its own noise"}
"""What the circuit keeps in a neuron for a rule that asks for it."""
Node = tuple[str, str]
"""A variable: its place and its name."""


@dataclass(frozen=True)
class Line:
    """A line of a model.

    Parameters
    ----------
    node : (str, str)
        What it sets.
    reads : dict of (str, str) to str
        What it reads, as it is written.
    value : str
        Its right side.
    said : str
        The line, and where it stands.
    summed : str
        'all' or 'self' where it is summed over synapses, by which neurons these connect.
    """

    node: Node
    reads: dict[Node, str]
    value: str
    said: str
    summed: str = ""


def audit_of(rule: Rule, neuron: Neuron, feedback: str = "random") -> Audit:
    """What a rule asks of a brain, of neurons of this kind; `feedback` is how B is drawn.

    Examples
    --------
    >>> from autapse_sim import read_neuron, read_rule
    >>> audit_of(read_rule("rflo"), read_neuron("rate")).row()
    ['-', 'yes', '-', '-', 'p', '-', 'feedback']
    """
    lines = [*_lines(rule), *_of_neuron(neuron)]
    reached = _reached(lines)
    read = {node for line in reached for node in line.reads}
    return Audit(
        transpose=_read(reached, "feedback", "B is V^T: ") if feedback == "symmetric" else (),
        derivative=(*_read(reached, "f_prime"), *_by_hand(reached, neuron)),
        others=tuple(f"{each.node[1]}: {each.said}" for each in reached if _over_synapses(each)),
        synapse=tuple(_states(rule, read, SYNAPSE)),
        neuron=(*_states(rule, read, NEURON), *(f"{n}: {KEPT[n]}" for n in KEPT if (NEURON, n) in read)),
        signals=tuple(_signals(rule, reached)),
    )


def idle(rule: Rule, neuron: Neuron) -> list[str]:
    """The states and parameters of a rule that no change of w depends on.

    Examples
    --------
    >>> from autapse_sim import read_neuron, read_rule
    >>> rule = read_rule("autapse").replace(update="w -= eta*feedback_post*activity_pre")
    >>> idle(rule, read_neuron("rate"))
    ['k', 'tau']
    """
    reached = _reached([*_lines(rule), *_of_neuron(neuron)])
    # what perturbs the neurons acts through their activity
    read = {name for line in reached for _, name in line.reads} | names(rule.perturbation)
    texts = (rule.trace, rule.postsynaptic, rule.eligibility, *(each.equations for each in rule.connections))
    made = [name.removesuffix("_post") for text in texts for name in Equations(text)]
    return [name for name in [*made, *rule.parameters] if name not in read]


def _reached(lines: list[Line]) -> list[Line]:
    """The lines that a change of w depends on, in their order."""
    nodes, before = {(SYNAPSE, "w")}, set[Node]()
    while nodes != before:
        before = set(nodes)
        nodes |= {read for line in lines if line.node in nodes for read in line.reads}
    return [line for line in lines if line.node in nodes]


def _lines(rule: Rule) -> Iterator[Line]:
    """The lines of a rule."""
    eligibility = Equations(rule.eligibility)
    code = [each for text in rule.code for each in statements(text)]
    mine = [name for name in eligibility if "summed" not in eligibility[name].flags]
    own = {"w", "elapsed", *mine, *(each.name for each in code)}
    yield from _equations(rule, rule.trace, NEURON, ())
    yield from _equations(rule, rule.postsynaptic, NEURON, ())
    yield from _equations(rule, rule.eligibility, SYNAPSE, own)
    for text in rule.code:
        yield from _statements(rule, text, SYNAPSE, own)
    yield from _statements(rule, rule.finish_postsynaptic, NEURON, ())
    if rule.perturbation.strip():
        yield _line(rule, (NEURON, "perturbation"), rule.perturbation, "perturbation =", rule.perturbation, NEURON, ())
    for number, each in enumerate(rule.connections):
        place, states = f"connection {number}", {*Equations(each.equations)}
        for name, value in each.sums.items():
            over = f"{name} = sum over {'all neurons' if each.pairs == 'all' else 'its autapse'} of"
            yield _line(rule, (NEURON, name), value, over, value, place, states, each.pairs)
        yield from _statements(rule, each.update, place, states)


def _of_neuron(neuron: Neuron) -> Iterator[Line]:
    """The expressions of a neuron: a rule reads what they are made of. Its states are its own."""
    equations = Equations(neuron.equations)
    for name in equations:
        if equations[name].type == SUBEXPRESSION:
            value = equations[name].expr.code
            yield _line(neuron, (NEURON, name), value, f"{name} =", neuron.equations, NEURON, ())


def _equations(rule: Rule, text: str, place: str, own: Iterable[str]) -> Iterator[Line]:
    equations = Equations(text)
    for name in equations:
        equation, node = equations[name], (place, name)
        if equation.expr is None:
            continue
        summed = "all" if "summed" in equation.flags else ""
        if summed:
            node = (NEURON, name.removesuffix("_post"))
        left = f"d{name}/dt =" if equation.type == DIFFERENTIAL_EQUATION else f"{name} ="
        yield _line(rule, node, equation.expr.code, left, text, place, own, summed)


def _statements(rule: Rule, text: str, place: str, own: Iterable[str]) -> Iterator[Line]:
    for each in statements(text):
        left = f"{each.name} {each.operator}="
        yield _line(rule, (place, each.name), each.value, left, text, place, own)


def _line(
    model: Rule | Neuron, node: Node, value: str, left: str, text: str, place: str, own: Iterable[str], summed: str = ""
) -> Line:
    value = " ".join(value.split())
    reads = {_node(name, place, own): name for name in sorted(names(value))}
    where = line_of(model, node[1], text).rpartition(", ")[2]
    where = f"{where}: " if where.startswith("line") else ""
    where = f"neuron, {where}" if isinstance(model, Neuron) else where
    return Line(node, reads, value, f"{where}{left} {value}", summed)


def _node(name: str, place: str, own: Iterable[str]) -> Node:
    """What a name stands for in a place that has variables of its own."""
    if name in own:
        return place, name
    return NEURON, name.removesuffix("_pre").removesuffix("_post")


def _read(lines: Iterable[Line], name: str, why: str = "") -> tuple[str, ...]:
    """Where a variable of a neuron is read."""
    return tuple(f"{why}{each.reads[NEURON, name]} in {each.said}" for each in lines if (NEURON, name) in each.reads)


def _over_synapses(line: Line) -> bool:
    """Whether a line sums over synapses what these have themselves."""
    return line.summed == "all" and any(place != NEURON for place, _ in line.reads)


def _states(rule: Rule, read: set[Node], place: str) -> Iterator[str]:
    """The states of a rule in each synapse or each neuron that w depends on."""
    texts = [(place, rule.eligibility)] if place == SYNAPSE else [(place, rule.trace), (place, rule.postsynaptic)]
    if place == SYNAPSE:
        texts += [(f"connection {number}", each.equations) for number, each in enumerate(rule.connections)]
    for where, text in texts:
        equations = Equations(text)
        for name in equations:
            if equations[name].type != SUBEXPRESSION and (where, name) in read:
                yield name if where == place else f"{name}: of each pair of presynaptic neurons"


def _signals(rule: Rule, lines: list[Line]) -> Iterator[str]:
    """What is told to all neurons or synapses of a network at once."""
    for name, what in GLOBAL.items():
        terms = [*_read(lines, name), *(f"{name} in {each.said}" for each in lines if (SYNAPSE, name) in each.reads)]
        if terms:
            yield f"{name}: {what}; {'; '.join(terms)}"
    for each in lines:
        if each.summed == "all" and not _over_synapses(each):
            yield f"{each.node[1]}: a sum over all neurons; {each.said}"
    ends = [each.said for each in lines if _at_the_end(rule, each)]
    if ends:
        yield f"end of a trajectory: {'; '.join(ends)}"


def _at_the_end(rule: Rule, line: Line) -> bool:
    """Whether a line is one of those at the end of a trajectory."""
    place = SYNAPSE if line.node[0] == SYNAPSE else NEURON
    text = rule.finish if place == SYNAPSE else rule.finish_postsynaptic
    return any(each.name == line.node[1] and each.value == line.value for each in statements(text))


def _by_hand(lines: Iterable[Line], neuron: Neuron) -> Iterator[str]:
    """Where the derivative of an activation stands in other words, such as activity_post*(1 - activity_post)."""
    for line in lines:
        for chosen, each in neuron.activations.items():
            slope = parsed(each.f_prime)
            for (place, name), word in line.reads.items():
                if place == NEURON and name != "f_prime" and _holds(line.value, slope, word):
                    yield f"the derivative of {chosen}, of {word}, in {line.said}"


def _holds(value: str, slope: ast.expr, word: str) -> bool:
    """Whether a product in an expression has all factors of another one, with `word` for f and a."""
    wanted = {_Renamed(word).text(each) for each in _factors(slope)}
    if not any(isinstance(node, ast.Name) for node in ast.walk(slope)):
        return False
    return any(wanted <= set(map(ast.unparse, _factors(node))) for node in ast.walk(parsed(value)))


def _factors(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return _factors(node.left) + _factors(node.right)
    return [node]


class _Renamed(ast.NodeTransformer):
    """Puts a word in the place of f and a."""

    def __init__(self, word: str) -> None:
        self.word = word

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """The name, or the word."""
        return ast.Name(self.word) if node.id in ("f", "a") else node

    def text(self, node: ast.AST) -> str:
        """The text of an expression with the word."""
        return ast.unparse(self.visit(ast.parse(ast.unparse(node), mode="eval")))
