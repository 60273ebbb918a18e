"""Equations of models as a line of text for a terminal, and as LaTeX."""

from __future__ import annotations

from autapse_sim.results.report.notation import GREEK, PRODUCT, SIGN, TIGHT, Notation, parts

_BELOW = dict(zip("0123456789aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", strict=True))
_ABOVE = dict(zip("0123456789−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻ⁿ", strict=True))
_LATIN = {letter: name for name, letter in GREEK.items()}
_SIGNS = {
    **{"−": "-", "⋅": r"\,", "mod": r"\bmod", "div": r"\,\mathrm{div}\,", "≤": r"\le", "≥": r"\ge", "≠": r"\ne"},
    **{"∧": r"\land", "∨": r"\lor", "¬": r"\lnot ", "←": r"\leftarrow"},
}
_FUNCTIONS = frozenset({"arccos", "arcsin", "arctan", "cos", "cosh", "exp", "log", "sin", "sinh", "tan", "tanh"})


def identifier(name: str) -> str:
    """A name as text: Greek letters as such, and below what there are small letters for.

    Examples
    --------
    >>> identifier("tau_m_post"), identifier("v_reset"), identifier("c_reg")
    ('τₘ,ₚₒₛₜ', 'vᵣₑₛₑₜ', 'c_reg')
    """
    first, below = parts(name)
    lowered = ["".join(_BELOW.get(letter, " ") for letter in part) for part in below]
    return first + ",".join(f"_{part}" if " " in low else low for part, low in zip(below, lowered, strict=True))


def _power(base: str, exponent: str) -> str:
    if all(letter in _ABOVE for letter in exponent):
        return base + "".join(map(_ABOVE.__getitem__, exponent))
    return f"{base}^{exponent}"


def _called(name: str, values: list[str]) -> str:
    if name == "abs":
        return f"|{values[0]}|"
    return f"√({values[0]})" if name == "sqrt" else f"{identifier(name)}({', '.join(values)})"


TEXT = Notation(
    name=identifier,
    number=str,
    quantity=lambda value, unit: f"{value} {unit}",
    infix=lambda left, sign, right: f"{left}{sign}{right}" if sign == "⋅" else f"{left} {sign} {right}",
    prefix=lambda sign, value: f"{sign}{value}",
    fraction=lambda over, under: f"{over}/{under}",
    power=_power,
    call=_called,
    brackets=lambda text: f"({text})",
    rate=lambda name: f"d{identifier(name)}/dt",
    fractions=(PRODUCT, SIGN, PRODUCT),
    exponent=TIGHT,
)
"""One line of Unicode.

Examples
--------
>>> TEXT.line("dk/dt = (activity - k)/tau_m : 1")
('dk/dt = (activity − k)/τₘ', '1')
>>> TEXT.line("w -= eta*feedback_post*o**2")
('w ← w − η⋅feedbackₚₒₛₜ⋅o²', '')
"""


def _letter(text: str) -> str:
    """A letter of a formula, or a word in upright letters."""
    plain = text.removesuffix("′")
    prime = "'" * (len(text) - len(plain))
    if plain in _LATIN:
        return f"\\{_LATIN[plain]}{prime}"
    return f"{plain}{prime}" if len(plain) == 1 else f"\\mathrm{{{plain}}}{prime}"


def latex_identifier(name: str) -> str:
    r"""A name in LaTeX.

    Examples
    --------
    >>> print(latex_identifier("tau_m"), latex_identifier("f_prime_post"))
    \tau_{m} f'_{\mathrm{post}}
    """
    first, below = parts(name)
    return _letter(first) + (f"_{{{', '.join(map(_letter, below))}}}" if below else "")


def _latex_called(name: str, values: list[str]) -> str:
    if name in ("abs", "sqrt"):
        return rf"\left|{values[0]}\right|" if name == "abs" else rf"\sqrt{{{values[0]}}}"
    word = f"\\{name}" if name in _FUNCTIONS else latex_identifier(name)
    return rf"{word}\left({', '.join(values)}\right)"


LATEX = Notation(
    name=latex_identifier,
    number=str,
    quantity=lambda value, unit: rf"{value}\,\mathrm{{{unit}}}",
    infix=lambda left, sign, right: f"{left} {_SIGNS.get(sign, sign)} {right}",
    prefix=lambda sign, value: f"{_SIGNS.get(sign, sign)}{value}",
    fraction=lambda over, under: rf"\frac{{{over}}}{{{under}}}",
    power=lambda base, exponent: f"{base}^{{{exponent}}}",
    call=_latex_called,
    brackets=lambda text: rf"\left({text}\right)",
    rate=lambda name: rf"\frac{{\mathrm{{d}}{latex_identifier(name)}}}{{\mathrm{{d}}t}}",
)
"""LaTeX, for display."""
