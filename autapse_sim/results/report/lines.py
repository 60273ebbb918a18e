"""What a model says, field by field and line by line, in the notation that is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from autapse_sim.results.report.notation import FIELDS, Notation
from autapse_sim.results.report.plain import LATEX
from autapse_sim.spec.connection import Connection
from autapse_sim.spec.model import Activation, Neuron, Rule


def equations(model: Neuron | Rule | Connection, notation: Notation, activation: str = "") -> Iterator[str]:
    """All that a model says, typeset: for each field what it is, and its lines.

    Examples
    --------
    >>> from autapse_sim import read_rule
    >>> from autapse_sim.results.report.plain import TEXT
    >>> print("\\n".join(equations(read_rule("autapse"), TEXT)))
    trace, in the presynaptic neuron
      dk/dt = (activity − k)/τ
    update
      w ← w − η⋅feedbackₚₒₛₜ⋅kₚᵣₑ
    """
    for name, what in FIELDS.items():
        lines = [*_written(getattr(model, name, ""), activation)] if name != "parameters" else []
        if lines:
            yield what
        for line in lines:
            text, unit = notation.line(line)
            yield f"  {text}" if unit in ("", "1") else f"  {text}   ({unit})"
    for each in getattr(model, "connections", ()):
        over = f"all {each.among} neurons" if each.pairs == "all" else "each neuron on itself"
        yield f"connection, synapses of {over}"
        yield from (f"  {line}" for line in equations(each, notation))


def _written(value: object, activation: str) -> Iterator[str]:
    """The lines of a field: of its text, or of each text in a mapping."""
    if isinstance(value, str):
        yield from filter(None, (line.strip() for line in re.split(r"[\n;]", value)))
    elif hasattr(value, "items"):
        for name, each in value.items():
            if not isinstance(each, Activation):
                yield f"{name} = {each} : 1"
            elif name == activation:
                yield from (f"f = {each.f} : 1", f"f_prime = {each.f_prime} : 1")


def latex(model: Neuron | Rule | Connection) -> str:
    r"""All that a model says as a formula in LaTeX, its fields named.

    Examples
    --------
    >>> from autapse_sim import read_rule
    >>> print(latex(read_rule("dfa").replace(eligibility="", update="w -= eta*feedback_post")))
    $$\begin{aligned}
    &\text{update} \\
    &\quad w \leftarrow w - \eta \, \mathrm{feedback}_{\mathrm{post}}
    \end{aligned}$$
    """
    lines = [
        f"&\\quad {line.strip()}" if line.startswith(" ") else f"&\\text{{{line}}}" for line in equations(model, LATEX)
    ]
    return "$$\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}$$"
