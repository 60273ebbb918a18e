"""Whole figures, each from one result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple

from autapse_sim.checks import items
from autapse_sim.errors import InputError
from autapse_sim.names import one_of
from autapse_sim.results import recordings
from autapse_sim.results.plots import circuit_axes, circuits, matrices, panels, style
from autapse_sim.results.recordings import recording
from autapse_sim.results.result import Result, dataset, rule_of, rules

GREYS = ("0.15", "0.6", "0.4", "0.75")
"""Colours of the inputs and of the coordinates; where there are more, inputs are drawn as an image."""
COLUMNS = 3
"""Rules whose traces stand side by side, at most."""


def figure1(data: xr.Dataset | Result) -> Figure:
    """The paper's Fig. 1: a true trajectory and what each rule predicts, a panel per rule."""
    names = rules(data)
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    with style.styled():
        figure = Figure(figsize=(1.9 * columns + 0.5, 2.2 * rows + 0.4))
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax in axes[len(names) :]:
            ax.remove()
        axes = axes[: len(names)]
        for ax, rule in zip(axes, names, strict=True):
            panels.trajectories(data, ax, rule)
            ax.set_title(style.label(rule))
            ax.locator_params(nbins=4)
        limits = np.array([[ax.get_xlim(), ax.get_ylim()] for ax in axes])
        for ax in axes:
            ax.set(
                xlim=(limits[:, 0, 0].min(), limits[:, 0, 1].max()), ylim=(limits[:, 1, 0].min(), limits[:, 1, 1].max())
            )
            if not ax.get_subplotspec().is_first_col():
                ax.set_ylabel("")
        handles = [dict(zip(*ax.get_legend_handles_labels()[::-1], strict=True)) for ax in axes]
        # a tuple is drawn as one: Matplotlib's types know of single handles only
        drawn: list[Any] = [handles[0]["true"], tuple(each["predicted"] for each in handles), handles[0]["start"]]
        figure.legend(
            drawn,
            ["true", "predicted", "start"],
            handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
            handlelength=3,
            loc="outside lower center",
            ncols=3,
        )
    return figure


def figure2(data: xr.Dataset | Result) -> Figure:
    """The paper's Fig. 2: training and validation MSE of every rule, with the controls as lines."""
    with style.styled():
        figure = Figure(figsize=(7.2, 3.2))
        axes = figure.subplots(1, 2, sharey=True)
        for ax, kind in zip(axes, panels.CURVES, strict=True):
            for rule in rules(data):
                panels.learning_curve(data, ax, rule, kind)
        shown = f"median and quartiles over {dataset(data).sizes['replicate']} networks (▲: beyond the scale)"
        if "control_mse" in dataset(data):
            shown += "; broken lines: controls on the test trajectories"
            for ax in axes:
                panels.control_lines(data, ax, labels=ax is axes[-1])
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, title=shown, loc="outside upper left", ncols=6, alignment="left")
    return figure


def figure_traces(
    data: xr.Dataset | Result, rule: str | None = None, phase: str | None = None, replicate: int = 0
) -> Figure:
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
        figure = Figure(figsize=(6 if len(shown) == 1 else 3.1 * len(shown) + 1, 1.1 * len(rows) + 0.6))
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


def figure_raster(
    data: xr.Dataset | Result,
    rule: str | None = None,
    replicate: int = 0,
    phases: Sequence[str] | None = None,
    order: str | np.ndarray = "number",
    neurons: int = 3,
) -> Figure:
    """Spikes of one replicate before and after learning, from the stimulus down to the error.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A result of spiking neurons with traces.
    rule : str, optional
        Which rule; else the first.
    replicate : int
        The number of the replicate.
    phases : sequence of str, optional
        A column each; else the first and the last that were recorded.
    order : {'number', 'first spike', 'rate'} or int array
        How the neurons are sorted; by the spikes of the last of the phases.
    neurons : int
        How many of the neurons, those that spike most, have their states and traces drawn in their colours.
    """
    rule = rule_of(data, rule)
    phases = _chosen(data, phases)
    counts = {phase: recordings.spikes(data, phase, replicate, rule) for phase in phases}
    total = np.sum([one.sum(axis=0) for one in counts.values()], axis=0)
    shown = np.sort(np.argsort(-total, kind="stable")[:neurons])
    look = dict(zip(shown.tolist(), style.PALETTE, strict=False))
    colours = [look.get(neuron, circuit_axes.INK) for neuron in range(len(total))]
    rows = recordings.sorted_neurons(counts[phases[-1]], order)

    def state(name: str) -> Callable[[Axes, str], None]:
        values = [recording(data, name, phase, replicate, rule) for phase in phases]
        spacing = max(circuits.spacing_of(each.values[:, shown]) for each in values)
        unit = values[0].attrs.get("units", "1")

        def draw(ax: Axes, phase: str) -> None:
            given = values[phases.index(phase)].values[:, shown]
            names = [str(neuron) for neuron in shown]
            circuits.time_courses(given, ax, name, unit, names, spacing, colours=[look[each] for each in shown])

        return draw

    drawn = {
        "spikes": (2.4, lambda ax, phase: circuits.raster(counts[phase], ax, rows, colours=colours)),
        "rate": (0.7, lambda ax, phase: circuits.rate_histogram(counts[phase], ax)),
        **{name: (1.0, state(name)) for name in _states(data, rule, phases, replicate)},
    }
    return _over_phases(data, rule, replicate, phases, drawn)


def figure_activity(
    data: xr.Dataset | Result,
    rule: str | None = None,
    replicate: int = 0,
    phases: Sequence[str] | None = None,
    order: str | np.ndarray = "number",
) -> Figure:
    """Activity of one replicate before and after learning as an image, with the stimulus and the error.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A result with traces, of rates or of spiking neurons.
    rule : str, optional
        Which rule; else the first.
    replicate : int
        The number of the replicate.
    phases : sequence of str, optional
        A column each; else the first and the last that were recorded.
    order : {'number', 'peak'} or int array
        How the neurons of each phase are sorted.
    """
    rule = rule_of(data, rule)
    phases = _chosen(data, phases)
    values = {phase: recording(data, "activity", phase, replicate, rule).values for phase in phases}
    everything = np.concatenate(list(values.values()))
    finite = everything[np.isfinite(everything)]
    limits = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)

    def draw(ax: Axes, phase: str) -> None:
        matrices.activity_map(values[phase], ax, order, limits, colorbar=phase == phases[-1])

    return _over_phases(data, rule, replicate, phases, {"activity": (2.0, draw)})


def figure_circuit(
    data: xr.Dataset | Result,
    rule: str | None = None,
    replicate: int = 0,
    phases: Sequence[str] | None = None,
    before: xr.Dataset | Result | None = None,
) -> Figure:
    """How one replicate is wired: W and its eigenvalues; and its activity on its principal components.

    Parameters
    ----------
    data : xarray.Dataset or Result
        A result; without traces there are no principal components to draw.
    rule : str, optional
        Which rule; else the first.
    replicate : int
        The number of the replicate.
    phases : sequence of str, optional
        A path each; else the first and the last that were recorded.
    before : xarray.Dataset or Result, optional
        The same networks at an earlier time (a result with less training and the same seed): drawn beside.
    """
    rule = rule_of(data, rule)
    weights = {"W": recordings.weights(data, "W", replicate, rule)}
    if before is not None:
        earlier = recordings.weights(before, "W", replicate, rule if "rule" in dataset(before).dims else None)
        if earlier.shape != weights["W"].shape:
            raise InputError("the result before has another number of neurons")
        weights = {"W before": earlier, "W after": weights["W"], "change": weights["W"] - earlier}
    stages = {name: matrix for name, matrix in weights.items() if name != "change"}
    limit = max(np.max(np.abs(stage), initial=0, where=np.isfinite(stage)) for stage in stages.values())
    recorded = dataset(data).sizes.get("recorded", 0) > 0 and next(iter(stages.values())).shape[0] > 1
    if before is None:
        panel_rows = [["W", "eigenvalues", *(["components"] if recorded else [])]]
    else:
        panel_rows = [list(weights), ["eigenvalues", *(["components" if recorded else "."] * 2)]]
    with style.styled():
        figure = Figure(figsize=(2.7 * len(panel_rows[0]), 2.6 * len(panel_rows) + 0.3))
        axes = figure.subplot_mosaic([[*names] for names in panel_rows])
        for name, matrix in weights.items():
            matrices.weight_matrix(matrix, axes[name], limit if name in stages else None, colorbar=name != "W before")
            axes[name].set_title(name)
        for index, (name, stage) in enumerate(stages.items()):
            colour = style.colour(rule) if index == len(stages) - 1 else "0.55"
            label = name if len(stages) > 1 else None
            matrices.eigenvalues(stage, axes["eigenvalues"], label, colour, circle=index == 0)
        above = {"loc": "lower center", "bbox_to_anchor": (0.5, 1), "borderaxespad": 0.2}
        axes["eigenvalues"].legend(**above)
        if recorded:
            phases = _chosen(data, phases)
            paths = [recording(data, "activity", phase, replicate, rule).values for phase in phases]
            matrices.principal_components(paths, axes["components"], labels=phases)
            axes["components"].legend(**above)
        figure.suptitle(f"{style.label(rule)}, replicate {replicate}")
    return figure


def _chosen(data: xr.Dataset | Result, phases: Sequence[str] | None) -> list[str]:
    """The phases to draw, in the order in which they are given; else the first and the last."""
    known = recordings.phases(data)
    if phases is None:
        return list(dict.fromkeys((known[0], known[-1])))
    chosen = [one_of("phase", phase, known) for phase in items("phases", phases, "names of recorded phases")]
    if not chosen:
        raise InputError(f"phases names none; it must be some of {', '.join(known)}")
    return chosen


def _states(data: xr.Dataset | Result, rule: str, phases: Sequence[str], replicate: int) -> list[str]:
    """The states and traces of the neurons that are not the activity by another name, the membrane first."""
    names = [name for name in panels.trace_names(data, rule) if name not in ("activity", "feedback", "error")]

    def values(name: str) -> np.ndarray:
        return recording(data, name, phases[-1], replicate, rule).values

    own = [name for name in names if not np.array_equal(values(name), values("activity"))]
    return sorted(own, key=lambda name: name != "v")


def _over_phases(
    data: xr.Dataset | Result,
    rule: str,
    replicate: int,
    phases: Sequence[str],
    drawn: dict[str, tuple[float, Callable[[Axes, str], None]]],
) -> Figure:
    """A column for each phase: the stimulus on top, what is given with its height, and the error below."""

    def lines(name: str, each: str) -> Callable[[Axes, str], None]:
        def draw(ax: Axes, phase: str) -> None:
            values = recording(data, name, phase, replicate, rule)
            count = values.shape[1]
            if count > len(GREYS):
                matrices.activity_map(values.values, ax, colorbar=False)
                ax.set_ylabel(f"{name} {each}s")
                return
            names = [f"{each} {index}" for index in range(count)]
            unit = values.attrs.get("units", "1")
            circuits.time_courses(values.values, ax, name, unit, names, spacing=0, colours=GREYS)
            if name == "error":
                ax.axhline(0, color="0.7", linewidth=0.6, zorder=1)
            if phase == phases[-1] and count > 1:
                ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))

        return draw

    rows = dict(drawn)
    if "trace_stimulus" in dataset(data):
        rows = {"stimulus": (0.7, lines("stimulus", "input")), **rows}
    if "trace_error" in dataset(data):
        rows["error"] = (0.7, lines("error", "coordinate"))
    heights = [height for height, _ in rows.values()]
    with style.styled():
        figure = Figure(figsize=(3.1 * len(phases) + 1, 1.05 * sum(heights) + 0.7))
        axes = figure.subplots(len(rows), len(phases), squeeze=False, sharex="col", height_ratios=heights)
        for row, (_, draw) in zip(axes, rows.values(), strict=True):
            for ax, phase in zip(row, phases, strict=True):
                draw(ax, phase)
                ax.label_outer()
            limits = np.array([ax.get_ylim() for ax in row])
            for ax in row:
                ax.set_ylim(limits[:, 0].min(), limits[:, 1].max())
        for ax, phase in zip(axes[0], phases, strict=True):
            ax.set_title(phase)
        figure.suptitle(f"{style.label(rule)}, replicate {replicate}")
        figure.align_ylabels(axes[:, 0])
    return figure


FIGURES = {"fig1": figure1, "fig2": figure2, "traces": figure_traces}
"""Every figure by its name; each can be drawn from a result alone."""
CIRCUIT_FIGURES: dict[str, Callable[..., Figure]] = {
    "raster": figure_raster,
    "activity": figure_activity,
    "circuit": figure_circuit,
}
"""Every figure of one replicate of a result by its name."""
