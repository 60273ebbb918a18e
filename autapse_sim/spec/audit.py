"""What a learning rule asks of a brain; no Brian2 here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Audit:
    """What a learning rule asks of a brain: each field holds what causes it, and nothing where it asks no such thing.

    Parameters
    ----------
    transpose : tuple of str
        What carries a signal backwards through forward weights.
    derivative : tuple of str
        What reads the derivative of the activation, or of a spike.
    others : tuple of str
        What reads the weight or the state of other synapses.
    history : tuple of str
        What reads the future, or activities of the past that were kept.
    synapse : tuple of str
        States of each synapse beside its weight.
    neuron : tuple of str
        States of each neuron beside those that it has without the rule.
    signals : tuple of str
        What is told to all neurons at once.

    Examples
    --------
    >>> Audit(derivative=("f'(a) in p",), synapse=("p",)).row()
    ['-', 'yes', '-', '-', 'p', '-', '-']
    """

    transpose: tuple[str, ...] = ()
    derivative: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    synapse: tuple[str, ...] = ()
    neuron: tuple[str, ...] = ()
    signals: tuple[str, ...] = ()

    def row(self) -> list[str]:
        """A line of a table, with `COLUMNS` above it."""
        told = ["yes" if getattr(self, name) else "-" for name in ("transpose", "derivative", "others", "history")]
        held = (self.synapse, self.neuron, self.signals)
        return told + [", ".join(each.partition(":")[0] for each in causes) or "-" for causes in held]


QUESTIONS = {
    "transpose": "reads forward weights backwards (their transpose)",
    "derivative": "reads the derivative of the activation",
    "others": "reads other synapses",
    "history": "reads the future or a stored history",
    "synapse": "states of each synapse, beside w",
    "neuron": "states of each neuron, for the rule",
    "signals": "signals to all neurons at once",
}
"""What is asked of a rule, by the fields of an audit."""
COLUMNS = ("transpose", "f'", "other synapses", "history", "in the synapse", "in the neuron", "to all neurons")
"""The head of a table of audits."""
