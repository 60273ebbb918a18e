"""Memory: how much this process may take, and the most that it has taken."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import psutil

try:
    import resource
except ImportError:  # not a POSIX system
    resource = None  # type: ignore[assignment]  # there is no type for a module that may be missing

CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")
"""What a control group of Linux may take, a container for example; psutil tells only of the machine."""


def memory() -> int:
    """The most memory that this process may take, in bytes: that of the machine, of its control group, or its limit.

    Examples
    --------
    >>> 0 < memory() <= psutil.virtual_memory().total
    True
    """
    limits = [psutil.virtual_memory().total]
    if resource:
        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            limits.append(limit)
    with contextlib.suppress(OSError, ValueError):
        limits.append(int(CONTROL_GROUP.read_text()))
    return min(limits)


def peak_memory(programs: int) -> str:
    """The most memory that was in use, of this process and of the compiled programs beside it."""
    return f"{_most() / 2**20:.0f} MB, and {programs / 2**20:.0f} MB in compiled programs"


def peak_memory_of_workers(many: int) -> str:
    """The most memory that was in use, of this process and of workers that have ended, or of programs that they ran."""
    own = f"{_most() / 2**20:.0f} MB"
    if resource is None:
        return f"{own}, without processes beside it"
    return f"{own}, and {many} times {_highest(resource.RUSAGE_CHILDREN) / 2**20:.0f} MB in processes beside it"


def _most() -> int:
    """The most memory of this process, in bytes."""
    if resource:
        return _highest(resource.RUSAGE_SELF)
    taken = psutil.Process().memory_info()
    return getattr(taken, "peak_wset", taken.rss)


def _highest(whose: int) -> int:
    return resource.getrusage(whose).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
