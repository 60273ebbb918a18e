"""What may stand in the texts of a model, and what it means there: the one table that every name is looked up in.

Names of the harness's own begin with `autapse_`. `python -m autapse_sim.spec.vocabulary` prints the table.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping
from functools import lru_cache

NEURON = {
    "drive": "W o: what arrives from the other neurons of the network",
    "input": "U x, and what is returned of the prediction",
    "bias": "b, and the perturbation of the rule",
    "feedback": "(B err)_i of the step before; in a rule's update of this one",
    "loss": "the loss of the step before; in a rule's update of this one",
}
"""What the circuit provides to every neuron."""
TIME = {
    "t": "time since the states last began anew, at the start of the integration step",
    "dt": "length of an integration step",
    "step": "length of a step of the stimulus, 1 ms",
    "steps": "steps of this trajectory that were shown, with this one",
}
"""What may stand everywhere."""
NUMBERED = {
    "i": "number of the neuron within its network, from 0",
    "N": "neurons of the network",
}
"""What may stand in equations of neurons, of the stimulus and of the read-out."""
ACTIVATED = {
    "f": "the activation of a, with activations",
    "f_prime": "its derivative; of a spiking neuron the pseudo-derivative",
}
SPIKING = {"spiked": "1 in an integration step in which the neuron spikes, else 0"}
REFRACTORY = {
    "not_refractory": "whether the neuron may spike",
    "lastspike": "time t of the last spike",
}
TAUGHT = {
    "perturbation": "what the rule adds to the bias while something is learned",
    "sent_sum": "sum of what the neuron sent in this trajectory, per step",
}
"""What a rule may read of the neurons that it teaches, beside all that they have."""
SHOWN = {"activity": "the stimulus, or 1 of a bias", "sent": "the same"}
"""What the stimulus and the units of biases have."""
SHOWN_SPIKES = {"spiked": "1 in the first integration step of a step in which x is 1, else 0"}
"""What a stimulus of spikes has where U learns."""
READOUT = {
    "prediction": "V o + c, or its softmax",
    "target": "y, what the prediction should be; NaN where it does not count",
    "err": "prediction - target where it counts, else 0",
}
"""What the read-out has."""
SYNAPSE = {
    "w": "the weight",
    "i": "number of the presynaptic neuron within its network, from 0",
    "j": "number of the postsynaptic neuron within its network, from 0",
    "N_pre": "presynaptic neurons",
    "N_post": "postsynaptic neurons",
    "N_incoming": "synapses that the postsynaptic neuron gets of this kind",
    "N_outgoing": "synapses that the presynaptic neuron has of this kind",
    "elapsed": "steps since the trajectory began, with this integration step (for 1/t); 1 where averaging is off",
}
"""What a synapse has itself; beside it stand X_pre and X_post of its two neurons."""
FUNCTIONS = {
    "choose": "choose(condition, a, b): a where the condition holds, else b",
    **dict.fromkeys(
        ("abs", "arccos", "arcsin", "arctan", "ceil", "clip", "cos", "cosh", "exp", "expm1", "exprel", "floor", "int"),
        "as in Brian2",
    ),
    **dict.fromkeys(("log", "log10", "log1p", "sign", "sin", "sinh", "sqrt", "tan", "tanh"), "as in Brian2"),
    "timestep": "timestep(t, dt): the integration step of a time",
    "rand": "rand(): uniform from 0 to 1, of its own seed",
    "randn": "randn(): normal, of its own seed",
}
ARGUMENTS = {"choose": 3, "clip": 3, "timestep": 2, "rand": 0, "randn": 0}
"""How many arguments functions take that do not take one."""
CONSTANTS = {"pi": "3.14159...", "e": "2.71828...", "inf": "infinity", "True": "1", "False": "0"}
PLACES = {
    "neuron": {**NEURON, **ACTIVATED, **SPIKING, **REFRACTORY, **NUMBERED, **TIME},
    "taught neuron": {**NEURON, **ACTIVATED, **SPIKING, **REFRACTORY, **TAUGHT, **NUMBERED, **TIME},
    "stimulus": {**SHOWN, **SHOWN_SPIKES, **NUMBERED, **TIME},
    "read-out": {**READOUT, **NUMBERED, **TIME},
    "synapse": {**SYNAPSE, **TIME},
}
"""The words of each place; some need a threshold, activations or a refractory neuron."""
PREFIX = "autapse_"
"""What names of the harness begin with; no model may."""

PYTHON = frozenset(keyword.kwlist) - {"True", "False"}
"""Words that no variable may be called by."""
_CPP = """
    alignas alignof asm auto bool break case catch char char8_t char16_t char32_t class co_await co_return co_yield
    concept const const_cast consteval constexpr constinit continue decltype default delete do double dynamic_cast else
    enum explicit export extern false float for friend goto if inline int long mutable namespace new noexcept nullptr
    operator private protected public register reinterpret_cast requires return short signed sizeof static
    static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename typeof
    union unsigned using virtual void volatile wchar_t while bitand bitor compl not_eq and_eq or_eq xor_eq xor
    NULL NAN INFINITY EOF errno assert defined main size_t int32_t int64_t uint64_t linux unix
"""
_BRIAN = """
    t_in_timesteps lastupdate N_incoming N_outgoing N_pre N_post i j N t dt poisson binomial active add_to_magic_network
    clock code_objects codeobj_class contained_objects default_event delay delay_ equations event_codes event_driven
    events method_choice multisynaptic_index name namespace order resetter source spikes start state state_updater stop
    subexpression_updater summed_updaters target thresholder updaters user_equations variables when owner codeobj_name
    template_name variable_indices get_array_name scalar_code vector_code pre post self
"""


@lru_cache(maxsize=1)
def reserved() -> Mapping[str, str]:
    """Names that no model may define, with what they are."""
    from brian2 import NeuronGroup, Synapses
    from brian2.core.namespace import DEFAULT_UNITS

    found = dict.fromkeys({*dir(NeuronGroup), *dir(Synapses), *_BRIAN.split()}, "a name of Brian2's")
    found |= dict.fromkeys(_CPP.split(), "a word of C++")
    found |= dict.fromkeys(PYTHON, "a word of Python")
    found |= dict.fromkeys(DEFAULT_UNITS, "a unit")
    found |= dict.fromkeys(FUNCTIONS, "a function")
    found |= dict.fromkeys(REFRACTORY, "a word of refractory neurons")
    return found | dict.fromkeys(CONSTANTS, "a constant") | dict.fromkeys(TIME, "a word of the circuit's")


def everywhere() -> set[str]:
    """Functions, constants and units, which may stand in every text."""
    from brian2.core.namespace import DEFAULT_UNITS

    return {*FUNCTIONS, *CONSTANTS, *DEFAULT_UNITS, *TIME}


def refusal(name: str, words: Iterable[str] = ()) -> str:
    """Why a model may not define a name, given the words of the place; '' where it may.

    Examples
    --------
    >>> refusal("autapse_w")
    "names that begin with 'autapse_' are the harness's own"
    >>> refusal("ms"), refusal("tau")
    ('it is a unit', '')
    """
    if name.startswith(PREFIX):
        return f"names that begin with {PREFIX!r} are the harness's own"
    if name.startswith("_"):
        return "names do not begin with an underscore"
    if name.startswith("xi_") or name == "xi":
        return "it is the noise of a stochastic equation"
    if name.endswith(("_pre", "_post")):
        return "names that end in _pre or _post are those of the two neurons of a synapse"
    if name in words:
        return "the circuit provides it"
    return f"it is {reserved()[name]}" if name in reserved() else ""


def table() -> str:
    """The table as Markdown."""
    lines = ["| place | word | meaning |", "| --- | --- | --- |"]
    for place, words in PLACES.items():
        lines += [f"| {place} | `{word}` | {meaning} |" for word, meaning in words.items() if word not in TIME]
    lines += [f"| everywhere | `{word}` | {meaning} |" for word, meaning in (TIME | FUNCTIONS | CONSTANTS).items()]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
