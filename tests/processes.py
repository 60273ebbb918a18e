"""The processes that a test began, known by a word of their environment."""

import contextlib
import random
import time
from typing import NamedTuple

import psutil


class Seen(NamedTuple):
    """A process as it was when it was looked at: it may have ended since."""

    process: psutil.Process
    parent: int
    line: list[str]


def running(name: str, value: str) -> list[Seen]:
    """The processes whose environment has this word, or a folder in it."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(name, "").startswith(value) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(Seen(process, process.ppid(), process.cmdline()))
        except psutil.Error:  # ended meanwhile
            pass
    return found


def lines() -> list[list[str]]:
    """The command lines of all processes; a process that has ended has none."""
    return [process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])]


def check_ended(name: str, value: str, seconds: float) -> None:
    """Fail where one of them is left after so many seconds."""
    until = time.monotonic() + seconds
    while running(name, value) and time.monotonic() < until:
        time.sleep(0.1)
    assert running(name, value) == []


def kill_one(among: list[Seen]) -> None:
    """Kill one of them, if there are any."""
    if among:
        with contextlib.suppress(psutil.NoSuchProcess):
            random.choice(among).process.kill()
