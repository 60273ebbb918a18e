"""A study that goes on from what earlier units gave: their results in order, from the store where they are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from autapse_sim import checks
from autapse_sim.errors import InputError
from autapse_sim.results.result import Result
from autapse_sim.studies.execute import State, execute
from autapse_sim.studies.store import Store, store_in
from autapse_sim.studies.unit import Unit, name_of
from autapse_sim.studies.workers import Executor, Workers, workers


class Study:
    """Where units are kept, who runs them, and how far all of them are.

    Parameters
    ----------
    store : Store
        Where they are kept.
    workers : Workers
        Who runs them.
    retries : int
        How often one that failed is tried again.
    progress : callable
        Called with the completed share, 0 to 1.
    """

    def __init__(self, store: Store, workers: Workers, retries: int, progress: Callable[[float], None]) -> None:
        self.store, self.workers, self.retries, self.progress = store, workers, retries, progress
        self.total, self.done = 0, 0

    def results(self, units: Sequence[Unit]) -> list[Result]:
        """The results of units, in order; those that are not there are run.

        Raises
        ------
        InputError, RuntimeError
            One was refused, or failed as often as it was tried: what is finished by then is kept.
        """
        named = {name_of(unit): unit for unit in units}

        def report(state: State) -> None:
            if state.failure:
                kind, reason = state.failure
                raise InputError(reason) if kind == "refused" else RuntimeError(reason)
            self.progress(min(1.0, (self.done + state.done) / max(self.total, 1)))

        execute(named, self.store, self.workers, self.retries, report)
        self.done += sum(unit.work for unit in named.values())
        found: dict[str, Result] = {}
        for name in named:
            result = self.store.read(name)
            if result is None:
                raise RuntimeError(f"{self.store.path(name)} was damaged meanwhile; the same command runs it again")
            found[name] = result
        return [found[name] for name in map(name_of, units)]


@contextmanager
def studying(
    folder: str | Path | None,
    on: str | Executor | Workers = "local",
    retries: int = 1,
    progress: Callable[[float], None] | None = None,
) -> Iterator[Study]:
    """A study in a folder, which is not kept where none is given; `on` is that of `workers`."""
    retries = checks.whole("retries", retries)
    with store_in(folder) as store, workers(on) as some:
        yield Study(store, some, retries, progress or (lambda share: None))
