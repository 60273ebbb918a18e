"""Figures as SVG within a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import BytesIO

import matplotlib
from matplotlib.figure import Figure

from autapse_sim.results.plots import style
from autapse_sim.results.report.html import safe

_FIGURE = '<figure id="{0}">\n{1}\n<figcaption>{2}</figcaption>\n</figure>'
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_ID = re.compile(r'(\bid="|url\(#|href="#)')


def drawn(figures: Mapping[str, Figure], captions: Mapping[str, str]) -> str:
    """Figures with their captions, by name."""
    parts = []
    for name, figure in figures.items():
        plain = name.replace("_", " ")
        parts.append(_FIGURE.format(slug(name), svg(figure, name, plain), safe(captions.get(name, plain))))
    return "\n".join(parts)


def svg(figure: Figure, name: str, title: str) -> str:
    """A figure as an SVG element, as wide as the page; the same for the same figure.

    Names within it begin with that of the figure, so that several stand in one page.
    """
    buffer = BytesIO()
    with style.styled(), matplotlib.rc_context({"svg.hashsalt": "autapse_sim", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue().decode()
    text = _METADATA.sub("", text[text.index("<svg") :].strip())
    text = _ID.sub(rf"\g<1>{slug(name)}-", text)
    opening, _, rest = text.partition(">")
    opening = re.sub(r'\s(width|height)="[^"]*"', "", opening)
    return f'{opening} role="img" aria-label="{safe(title)}">{rest}'


def slug(name: str) -> str:
    """The place of a figure in a page.

    Examples
    --------
    >>> slug("Learning curves")
    'figure-learning-curves'
    """
    return "figure-" + re.sub(r"[^a-z0-9]+", "-", name.lower())
