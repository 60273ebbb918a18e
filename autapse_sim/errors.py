"""The one error that speaks to the user: bad input, said in one line."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input: what was wrong, where, and what would be right (exit code 2 on the command line).

    Examples
    --------
    >>> print(InputError("no rule 'a\\nb'"))
    no rule 'a b'
    """

    def __init__(self, message: str) -> None:
        super().__init__("".join(map(_printable, message)))


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else ascii(character)[1:-1]
