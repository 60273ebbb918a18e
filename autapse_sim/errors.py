"""The one error that speaks to the user: bad input, said in one line."""

from __future__ import annotations

LONGEST = 2000
"""Characters of a message, from which on its middle is left out."""


class InputError(ValueError):
    """Bad input: what was wrong, where, and what would be right (exit code 2 on the command line).

    Examples
    --------
    >>> print(InputError("no rule 'a\\nb'"))
    no rule 'a b'
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(map(_printable, brief(message, LONGEST))))


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else ascii(character)[1:-1]


def brief(text: str, most: int = 80) -> str:
    """A text, shortened in its middle.

    Examples
    --------
    >>> brief("0123456789", most=7)
    '01...89'
    """
    half = (most - 3) // 2
    return text if len(text) <= most else f"{text[:half]}...{text[-half:]}"


def in_a_line(error: BaseException, most: int = 200) -> str:
    """What an error says, in one line of at most so many characters.

    Examples
    --------
    >>> in_a_line(ValueError("two\\nlines"))
    'two lines'
    """
    return brief(" ".join(str(error).split()), most)
