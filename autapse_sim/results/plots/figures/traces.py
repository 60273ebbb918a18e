"""Activity, traces, feedback and error over a trajectory."""

from __future__ import annotations

import xarray as xr
from matplotlib.figure import Figure

from autapse_sim.results.plots import panels, style
from autapse_sim.results.result import Result, dataset, rules

KIND, PLACE, NEEDS = "result", 30, ("trace_activity", "trace_feedback", "trace_error")
CAPTION = "Activity, traces, feedback and error over a trajectory, before and after learning."
COLUMNS = 3
"""Rules whose traces stand side by side, at most."""


def draw(data: xr.Dataset | Result, rule: str | None = None, phase: str | None = None, replicate: int = 0) -> Figure:
    """Activity, traces, feedback and error over one trajectory, a column for each rule.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A result with traces.
    rule : str, optional
        The only rule to draw; else the first three that have a trace, or where none has one the first rule.
    phase : str, optional
        Which trajectory; else the last that was recorded.
    replicate : int
        The number of the replicate.
    """
    known = {name: panels.trace_names(data, name) for name in (rules(data) if rule is None else [rule])}
    traced = [name for name, rows in known.items() if len(rows) > len(panels.UNTRACED)]
    shown = traced[:COLUMNS] or list(known)[:1]
    own = [row for name in shown for row in known[name] if row not in panels.UNTRACED]
    above, *below = panels.UNTRACED
    rows = [above, *dict.fromkeys(own), *below]
    phase = str(dataset(data)["phase"].values[-1]) if phase is None else phase
    with style.styled():
        figure = style.Drawn(figsize=(6 if len(shown) == 1 else 3.1 * len(shown) + 1, 1.1 * len(rows) + 0.6))
        axes = figure.subplots(len(rows), len(shown), squeeze=False, sharey="row")
        for name, column in zip(shown, axes.T, strict=True):
            panels.traces(data, [column[rows.index(row)] for row in known[name]], name, phase, replicate)
            for row, ax in zip(rows, column, strict=True):
                labelled = next(each for each in shown if row in known[each])
                if row not in known[name]:
                    ax.set_axis_off()
                elif name == labelled:
                    ax.tick_params(labelleft=True)
                else:
                    ax.set_ylabel("")
                if name != shown[-1] and ax.get_legend():
                    ax.get_legend().remove()
            if len(shown) > 1:
                column[0].set_title(style.label(name))
        figure.suptitle(phase if len(shown) > 1 else f"{style.label(shown[0])}, {phase}")
        figure.align_ylabels(axes[:, 0])
    return figure
