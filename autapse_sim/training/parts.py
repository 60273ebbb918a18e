"""A run in parts, so that one can look on: to the bits of a run in one piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from autapse_sim.spec.job import Job, Outcome, Progress, State
from autapse_sim.spec.protocol import Schedule

Run = Callable[..., Outcome]
Seen = Callable[[Outcome], None]
"""Is given the outcome of the training trajectories so far; its traces are of the first and the last of them."""


def run_watched(job: Job, run: Run, progress: Progress, seen: Seen | None, every: int | None) -> Outcome:
    """The outcome of a job, in parts where someone looks on: a tenth of its training where nothing else is said."""
    learned = int(job.schedule.learn.sum())
    if seen is None or not learned:
        return run(job, progress=progress)
    return in_parts(job, every or -(-learned // 10), run, seen, progress)


def in_parts(job: Job, every: int, run: Run, seen: Seen, progress: Progress) -> Outcome:
    """The outcome of a job that is run so many training trajectories at a time.

    Parameters
    ----------
    job : Job
        What is run.
    every : int
        Training trajectories of a part; rounded up to whole batches.
    run : callable
        Gives the outcome of a part; called with its job, and with `progress`.
    seen : callable
        Called after each part with training, but the last.
    progress : callable
        Called with the completed share of the whole.
    """
    every = -(-every // job.batch) * job.batch
    places = np.arange(len(job.schedule.learn))
    ends = places[job.schedule.learn][every - 1 : -1 : every]  # where more training follows
    parts: list[Outcome] = []
    pieces = np.split(places, ends + 1)
    for piece in pieces:
        before = int(piece[0])

        def report(share: float, before: int = before, many: int = len(piece)) -> None:
            progress((before + share * many) / len(places))

        parts.append(run(_part(job, piece, parts[-1] if parts else None, last=piece is pieces[-1]), progress=report))
        if piece is not pieces[-1]:
            seen(_so_far(job, pieces, parts))
    return _joined(job, pieces, parts)


def _part(job: Job, piece: np.ndarray, before: Outcome | None, last: bool) -> Job:
    """The presentations of a piece, from where those before left the networks."""
    schedule = job.schedule.part(np.isin(np.arange(len(job.schedule.learn)), piece))
    had = int(job.schedule.learn[: piece[0]].sum())
    learned = int(schedule.learn.sum())
    trace = schedule.trace.copy()
    if not last:
        trace[-1] = True  # it ends with a training trajectory, at which one looks
    kept = tuple(count - had for count in job.checkpoints if had < count <= had + learned)
    states = {count - had for count in job.states_after if had < count <= had + learned} | {learned}
    part = replace(
        job,
        x=job.x[:, had:],
        y=job.y[:, had:],
        schedule=Schedule(schedule.trajectory - had, schedule.learn, schedule.keep, trace),
        checkpoints=kept,
        states_after=tuple(sorted(states)),
    )
    if before is None:
        return part
    start = {name: state.values[-1] for name, state in before.states.items()}
    part = replace(part, done=job.done + had, looked=job.looked + int(piece[0]) - had, start=start)
    return replace(part, weights=before.weights, origin=job.origin or job.weights)


def _so_far(job: Job, pieces: list[np.ndarray], parts: list[Outcome]) -> Outcome:
    """The training trajectories so far."""
    learn = [job.schedule.learn[piece] for piece in pieces[: len(parts)]]
    pairs = list(zip(parts, learn, strict=True))
    first, last = parts[0], parts[-1]
    alone = sum(map(np.sum, learn)) == 1
    return replace(
        last,
        mse=np.concatenate([part.mse[:, which] for part, which in pairs], axis=1),
        prediction=last.prediction[:0],
        traces={
            name: values[-1:] if alone else np.stack([first.traces[name][0], values[-1]])
            for name, values in last.traces.items()
        },
        cross_entropy=None
        if last.cross_entropy is None
        else np.concatenate([np.asarray(part.cross_entropy)[:, which] for part, which in pairs], axis=1),
        spikes=None,
        checkpoints={},
        states={},
    )


def _joined(job: Job, pieces: list[np.ndarray], parts: list[Outcome]) -> Outcome:
    """The outcome of the whole, as if it had been run in one piece."""
    last = parts[-1]

    def concatenated(name: str) -> np.ndarray | None:
        arrays = [getattr(part, name) for part in parts]
        return None if arrays[0] is None else np.concatenate(arrays, axis=1)

    traced = [job.schedule.trace[piece] for piece in pieces]
    ends = [np.arange(len(which)) == len(which) - 1 for which in traced[:-1]]
    asked = [which[which | end] for which, end in zip(traced, ends, strict=False)] + [slice(None)]
    return replace(
        last,
        mse=np.concatenate([part.mse for part in parts], axis=1),
        cross_entropy=concatenated("cross_entropy"),
        prediction=np.concatenate([part.prediction for part in parts]),
        traces={
            name: np.concatenate([part.traces[name][which] for part, which in zip(parts, asked, strict=True)])
            for name in last.traces
        },
        seconds=sum(part.seconds for part in parts),
        memory=max(part.memory for part in parts),
        spikes=None if last.spikes is None else np.sum([np.asarray(part.spikes) for part in parts], axis=0),
        checkpoints={
            name: np.concatenate([part.checkpoints[name] for part in parts if name in part.checkpoints])
            for name in dict.fromkeys(name for part in parts for name in part.checkpoints)
        },
        states=dict(_states(job, pieces, parts)),
    )


def _states(job: Job, pieces: list[np.ndarray], parts: list[Outcome]) -> Iterator[tuple[str, State]]:
    """What would go on from where the job asks for it, and not from where the parts end beside."""
    rows: list[tuple[int, int, int]] = []
    for number, piece in enumerate(pieces):
        had = int(job.schedule.learn[: piece[0]].sum())
        learned = int(job.schedule.learn[piece].sum())
        asked = {count - had for count in job.states_after if had < count <= had + learned}
        every = sorted(asked | {learned})
        rows += [(number, place, count) for place, count in enumerate(every) if count in asked]
    for name, state in parts[-1].states.items():
        kept = [parts[number].states[name].values[place] for number, place, _ in rows]
        yield name, State(state.dims, np.array(kept) if kept else state.values[:0])
