"""The protocol of an experiment, and the order in which it shows its trajectories."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from autapse_sim.checks import items, real, settle, some_of, truth, whole
from autapse_sim.errors import InputError
from autapse_sim.names import one_of, shown
from autapse_sim.showing import showing

UPDATES = ("step", "trajectory", "batch")
OPTIMISERS = ("sgd", "momentum", "adam", "adam-hat")
LEAST = {"double": 1e-300, "single": 1e-19}
"""What Adam adds to the root of the mean of g^2 beside `epsilon`, by precision: no gradient at all is no change then.

In single precision squares of what is far below it are 0.
"""
KINDS = ("sparse", "dale")
CONSTRAINTS = (*KINDS, *(f"{kind}-readout" for kind in KINDS))
SUFFIXES = {"W": "", "U": "", "V": "-readout"}
"""How the constraints of these weights end; of others there are none."""
BOUNDED = ("W", "U")
"""The weights that a bound is of."""


@showing
@dataclass(frozen=True)
class Protocol:
    """How many networks are trained, on how much, and how they are tested.

    Parameters
    ----------
    replicates : int
        Networks per rule, each with its own weights and trajectories.
    train, validate, test : int
        Trajectories of each kind, per replicate; no trajectory is in two of them. 0 leaves a part out.
    update : {'step', 'trajectory', 'batch'}
        When the weights change: after every step (the paper), at the end of each trajectory, by the sum of its g(t), or
        at the end of each batch, by the mean of its trajectories' sums. Meanwhile the weights stand still.
    seed : int
        All draws follow from it.
    validate_every : int
        Training trajectories between two looks at the validation trajectories.
    record : int
        Replicates whose predictions and traces are kept in full; scores are kept of all.
    record_tests : int
        Test trajectories of which traces are kept, beside those of the first and the last training trajectory.
    batch : int
        Successive training trajectories in a batch; `train` is a multiple of it.
    optimiser : {'sgd', 'momentum', 'adam', 'adam-hat'}
        How a gradient g becomes a change, for everything that learns: -eta g; -eta v with v <- 0.9 v + g; or Adam
        (Kingma & Ba 2015) with running means of g (0.9) and g^2 (0.999), both bias-corrected. 'adam-hat' adds
        `epsilon` before the mean of g^2 is corrected (their "eps hat"), as TensorFlow and NEST do.
    epsilon : float
        What Adam adds to the root of the mean of g^2; it acts where gradients are not far above. With 0, what has no
        gradient stands still all the same.
    averaging : bool
        Whether the 1/t of eq. 1 is in (bptt, rtrl, snap1, uoro, fa, dfa); without it bptt and rtrl follow the exact
        gradient of a trajectory's summed squared error, halved.
    constraints : tuple of {'sparse', 'dale', 'sparse-readout', 'dale-readout'}
        What holds for the weights that the rule teaches (W, U), whatever it says: with 'sparse' those that are 0 at the
        start stay 0 (no self-connections, missing synapses), with 'dale' none changes its sign (it stops at 0). The
        other two are the same for V.
    bound : float or (float, float), optional
        Largest magnitude of W and U, or the least and the largest weight.
    reset : bool
        Whether activity and traces begin anew with each trajectory, or go on from where the last one ended.
    checkpoints : tuple of int, or int
        After how many training trajectories the weights that learn are kept (`W_checkpoint`, ...); a single number is
        after every so many.
    checkpoint_states : bool
        Whether what else goes on from trajectory to trajectory is kept there, too: running means of the optimiser, and
        the states of rules that last (`state_W_moment_checkpoint`, ...).

    Examples
    --------
    >>> Protocol(train=96, update="batch", batch=16, optimiser="adam", averaging=False).trajectories
    136
    """

    replicates: int = 100
    train: int = 100
    validate: int = 20
    test: int = 20
    update: str = "step"
    seed: int = 0
    validate_every: int = 10
    record: int = 5
    batch: int = 1
    optimiser: str = "sgd"
    averaging: bool = True
    constraints: tuple[str, ...] = ()
    bound: float | tuple[float, float] | None = None
    reset: bool = True
    epsilon: float = 1e-8
    checkpoints: int | tuple[int, ...] = ()
    checkpoint_states: bool = False
    record_tests: int = 1

    def __post_init__(self) -> None:
        settle(self, whole, "train", "validate", "test", "seed", "record", "record_tests")
        settle(self, whole, "replicates", "validate_every", "batch", least=1)
        if self.train + self.validate + self.test == 0:
            raise InputError("train, validate and test are all 0: there is no trajectory to show")
        settle(self, one_of, "update", known=UPDATES)
        settle(self, one_of, "optimiser", known=OPTIMISERS)
        settle(self, truth, "averaging", "reset", "checkpoint_states")
        settle(self, some_of, "constraints", known=CONSTRAINTS)
        object.__setattr__(self, "bound", _bounds(self.bound))
        settle(self, real, "epsilon", least=0)
        if self.batch > 1 and self.update != "batch":
            raise InputError(f"batch is {self.batch}, but update is {self.update!r}; use update='batch'")
        if self.train % self.batch:
            raise InputError(f"train is {self.train}; it must be a multiple of batch ({self.batch})")
        object.__setattr__(self, "checkpoints", _checkpoints(self.checkpoints, self.train))

    @property
    def kept_after(self) -> tuple[int, ...]:
        """After how many training trajectories weights are kept.

        Examples
        --------
        >>> Protocol(train=10, checkpoints=4).kept_after
        (4, 8)
        """
        every = self.checkpoints
        return tuple(range(every, self.train + 1, every)) if isinstance(every, int) else every

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The least and the largest weight.

        Examples
        --------
        >>> Protocol(bound=2).bounds
        (-2.0, 2.0)
        """
        return self.bound if self.bound is None or isinstance(self.bound, tuple) else (-self.bound, self.bound)

    @property
    def trajectories(self) -> int:
        """K, all trajectories of a replicate: training first, then validation, then test."""
        return self.train + self.validate + self.test

    @property
    def looks(self) -> int:
        """How often the validation trajectories are shown."""
        return -(-self.train // self.validate_every) + 1 if self.validate else 0

    @property
    def validation_points(self) -> np.ndarray:
        """Numbers of training trajectories after which the validation trajectories are shown."""
        if not self.validate:
            return np.array([], dtype=int)
        return np.unique(np.append(np.arange(0, self.train + 1, self.validate_every), self.train))


@dataclass(frozen=True)
class Limits:
    """What some weights may be, whatever their rule says.

    Parameters
    ----------
    sparse, dale : bool
        Whether those that are 0 at the start stay 0, and whether none changes its sign.
    bound : (float, float), optional
        The least and the largest weight.
    """

    sparse: bool = False
    dale: bool = False
    bound: tuple[float, float] | None = None

    def __bool__(self) -> bool:
        return self != Limits()

    @classmethod
    def of(cls, weights: str, constraints: tuple[str, ...], bound: tuple[float, float] | None) -> Limits:
        """Those of the weights `weights` under the constraints and the bound of a protocol.

        Examples
        --------
        >>> Limits.of("V", ("dale", "sparse-readout"), (-1.0, 1.0))
        Limits(sparse=True, dale=False, bound=None)
        """
        sparse, dale = (weights in SUFFIXES and kind + SUFFIXES[weights] in constraints for kind in KINDS)
        return cls(sparse, dale, bound if weights in BOUNDED else None)

    def kept(self, w: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Weights that changed, brought within the limits; `start` are those before anything was learned.

        Examples
        --------
        >>> Limits(sparse=True, dale=True).kept(np.array([0.3, -0.1, 2.0]), np.array([0.0, 1.0, 1.0]))
        array([0., 0., 2.])
        """
        if self.sparse:
            w = np.where(start == 0, 0, w)
        if self.dale:
            w = np.where(w * np.sign(start) < 0, 0, w)
        return w if self.bound is None else np.clip(w, *self.bound)


def _checkpoints(given: object, train: int) -> int | tuple[int, ...]:
    """After every how many training trajectories, or after which, weights are kept."""
    if isinstance(given, Integral) and not isinstance(given, bool):
        return whole("checkpoints", given, least=1, most=max(train, 1))
    right = f"whole numbers from 1 to train ({train}), or one of them, for every so many"
    found = {whole("checkpoints", each, least=1, most=train) for each in items("checkpoints", given, right)}
    return tuple(sorted(found))


def _bounds(given: object) -> tuple[float, float] | None:
    """The least and the largest weight."""
    if given is None:
        return None
    right = "a positive number, two numbers (w_min, w_max), or None"
    pair = [real("bound", each) for each in items("bound", given, right)]
    low, high = (-pair[0], pair[0]) if len(pair) == 1 else pair if len(pair) == 2 else (0, 0)
    if low >= high:
        raise InputError(f"bound is {shown(given)}; it must be {right}")
    return low, high


@dataclass(frozen=True)
class Schedule:
    """The presentations of one run, in order; each shows one trajectory to every network.

    Parameters
    ----------
    trajectory : int array (P,)
        Which trajectory is shown.
    learn : bool array (P,)
        Whether the weights change.
    keep : bool array (P,)
        Whether the predictions of all networks are kept (the test).
    trace : bool array (P,)
        Whether activity, traces, feedback and error of the traced networks are kept.
    """

    trajectory: np.ndarray
    learn: np.ndarray
    keep: np.ndarray
    trace: np.ndarray

    @property
    def look(self) -> np.ndarray:
        """Whether a presentation is a look at a validation trajectory, bool (P,)."""
        return ~self.learn & ~self.keep

    def part(self, which: np.ndarray) -> Schedule:
        """The presentations `which` alone, bool (P,)."""
        return Schedule(self.trajectory[which], self.learn[which], self.keep[which], self.trace[which])

    @classmethod
    def of(cls, protocol: Protocol) -> Schedule:
        """The whole experiment as one run: training with looks at the validation trajectories between, then the test.

        Traced are the first and the last training trajectory and the first `record_tests` test trajectories.
        """
        train, validate, test = protocol.train, protocol.validate, protocol.test
        points = set(protocol.validation_points.tolist())
        trajectory: list[int] = []
        learn: list[bool] = []
        for seen in range(train + 1):
            if seen in points:
                trajectory += range(train, train + validate)
                learn += [False] * validate
            if seen < train:
                trajectory.append(seen)
                learn.append(True)
        trajectory += range(train + validate, train + validate + test)
        learn += [False] * test
        index, learning = np.array(trajectory), np.array(learn, dtype=bool)
        tested = index - train - validate
        trace = learning & np.isin(index, [0, train - 1]) | (tested >= 0) & (tested < protocol.record_tests)
        return cls(index, learning, tested >= 0, trace)
