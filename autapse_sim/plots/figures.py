"""Whole figures, each from one result."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

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
        limits = np.array([[ax.get_xlim(), ax.get_ylim()] for ax in axes])
        for ax in axes:
            ax.set(
                xlim=(limits[:, 0, 0].min(), limits[:, 0, 1].max()), ylim=(limits[:, 1, 0].min(), limits[:, 1, 1].max())
            )
            if not ax.get_subplotspec().is_first_col():
                ax.set_ylabel("")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def figure2(data: xr.Dataset | Result) -> Figure:
    """The paper's Fig. 2: training and validation MSE of every rule, with the controls as lines."""
    with style.styled():
        figure = Figure(figsize=(7.2, 3.2))
        axes = figure.subplots(1, 2, sharey=True)
        for ax, kind in zip(axes, panels.CURVES, strict=True):
            for rule in panels.rules(data):
                panels.learning_curve(data, ax, rule, kind)
        if "control_mse" in panels.dataset(data):
            for ax in axes:
                panels.control_lines(data, ax, labels=ax is axes[-1])
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=6)
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
