"""Synapses that a rule needs beside those that it teaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.showing import latex, showing
from autapse_sim.spec.fields import take_mapping, take_texts, text


@showing
@dataclass(frozen=True)
class Connection:
    """Synapses that a rule needs beside those that it teaches, within the neurons that it reads.

    Parameters
    ----------
    sums : mapping of str to str
        Expressions that are summed over presynaptic neurons, by the variable of the postsynaptic neuron that receives
        the sum, in words such as ``activity_pre``; one connection has one sum.
    equations : str
        State of the synapses, which lasts from trajectory to trajectory.
    update : str
        How it changes, together with the weights.
    initial : {'zeros', 'identity'}
        The first variable of `equations` at the start: 0, or 1 from each neuron to itself.
    pairs : {'all', 'self'}
        Which neurons are connected: all with all within a network, or each with itself (autapses).
    when : {'drive', 'update'}
        Summed with the drive, from the activity of the step before, or before the weights change, in the order of the
        connections, from that of this step.
    among : {'presynaptic', 'taught'}
        Which neurons are connected: those whose activity the rule's synapses read (where U learns, the stimulus), or
        those that it teaches, whatever sends to them.
    """

    sums: Mapping[str, str]
    equations: str = ""
    update: str = ""
    initial: str = "zeros"
    pairs: str = "all"
    when: str = "update"
    among: str = "presynaptic"

    _repr_latex_ = latex

    def __post_init__(self) -> None:
        if not isinstance(self.sums, Mapping) or len(self.sums) != 1:
            raise InputError("Connection(sums=...) maps one name to one expression, such as {'total': 'activity_pre'}")
        one_of("initial", self.initial, ("zeros", "identity"))
        one_of("pairs", self.pairs, ("all", "self"))
        one_of("when", self.when, ("drive", "update"))
        one_of("among", self.among, ("presynaptic", "taught"))
        take_texts(self, ("equations", "update"))
        if self.initial == "identity" and not self.equations.strip():
            raise InputError("Connection(initial='identity') needs equations; write for example equations='P : 1'")
        take_mapping(self, "sums", text)

    @property
    def texts(self) -> tuple[str, ...]:
        """All that is written in Brian2's language."""
        return (*self.sums.values(), self.equations, self.update)
