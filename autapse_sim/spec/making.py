"""What expressions are made of, and what follows what arrives at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from brian2 import Equations
from brian2.equations.equations import SUBEXPRESSION

from autapse_sim.spec import vocabulary
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.language import names
from autapse_sim.spec.model import Neuron

_MOVING = {*vocabulary.NEURON, *vocabulary.TAUGHT, *vocabulary.SPIKING, "t", "steps", "elapsed", "lastspike"}


def read_by(text: str) -> dict[str, set[str]]:
    """What each expression of equations reads, by its name; sums over synapses are none.

    Examples
    --------
    >>> read_by("dv/dt = a/ms : 1\\na = 2*v : 1")
    {'a': {'v'}}
    """
    every = Equations(text).items()
    return {
        name: names(each.expr.code) for name, each in every if each.type == SUBEXPRESSION and "summed" not in each.flags
    }


def made_in(neuron: Neuron, circuit: Circuit) -> dict[str, set[str]]:
    """What each expression of a neuron reads, those of its activation among them."""
    made = read_by(neuron.equations)
    if neuron.activations:
        chosen = neuron.activations[circuit.activation]
        made |= {"f": names(chosen.f), "f_prime": names(chosen.f_prime)}
    return made


def closed(found: Iterable[str], made: Mapping[str, set[str]]) -> set[str]:
    """Names, and those of the expressions that read them, through others too."""
    found = {*found}
    while more := {name for name, read in made.items() if name not in found and read & found}:
        found |= more
    return found


def follows(neuron: Neuron, circuit: Circuit, shown: bool = False, also: Iterable[str] = ()) -> set[str]:
    """The names of a neuron that follow what arrives, or time, at once: they have no value before a trajectory.

    What is `shown` and sent has one for all others, and for the neuron's own texts follows what it is made of. `also`
    are names that count as such beside those of the circuit.
    """
    made = made_in(neuron, circuit)
    return closed({*_MOVING, *neuron.sums, *also}, made if shown else standing(made))


def standing(made: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Expressions but for what neurons show and send, which stands still until they show it anew."""
    return {name: read for name, read in made.items() if name not in ("activity", "sent")}
