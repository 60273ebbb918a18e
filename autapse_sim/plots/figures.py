"""Whole figures, each from one result."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple

from autapse_sim.plots import panels, style
from autapse_sim.results import Result


def figure1(data: xr.Dataset | Result) -> Figure:
    """The paper's Fig. 1: a true trajectory and what each rule predicts, a panel per rule."""
    rules = panels.rules(data)
    columns = min(4, len(rules))
    rows = -(-len(rules) // columns)
    with style.styled():
        figure = Figure(figsize=(1.9 * columns + 0.5, 2.2 * rows + 0.4))
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax in axes[len(rules) :]:
            ax.remove()
        axes = axes[: len(rules)]
        for ax, rule in zip(axes, rules, strict=True):
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
        figure.legend(
            [handles[0]["true"], tuple(each["predicted"] for each in handles), handles[0]["start"]],
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
            for rule in panels.rules(data):
                panels.learning_curve(data, ax, rule, kind)
        shown = f"median and quartiles over {panels.dataset(data).sizes['replicate']} networks (▲: beyond the scale)"
        if "control_mse" in panels.dataset(data):
            shown += "; broken lines: controls on the test trajectories"
            for ax in axes:
                panels.control_lines(data, ax, labels=ax is axes[-1])
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, title=shown, loc="outside upper left", ncols=6, alignment="left")
    return figure


def figure_traces(data: xr.Dataset | Result, rule: str | None = None, phase: str | None = None) -> Figure:
    """Activity, trace, feedback and error of one rule over one trajectory (else: first rule, last phase)."""
    rule = rule or panels.rules(data)[0]
    names = panels.trace_names(data, rule)
    phase = phase or str(panels.dataset(data)["phase"].values[-1])
    with style.styled():
        figure = Figure(figsize=(6, 1.1 * len(names) + 0.6))
        panels.traces(data, figure.subplots(len(names), 1), rule, phase)
        figure.suptitle(f"{style.label(rule)}, {phase}")
        figure.align_ylabels()
    return figure


FIGURES = {"fig1": figure1, "fig2": figure2, "traces": figure_traces}
"""Every figure by its name; each can be drawn from a result alone."""
