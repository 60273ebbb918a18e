"""A view of training while it goes on: learning curve, activity, weights."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from autapse_sim.checks import whole
from autapse_sim.machine.bars import in_notebook
from autapse_sim.results import recordings
from autapse_sim.results.plots import circuits, matrices, panels, style
from autapse_sim.results.result import Result, rules


class LiveView:
    """What `train` is to be watched by: a figure below the cell of a notebook that is drawn anew as training goes on.

    Parameters
    ----------
    every : int, optional
        Training trajectories between two looks; else a tenth of all.
    replicate : int
        Whose activity and weights.

    Attributes
    ----------
    figure : Figure or None
        As it was drawn last, in a notebook or not.

    Examples
    --------
    >>> import autapse_sim as ap
    >>> view, few = LiveView(every=2), ap.Protocol(replicates=2, train=6, validate=0, test=1)
    >>> result = ap.train(ap.Circuit(rule="dfa"), ap.BouncingBall(steps=20), few, engine="numpy", watch=view)
    >>> len(view.figure.axes) >= 3
    True
    """

    def __init__(self, every: int | None = None, replicate: int = 0) -> None:
        self.every = None if every is None else whole("every", every, least=1)
        self.replicate = whole("replicate", replicate)
        self.figure: Figure | None = None
        self.handle: Any = None

    def __call__(self, result: Result) -> None:
        """Draw what has been learned so far; of a run that trains nothing there is nothing to draw."""
        if "training_trajectory" not in result.data:
            return
        self.figure = draw(result, self.replicate)
        if not in_notebook():
            return
        from IPython.display import display

        shown = {"image/png": style.content(self.figure, "png"), "text/plain": repr(self.figure)}
        if "mse" in result.data:  # the end, after which another run has a figure of its own
            handle, self.handle = self.handle, None
        else:
            handle = self.handle
        if handle is None:
            self.handle = display(shown, raw=True, display_id=True)
        else:
            handle.update(shown, raw=True)


def draw(result: Result, replicate: int = 0) -> Figure:
    """Training MSE so far, the activity in the last training trajectory, and W, of one replicate."""
    data, (rule, *_) = result.data, rules(result)
    seen = int(data["training_trajectory"].values[-1])
    with style.styled():
        figure = style.Drawn(figsize=(8.4, 2.5))
        curve, activity, weights = figure.subplots(1, 3, width_ratios=(1.2, 1.3, 1))
        panels.learning_curve(result, curve, rule, "train")
        recorded = data["recorded"].values.tolist() if "recorded" in data.coords else []
        if replicate in recorded:
            phase = f"training {seen}"
            if "trace_spikes" in data:
                circuits.raster(recordings.spikes(result, phase, replicate), activity)
            else:
                values = recordings.recording(result, "activity", phase, replicate).values
                matrices.activity_map(values, activity, colorbar=False)
            activity.set_title(f"activity, {phase}")
        else:
            activity.set_axis_off()
        matrices.weight_matrix(recordings.weights(result, "W", replicate), weights)
        weights.set_title(f"W, replicate {replicate}")
        figure.suptitle(f"{style.label(rule)}: {seen} training trajectories")
    return figure
