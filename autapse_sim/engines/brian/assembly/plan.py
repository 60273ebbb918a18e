"""What the objects of a circuit are made from: its models, sizes, and what the names in its texts stand for."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping

from brian2 import Equations

from autapse_sim.engines.brian.assembly.delays import Delays
from autapse_sim.engines.brian.assembly.equations import Draws
from autapse_sim.engines.brian.assembly.kept import Kept, kept_by_neurons
from autapse_sim.engines.brian.assembly.parts import Parts
from autapse_sim.engines.brian.assembly.statements import OURS, changing
from autapse_sim.spec.job import Job
from autapse_sim.spec.language import Statement, names, parsed, renamed
from autapse_sim.spec.library import Models, connected
from autapse_sim.spec.model import Rule
from autapse_sim.spec.quantities import unit_of
from autapse_sim.spec.scopes import POST, PRE

EVERYTHING = ("W", "U", "b", "V", "c")
TAUGHT = {"neurons": EVERYTHING, "inputs": ("U",), "unit": ("b", "c")}
"""The weights whose rules leave traces in a group."""
STEPS = "autapse_steps(t_in_timesteps)"


def only_first(value: str, later: str) -> str:
    """A value where a run starts, and another where its later trajectories do."""
    return f"choose(autapse_first(t_in_timesteps), {value}, {later})"


def terms_with(expression: str, factor: str) -> bool:
    """Whether an expression is a product or a quotient that has a factor, and is 0 where that is 0.

    Examples
    --------
    >>> terms_with("spiked*step/dt", "spiked"), terms_with("v*spiked", "spiked"), terms_with("spiked + v", "spiked")
    (True, True, False)
    """
    node = parsed(expression)
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        if isinstance(node.op, ast.Mult) and terms_with(ast.unparse(node.right), factor):
            return True
        node = node.left
    return isinstance(node, ast.Name) and node.id == factor


class Plan:
    """What the objects of a circuit are made from.

    Parameters
    ----------
    job : Job
        Only its shapes count.
    models : Models
        The neuron and the rules.
    parts : Parts
        Where the objects are made.

    Attributes
    ----------
    size : dict of str to int
        The elements of a group in one network.
    asked : set of str
        All names in the texts of the models.
    numbered : bool
        Whether elements know their numbers.
    learned : dict of str to str
        The variables of Brian2 that hold the learned weights, by the weights' names.
    kept : dict of str to dict of str to Kept
        The traces of synapses that their neurons keep, by the weights and their names.
    summed_early : list of str
        What the neurons have of the next step before this one ends.
    """

    def __init__(self, job: Job, models: Models, parts: Parts):
        self.job, self.circuit, self.models, self.parts = job, job.circuit, models, parts
        self.size = {"neurons": job.circuit.neurons, "inputs": job.x.shape[-1], "outputs": job.y.shape[-1], "unit": 1}
        texts = [*models.neuron.texts, *(text for rule in models.teaching(job.circuit.learn) for text in rule.texts)]
        self.asked = names(*texts)
        self.numbered = bool(self.asked & {"i", "j"})
        self.delays = Delays(job.circuit, models)
        late = self.delays.each_synapse
        self.kept: dict[str, dict[str, Kept]] = {
            name: kept_by_neurons(job, models.rule, name, late and name == "W")
            for name in ("W", "U")
            if name in self.circuit.learn
        }
        self.learned: dict[str, str] = {}
        self.summed_early: list[str] = []

    def rules(self, *taught: str) -> list[Rule]:
        """The rules that teach any of these weights here."""
        return self.models.teaching(set(taught) & set(self.circuit.learn))

    @property
    def postsynaptic(self) -> list[str]:
        """The equations that rules add to the neurons that they teach."""
        return [rule.postsynaptic for rule in self.rules("W", "U", "b")]

    def words(self, group: str) -> dict[str, str]:
        """What names in the texts of a group's neurons stand for."""
        return {"i": "autapse_i", "N": str(self.size[group]), "steps": STEPS}

    def sums(self, group: str) -> list[str]:
        """The variables of a group that receive what connections sum."""
        return [name for rule in self.rules(*TAUGHT[group]) for _, one in connected(rule, group) for name in one.sums]

    def left(self, group: str) -> dict[str, str]:
        """The states of a group that start from where the last training trajectory left them; their units."""
        rules = self.rules(*TAUGHT[group])
        lasting = {name for rule in rules for name in rule.lasting}
        texts = [*(rule.trace for rule in rules), *(self.postsynaptic if group == "neurons" else ())]
        every = [(name, each[name]) for each in map(Equations, texts) for name in each if name in lasting]
        return {name: unit_of(equation.unit) for name, equation in every}

    def begin(
        self, group: str, equations: Iterable[Equations], initial: Mapping[str, str], shown: Mapping[str, str]
    ) -> list[Statement]:
        """Where the states of a group's neurons begin, what they show then, and where those of their rules begin.

        All begin at 0, or where they were left; then what is said happens in its order.
        """
        rules, words = self.rules(*TAUGHT[group]), self.words(group)
        left = {name: f"autapse_left_{name}" for name in self.left(group)}
        states = [name for each in equations for name in changing(each)]
        states += [name for rule in rules for name in changing(Equations(rule.trace))]
        said = {**initial, **shown}
        said |= {name: value for rule in rules for name, value in rule.initial.items() if name in states}
        begin = [(name, only_first("0", left[name]) if name in left else "0") for name in states]
        for name, text in said.items():
            value = renamed(text, words)
            begin.append((name, only_first(value, name) if name in left else value))
        begin += [(kept, only_first(name, kept)) for name, kept in left.items()]
        return Draws(f"{group}.initial", self.size[group]).drawn(Statement(name, "", value) for name, value in begin)

    def synapse_words(self, source: str, target: str, pairs: str = "all") -> dict[str, str]:
        """What names in the texts of synapses between two groups stand for."""
        pre, post = self.size[source], self.size[target]
        many = {"N_incoming": pre, "N_outgoing": post} if pairs == "all" else {"N_incoming": 1, "N_outgoing": 1}
        words = {name: str(count) for name, count in {"N_pre": pre, "N_post": post, **many}.items()}
        words |= {"w": OURS["w"], "i": "autapse_i_pre", "j": "autapse_i_post", "steps": STEPS}
        return words | {"elapsed": "autapse_elapsed(t_in_timesteps)"}

    @property
    def happens(self) -> bool:
        """Whether something happens in synapses at spikes."""
        return any(rule.events for rule in self.rules(*EVERYTHING, "B"))

    @property
    def sends_spikes(self) -> bool:
        """Whether neurons send something in steps in which they spike, and else 0."""
        sent = Equations(self.models.neuron.equations)
        return "sent" in sent and terms_with(sent["sent"].expr.code, "spiked")

    def kept_in(self, group: str) -> list[Kept]:
        """The traces of synapses that the neurons of a group keep."""
        ends = {"pre": PRE, "post": POST}
        every = [each for kept in self.kept.values() for each in kept.values()]
        return [each for each in every if ends[each.side][each.weights] == group]

    def ends(self, name: str) -> tuple[int, int]:
        """The presynaptic and the postsynaptic neurons of the weights `name`."""
        return self.size[PRE[name]], self.size[POST[name]]

    def limits(self, name: str) -> list[str]:
        """What the protocol lets the weights `name` be, as expressions of w."""
        limits = self.job.limits(name)
        sparse = ["choose(autapse_sign == 0, w_before, w)"] if limits.sparse else []
        dale = ["choose(w*autapse_sign < 0, 0, w)"] if limits.dale else []
        bound = ["clip(w, {!r}, {!r})".format(*limits.bound)] if limits.bound is not None else []
        return [renamed(limit, OURS) for limit in sparse + dale + bound]

    @property
    def perturbs(self) -> bool:
        """Whether the rule perturbs the neurons."""
        return bool(self.models.rule.perturbation.strip() and self.rules("W", "U", "b"))

    @property
    def input(self) -> str:
        """The variable of a neuron that the stimulus goes to."""
        return "autapse_input" if self.circuit.returned else "input"

    @property
    def bias(self) -> str:
        """The variable of a neuron that the weights b go to."""
        return "autapse_bias" if self.perturbs else "bias"

    @property
    def gathers(self) -> bool:
        """Whether the changes of w wait for an update at the end of a step, a trajectory or a batch."""
        return self.job.update != "step" or self.job.optimiser != "sgd"
