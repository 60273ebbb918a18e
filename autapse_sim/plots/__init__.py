"""Plots of results, on the caller's axes or as whole figures; none needs a display."""

from autapse_sim.plots.figures import FIGURES, figure1, figure2, figure_traces
from autapse_sim.plots.panels import control_lines, learning_curve, trace_names, traces, trajectories
from autapse_sim.plots.style import save, styled

__all__ = [
    "FIGURES",
    "control_lines",
    "figure1",
    "figure2",
    "figure_traces",
    "learning_curve",
    "save",
    "styled",
    "trace_names",
    "traces",
    "trajectories",
]
