"""What happens at spikes: what `on_pre` and `on_post` of a rule may say, and where there are spikes."""

from __future__ import annotations

from collections.abc import Iterable

from autapse_sim.errors import InputError
from autapse_sim.spec.language import Statement, names, statements
from autapse_sim.spec.lines import line_of
from autapse_sim.spec.model import Rule
from autapse_sim.spec.scope import Scope

SPIKELESS = {
    "neurons": "neurons without a threshold do not spike; give it one (neuron='lif', say), or write update",
    "unit": "the unit of a bias does not spike; leave it out of learn, or write update",
    "outputs": "the read-out does not spike; write update",
}
"""Why nothing happens at the spikes of a group that has none."""


def check_events(
    rule: Rule,
    weight: str,
    ends: tuple[str, str],
    spiking: Iterable[str],
    scope: Scope,
    states: set[str],
    late: set[str],
) -> list[Statement]:
    """Refuse what `on_pre` and `on_post` say where it means nothing; their statements.

    Parameters
    ----------
    rule : Rule
        Whose text it is.
    weight : str
        The weights that learn.
    ends : (str, str)
        The groups on both sides.
    spiking : iterable of str
        The groups that spike.
    scope : Scope
        What may stand in the synapse.
    states : set of str
        Its variables.
    late : set of str
        What of the presynaptic neuron does not arrive with its spike, where that travels for some time.
    """
    found = []
    for side, text in rule.events.items():
        field, group = f"on_{side}", dict(zip(("pre", "post"), ends, strict=True))[side]
        if group not in spiking:
            raise InputError(f"{line_of(rule, field)}: {field} of {weight} never happens: {SPIKELESS[group]}")
        for each in _statements(rule, text):
            if each.name not in {*states, "w"} and "w" in names(each.value) and _transmits(each, text):
                raise InputError(
                    f"{line_of(rule, each.name, text)}: {str(each)!r} transmits the spike, which the circuit does by "
                    "itself (drive = sum of w sent); take it away"
                )
        read = sorted(names(text) & {"sent_pre", "sent_post", "sent"})
        if read and not (read == ["sent_pre"] and ends[0] == "inputs"):
            raise InputError(
                f"{line_of(rule, read[0], text)}: {field} reads {read[0]!r}, which is not sent yet; the spike is there "
                f"in that {field} happens"
            )
        read = sorted(names(text) & {f"{name}_pre" for name in late})
        if read:
            raise InputError(
                f"{line_of(rule, read[0], text)}: {field} reads {read[0]!r}, but with a delay the spike alone arrives; "
                "keep what the synapse needs in eligibility"
            )
        writes = "what happens at a spike changes variables of the synapse only"
        found += scope.check_statements(text, states | {"w"}, f"{writes}; declare it in eligibility")
    return found


def _statements(rule: Rule, text: str) -> list[Statement]:
    try:
        return statements(text)
    except InputError as error:
        raise InputError(f"{line_of(rule, text.split()[0], text)}: {error}") from None


def _transmits(each: Statement, text: str) -> bool:
    """Whether a statement adds to what is no temporary of the text."""
    return bool(each.operator) and not any(one.name == each.name and not one.operator for one in statements(text))


def shows_spikes(rule: Rule, learn: Iterable[str]) -> bool:
    """Whether what is shown are spikes to the rule of W, U and b."""
    return "U" in learn and bool("pre" in rule.events or names(*rule.texts) & {"spiked", "spiked_pre"})
