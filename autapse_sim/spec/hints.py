"""What to say beside a name that means nothing in its place: what was meant, or what it would need."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from autapse_sim.names import shown
from autapse_sim.spec import vocabulary
from autapse_sim.spec.language import names

SUFFIXES = ("_pre", "_post")
ELSEWHERE = {
    "max": "clip(x, low, inf)",
    "min": "clip(x, -inf, high)",
    "relu": "clip(x, 0, inf)",
    "heaviside": "int(x > 0)",
    "sigmoid": "1/(1 + exp(-x))",
    "where": "choose(condition, a, b)",
    "pow": "x**y",
    "ln": "log(x)",
    "sgn": "sign(x)",
    "atan": "arctan(x)",
    "random": "rand()",
    "mod": "x % y",
}
"""Functions of other languages, and what to write for them."""
READOUT = "only the read-out has it; a neuron is told feedback_post, which is B err"
NEEDS = {
    "f": "it needs a neuron with activations={'tanh': Activation(f='tanh(a)', f_prime='1 - f**2')}",
    "f_prime": "it needs a neuron with activations, or with a threshold and a pseudo_derivative",
    "spiked": "it needs a neuron with a threshold",
    "not_refractory": "it needs a neuron with refractory",
    "lastspike": "it needs a neuron with refractory",
    "perturbation": "it needs a rule with perturbation",
    "a": "activations are functions of a; define it, for example a = drive + input + bias : 1",
    "err": READOUT,
    "error": READOUT,
    "target": READOUT,
    "prediction": READOUT,
}
"""What words of the bench need where they mean nothing."""


def hint(name: str, known: Iterable[str], own: Collection[str] = (), synaptic: Collection[str] = ()) -> str:
    """What to say of a name that means nothing.

    Parameters
    ----------
    name : str
        The name.
    known : iterable of str
        What may stand there, without functions, constants and units.
    own : collection of str
        Those of these that the model's equations define there.
    synaptic : collection of str
        States of synapses, which a neuron does not see.

    Examples
    --------
    >>> hint("feedbak_post", ["feedback_post", "feedback_pre", "w"])
    "did you mean 'feedback_post'?"
    >>> hint("gain", ["w"])
    "if it is a constant, write parameters={'gain': ...}"
    """
    known, bare = set(known), base(name)
    if bare == "w":
        if "w" in known:
            return "w is the synapse's own, without _pre or _post; it cannot read the weights of other synapses"
        return "w is a synapse's; read it in update or eligibility"
    if name in synaptic:
        return "a neuron does not see what its synapses hold; let postsynaptic get it by a (summed) equation"
    if f"d{name}" in own:
        return f"a state is written d{name}/dt = ..., not d{name} = ..."
    if name != bare and bare in known and not any(each.endswith(SUFFIXES) for each in known):
        return f"_pre and _post are for synapses; did you mean {bare!r}?"
    if bare in NEEDS and not (NEEDS[bare] is READOUT and "err_post" in known):
        return NEEDS[bare]
    near = nearest(name, known)
    if near:
        return f"did you mean {near!r}?"
    return "" if name != bare else f"if it is a constant, write parameters={{{name!r}: ...}}"


def nearest(name: str, known: Iterable[str]) -> str:
    """The known word that is most like a name, of those of the same side of a synapse; '' where none is.

    Examples
    --------
    >>> nearest("k_prre", ["k_pre", "k_post"]), nearest("kk_pre", ["k_pre", "k_post"]), nearest("zz", ["k"])
    ('k_pre', 'k_pre', '')
    """
    known = sorted(known)
    side = next((each for each in SUFFIXES if name.endswith(each)), "")
    same = {base(each): each for each in known if each.endswith(side)} if side else {}
    near = get_close_matches(base(name), same, n=1, cutoff=0.58)
    if near:
        return same[near[0]]
    return next(iter(get_close_matches(name, known, n=1, cutoff=0.6)), "")


def base(name: str) -> str:
    """A name without the side of the synapse."""
    return name.removesuffix("_pre").removesuffix("_post")


def listed(known: Iterable[str]) -> str:
    """Names in a message: those of both neurons of a synapse once, with their sides.

    Examples
    --------
    >>> listed(["w", "k_pre", "o_pre", "o_post", "o"])
    'w; with _pre or _post: o; with _pre: k'
    """
    known = set(known)
    sides = [{base(each) for each in known if each.endswith(side)} for side in SUFFIXES]
    both, pre, post = sides[0] & sides[1], sides[0] - sides[1], sides[1] - sides[0]
    alone = {each for each in known if not each.endswith(SUFFIXES)} - sides[0] - sides[1]
    told = [", ".join(sorted(alone))] if alone else []
    for bases, where in ((both, "_pre or _post"), (pre, "_pre"), (post, "_post")):
        told += [f"with {where}: {', '.join(sorted(bases))}"] if bases else []
    return "; ".join(told)


def no_function(name: str) -> str:
    """What to say of a function that there is not.

    Examples
    --------
    >>> no_function("relu")
    "'relu' is no function; write clip(x, 0, inf)"
    >>> no_function("tahn").partition(" known")[0]
    "'tahn' is no function; did you mean 'tan' or 'tanh'?"
    """
    if name in ELSEWHERE:
        return f"{name!r} is no function; write {ELSEWHERE[name]}"
    near = get_close_matches(name, vocabulary.FUNCTIONS, n=2, cutoff=0.6)
    meant = f"; did you mean {' or '.join(map(repr, near))}?" if near else ";"
    return f"{name!r} is no function{meant} known are {', '.join(vocabulary.FUNCTIONS)}"


def no_equations(text: str, said: str) -> str:
    """What is wrong with a text that Brian2 takes for no equations: what it said, where there is no plainer word.

    Examples
    --------
    >>> no_equations("dk/dt = -k/tau", "Expected end of text")
    "'dk/dt = -k/tau' says no unit; end it with ': 1' for a mere number, or for example with ': volt'"
    """
    for line in filter(None, map(str.strip, text.split("\n"))):
        _, colon, unit = line.partition(":")
        unit = unit.partition("(")[0].strip()
        if not colon:
            return f"{shown(line)} says no unit; end it with ': 1' for a mere number, or for example with ': volt'"
        wrong = sorted(names(unit) - _base_units())
        if wrong and "unit" in said:
            near = _base_unit(wrong[0])
            meant = f"; did you mean {near!r}?" if near else f"; known are {', '.join(sorted(_base_units()))}"
            return f"{wrong[0]!r} is no unit that an equation can say{meant}"
    return f"{said.rstrip('.')}; rename it" if "special meaning" in said else said


def made_of_themselves(text: str) -> tuple[str, str]:
    """What to say of expressions that are made of each other, and the line of the first; '' where there are none.

    Examples
    --------
    >>> made_of_themselves("dv/dt = a/ms : 1\\na = b + v : 1\\nb = 2*a : 1")
    ("'a' is made of 'b', and 'b' of 'a'; one of them has to be a state, such as da/dt = ...", 'a = b + v : 1')
    """
    lines = {line.partition("=")[0].strip(): line.strip() for line in text.split("\n") if "=" in line}
    read = {name: names(line.partition("=")[2].partition(":")[0]) for name, line in lines.items()}
    made = {name: sorted(each & lines.keys()) for name, each in read.items()}
    try:
        TopologicalSorter(made).prepare()
    except CycleError as error:
        ring = error.args[1][:0:-1]  # each of which is made of the next
    else:
        return "", ""
    start = ring.index(min(ring, key=[*lines].index))
    first, *others = ring[start:] + ring[:start]
    if not others:
        return f"{first!r} is made of itself; a state is written d{first}/dt = ..., not {first} = ...", lines[first]
    steps = [f"{one!r} of {other!r}" for one, other in pairwise((*others, first))]
    said = ", and ".join([f"{first!r} is made of {others[0]!r}", *steps])
    return f"{said}; one of them has to be a state, such as d{first}/dt = ...", lines[first]


def _base_units() -> set[str]:
    """The units that equations can say: those without a prefix."""
    from brian2.core.namespace import DEFAULT_UNITS

    return {name for name, unit in DEFAULT_UNITS.items() if float(unit) == 1 and name[-1] not in "23"}


def _base_unit(name: str) -> str:
    """The unit without a prefix that was meant; '' where there is none like it."""
    from brian2.core.namespace import DEFAULT_UNITS

    unit = DEFAULT_UNITS.get(name)
    same = [each for each in _base_units() if unit is not None and DEFAULT_UNITS[each].dim is unit.dim]
    near = get_close_matches(name, _base_units(), n=1, cutoff=0.6)
    return min(same or near, key=len, default="")
