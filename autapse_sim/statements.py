"""What neurons and plastic synapses do in a step, as code of Brian2, and questions about such code."""

from __future__ import annotations

import re
from collections.abc import Iterable

from brian2 import Equations, get_dimensions, have_same_dimensions, second
from brian2.equations.equations import DIFFERENTIAL_EQUATION, PARAMETER, SUBEXPRESSION

from autapse_sim.errors import InputError
from autapse_sim.model import Neuron, Rule, line_of

OPTIMISERS = {
    "sgd": "w = w + choose(now, mean, 0)",
    "momentum": """
        velocity = choose(now, 0.9*velocity + mean, velocity)
        w = w + choose(now, velocity, 0)""",
    "adam": """
        moment = choose(now, 0.9*moment + 0.1*mean, moment)
        square = choose(now, 0.999*square + 0.001*mean**2, square)
        moment_mean = moment/(1 - 0.9**updates(t_in_timesteps))
        square_mean = square/(1 - 0.999**updates(t_in_timesteps))
        w = w + choose(now, ETA*moment_mean/(sqrt(square_mean) + EPSILON*ETA + 1e-300), 0)""",
    "adam-hat": """
        moment = choose(now, 0.9*moment + 0.1*mean, moment)
        square = choose(now, 0.999*square + 0.001*mean**2, square)
        corrected = ETA*sqrt(1 - 0.999**updates(t_in_timesteps))/(1 - 0.9**updates(t_in_timesteps))
        w = w + choose(now, corrected*moment/(sqrt(square) + EPSILON*ETA + 1e-300), 0)""",
}
"""What an update does with the mean of the changes that were gathered (see `Protocol`)."""
OPTIMISER_STATE = {
    "sgd": (),
    "momentum": ("velocity",),
    "adam": ("moment", "square"),
    "adam-hat": ("moment", "square"),
}


def update_code(rule: Rule, gathers: bool, limits: list[str], scaled: bool) -> str:
    """The code of a plastic synapse at every integration step, whatever its rule says.

    The change that the rule makes to w is `scaled` by `learning` (dt/step, or 0 where nothing is learned) unless that
    is known to be 1; where the synapse `gathers`, it is kept for an update to come. What w may be is limited.
    """
    change = "learning(t_in_timesteps)*(w - w_before)" if scaled else "w - w_before"
    # the double minus makes a copy: in runtime mode `w -= ...` changes the array in place
    before, lines = ["w_before = -(-w)"], []
    if gathers:
        lines = [f"change = change + {change}", "w = w_before"]
    elif scaled or limits:
        lines = ([f"w = w_before + {change}"] if scaled else []) + limits
    lines = [*(before if lines else []), rule.update, *lines]
    return "\n".join(line.strip() for text in lines for line in text.strip().splitlines())


def finish_code(rule: Rule, traces: list[str], limits: list[str], gathers: bool, optimiser: str, epsilon: float) -> str:
    """What ends at a plastic synapse: its gathered changes with an update, its traces with a trajectory.

    What it gathers is -eta g, so that Adam's step of eta is put right by the rule's own eta.
    """
    lines = finishing(rule, gathers)
    if limits and (gathers or lines):
        lines += ["w_before = -(-w)"]
    else:
        limits = []
    if gathers:
        lines += ["now = updating(t_in_timesteps)", "mean = change*share(t_in_timesteps)"]
        lines += OPTIMISERS[optimiser].strip().splitlines()
        lines += ["change = choose(now, 0, change)"]
    lines += limits
    lines += [f"{name} = choose(ending(t_in_timesteps), 0, {name})" for name in traces]
    code = "\n".join(line.strip() for line in lines)
    if "ETA" not in code:
        return code
    rates = [name for name in rule.parameters if name.startswith("eta")]
    if len(rates) != 1:
        raise InputError(f"{rule.path}: Adam needs the rule's learning rate; name one parameter eta, or eta_...")
    return code.replace("ETA", rates[0]).replace("EPSILON", repr(float(epsilon)))


def finishing(rule: Rule, gathers: bool) -> list[str]:
    """The code of what a rule says of the end of a trajectory, for a runner that runs at other times, too."""
    if not rule.finish.strip():
        return []
    after = ["change = change + (w - w_before)", "w = w_before"] if gathers else []
    ends = "ends = choose(learning(t_in_timesteps) > 0, ending(t_in_timesteps), 0)"
    return [ends, "w_before = -(-w)", *only_where("ends", rule.finish, rule), *after]


def spike_code(neuron: Neuron) -> str:
    """The code of a neuron after its state update: pseudo-derivative, threshold, reset."""
    free = " and not_refractory" if neuron.refractory else ""
    lines = [f"psi = {neuron.pseudo_derivative}"] if neuron.pseudo_derivative else []
    lines += [f"spiked = int(({neuron.threshold}){free})"]
    lines += ["spikes = choose(fresh(t_in_timesteps), 0, spikes) + spiked", "total = total + spiked"]
    lines += ["lastspike = choose(spiked, t, lastspike)"] if neuron.refractory else []
    lines += only_where("spiked", neuron.reset, neuron)
    # last, since Brian2 lets nothing be written to what is `unless refractory` once this is false
    lines += ["not_refractory = not_refractory and spiked < 0.5"] if neuron.refractory else []
    return "\n".join(lines)


def only_where(condition: str, code: str, model: Neuron | Rule) -> list[str]:
    """Assignments that take place for some elements only, as code that all elements can run side by side."""
    lines = []
    for statement in filter(None, (part.split("#")[0].strip() for part in re.split(r"[;\n]", code))):
        found = re.fullmatch(r"(\w+)\s*(\*\*|[-+*/])?=(?!=)\s*(.+)", statement)
        if not found:
            raise InputError(f"{line_of(model, statement)}: {statement!r} is no assignment, such as 'v = 0'")
        name, operator, value = found.groups()
        lines.append(f"{name} = choose({condition}, {f'{name} {operator} ({value})' if operator else value}, {name})")
    return lines


def words(*texts: str) -> set[str]:
    """The identifiers in texts, but for comments."""
    return set(re.findall(r"[A-Za-z_]\w*", re.sub(r"#.*", "", "\n".join(texts))))


def states_of(equations: Equations) -> list[str]:
    """The variables that differential equations define."""
    return [name for name in equations if equations[name].type == DIFFERENTIAL_EQUATION]


def computed(equations: Equations) -> dict[str, str]:
    """What neurons send and show, where it is computed: worth doing once a neuron and not once a synapse."""
    found = {name: equations[name] for name in ("activity", "sent") if name in equations}
    return {
        name: equation.expr.code
        for name, equation in found.items()
        if equation.type == SUBEXPRESSION and equation.expr.code not in changing(equations)
    }


def without(equations: Equations, names: Iterable[str]) -> Equations:
    """Equations but for those of some variables."""
    return Equations([equations[name] for name in equations if name not in names])


def changing(equations: Equations) -> list[str]:
    """The variables that are not constant and not defined by others."""
    kinds = (DIFFERENTIAL_EQUATION, PARAMETER)
    return [name for name in equations if equations[name].type in kinds and "constant" not in equations[name].flags]


def unit_of(value: object) -> str:
    """The unit of a parameter, as Brian2's equations spell it."""
    names = ("metre", "kilogram", "second", "amp", "kelvin", "mole", "candle")
    powers = zip(names, get_dimensions(value)._dims, strict=True)
    return "*".join(f"{name}**{power:g}" for name, power in powers if power) or "1"


def is_time(value: object) -> bool:
    """Whether a parameter is a time."""
    return have_same_dimensions(value, second)
