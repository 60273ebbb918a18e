"""What a drawn raster shows."""

import numpy as np
from matplotlib.colors import to_hex


def ticks(ax):
    """Time, row and colour of every tick of a raster, in order of time."""
    (collection,) = ax.collections
    segments = np.array(collection.get_segments())
    np.testing.assert_allclose(segments[:, 1, 1] - segments[:, 0, 1], 0.8)
    colours = [to_hex(colour).upper() for colour in collection.get_colors()]
    return sorted(zip(segments[:, 0, 0].round(9), segments[:, :, 1].mean(axis=1).round(9), colours, strict=True))


def names(ax):
    return [label.get_text() for label in ax.get_yticklabels()]
