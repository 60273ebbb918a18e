"""The affine map of what the stimulus shows now."""

from __future__ import annotations

import numpy as np

from autapse_sim.training.beside import Shown
from autapse_sim.training.controls.affine_of_lags import affine

PLACE, NEEDS = 80, "step"


def predict(shown: Shown) -> dict[str, np.ndarray]:
    """The map of [x(t), 1], fitted to the training targets that count."""
    return {"affine of x(t)": affine(shown, [1])[0]} if shown.trained else {}
