"""Discrete networks in a process of their own, beside what runs in this one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

from autapse_sim.engines import discrete
from autapse_sim.machine.crew import Crew
from autapse_sim.spec.job import Job, Outcome


@contextlib.contextmanager
def beside(
    jobs: Mapping[str, Job], progress: Callable[[str, float], None]
) -> Iterator[Callable[[], dict[str, Outcome]]]:
    """Run jobs on the discrete network in another process; the value, when called, waits for their outcomes.

    Leaving the context for any reason ends the process.
    """
    if not jobs:
        yield dict
        return
    with Crew(1, progress) as crew:
        yield crew.submit(_simulate, dict(jobs)).result


def _simulate(jobs: Mapping[str, Job], tell: Callable[[str, float], None]) -> dict[str, Outcome]:
    def say(name: str) -> Callable[[float], None]:
        return lambda share: tell(name, share)

    return {name: discrete.simulate(job, progress=say(name)) for name, job in jobs.items()}
