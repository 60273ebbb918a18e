"""Tasks of NeuroGym, as ``--task neurogym:NAME``, with the extra ``neurogym``.

Molano-Mazon et al. 2022, "NeuroGym: An open resource for developing and sharing neuroscience tasks",
doi:10.31234/osf.io/aqc9n.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autapse_sim.checks import mapping, settle, text, whole
from autapse_sim.errors import InputError, in_a_line
from autapse_sim.names import one_of

PREFIX = "neurogym:"
"""How names of its tasks begin."""
VERSION = "-v0"
"""How names end there."""


@dataclass(frozen=True)
class NeuroGym:
    """A task of NeuroGym: what is observed, and which action would be right, trial after trial without a pause.

    A step of the task, whatever its `dt` there, is a step of the stimulus here. What is right is one number of 1 among
    the actions, so that ``Circuit(loss="cross-entropy")`` gives their probabilities.

    Parameters
    ----------
    name : str
        Of the task, 'PerceptualDecisionMaking' for example.
    steps : int
        T, steps of a trajectory.
    options : mapping
        What the task itself takes, ``{"dt": 20}`` for example.
    """

    name: str
    steps: int = 100
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settle(self, text, "name")
        settle(self, whole, "steps", least=1)
        object.__setattr__(self, "options", dict(mapping("options", self.options, '{"dt": 20}')))
        inside = self._environment()
        spaces = inside.observation_space, inside.action_space
        if len(spaces[0].shape or ()) != 1 or not hasattr(spaces[1], "n"):
            raise InputError(f"{PREFIX}{self.name} has no vector to observe or no actions to choose from: {spaces}")
        object.__setattr__(self, "_sizes", (spaces[0].shape[0], int(spaces[1].n)))
        self._trial(inside)

    @property
    def inputs(self) -> int:
        """m, numbers that are observed."""
        return self._sizes[0]  # type: ignore[attr-defined]  # set where it was made

    @property
    def outputs(self) -> int:
        """c, actions."""
        return self._sizes[1]  # type: ignore[attr-defined]

    @property
    def blanked(self) -> None:
        """Nothing is known about blanks."""
        return None

    def sample(self, rng: np.random.Generator, replicates: int, trajectories: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw `trajectories` for each of `replicates`.

        Returns
        -------
        x : array (R, K, T, m)
            What is observed.
        y : array (R, K, T, c)
            1 at the action that is right, else 0.
        """
        m, c = self.inputs, self.outputs
        x, right = (
            np.empty((replicates, trajectories, self.steps, m)),
            np.empty((replicates, trajectories, self.steps), int),
        )
        for r, own in enumerate(rng.spawn(replicates)):
            for k in range(trajectories):
                x[r, k], right[r, k] = self._trials(int(own.integers(2**31)))
        return x, np.eye(c)[right]

    def _trials(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Trials one after the other, until there are enough steps, of an environment that knows of no others."""
        inside = self._environment(seed)
        inside.seed(seed)
        trials, steps = [], 0
        while steps < self.steps:
            trials.append(self._trial(inside))
            steps += len(trials[-1][0])
        seen, right = zip(*trials, strict=True)
        return np.concatenate(seen)[: self.steps], np.concatenate(right)[: self.steps]

    def _trial(self, inside: Any) -> tuple[np.ndarray, np.ndarray]:
        """What is observed in a new trial, and the action that is right at each of its steps."""
        inside.new_trial()
        try:
            seen, right = np.asarray(inside.ob, float), np.asarray(inside.gt)
        except AttributeError as error:
            told = "it rewards what was done, and does not say beforehand which action is right: there is no target"
            raise InputError(f"{PREFIX}{self.name} is no task here: {told}") from error
        actions = np.arange(self.outputs)
        if right.ndim != 1 or len(right) == 0 or len(right) != len(seen) or not np.isin(right, actions).all():
            told = f"what it calls right is not one of its {self.outputs} actions at each step"
            raise InputError(f"{PREFIX}{self.name} is no task here: {told}")
        return seen, right.astype(int)

    def _environment(self, seed: int = 0) -> Any:
        """A new environment of that name, with all that NeuroGym prints and warns of kept back."""
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            try:
                import neurogym
                from neurogym.envs.registration import all_envs
            except ImportError as error:
                told = f"a task of NeuroGym needs it: pip install autapse_sim[neurogym] ({in_a_line(error)})"
                raise InputError(told) from error
            known = {name.removesuffix(VERSION): name for name in all_envs()}
            name = known[one_of("task of NeuroGym", self.name.removesuffix(VERSION), known)]
            try:
                with _drawing_from(seed):
                    return neurogym.make(name, **self.options).unwrapped
            except Exception as error:  # whatever the task makes of its options
                raise InputError(f"{PREFIX}{self.name} cannot be made: {in_a_line(error)}") from error


@contextlib.contextmanager
def _drawing_from(seed: int) -> Iterator[None]:
    """What is drawn without a seed follows from this one: environments draw before they can be given theirs."""
    from unittest.mock import patch  # slow to load, and for these tasks alone

    class Seeded(np.random.RandomState):
        def __init__(self, given: Any = None) -> None:
            super().__init__(seed if given is None else given)

    with patch.object(np.random, "RandomState", Seeded):
        yield


def neurogym_task(given: str, options: Mapping[str, Any]) -> NeuroGym:
    """The task that goes by ``neurogym:NAME``; all options but `steps` are its own."""
    own = {name: value for name, value in options.items() if name != "steps"}
    taken = {"steps": options["steps"]} if "steps" in options else {}
    return NeuroGym(given.removeprefix(PREFIX), options=own, **taken)
