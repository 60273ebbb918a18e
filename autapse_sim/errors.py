"""The one error that speaks to the user: bad input, said in one line."""


class InputError(ValueError):
    """Bad input: what was wrong, where, and what would be right (exit code 2 on the command line)."""


def shortened(said: object, most: int = 200) -> str:
    """What a value or an error says, in one line of at most so many characters.

    Examples
    --------
    >>> shortened(ValueError("two\\nlines"))
    'two lines'
    >>> shortened("text")
    "'text'"
    >>> shortened("x" * 1000, most=10)
    "'xxxxxx..."
    """
    text = " ".join(str(said).split()) if isinstance(said, BaseException) else repr(said)
    return text if len(text) <= most else f"{text[: most - 3]}..."
