"""How far something is: a bar in a notebook, and on a terminal."""

from __future__ import annotations

import contextlib
import inspect
import sys
import time
from collections.abc import Callable, Iterator
from functools import wraps
from html import escape
from typing import Any, TypeVar, cast

PATIENCE = 0.5
"""Seconds that may pass before a bar comes up in a notebook."""
EVERY = 0.2
"""Seconds between two of its pictures."""
Function = TypeVar("Function", bound=Callable[..., Any])
Tell = Callable[[Any], None]
"""Called with the completed share, 0 to 1, or with what has `done` and `trainings`."""


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    if "IPython" not in sys.modules:
        return False
    return hasattr(sys.modules["IPython"].get_ipython(), "kernel")


def shows_progress(label: str) -> Callable[[Function], Function]:
    """A function with an argument `progress` that may be True, for a bar, or None, for one in notebooks."""

    def decorate(function: Function) -> Function:
        signature = inspect.signature(function)

        @wraps(function)
        def run(*given: Any, **named: Any) -> Any:
            try:
                call = signature.bind(*given, **named)
            except TypeError:  # Python's own says of which function
                return function(*given, **named)
            asked = call.arguments.get("progress")
            if (asked is None and not in_notebook()) or not (asked is None or isinstance(asked, bool)):
                return function(*given, **named)
            with bar(label) if asked is not False else contextlib.nullcontext() as progress:
                call.arguments["progress"] = progress
                return function(*call.args, **call.kwargs)

        return cast(Function, run)

    return decorate


@contextlib.contextmanager
def bar(label: str) -> Iterator[Tell]:
    """A progress bar: in a notebook below the cell, else on standard error (none where that is no terminal)."""
    if in_notebook():
        with _shown(label) as tell:
            yield tell
        return
    import click

    with click.progressbar(length=1000, label=label, file=sys.stderr) as shown:
        yield lambda told: shown.update(int(1000 * _share(told)) - shown.pos)


def _share(told: Any) -> float:
    """The completed share."""
    return float(told) if not hasattr(told, "trainings") else (told.done + told.failed) / max(told.trainings, 1)


@contextlib.contextmanager
def _shown(label: str) -> Iterator[Tell]:
    """A bar in a notebook, which stays there and says how long it took."""
    from IPython.display import display

    began = last = time.monotonic()
    share, handle, ended = 0.0, None, "stopped"

    def show(said: str) -> None:
        nonlocal handle
        text = f"{label}: {said}"
        drawn = f'<progress max="1" value="{share:.3f}" aria-label="{escape(label)}"></progress> {escape(text)}'
        shown = {"text/html": drawn, "text/plain": text}
        if handle is None:
            handle = display(shown, raw=True, display_id=True)
        else:
            handle.update(shown, raw=True)

    def tell(told: Any) -> None:
        nonlocal share, last
        share, now = _share(told), time.monotonic()
        if now - began > PATIENCE and now - last > EVERY:
            last = now
            left = f", about {(now - began) * (1 - share) / share:.0f} s left" if share > 0 else ""
            show(f"{share:.0%}{left}")

    try:
        yield tell
        share, ended = 1.0, "done"
    finally:
        if handle is not None:
            show(f"{ended} after {time.monotonic() - began:.1f} s" + ("" if ended == "done" else f", at {share:.0%}"))
