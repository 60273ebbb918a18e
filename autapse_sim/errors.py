"""The one error that speaks to the user: bad input, said in one line."""


class InputError(ValueError):
    """Bad input: what was wrong, where, and what would be right (exit code 2 on the command line)."""
