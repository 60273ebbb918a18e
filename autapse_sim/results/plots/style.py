"""One look for all figures: the style sheet, a colour per rule, a dash pattern per control, and saving."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from zlib import crc32

import matplotlib
from matplotlib.figure import Figure

from autapse_sim import checks
from autapse_sim.errors import InputError
from autapse_sim.machine.files import write_whole
from autapse_sim.names import one_of, short

COLOURS = {
    "bptt": "#0072B2",
    "fa": "#E69F00",
    "dfa": "#009E73",
    "autapse": "#D55E00",
    "rflo": "#CC79A7",
}
OTHERS = ("#56B4E9", "#000000", "#8C6D1F", "#7A4FA3")
MORE = ("#882255", "#DDCC77", "#44AA99", "#999933")
"""Colours of rules where many stand beside each other, after those of every figure."""
PALETTE = (*COLOURS.values(), *OTHERS)
"""Colours of whatever is no rule (neurons, groups, phases), in this order."""
DASHES = ((6, 2), (2, 1.5), (1, 1), (6, 2, 1, 2), (4, 1, 1, 1, 1, 1), (10, 3))


FORMATS = ("pdf", "png", "svg")
"""What a figure is written as."""


@contextmanager
def styled() -> Iterator[None]:
    """The context in which figures are made and saved: the style sheet over Matplotlib's defaults.

    Raises
    ------
    InputError
        Where what is drawn holds numbers that are too large for Matplotlib.
    """
    with matplotlib.rc_context(fname=Path(__file__).with_name("autapse.mplstyle")):
        try:
            yield
        except OverflowError:
            raise InputError("it holds numbers that are too large to be drawn") from None


class Drawn(Figure):
    """A figure that notebooks show, without pyplot."""

    def _repr_png_(self) -> bytes:
        return content(self, "png")


def colour(rule: str) -> str:
    """The colour of a rule, the same in every figure.

    Examples
    --------
    >>> colour("autapse")
    '#D55E00'
    """
    return COLOURS.get(rule) or OTHERS[crc32(rule.encode()) % len(OTHERS)]


def colours(rules: Iterable[str], settled: Mapping[str, str] | None = None) -> dict[str, str]:
    """A colour for each rule of one panel, different ones as far as the palette goes; some may be settled.

    Examples
    --------
    >>> colours(["bptt", "snap1", "bcm"])
    {'bptt': '#0072B2', 'snap1': '#000000', 'bcm': '#56B4E9'}
    """
    chosen = {rule: (settled or {}).get(rule) or COLOURS.get(label(rule), "") for rule in rules}
    for rule in chosen:
        if not chosen[rule]:
            own = colour(rule)
            free = [each for each in (own, *OTHERS, *MORE) if each not in chosen.values()]
            chosen[rule] = free[0] if free else own
    return chosen


def dashes(control: int) -> tuple[float, tuple[float, ...]]:
    """Line style of a control by its position in the result."""
    return 0, DASHES[control % len(DASHES)]


def label(rule: str) -> str:
    """The same for Matplotlib, which would set what stands between dollar signs as mathematics."""
    return short(rule).replace("$", r"\$")


def content(figure: Figure, kind: str) -> bytes:
    """What a file of a kind holds of a figure."""
    drawn = BytesIO()
    with styled():
        figure.savefig(drawn, format=kind)
    return drawn.getvalue()


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """The context in which a figure is laid out, once for all kinds of files."""
    engine = figure.get_layout_engine()
    if engine is None:
        yield
        return
    with styled():
        engine.execute(figure)
    figure.set_layout_engine("none")
    try:
        yield
    finally:
        figure.set_layout_engine(engine)


def save(figure: Figure, folder: str | Path, name: str, formats: Sequence[str] = ("pdf", "png")) -> list[Path]:
    """Write a figure, as PDF and PNG where nothing else is said, each file whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What is written.
    folder : str or Path
        Where to.
    name : str
        Of the files, without what tells their kind.
    formats : sequence of {'pdf', 'png', 'svg'}
        A file for each.

    Returns
    -------
    list of Path
        The files written.
    """
    checks.instance("figure", figure, Figure)
    whole = checks.path("folder", folder) / checks.path("name", name)
    kinds = [
        one_of("format", each, FORMATS) for each in dict.fromkeys(checks.items("formats", formats, "pdf, png, svg"))
    ]
    return write_contents(contents(figure, kinds), whole)


def contents(figure: Figure, kinds: Sequence[str] = ("pdf", "png")) -> dict[str, bytes]:
    """What the files of a figure hold, by their kind."""
    with _laid_out(figure):
        return {kind: content(figure, kind) for kind in kinds}


def write_contents(held: Mapping[str, bytes], path: Path) -> list[Path]:
    """Write `contents` to files of that name, to which is added what tells their kind."""
    return [write_whole(path.with_name(f"{path.name}.{kind}"), each) for kind, each in held.items()]
