"""How uncertain the best prediction stays."""

from __future__ import annotations

import numpy as np


def entropy(probability: float | np.ndarray) -> np.ndarray:
    """The entropy of a coin in nats: the least cross-entropy of who knows its probability and nothing more.

    Examples
    --------
    >>> entropy(np.array([0.0, 0.5, 1.0])).round(4)
    array([0.    , 0.6931, 0.    ])
    """
    p = np.stack([probability, 1 - np.asarray(probability)])
    return 0 - (p * np.log(np.where(p > 0, p, 1))).sum(axis=0)
