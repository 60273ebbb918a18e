"""What every engine is given and what it gives back, in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from autapse_sim.errors import InputError
from autapse_sim.spec.circuit import Circuit
from autapse_sim.spec.protocol import Limits, Schedule
from autapse_sim.spec.units import STEP as STEP
from autapse_sim.spec.weights import Weights

Progress = Callable[[float], None]
"""Called now and then with the completed share, 0 to 1."""


@dataclass(frozen=True)
class Job:
    """N networks, what they are shown and how they learn.

    Parameters
    ----------
    circuit : Circuit
        What is simulated.
    x : array (S, K, T, m)
        K stimulus trajectories for each of S sources.
    y : array (S, K, T, c)
        The targets; NaN where they do not count: there err is 0, in learning as in the MSE.
    source : int array (N,)
        Which of the S sources a network sees, so that a grid over parameters shares its stimuli.
    weights : Weights
        With a leading axis of N.
    parameters : mapping of str to array (N,) or (N, n)
        The parameters of neuron and rules, of each network or each neuron, in SI units (tau in seconds; see `STEP`).
    schedule : Schedule
        The order of presentations.
    update : {'step', 'trajectory', 'batch'}
        When weights change.
    traced : int array (Q,)
        Networks whose traces are kept, in ascending order.
    recorded : tuple of str, optional
        The names of the traces that are needed, by default all; engines may keep others too.
    seeds : unsigned int array (N,)
        What the networks' random numbers follow from, where their equations draw any.
    batch : int
        Trajectories per update, see `Protocol`.
    optimiser : {'sgd', 'momentum', 'adam', 'adam-hat'}
        How a gradient becomes a change, see `Protocol`.
    averaging : bool
        Whether the 1/t of eq. 1 is in, see `Protocol`.
    constraints, bound, reset : tuple, (float, float) or None, bool
        See `Protocol`.
    epsilon : float
        See `Protocol`.
    sources : mapping of str to str
        The texts of the model files by their paths, read once; those that are not there are read where they lie.
    done : int
        Training trajectories that the networks had before: a multiple of `batch`.
    looked : int
        Other presentations before, from which nothing was learned.
    start : mapping of str to array (N, ...)
        The states that they go on from, by the names of `Outcome.states`.
    origin : Weights, optional
        The weights before anything was learned, where these are others: constraints go by them.
    checkpoints, states_after : tuple of int
        After how many training trajectories of this run the weights that learn, and the states that go on from
        trajectory to trajectory, are kept; in ascending order.
    """

    circuit: Circuit
    x: np.ndarray
    y: np.ndarray
    source: np.ndarray
    weights: Weights
    parameters: Mapping[str, np.ndarray]
    schedule: Schedule
    update: str
    traced: np.ndarray
    seeds: np.ndarray
    batch: int = 1
    optimiser: str = "sgd"
    averaging: bool = True
    constraints: tuple[str, ...] = ()
    bound: tuple[float, float] | None = None
    reset: bool = True
    epsilon: float = 1e-8
    sources: Mapping[str, str] = field(default_factory=dict)
    done: int = 0
    looked: int = 0
    start: Mapping[str, np.ndarray] = field(default_factory=dict)
    origin: Weights | None = None
    checkpoints: tuple[int, ...] = ()
    states_after: tuple[int, ...] = ()
    recorded: tuple[str, ...] | None = None

    def records(self, name: str) -> bool:
        """Whether a trace is needed."""
        return self.recorded is None or name in self.recorded

    def limits(self, name: str) -> Limits:
        """What the weights `name` may be, whatever their rule says."""
        return Limits.of(name, self.constraints, self.bound)

    @property
    def kept(self) -> tuple[np.ndarray, np.ndarray]:
        """Whether weights, and states, are kept at the end of each presentation, bool (P,)."""
        learn, learned = self.schedule.learn, np.cumsum(self.schedule.learn)
        return learn & np.isin(learned, self.checkpoints), learn & np.isin(learned, self.states_after)

    def started(self, names: Iterable[str]) -> Mapping[str, np.ndarray]:
        """The states that the networks go on from, which have to be these."""
        if self.done and set(names) != self.start.keys():
            missing = sorted({*names} ^ self.start.keys())
            raise InputError(f"these networks cannot go on: their states are not those that are needed ({missing[0]})")
        return self.start

    @property
    def ticks(self) -> int:
        """Integration steps before this run, by which time goes on where nothing begins anew."""
        return (self.done + self.looked) * self.x.shape[2] * self.circuit.substeps

    @property
    def counted(self) -> np.ndarray:
        """How many numbers of its target count, for each network and presentation (N, P)."""
        shown = (~np.isnan(self.y)).sum(axis=(2, 3))
        return shown[self.source[:, None], self.schedule.trajectory]

    @property
    def masked(self) -> bool:
        """Whether there are targets that do not count."""
        return bool(np.isnan(self.y).any())

    @property
    def channels(self) -> dict[str, int]:
        """How many inputs and outputs there are."""
        return {"inputs": self.x.shape[-1], "outputs": self.y.shape[-1]}

    def part(self, networks: np.ndarray, room: int) -> Job:
        """The job of some networks and of copies of the first of them, `room` in all; it holds their stimuli alone."""
        filled = np.concatenate([networks, np.full(room - len(networks), networks[0])])
        sources, source = np.unique(self.source[filled], return_inverse=True)
        if len(sources) == len(networks):  # each network has a source of its own, the copies too
            sources, source = self.source[filled], np.arange(room)
        whole = np.array_equal(sources, np.arange(len(self.x)))
        traced = np.flatnonzero(np.isin(networks, self.traced))
        return replace(
            self,
            x=self.x if whole else self.x[sources],
            y=self.y if whole else self.y[sources],
            source=source,
            weights=self.weights.take(filled),
            parameters={name: values[filled] for name, values in self.parameters.items()},
            traced=traced,
            seeds=self.seeds[filled],
            start={name: values[filled] for name, values in self.start.items()},
            origin=self.origin and self.origin.take(filled),
        )


@dataclass(frozen=True)
class State:
    """What goes on from trajectory to trajectory beside the weights, as it was at some of them.

    Parameters
    ----------
    dims : tuple of str
        The axes of one network.
    values : array (S, N, ...)
        After each of the job's `states_after`.
    """

    dims: tuple[str, ...]
    values: np.ndarray


@dataclass(frozen=True)
class Outcome:
    """What a run gives back.

    Parameters
    ----------
    mse : array (N, P)
        Mean over the targets that count of (prediction - target)^2, per presentation.
    weights : Weights
        After the last presentation.
    prediction : array (kept presentations, N, T, c)
        Predictions of all networks where the schedule keeps them.
    traces : dict of str to array (traced presentations, Q, T, n or c)
        'activity', 'feedback', 'error', and each trace of the rule by its name ('k').
    engine : str
        What ran it: 'standalone', 'runtime' or 'numpy'.
    seconds, memory : float, int
        Spent in the time steps; most memory of a compiled program in bytes.
    units : mapping of str to str
        The units of traces that have one.
    cross_entropy : array (N, P), optional
        Mean over the steps that count of -sum_c y log(prediction) in nats, where that is the loss.
    spikes : array (N, n), optional
        Spikes of each neuron in the whole run, where neurons spike.
    checkpoints : dict of str to array (C, N, ...)
        The weights that learn after each of the job's `checkpoints`.
    states : dict of str to State
        What the networks would go on from: running means of the optimiser, states of rules that last.
    """

    mse: np.ndarray
    weights: Weights
    prediction: np.ndarray
    traces: dict[str, np.ndarray]
    engine: str
    seconds: float = 0.0
    memory: int = 0
    units: Mapping[str, str] = field(default_factory=dict)
    cross_entropy: np.ndarray | None = None
    spikes: np.ndarray | None = None
    checkpoints: dict[str, np.ndarray] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)

    @classmethod
    def joined(cls, parts: list[Outcome], sizes: list[int]) -> Outcome:
        """The outcome of a job from those of its parts, each of which gives its first networks."""
        pairs = list(zip(parts, sizes, strict=True))
        weights = [dict(part.weights.take(np.arange(size)).items()) for part, size in pairs]

        def optional(name: str) -> np.ndarray | None:
            known = getattr(parts[0], name) is not None
            return np.concatenate([getattr(part, name)[:size] for part, size in pairs]) if known else None

        return cls(
            np.concatenate([part.mse[:size] for part, size in pairs]),
            Weights(**{name: np.concatenate([each[name] for each in weights]) for name in weights[0]}),
            np.concatenate([part.prediction[:, :size] for part, size in pairs], axis=1),
            {name: np.concatenate([part.traces[name] for part in parts], axis=1) for name in parts[0].traces},
            parts[0].engine,
            max(part.seconds for part in parts),
            sum(part.memory for part in parts),
            parts[0].units,
            optional("cross_entropy"),
            optional("spikes"),
            {
                name: np.concatenate([part.checkpoints[name][:, :size] for part, size in pairs], axis=1)
                for name in parts[0].checkpoints
            },
            {
                name: State(
                    state.dims, np.concatenate([part.states[name].values[:, :size] for part, size in pairs], axis=1)
                )
                for name, state in parts[0].states.items()
            },
        )


def check_shown(x: np.ndarray) -> None:
    """Refuse a stimulus that is no spikes, for a rule that takes it for such."""
    wrong = x[(x != 0) & (x != 1)]
    if wrong.size:
        raise InputError(
            f"the rule of U asks for spikes, and the stimulus holds {wrong.flat[0]:.6g}; show a task of 0 and 1, let "
            "learn be without U, or write the rule without on_pre and spiked"
        )


def check_targets(job: Job) -> None:
    """Refuse targets of the cross-entropy that are not distributions over the outputs at each step that counts."""
    if job.circuit.loss != "cross-entropy":
        return
    missing = np.isnan(job.y)
    partly = missing.any(axis=-1) & ~missing.all(axis=-1)
    if partly.any():
        source, trajectory, step = map(int, np.argwhere(partly)[0])
        raise InputError(
            "loss 'cross-entropy' needs targets of which all outputs of a step count or none, but in step "
            f"{step} of trajectory {trajectory} of replicate {source} (counted from 0) some do not"
        )
    y = job.y[~missing.any(axis=-1)]
    bad = (y < 0).any(axis=-1) | ~(np.abs(y.sum(axis=-1) - 1) < 1e-9)
    if bad.any():
        first = y[tuple(np.argwhere(bad)[0])]
        raise InputError(
            f"loss 'cross-entropy' needs targets that are probabilities over the outputs, but one is {first.tolist()}; "
            "give numbers of at least 0 that sum to 1 at every step that counts, or use loss='mse'"
        )
