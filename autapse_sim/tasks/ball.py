"""A ball that bounces in the unit box: where will it be `horizon` steps from now?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autapse_sim.checks import items, real, settle, truth, whole
from autapse_sim.errors import InputError
from autapse_sim.names import shown
from autapse_sim.showing import showing

FARTHEST = 1e6
"""The most box lengths that anything of a ball may be: beyond it, where the ball is drowns in rounding."""
DIFFERENCES = 9
"""Differences of successive observations that tell the speed: a wall met among so many does not move their median."""


@showing
@dataclass(frozen=True)
class BouncingBall:
    """A ball in the unit box, reflected without loss by its four walls.

    x(t) is the observed position of its centre, y(t) the true position at t + horizon. Start (uniform in the box) and
    direction (uniform) are drawn per trajectory. The motion is evaluated in closed form at every step, so no error
    accumulates.

    Parameters
    ----------
    steps : int
        T, steps of a trajectory.
    horizon : int
        h, steps between stimulus and target.
    speed : float
        At the start, in box lengths per step.
    gravity : float
        Pulls the second coordinate down, in box lengths per step^2.
    radius : float
        Of the ball, in box lengths: the centre moves in [radius, 1 - radius].
    noise : float
        Standard deviation of the Gaussian noise of the observation, in box lengths; the target is clean.
    occlusion : (int, int), optional
        (blank, period): in every `period` steps the last `blank` ones have the stimulus set to 0; the target goes on.
    centred : bool
        Whether the stimulus is twice the observed position less 1, so that the middle of the box is 0. The target stays
        the position.

    Examples
    --------
    >>> ball = BouncingBall(steps=50, horizon=1)
    >>> x, y = ball.sample(np.random.default_rng(0), replicates=3, trajectories=4)
    >>> x.shape, y.shape
    ((3, 4, 50, 2), (3, 4, 50, 2))
    >>> bool((y[:, :, :-1] == x[:, :, 1:]).all())
    True
    """

    steps: int = 100
    horizon: int = 1
    speed: float = 0.05
    gravity: float = 0.0
    radius: float = 0.0
    noise: float = 0.0
    occlusion: tuple[int, int] | None = None
    centred: bool = False

    def __post_init__(self) -> None:
        settle(self, whole, "steps", least=1)
        settle(self, whole, "horizon")
        if self.horizon >= self.steps:
            raise InputError(f"horizon is {self.horizon}; it must be shorter than the trajectory ({self.steps} steps)")
        settle(self, real, "speed", "gravity", "radius", "noise", least=0, most=FARTHEST)
        if self.radius >= 0.5:
            raise InputError(f"radius is {self.radius}; it must be less than 0.5, or the ball does not fit the box")
        if self.occlusion is not None:
            object.__setattr__(self, "occlusion", _checked_occlusion(self.occlusion))
        settle(self, truth, "centred")

    @property
    def inputs(self) -> int:
        """m, coordinates of the stimulus."""
        return 2

    @property
    def outputs(self) -> int:
        """c, coordinates of the target."""
        return 2

    @property
    def units(self) -> str:
        """What the target is measured in."""
        return "box lengths"

    @property
    def blanked(self) -> np.ndarray | None:
        """The steps at which the ball is hidden, bool (T,); None without occlusion.

        Examples
        --------
        >>> BouncingBall(steps=6, occlusion=(1, 3)).blanked.astype(int)
        array([0, 0, 1, 0, 0, 1])
        """
        if self.occlusion is None:
            return None
        blank, period = self.occlusion
        return np.arange(self.steps) % period >= period - blank

    def sample(self, rng: np.random.Generator, replicates: int, trajectories: int) -> tuple[np.ndarray, np.ndarray]:
        """Draw `trajectories` for each of `replicates`.

        Returns
        -------
        x : array (R, K, T, 2)
            Observed positions in box lengths, or twice these less 1 if `centred`.
        y : array (R, K, T, 2)
            True positions `horizon` steps later.
        """
        T, h = self.steps, self.horizon
        x = np.empty((replicates, trajectories, T, 2))
        y = np.empty_like(x)
        for r, child in enumerate(rng.spawn(replicates)):
            motion, observation = child.spawn(2)
            position = self._positions(motion.random((trajectories, 3)))
            x[r], y[r] = position[:, :T], position[:, h:]
            if self.noise:
                x[r] += self.noise * observation.standard_normal((trajectories, T, 2))
        if self.centred:
            x = 2 * x - 1
        if self.blanked is not None:
            x[:, :, self.blanked] = 0
        return x, y

    def observed(self, x: np.ndarray) -> np.ndarray:
        """The positions that a stimulus shows, in box lengths: what controls need that know the box."""
        return (x + 1) / 2 if self.centred else x

    def physics(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """What one foresees from a stimulus (R, K, T, 2) who knows the box: see `physics`."""
        seen = self.observed(x)
        prediction = physics(seen, self.horizon, self.radius, 1 - self.radius, self.blanked)
        return {"physics: the box and two observations": prediction}

    def _positions(self, draws: np.ndarray) -> np.ndarray:
        """Positions (K, T + h, 2) that follow from uniform draws (K, 3): the start and the direction."""
        side = 1 - 2 * self.radius
        start, angle = side * draws[:, :2], 2 * np.pi * draws[:, 2]
        time = np.arange(self.steps + self.horizon)
        across = bounce(start[:, :1], self.speed * np.cos(angle)[:, None], 0.0, side, time)
        height = bounce(start[:, 1:], self.speed * np.sin(angle)[:, None], self.gravity, side, time)
        return np.clip(self.radius + np.stack([across, height], axis=-1), self.radius, 1 - self.radius)


def physics(
    position: np.ndarray,
    horizon: int,
    low: float = 0.0,
    high: float = 1.0,
    blanked: np.ndarray | None = None,
) -> np.ndarray:
    """Extrapolation by one who knows the box: straight on, and reflected where a wall is in the way.

    The speed of a coordinate is the median of its last `DIFFERENCES` absolute differences. The direction is the one of
    the two in which a ball of that speed gets from the last but one observation nearest to the last. Without noise and
    gravity both are exact after four observations, at speeds that meet a wall at most once in three steps.

    Parameters
    ----------
    position : array (R, K, T, m)
        As observed, in the units of the box.
    horizon : int
        Steps from observation to target.
    low, high : float
        Where the walls are (for the centre of the ball).
    blanked : bool array (T,), optional
        Steps at which nothing is seen.

    Returns
    -------
    array (R, K, T, m)
        Predictions; before two observations in a row were made, the last observation, and `low` before the first.

    Examples
    --------
    >>> position = np.array([0.5, 0.75, 1.0, 0.75, 0.5, 0.25]).reshape(1, 1, 6, 1)
    >>> physics(position, horizon=2).ravel()
    array([0.5 , 0.75, 0.5 , 0.25, 0.  , 0.25])
    """
    seen = np.ones(position.shape[2], dtype=bool) if blanked is None else ~blanked
    prediction = np.empty_like(position)
    here = np.full_like(position[:, :, 0], low)
    speed, direction = np.zeros_like(here), np.ones_like(here)
    differences: list[np.ndarray] = []
    last = None
    for t in range(position.shape[2]):
        if seen[t]:
            before, here = here, position[:, :, t]
            if last is not None:
                if t - last == 1:
                    differences = [*differences[1 - DIFFERENCES :], np.abs(here - before)]
                    speed = np.median(differences, axis=0)
                ways = [(_reflected(before, sign * speed * (t - last), low, high), sign) for sign in (1, -1)]
                (up, turned_up), (down, turned_down) = [(p, sign * turn) for (p, turn), sign in ways]
                direction = np.where(np.abs(up - here) <= np.abs(down - here), turned_up, turned_down)
            last = t
        ahead = 0 if last is None else t - last + horizon
        prediction[:, :, t] = _reflected(here, direction * speed * ahead, low, high)[0]
    return prediction


def _reflected(start: np.ndarray, way: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Where a point ends that goes a signed way between two walls, and whether it then goes on (1) or back (-1)."""
    side = high - low
    phase = (start - low + way) % (2 * side)
    return low + np.minimum(phase, 2 * side - phase), np.where(phase < side, 1, -1)


def bounce(height: np.ndarray, velocity: np.ndarray, gravity: float, ceiling: float, time: np.ndarray) -> np.ndarray:
    """Height at `time` of a point that bounces between floor 0 and `ceiling`, without loss, in closed form.

    The motion is periodic: up from the floor with speed v0, until the point turns or meets the ceiling, and the same
    way down. Without gravity it is a triangle wave.

    Parameters
    ----------
    height, velocity : array
        At time 0, in box lengths (within 0 and `ceiling`) and box lengths per step, upwards.
    gravity : float
        Downwards, in box lengths per step^2.
    ceiling : float
        In box lengths.
    time : array
        In steps; broadcasts against `height`.

    Examples
    --------
    >>> bounce(np.array(0.5), np.array(0.25), gravity=0.0, ceiling=1.0, time=np.arange(6))
    array([0.5 , 0.75, 1.  , 0.75, 0.5 , 0.25])
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # 0/0 where the point rests, see the last line
        bottom_speed = np.sqrt(velocity**2 + 2 * gravity * height)
        top_speed = np.sqrt(np.maximum(bottom_speed**2 - 2 * gravity * ceiling, 0))
        top = np.fmin(ceiling, bottom_speed**2 / (2 * gravity)) if gravity else ceiling
        up = 2 * top / (bottom_speed + top_speed)
        since_floor = 2 * height / (bottom_speed + np.abs(velocity))
        phase = (np.where(velocity < 0, -since_floor, since_floor) + time) % (2 * up)
        rise = np.minimum(phase, 2 * up - phase)
        moving = rise * (bottom_speed - gravity * rise / 2)
    return np.where(bottom_speed > 0, moving, height)


def _checked_occlusion(occlusion: object) -> tuple[int, int]:
    right = "two whole numbers (blank, period) with 1 <= blank < period"
    pair = [whole("occlusion", each, least=1) for each in items("occlusion", occlusion, right)]
    if len(pair) != 2 or pair[0] >= pair[1]:
        raise InputError(f"occlusion is {shown(occlusion)}; it must be {right}")
    return pair[0], pair[1]
