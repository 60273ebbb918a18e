"""My task: say what was shown a while ago."""

# See what the bench makes of it:      autapse check my_task.py
# Train networks on it:                autapse sweep --task my_task.py --rule autapse --set readout=random

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Recall:
    """What was shown `delay` steps ago is to be said now.

    Parameters
    ----------
    steps : int
        T, of a trajectory.
    delay : int
        How many steps ago.
    """

    steps: int = 50
    delay: int = 3
    # m, numbers that are shown in each step, and c, numbers that are asked for
    inputs: int = 1
    outputs: int = 1
    # at which steps nothing is shown, as a bool array (T,); None where that never happens
    blanked: None = None

    def sample(self, rng: np.random.Generator, replicates: int, trajectories: int) -> tuple[np.ndarray, np.ndarray]:
        """The stimulus x (replicates, trajectories, steps, inputs) and the target y (the same with outputs)."""
        # a generator of its own for each replicate: its draws do not depend on how many run beside it
        draws = [each.normal(size=(trajectories, self.steps, 1)) for each in rng.spawn(replicates)]
        x = np.stack(draws)
        y = np.full_like(x, np.nan)  # NaN: does not count, in learning as in the scores
        y[:, :, self.delay :] = x[:, :, : -self.delay]
        return x, y


task = Recall()
