"""A neuron's integration step as a straight-line program: state update, threshold, reset, and what it shows and sends.

The order is that of docs/meaning.md, 6 and 7; the state update is the abstract code of Brian2's integrators.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass

from brian2 import Equations, get_dimensions
from brian2.equations.equations import DIFFERENTIAL_EQUATION, SUBEXPRESSION
from brian2.equations.refractory import add_refractoriness
from brian2.stateupdaters.base import StateUpdateMethod, UnsupportedEquationsException
from brian2.units.fundamentalunits import get_unit_for_display

from autapse_sim.engines.adjoint.numeric import unknown
from autapse_sim.engines.adjoint.program import Program, differentiated
from autapse_sim.engines.brian.blame import explained
from autapse_sim.engines.reference.code import NOISE, Code, assignments, is_condition, names, tree
from autapse_sim.errors import InputError
from autapse_sim.spec.algebra import real_functions
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.dimensions import Units
from autapse_sim.spec.integration import stepper
from autapse_sim.spec.language import names as words
from autapse_sim.spec.library import Models
from autapse_sim.spec.lines import line_of
from autapse_sim.spec.model import Neuron

ARRIVING = ("drive", "input", "bias")
"""What arrives at every neuron in an integration step."""
TOLD = ("feedback", "loss")
"""What neurons may be told of the integration step before."""
SHOWN = ("activity", "sent")
BESIDE = frozenset({"t", "dt", "step", "steps", "i", "N"})
"""What is given to programs beside states, what arrives, and parameters."""
SYNAPSE = frozenset({"w", "i", "j", "N_pre", "N_post", "N_incoming", "N_outgoing", "t", "dt", "step", "steps"})
"""What sums over synapses may read beside the variables of their neurons."""
SINCE = "autapse_since"
"""Integration steps since a neuron spiked: a whole number, exact in single precision, too, where times are not."""
LONG_AGO = 1e9
STILL = frozenset({"not_refractory", "lastspike", SINCE})
"""States that jump and do not move between: the loss has no slope by them."""


@dataclass(frozen=True)
class Step:
    """What a neuron does, as programs.

    Parameters
    ----------
    start : Program
        From what is 0 before a trajectory to the states that it starts from.
    step : Program
        One integration step.
    states : tuple of str
        What goes on from one integration step to the next, `activity` and `sent` among it.
    moving : tuple of str
        Those by which the loss has a slope, all but `STILL`.
    arriving : tuple of str
        What arrives: `ARRIVING`, the neuron's own sums, and what it reads of `TOLD`.
    sums : mapping of str to Program
        The sums over recurrent synapses by name: each sets `total` of what one synapse brings, from ``w`` and ``X_pre``
        and ``X_post`` of its neurons.
    recorded : mapping of str to str
        The states that a result shows, with their units.
    """

    start: Program
    step: Program
    states: tuple[str, ...]
    moving: tuple[str, ...]
    arriving: tuple[str, ...]
    sums: Mapping[str, Program]
    recorded: Mapping[str, str]


@real_functions()
def step_of(models: Models, circuit: Circuit, exact: bool = True) -> Step:
    """The programs of a circuit's neurons; where no gradient is asked for, spikes need none, either.

    Raises
    ------
    InputError
        Where the neuron does what has no derivative, with file and line.
    """
    neuron = models.neuron
    _check_noise(neuron)
    written = _Written(models, circuit)
    code = [*written.refractoriness(), *written.state_update(), *written.spike(circuit.through_reset, exact)]
    code += written.shown()
    arriving = (*ARRIVING, *neuron.sums, *(name for name in TOLD if name in read_first(code)))
    read = {*read_first(code), *(name for each in neuron.sums.values() for name in _bare(each))}
    states = tuple(dict.fromkeys([*written.states, *sorted((written.own - {*SHOWN}) & read), *SHOWN]))
    moving = tuple(name for name in states if name not in STILL)
    try:
        step = differentiated(_text(code), (*moving, *arriving), moving)
        start = differentiated(_text(written.beginning()), ("bias",), moving)
        sums = {name: written.sum(text, moving) for name, text in neuron.sums.items()}
    except InputError as error:
        raise InputError(f"{neuron.path}: {error}") from None
    known = {*states, *arriving, *neuron.parameters, *BESIDE}
    for name in unknown((*start.forward, *step.forward)):
        if name not in known:
            where = line_of(neuron, name)
            raise InputError(f"{where}: the neuron reads {name!r}, by which its activity has no gradient here")
    for name, program in sums.items():
        seen = {f"{each}_{side}" for each in (*states, *neuron.parameters, "i") for side in ("pre", "post")}
        for each in set(unknown(program.forward)) - seen - SYNAPSE:
            raise InputError(f"{line_of(neuron, each)}: the sum {name!r} reads {each!r}, by which it has no gradient")
    return Step(start, step, states, moving, arriving, sums, written.recorded)


@real_functions()
def f_prime_of(models: Models, circuit: Circuit) -> ast.expr:
    """f' of a neuron's activation, in its states, parameters and what arrives."""
    return _Written(models, circuit).full(ast.Name("f_prime", ast.Load()))


def _check_noise(neuron: Neuron) -> None:
    for name in sorted(words(*neuron.texts)):
        if name in NOISE or name == "xi" or name.startswith("xi_"):
            raise InputError(f"{line_of(neuron, name)}: exact gradients draw no random numbers ({name})")


def _bare(text: str) -> set[str]:
    """The names of a synapse's expression without their sides."""
    return {name.removesuffix("_pre").removesuffix("_post") for name in words(text)}


def read_first(code: Code) -> set[str]:
    """The names that lines read before they set them."""
    found: set[str] = set()
    made: set[str] = set()
    for name, node in code:
        found |= names(node) - made
        made.add(name)
    return found


def _text(code: Code) -> str:
    return "\n".join(f"{name} = {ast.unparse(node)}" for name, node in code)


class _Replaced(ast.NodeTransformer):
    """An expression in which names stand for others."""

    def __init__(self, meant: Mapping[str, ast.expr]):
        self.meant = meant

    def visit_Call(self, node: ast.Call) -> ast.expr:
        return ast.Call(node.func, [self.visit(each) for each in node.args], [])

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self.visit(deepcopy(self.meant[node.id])) if node.id in self.meant else node


def _replaced(node: ast.expr, meant: Mapping[str, ast.expr]) -> ast.expr:
    """An expression with what its names stand for, all the way down."""
    return _Replaced(meant).visit(deepcopy(node))  # trees are shared


class _Written:
    """The texts of a neuron as lines of a program."""

    def __init__(self, models: Models, circuit: Circuit):
        self.models, self.neuron = models, models.neuron
        self.method = models.method(circuit)
        text = self.neuron.equations
        if self.neuron.activations:
            activation = self.neuron.activations[circuit.activation]
            text += f"\nf = {activation.f} : 1\nf_prime = {activation.f_prime} : 1"
        found = Equations(text)
        kinds = {name: found[name].type for name in found}
        self.states = tuple(name for name in found if kinds[name] != SUBEXPRESSION)
        self.rates = {name: tree(found[name].expr.code) for name in found if kinds[name] == DIFFERENTIAL_EQUATION}
        self.expressions = {name: tree(found[name].expr.code) for name in found if kinds[name] == SUBEXPRESSION}
        if "sent" not in found:
            self.expressions["sent"] = ast.Name("activity", ast.Load())
        self.equations = found
        self.own = {*self.states, *SHOWN}
        self.own |= {"spiked"} if self.neuron.threshold else set()
        self.own |= {"f_prime"} if self.neuron.pseudo_derivative else set()
        self.own |= {"not_refractory", "lastspike"} if self.neuron.refractory else set()
        self.counts = bool(self.neuron.refractory) and not is_condition(tree(self.neuron.refractory))
        self.own |= {SINCE} if self.counts else set()
        recorded = (*self.states, "activity") if self.neuron.threshold else ("activity",)
        units = {name: found[name].unit for name in recorded if name in found}
        self.recorded = {name: "1" if unit.is_dimensionless else str(unit) for name, unit in units.items()}

    def full(self, node: ast.expr) -> ast.expr:
        """An expression in states, what arrives and parameters."""
        return _replaced(node, self.expressions)

    def shown(self) -> Code:
        """What the neuron shows and sends, which stands still until the next spikes."""
        beside = {name: node for name, node in self.expressions.items() if name != "activity"}
        return [
            ("activity", self.full(ast.Name("activity", ast.Load()))),
            ("sent", _replaced(ast.Name("sent", ast.Load()), beside)),
        ]

    def beginning(self) -> Code:
        """The starting values, in the order in which they are evaluated."""
        zero: Code = [
            (name, ast.Constant(0)) for name in sorted(self.own | {*ARRIVING, *self.neuron.sums, *TOLD} - {"bias"})
        ]
        refractory = {"not_refractory": "1", "lastspike": "-10000"} if self.neuron.refractory else {}
        since = {SINCE: repr(LONG_AGO)} if self.counts else {}
        initial = {**refractory, **since, **self.neuron.initial}
        code = zero + [(name, self.full(tree(value))) for name, value in initial.items()]
        return code + self.shown()

    def refractoriness(self) -> Code:
        """Whether the neuron may spike again."""
        period = self.neuron.refractory
        if not period:
            return []
        if not self.counts:
            return [("not_refractory", self.full(tree(f"int(not_refractory > 0 or not ({period}))")))]
        free = self.full(tree(f"int({SINCE} >= timestep({period}, dt))"))
        return [(SINCE, tree(f"{SINCE} + 1")), ("not_refractory", free)]

    def state_update(self) -> Code:
        """The abstract code of the integrator."""
        equations = add_refractoriness(self.equations) if self.neuron.refractory else self.equations
        if not self.rates:
            return []
        try:
            return assignments(StateUpdateMethod.apply_stateupdater(equations, {}, method=stepper(self.method)))
        except UnsupportedEquationsException as error:
            raise explained(error, self.models) from None

    def spike(self, through: bool, exact: bool) -> Code:
        """Pseudo-derivative, threshold, and what a spike changes; where nothing is `exact`, spikes need no slope."""
        neuron = self.neuron
        if not neuron.threshold:
            return []
        free = " and not_refractory > 0" if neuron.refractory else ""
        slope = "f_prime*not_refractory" if neuron.refractory else "f_prime"
        condition = f"({ast.unparse(self.full(tree(neuron.threshold)))}){free}"
        code = [("f_prime", self.full(tree(neuron.pseudo_derivative)))] if neuron.pseudo_derivative else []
        spiked = f"int({condition})"
        if exact:
            spiked = f"autapse_spike({condition}, {ast.unparse(self.full(tree(self.argument())))}, {slope})"
        code += [("spiked", tree(spiked))]
        if "lastspike" in words(*neuron.texts):
            code += [("lastspike", tree("choose(spiked > 0, t, lastspike)"))]
        if self.counts:
            code += [(SINCE, tree(f"choose(spiked > 0, 0, {SINCE})"))]
        detached = set() if through else self.membrane()
        for name, node in assignments(neuron.reset):
            value = ast.unparse(self.full(node))
            if name in self.states:
                when = (
                    f"choose(spiked > 0, {value}, {name})"
                    if name in detached
                    else f"autapse_switch(spiked, {value}, {name})"
                )
                code.append((name, tree(when)))
            else:
                code.append((name, tree(value)))
        return code + ([("not_refractory", tree("not_refractory*int(spiked < 0.5)"))] if neuron.refractory else [])

    def argument(self) -> str:
        """The difference a - b of a threshold a > b, by which the pseudo-derivative is the derivative of a spike."""
        neuron, where = self.neuron, line_of(self.neuron, "threshold")
        match tree(neuron.threshold):
            case ast.Compare(left=left, ops=[ast.Gt() | ast.GtE()], comparators=[right]):
                sides = left, right
            case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE()], comparators=[right]):
                sides = right, left
            case _:
                raise InputError(
                    f"{where}: threshold {neuron.threshold!r} has no gradient; write one comparison, such as 'v > v_th'"
                )
        difference = ast.unparse(ast.BinOp(sides[0], ast.Sub(), sides[1]))
        if not neuron.pseudo_derivative:
            raise InputError(
                f"{where}: spikes have no gradient without a pseudo_derivative, which stands for the derivative of a "
                f"spike by {difference}; write for example "
                "pseudo_derivative='gamma*clip(1 - abs(v - v_th)/v_th, 0, 1)/v_th'"
            )
        unit = self._unit(ast.unparse(sides[0]))
        if unit:
            raise InputError(
                f"{where}: threshold {neuron.threshold!r} compares what has the unit {unit}, but pseudo_derivative, "
                "the derivative of a spike by the difference of its two sides, is a mere number; write "
                f"threshold='({difference})/(scale) > 0', with the scale that pseudo_derivative counts in"
            )
        return difference

    def _unit(self, expression: str) -> str:
        """The unit of an expression; '' of a mere number."""
        known = {name: each.dim for name, each in self.equations.items()}
        known |= {name: get_dimensions(value) for name, value in self.neuron.parameters.items()}
        dimension = Units(self.neuron, known).of(expression, self.neuron.threshold)
        return "" if dimension.is_dimensionless else str(get_unit_for_display(dimension))

    def membrane(self) -> set[str]:
        """The states that a threshold reads and that what arrives reaches: a reset of these can be detached."""
        reached: set[str] = {*ARRIVING, *self.neuron.sums}
        read = {name: names(_replaced(rate, self.expressions)) for name, rate in self.rates.items()}
        for _ in self.rates:
            reached |= {name for name, others in read.items() if others & reached}
        return {*names(self.full(tree(self.neuron.threshold)))} & reached & {*self.states}

    def sum(self, text: str, states: tuple[str, ...]) -> Program:
        """What one synapse brings to a sum."""
        meant = {}
        for side in ("pre", "post"):
            own = {*states, *self.neuron.parameters, "i", "N"}
            sided = {name: ast.Name(f"{name}_{side}", ast.Load()) for name in own}
            for name in self.expressions.keys() - {*SHOWN}:
                meant[f"{name}_{side}"] = _replaced(self.full(ast.Name(name, ast.Load())), sided)
        inputs = ["w", *(f"{name}_{side}" for name in states for side in ("pre", "post"))]
        return differentiated(_text([("total", _replaced(tree(text), meant))]), inputs, ("total",))
