"""Plots of results, on the caller's axes or as whole figures; none needs a display."""

from autapse_sim.results.plots.catalogue import figures_of
from autapse_sim.results.plots.circuits import raster, raster_trajectories, rate_histogram, time_courses
from autapse_sim.results.plots.figures.activity import draw as figure_activity
from autapse_sim.results.plots.figures.circuit import draw as figure_circuit
from autapse_sim.results.plots.figures.fig1 import draw as figure1
from autapse_sim.results.plots.figures.fig2 import draw as figure2
from autapse_sim.results.plots.figures.raster import draw as figure_raster
from autapse_sim.results.plots.figures.traces import draw as figure_traces
from autapse_sim.results.plots.matrices import (
    activity_map,
    eigenvalues,
    principal_axes,
    principal_components,
    weight_matrix,
)
from autapse_sim.results.plots.panels import control_lines, learning_curve, trace_names, traces, trajectories
from autapse_sim.results.plots.style import save, styled

__all__ = [
    "activity_map",
    "control_lines",
    "eigenvalues",
    "figure1",
    "figure2",
    "figure_activity",
    "figure_circuit",
    "figure_raster",
    "figure_traces",
    "figures_of",
    "learning_curve",
    "principal_axes",
    "principal_components",
    "raster",
    "raster_trajectories",
    "rate_histogram",
    "save",
    "styled",
    "time_courses",
    "trace_names",
    "traces",
    "trajectories",
    "weight_matrix",
]
