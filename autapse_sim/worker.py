"""Discrete jobs in a process of their own, while Brian2 builds and its programs run in this one."""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from autapse_sim import discrete
from autapse_sim.job import Job, Outcome

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Where linear algebra reads how many threads it may use."""


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
    with tempfile.TemporaryDirectory(prefix="autapse_") as temporary:
        given, found = Path(temporary, "jobs"), Path(temporary, "outcomes")
        given.write_bytes(pickle.dumps(dict(jobs)))
        home = str(Path(__file__).parent.parent)
        path = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
        process = subprocess.Popen(
            [sys.executable, "-m", "autapse_sim.worker", str(given), str(found)],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # one thread: the other core is Brian2's, and threads of linear algebra that wait for it wait long
            env={**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONPATH": path},
        )

        def listen() -> None:
            for line in process.stdout:
                share, _, name = line.rstrip("\n").partition(" ")
                progress(name, float(share))

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()

        def outcomes() -> dict[str, Outcome]:
            listener.join()
            if process.wait():
                raise RuntimeError(f"the discrete network failed (exit code {process.returncode})")
            return pickle.loads(found.read_bytes())

        try:
            yield outcomes
        finally:
            process.kill()
            process.wait()
            listener.join()


def _main(given: str, found: str) -> None:
    jobs = pickle.loads(Path(given).read_bytes())
    outcomes = {}
    for name, job in jobs.items():

        def say(share: float, name: str = name) -> None:
            print(f"{share:.4f} {name}", flush=True)

        outcomes[name] = discrete.simulate(job, progress=say)
    Path(found).write_bytes(pickle.dumps(outcomes))


if __name__ == "__main__":
    _main(*sys.argv[1:])
